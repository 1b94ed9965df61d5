"""What all crash tests share: directories, stores on volumes of their own, sizes, the judge."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.loop_volume import LoopVolume, why_not  # noqa: E402
from support.run_directory import new_run_directory  # noqa: E402
from support.tracing import can_trace  # noqa: E402

# 1 is the size for every change. HOMEWARD_TEST_SCALE=10 kills and cuts ten times as often.
SCALE = float(os.environ.get("HOMEWARD_TEST_SCALE", "1"))


def scaled(count, least=1):
    """`count` at the size asked for."""
    return max(least, round(count * SCALE))


@pytest.fixture
def here(request):
    """A directory of the test's own that daemons can enter; after a failure the logs are kept."""
    directory = new_run_directory("crash")
    yield directory
    if request.node.stash.get(_FAILED, False):
        _keep_logs(directory, request.node.name)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def volume_of(here):
    """Makes a mounted LoopVolume of a kind; all are taken away after the test."""
    made = []

    def make(kind="ext4", **options):
        reason = why_not(kind)
        if reason:
            pytest.skip(reason)
        made.append(LoopVolume(here, kind, **options).start())
        return made[-1]

    make.made = made
    yield make
    for volume in made:
        volume.stop()


@pytest.fixture
def strace():
    """Skips where strace cannot be used."""
    reason = can_trace()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def say(request, capsys):
    """Prints a line with the figures of a test, also where the output is captured."""
    def print_line(text):
        with capsys.disabled():
            print(f"\n  {request.node.name}: {text}", flush=True)
    return print_line


_FAILED = pytest.StashKey()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.stash[_FAILED] = True


def _keep_logs(directory, test):
    name = "".join(letter if letter.isalnum() else "-" for letter in test)[:80]
    target = Path(__file__).resolve().parents[2] / "build" / "test-results" / "logs" / name
    shutil.rmtree(target, ignore_errors=True)
    for file in directory.rglob("*"):
        if file.suffix in (".log", ".yaml", ".out") and file.is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    print(f"logs and settings are kept in {target}")
