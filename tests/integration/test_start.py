"""What stops a start although the settings file is good: each says what and why, and nothing serves."""

import os
import shutil
import socket

import pytest

from support.homeward import Farm, Store
from support.lmtp_client import LmtpClient, mail
from support.ports import free_port
from support.run_directory import new_run_directory
from support.tracing import can_trace

EXIT_FAILURE = 1
EXIT_NO_PERMISSION = 77


def refuses(daemon, *words, status=EXIT_FAILURE):
    """Start it; it must end by itself with this status and say all the words."""
    daemon.write_settings()
    before = len(daemon.log_text())
    daemon.process.start()
    assert daemon.wait_for_end(20) == status
    said = daemon.log_text()[before:]
    assert all(word in said for word in words), said


@pytest.fixture
def pair(farm):
    """A bridge and a store that have run, so that all their directories are there."""
    farm.bridge.stop()
    farm.stores[0].stop()
    return farm.bridge, farm.stores[0]


@pytest.mark.parametrize("which", [0, 1], ids=["bridge", "store"])
def test_the_port_is_taken(pair, which):
    daemon = pair[which]
    with socket.create_server(("127.0.0.1", daemon.port)):
        refuses(daemon, f"127.0.0.1:{daemon.port}", "Address already in use")


@pytest.mark.parametrize("which", [0, 1], ids=["bridge", "store"])
def test_the_spool_directory_is_missing(pair, which):
    daemon = pair[which]
    shutil.rmtree(daemon.directory / "spool")
    refuses(daemon, str(daemon.directory / "spool"), "No such file")


@pytest.mark.parametrize("which", [0, 1], ids=["bridge", "store"])
def test_root_needs_a_user(pair, which):
    if os.geteuid() != 0:
        pytest.skip("only root can be refused as root")
    daemon = pair[which]
    user = daemon.settings.pop("user")
    refuses(daemon, "root", status=EXIT_NO_PERMISSION)
    daemon.settings["user"] = "no-such-account"
    refuses(daemon, "no-such-account", status=EXIT_NO_PERMISSION)
    daemon.settings["user"] = "root"
    refuses(daemon, "root", status=EXIT_NO_PERMISSION)
    daemon.settings["user"] = user
    daemon.start()


def test_a_socket_left_by_a_kill_is_taken_over(farm):
    """kill -9 leaves the unix socket behind: the next start uses its place."""
    farm.bridge.kill()
    assert farm.bridge.socket.exists()
    farm.bridge.start()
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@x", farm.mailboxes[:1], mail())
        assert reply.code == 250
    assert farm.bridge.socket.stat().st_mode & 0o777 == 0o666


def test_a_socket_in_use_is_not_stolen(farm, here):
    """A second bridge on the same socket does not start; the first goes on."""
    second = Farm(here / "second", stores=1, partitions=1, users=1).bridge
    second.settings = farm.bridge.settings | {
        "listen": [{"address": f"unix:{farm.bridge.socket}", "mode": "0666"},
                   {"address": f"127.0.0.1:{free_port()}"}]}
    refuses(second, str(farm.bridge.socket))
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@x", farm.mailboxes[:1], mail())
        assert reply.code == 250


def test_something_else_at_the_socket_is_not_removed(pair):
    bridge, _ = pair
    bridge.socket.unlink(missing_ok=True)
    bridge.socket.write_text("precious")
    refuses(bridge, str(bridge.socket))
    assert bridge.socket.read_text() == "precious"


def test_a_store_calls_itself_ready_when_everything_has_recovered():
    """Its door opens for the others meanwhile; readers are ordered after the readiness."""
    reason = can_trace()
    if reason:
        pytest.skip(reason)
    here = new_run_directory("ready")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(here / "notify"))
    os.chmod(here / "notify", 0o666)
    manager.settimeout(90)
    store = Store(here, "stored", wrapper=[
        "env", f"NOTIFY_SOCKET={here}/notify", "strace", "-f", "-qq", "-o", "/dev/null",
        "-e", "trace=fallocate", "-e", "inject=fallocate:delay_enter=2500000"])
    try:
        with store:
            told = []
            while not told or "READY=1" not in told[-1]:
                told.append(manager.recv(4096).decode())
            assert "partition open" in store.log_text()
        assert [text for text in told if "EXTEND_TIMEOUT_USEC=30000000" in text], told
        assert "not ready" in told[0]
    finally:
        manager.close()
        shutil.rmtree(here, ignore_errors=True)
