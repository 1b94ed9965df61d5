"""Scripts of tests/milter/ in miltertest, the Debian package: somebody else's idea of an MTA."""

from pathlib import Path

import pytest

from support.debian_packages import PackageUnavailable, library_environment, unpack
from support.milter import Milter
from support.process import run
from support.user_directory import YamlDirectory

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "milter").glob("*.lua"))


@pytest.fixture(scope="module")
def miltertest():
    try:
        return unpack("miltertest")
    except PackageUnavailable as why:
        pytest.skip(str(why))


@pytest.fixture
def milter(here):
    users = YamlDirectory(here / "users.yaml")
    users.add_server("store1", "127.0.0.1:1")
    users.add_partition("store1/mail1")
    users.add_user("u1@example.org", "store1/mail1")
    users.add_user("off@example.org", "store1/mail1", state="disabled")
    users.write()
    with Milter(here / "milter", users) as running:
        yield running


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script(miltertest, milter, script):
    environment = {"MILTER_SOCKET": milter.place} | library_environment(miltertest)
    run([miltertest / "usr/bin/miltertest", "-s", script], environment)
    assert milter.running
