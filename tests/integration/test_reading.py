"""Mail is read with a real Dovecot where it was filed, and homes that are a path are filed by the
bridge itself."""

import pwd

import pytest
from conftest import Farm, make_mta

from support import dovecot
from support.homeward import STORE_USER, make_directory
from support.lmtp_client import LmtpClient, mail
from support.maildir_ledger import Ledger, content_digest, judge, read_ledger
from support.ports import free_port
from support.smtp_sender import SmtpSender, paper_mix


def reader(here, homes):
    reason = dovecot.can_run()
    if reason:
        pytest.skip(reason)
    owner = pwd.getpwnam(STORE_USER)
    return dovecot.PrivateDovecot(here / "dovecot", free_port(), homes, owner.pw_uid, owner.pw_gid)


def test_what_postfix_delivered_is_read_over_imap(here):
    """Each user sees exactly the messages owed, octet for octet, with their sizes; what is read or
    expunged does not come back, and new mail goes on arriving."""
    with Farm(here / "farm", users=6) as farm:
        ledger = Ledger(here / "ledger")
        with make_mta("postfix", here / "mta", farm.bridge.lmtp_unix) as mta:
            SmtpSender(mta.smtp_port, ledger).send(
                paper_mix(30, farm.mailboxes, seed=11, recipients=(1, 6)))
            mta.wait_until_empty(60, flush=True)
        homes = {mailbox: farm.maildir(mailbox).parent for mailbox in farm.mailboxes}
        with reader(here, homes) as server:
            for mailbox in farm.mailboxes:
                assert seen(server, mailbox) == owed(here / "ledger", mailbox)
            assert_sizes_are_exact(server, farm.mailboxes[0])
            assert_expunged_stays_away(farm, server, farm.mailboxes[0])
            assert "Corrupted" not in server.log_text() and "Error" not in server.log_text()


def seen(server, mailbox):
    """{id: digest} of all messages as IMAP shows them."""
    messages = server.messages(mailbox)
    found = dict(map(content_digest, messages))
    assert len(found) == len(messages), "doubled"
    return found


def owed(ledger, mailbox):
    return {identity: entry.sha256 for identity, entry in read_ledger(ledger).items()
            if mailbox in entry.owed()}


def assert_sizes_are_exact(server, mailbox):
    """RFC822.SIZE comes from ,W= in the name: a wrong one would cut messages off."""
    connection = server.login(mailbox)
    connection.select("INBOX", readonly=True)
    _, (numbers,) = connection.search(None, "ALL")
    for number in numbers.split():
        _, answer = connection.fetch(number, "(RFC822.SIZE BODY.PEEK[])")
        size = int(answer[0][0].split(b"RFC822.SIZE ")[1].split()[0])
        assert size == len(answer[0][1])
    connection.logout()


def assert_expunged_stays_away(farm, server, mailbox):
    connection = server.login(mailbox)
    connection.select("INBOX")
    _, (numbers,) = connection.search(None, "ALL")
    count = len(numbers.split())
    connection.store("1", "+FLAGS", "\\Deleted")
    connection.store("2", "+FLAGS", "\\Seen")
    connection.expunge()
    connection.logout()
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@x", [mailbox], mail("news"))
        assert reply.code == 250
    after = server.messages(mailbox)
    assert len(after) == count and b"Subject: news" in after[-1]


def test_large_and_odd_messages_are_read_as_they_are(here):
    """Long lines, NUL and 8-bit, a message that is only a header: Dovecot shows all of them."""
    bodies = [b"Subject: one\r\n\r\n" + b"x" * 300_000 + b"\r\n", b"Subject: two\r\n",
              b"Subject: three\r\n\r\n\x80\xff\r\n", b"Subject: four\r\n\r\n" + b"\r\n" * 9999]
    with Farm(here / "farm", users=1, stores=1, partitions=1) as farm:
        mailbox, = farm.mailboxes
        for body in bodies:
            with LmtpClient(path=farm.bridge.socket) as client:
                (_, reply), = client.deliver("s@x", [mailbox], body)
                assert reply.code == 250
        with reader(here, {mailbox: farm.maildir(mailbox).parent}) as server:
            texts = [text.partition(b"Delivered-To: ")[2].partition(b"\r\n")[2]
                     for text in server.messages(mailbox)]
            assert sorted(texts) == sorted(bodies)


