"""What all integration tests share: run directories, farms that explain a failure, the two MTAs."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import postfix, sendmail  # noqa: E402
from support.homeward import Farm, program  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.run_directory import new_run_directory  # noqa: E402

# 1 is the size for every change; HOMEWARD_TEST_SCALE=4 runs 2,000 messages instead of 500, and
# every other count with them.
SCALE = float(os.environ.get("HOMEWARD_TEST_SCALE", "1"))


def scaled(count, least=1):
    """`count` at the size asked for."""
    return max(least, round(count * SCALE))


def pytest_collection_modifyitems(items):
    for name in ("stored", "homeward-bridge"):
        try:
            program(name)
        except FileNotFoundError as missing:
            raise pytest.UsageError(str(missing)) from None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.stash[_FAILED] = True


_FAILED = pytest.StashKey()


@pytest.fixture
def here(request):
    """A directory of the test's own that daemons can enter; after a failure the logs are kept."""
    directory = new_run_directory("it")
    yield directory
    if request.node.stash.get(_FAILED, False):
        _keep_logs(directory, request.node.name)
    shutil.rmtree(directory, ignore_errors=True)


def _keep_logs(directory, test):
    name = "".join(letter if letter.isalnum() else "-" for letter in test)[:80]
    target = Path(__file__).resolve().parents[2] / "build" / "test-results" / "logs" / name
    shutil.rmtree(target, ignore_errors=True)
    for file in directory.rglob("*"):
        if file.suffix in (".log", ".yaml", ".out") and file.is_file():
            place = target / file.relative_to(directory)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
    print(f"logs and settings are kept in {target}")


@pytest.fixture
def farm(here):
    """Two stores with two partitions each, eight users, a bridge."""
    with Farm(here / "farm", users=8) as running:
        yield running


MTAS = ("postfix", "sendmail")


def make_mta(kind, directory, lmtp, **options):
    """A private MTA, not started yet. Skips the test, with the reason, where it cannot run."""
    module = {"postfix": postfix, "sendmail": sendmail}[kind]
    reason = module.can_run()
    if reason:
        pytest.skip(reason)
    if kind == "postfix":
        return postfix.PrivatePostfix(directory, free_port(), lmtp, **options)
    return sendmail.PrivateSendmail(directory, free_port(), lmtp, **options)
