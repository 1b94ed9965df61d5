"""Self-test of the farm: it starts, delivers, is judged, restarts, and leaves nothing behind."""

import shutil

import pytest

from support.homeward import Farm, program
from support.lmtp_client import LmtpClient, mail
from support.maildir_ledger import Ledger
from support.process import is_alive
from support.run_directory import new_run_directory
from support.smtp_sender import compose
from support.yaml_text import yaml_text

try:
    program("stored")
    program("homeward-bridge")
except FileNotFoundError as missing:
    pytest.skip(str(missing), allow_module_level=True)


@pytest.fixture
def here():
    directory = new_run_directory("farm")
    yield directory
    shutil.rmtree(directory)


def test_yaml_text_is_readable():
    assert yaml_text({"a": {"b": 1, "none": None}, "c": [{"x": "1", "y": ["p", 2]}], "d": []}) == (
        'a:\n  b: 1\nc:\n  - {x: "1", y: ["p", 2]}\nd: []\n')


def test_a_farm_delivers_and_is_judged(here):
    ledger = Ledger(here / "ledger")
    with Farm(here / "farm", stores=2, partitions=2, users=8) as farm:
        octets = compose("farm.1", "sender@example.org", 3000)
        ledger.offered(octets, farm.mailboxes)
        with LmtpClient(path=farm.bridge.socket) as client:
            replies = client.deliver("sender@example.org", farm.mailboxes, octets)
        assert [reply.code for _, reply in replies] == [250] * 8
        ledger.answered("farm.1", {address: ("accepted", reply.text)
                                   for address, reply in replies})
        verdict = farm.judge(here / "ledger")
        assert verdict.clean and verdict.stored == 8, str(verdict)
        assert [len(farm.messages(mailbox)) for mailbox in farm.mailboxes] == [1] * 8
        assert len(farm.partitions) == 4
    assert "stopped" in farm.bridge.log_text()


def test_daemons_can_be_killed_and_started_again(here):
    with Farm(here / "farm", stores=1, partitions=1, users=1) as farm:
        for daemon in farm.daemons:
            before = daemon.pid
            daemon.kill()
            assert not daemon.running and not is_alive(before)
            daemon.start()
            assert daemon.running and daemon.pid != before
        with LmtpClient(port=farm.bridge.port) as client:
            (_, reply), = client.deliver("", farm.mailboxes, mail())
        assert reply.code == 250, str(reply)
        farm.collect_logs(here / "logs")
    assert {file.name for file in (here / "logs").iterdir()} >= {"bridge.log", "store1.yaml"}


def test_a_reload_is_reported(here):
    with Farm(here / "farm", stores=1, partitions=1, users=1) as farm:
        farm.stores[0].settings["log_level"] = "debug"
        assert "settings reloaded" in farm.stores[0].reload()
        farm.stores[0].settings["nonsense"] = 1
        assert "nonsense" in farm.stores[0].reload()