@pytest.fixture
def path_farm(here):
    """Two users live in a store, two in a tree that the bridge writes itself."""
    tree = make_directory(here / "tree", None)
    farm = Farm(here / "farm", stores=1, partitions=1, users=2)
    farm.bridge.owner = farm.stores[0].owner
    farm.bridge.settings["user"] = farm.stores[0].owner
    make_directory(tree, farm.stores[0].owner)
    farm.users.add_server("old", "127.0.0.1:9")
    farm.users.add_partition("old/tree", kind="path", path=str(tree))
    for local in ("p1", "p2"):
        for folder in ("", "p", "p/Maildir", "p/Maildir/tmp", "p/Maildir/new", "p/Maildir/cur"):
            make_directory(tree / "example.org" / folder.replace("p", local, 1),
                           farm.stores[0].owner, 0o700)
        farm.users.add_user(f"{local}@example.org", "old/tree")
        farm.mailboxes.append(f"{local}@example.org")
    with farm:
        yield farm, tree


def test_homes_that_are_a_path(here, path_farm):
    """The bridge files them by itself, beside others: the same names, headers and links."""
    farm, tree = path_farm
    ledger = Ledger(here / "ledger")
    with make_mta("postfix", here / "mta", farm.bridge.lmtp_unix) as mta:
        SmtpSender(mta.smtp_port, ledger).send(
            paper_mix(30, farm.mailboxes, seed=12, recipients=(1, 4)))
        mta.wait_until_empty(60, flush=True)
    verdict = judge(here / "ledger", [*farm.partitions, tree])
    assert verdict.clean and verdict.stored == verdict.sent and not verdict.unlinked(), str(verdict)
    assert verdict.per_mailbox["p1@example.org"] > 0
    with reader(here, {"p1@example.org": tree / "example.org" / "p1"}) as server:
        assert seen(server, "p1@example.org") == owed(here / "ledger", "p1@example.org")


def test_a_path_home_that_is_away(path_farm):
    """An unmounted tree, or a mailbox that is not there, is never made anew: try later; it heals by
    itself."""
    farm, tree = path_farm

    def codes():
        with LmtpClient(path=farm.bridge.socket) as client:
            return [reply.code for _, reply in
                    client.deliver("s@x", farm.mailboxes, mail(received=False))]

    assert codes() == [250] * 4
    tree.rename(tree.with_name("away"))
    assert codes() == [250, 250, 451, 451]
    assert not tree.exists()
    tree.with_name("away").rename(tree)
    assert codes() == [250] * 4
    assert len(list((tree / "example.org/p1/Maildir/new").iterdir())) == 2
    home = tree / "example.org/p2"
    home.rename(home.with_name("away"))
    assert codes() == [250, 250, 250, 451]
    assert not home.exists()


def test_a_repeat_for_a_path_home(path_farm):
    """No shared memory of identities there: at-least-once. The same message again within the same
    second is still one file; a later repeat may be a second one."""
    farm, tree = path_farm
    for _ in range(2):
        with LmtpClient(path=farm.bridge.socket) as client:
            replies = client.deliver("s@x", farm.mailboxes, mail("again"))
            assert [reply.code for _, reply in replies] == [250] * 4
    assert [len(farm.messages(one)) for one in farm.mailboxes[:2]] == [1, 1]
    assert 1 <= len(list((tree / "example.org/p1/Maildir/new").iterdir())) <= 2
