"""The directory as operators have it: an SQLite file that homewardctl changes while mail flows."""

import json

import pytest
from conftest import Farm, make_mta, scaled

from support.homeward import BRIDGE_USER, account, program
from support.lmtp_client import LmtpClient, mail
from support.maildir_ledger import Ledger
from support.smtp_sender import SmtpSender, paper_mix
from support.user_directory import SqliteDirectory
from support.waiting import wait_until


@pytest.fixture
def farm(here):
    try:
        control = program("homewardctl")
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    (here / "directory").mkdir()
    users = SqliteDirectory(here / "directory" / "directory.db", control, account(BRIDGE_USER))
    with Farm(here / "farm", users=6, user_directory=users) as running:
        yield running


def codes(farm, *addresses):
    with LmtpClient(path=farm.bridge.socket) as client:
        return [reply.code for _, reply in
                client.deliver("s@x", addresses, mail(received=False))]


def eventually(farm, address, code):
    wait_until(lambda: codes(farm, address) == [code], f"{address} is answered {code}", 15)


def test_mail_through_an_mta(here, farm):
    ledger = Ledger(here / "ledger")
    with make_mta("postfix", here / "mta", farm.bridge.lmtp_unix) as mta:
        SmtpSender(mta.smtp_port, ledger).send(
            paper_mix(scaled(50), farm.mailboxes, seed=5, recipients=(1, 6)))
        mta.wait_until_empty(60, flush=True)
    verdict = farm.judge(here / "ledger")
    assert verdict.clean and verdict.stored == verdict.sent, str(verdict)


def test_changes_by_homewardctl_arrive(farm):
    """Add, move, disable, remove; a partition offline and back: no restart, no signal."""
    new = f"new@{farm.domain}"
    assert codes(farm, new) == [550]
    farm.add_user(new, "store1/mail1")
    farm.users.write()
    eventually(farm, new, 250)
    farm.add_user(new, "store2/mail2")
    farm.users.write()
    wait_until(lambda: codes(farm, new) == [250] and farm.messages(new), "the new home is used", 15)
    farm.users.partitions["store2/mail2"] = {"state": "offline"}
    farm.users.write()
    eventually(farm, new, 451)
    farm.users.partitions["store2/mail2"] = {"state": "draining"}
    farm.users.write()
    eventually(farm, new, 250)
    del farm.users.users[new]
    farm.users.write()
    eventually(farm, new, 550)


def test_new_users_go_round_the_partitions(farm):
    """A2: without --home each new user gets the next active partition in turn."""
    for number in range(8):
        farm.users.control("user", "add", f"turn{number}@{farm.domain}")
    listed = json.loads(farm.users.control("--json", "user", "list", "turn*").stdout)
    homes = [user["home"] for user in listed]
    assert {home: homes.count(home) for home in homes} == dict.fromkeys(
        ("store1/mail1", "store1/mail2", "store2/mail1", "store2/mail2"), 2)
    eventually(farm, f"turn7@{farm.domain}", 250)


def test_the_file_is_away(farm):
    """Renamed away, and spoiled: the bridge goes on with what it knows, also for unknown users it
    could tell before; the right file again is taken without a restart."""
    file = farm.users.file
    backup = file.with_name("backup.db")
    farm.users.control("directory", "backup", str(backup))
    file.rename(file.with_name("away.db"))
    assert codes(farm, *farm.mailboxes[:2]) == [250, 250]
    wait_until(lambda: "directory away" in farm.bridge.log_text(), "the bridge notices", 15)
    assert codes(farm, *farm.mailboxes[:2]) == [250, 250]
    file.with_name("away.db").rename(file)
    wait_until(lambda: "directory is back" in farm.bridge.log_text(), "the bridge notices", 15)
    new = f"after@{farm.domain}"
    farm.add_user(new, "store1/mail1")
    farm.users.write()
    eventually(farm, new, 250)


def test_homewardctl_looks_at_what_runs(farm):
    """locate, deliver-test, status and check against a running farm."""
    mailbox = farm.mailboxes[0]
    located = farm.users.control("--json", "locate", f"{mailbox.split('@')[0]}+x@{farm.domain}")
    assert farm.homes[mailbox] in located.stdout
    before = len(farm.messages(mailbox))
    farm.users.control("deliver-test", mailbox)
    assert len(farm.messages(mailbox)) == before + 1
    status = farm.users.control("--json", "status")
    assert all(store.name in status.stdout for store in farm.stores)
    farm.stores[1].stop()
    status = farm.users.control("--json", "status", check=False)
    assert status.returncode != 0 and "store2" in status.stdout
    farm.users.control("directory", "check")
