"""The user directory is away or faulty (F33): the last replica goes on; with none every recipient is
told to try later. Never 550 for somebody who may exist."""

from conftest import Farm

from support.lmtp_client import LmtpClient, mail
from support.waiting import wait_until


def codes(farm, *addresses):
    with LmtpClient(path=farm.bridge.socket) as client:
        return [reply.code for _, reply in
                client.deliver("s@x", addresses, mail(received=False))]


def test_the_last_replica_goes_on(farm):
    text = farm.users.file.read_text()
    one, two = farm.mailboxes[:2]
    for fault in (None, "", "users: [", text.replace("home:", "hone:"), text[:len(text) // 2],
                  "servers: []\npartitions: []\nusers: []\n"):
        farm.users.file.unlink()
        if fault is not None:
            farm.users.file.write_text(fault)
        before = len(farm.bridge.log_text())
        wait_until(lambda: "directory away" in farm.bridge.log_text()[before:],
                   lambda: f"the fault is noticed: {farm.bridge.last_lines(3)}", 10)
        assert codes(farm, one, two) == [250, 250]
        farm.users.write()
        wait_until(lambda: "directory is back" in farm.bridge.log_text()[before:],
                   "the repair is noticed", 10)
        assert codes(farm, one, two) == [250, 250]


def test_without_any_replica_all_is_deferred(here):
    farm = Farm(here / "farm", stores=1, partitions=1, users=2)
    try:
        farm.stores[0].start()
        farm.bridge.start(wait=False)
        wait_until(lambda: "listening" in farm.bridge.log_text(), "the bridge listens", 20)
        answers = codes(farm, farm.mailboxes[0], "nobody@example.org", "x@unknown.example")
        assert answers == [451, 451, 451]
        farm.users.servers["store1"] = [farm.stores[0].endpoint]
        farm.users.write()
        wait_until(lambda: codes(farm, farm.mailboxes[0]) == [250], "the directory is found", 10)
        assert codes(farm, "nobody@example.org", farm.mailboxes[1]) == [550, 250]
    finally:
        print(farm.log_ends())
        farm.stop()


def test_a_saved_replica_survives_a_restart(here):
    """With replica_file the bridge starts and works while the directory is away."""
    settings = {"directory": {"replica_file": str(here / "farm/bridge/spool/replica")}}
    with Farm(here / "farm", stores=1, partitions=1, users=2, bridge_settings=settings) as farm:
        assert codes(farm, *farm.mailboxes) == [250, 250]
        wait_until((here / "farm/bridge/spool/replica").exists, "the replica is saved", 10)
        farm.users.file.unlink()
        farm.bridge.stop()
        farm.bridge.start(wait=False)
        wait_until(lambda: "listening" in farm.bridge.log_since_start(), "the bridge listens", 20)
        assert codes(farm, *farm.mailboxes) == [250, 250]
        assert "saved directory in use" in farm.bridge.log_since_start()


def test_changes_arrive_while_mail_flows(farm):
    """New users, moved users, users made inactive, partitions offline: without restart or signal."""
    one = farm.mailboxes[0]
    new = f"new@{farm.domain}"
    assert codes(farm, new) == [550]
    farm.add_user(new, "store2/mail1")
    farm.users.write()
    wait_until(lambda: codes(farm, new) == [250], "the new user is known", 10)
    before = len(farm.messages(one))
    old_place = farm.home_of(one)
    farm.add_user(one, "store2/mail2", epoch=2)
    farm.users.write()
    wait_until(lambda: codes(farm, one) == [250] and farm.messages(one), "the new home is used", 10)
    assert farm.home_of(one) != old_place and before == 0
    farm.add_user(new, "store2/mail1", state="disabled")
    farm.users.partitions["store2/mail2"]["state"] = "offline"
    farm.users.write()
    wait_until(lambda: codes(farm, one) == [451], "the partition is offline", 10)
    disabled, = codes(farm, new)
    assert disabled in (450, 451, 550, 554), disabled
    farm.users.partitions["store2/mail2"]["state"] = "full"
    farm.users.write()
    wait_until(lambda: codes(farm, one) == [250], "full means: no new users there", 10)
