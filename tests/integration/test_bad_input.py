"""Bad input at both doors (reliability.md 5): a clear refusal, nothing lost, nothing in anybody
else's mailbox, the next honest message served."""

import os
import random
import shutil
import socket
import threading
from pathlib import Path

import pytest
from conftest import Farm, scaled

from support.homeward import Store
from support.lmtp_client import ConnectionEnded, LmtpClient, mail
from support.run_directory import new_run_directory
from support.store_client import StoreClient
from support.tracing import open_files, wait_for_few_files

GARBAGE = {
    "nothing": b"",
    "a TLS hello": bytes.fromhex("16030100c8010000c403035f5e") + b"\0" * 200,
    "HTTP": b"GET / HTTP/1.1\r\nHost: mail\r\n\r\n",
    "an SSH greeting": b"SSH-2.0-OpenSSH_9.2\r\n",
    "NULs": b"\0" * 10_000,
    "a line without an end": b"A" * 3_000_000,
    "line ends": b"\r\n" * 20_000,
    "bare LF": b"LHLO x\nNOOP\nQUIT\n" * 5,
    "all octets": bytes(range(256)) * 100,
    "high octets": b"\xff\xfe" * 5000 + b"\r\n",
    "random octets": random.Random(7).randbytes(200_000),
    "half a command": b"MAIL FROM:<a@",
    "many commands": b"NOOP\r\n" * 50_000,
    "many wrong commands": b"EXPN x\r\n" * 50_000,
}


def throw(port, octets):
    """Send octets, read what comes back without waiting for more than the server wants to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        def read():
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass

        reader = threading.Thread(target=read)
        reader.start()
        try:
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        reader.join(60)
        assert not reader.is_alive(), "the server neither answers nor closes"


@pytest.fixture(scope="module")
def shared():
    """One farm for all that must not disturb it."""
    here = new_run_directory("bad")
    farm = Farm(here / "farm", stores=1, partitions=2, users=4)
    for odd in ('"../up"@example.org', "a/b@example.org", '".hidden"@example.org',
                '"..\\\\..\\\\x"@example.org', "~root@example.org", "%2e%2e@example.org",
                "`id`@example.org", '"a$(id)b"@example.org', "\u00e9@example.org",
                "e\u0301@example.org"):
        farm.add_user(odd, "store1/mail1")
    with farm:
        yield farm
    shutil.rmtree(here, ignore_errors=True)


def assert_well(farm):
    """The next honest message is served, and nobody else got it."""
    before = [len(farm.messages(one)) for one in farm.mailboxes]
    with LmtpClient(port=farm.bridge.port) as client:
        (_, reply), = client.deliver("s@example.net", farm.mailboxes[:1],
                                     mail("honest", received=False))
        assert reply.code == 250, str(reply)
    after = [len(farm.messages(one)) for one in farm.mailboxes]
    assert [b - a for a, b in zip(before, after)] == [1, 0, 0, 0]


@pytest.mark.parametrize("case", GARBAGE)
@pytest.mark.parametrize("door", ["lmtp", "store"])
def test_garbage(shared, door, case):
    port = shared.bridge.port if door == "lmtp" else shared.stores[0].port
    throw(port, GARBAGE[case])
    assert_well(shared)


ADDRESSES = [
    b"../../../etc/passwd@example.org", b"../u2@example.org", b"u1@../../mail2/example.org",
    b"u1@example.org/../x", b"/etc/passwd", b"u1\0@example.org", b"u1@example.org\0",
    b"u1@example.org\rRCPT TO:<u2@example.org>", b"u1@example.org> <u2@example.org",
    b"u1@example.org>\nRCPT <u2@example.org", b"a" * 500 + b"@example.org",
    b"u1@" + b"a." * 400 + b"org", b"@", b"", b"u1@@example.org", b"\xc3\xa9\xff@example.org",
    b"\xef\xbc\x8e\xef\xbc\x8e\xef\xbc\x8fx@example.org",  # full-width dots and slash
    b"u1%u2@example.org", b"u1@[127.0.0.1]", b"u1|cat@example.org", b"~root@example.net",
]


@pytest.mark.parametrize("address", ADDRESSES, ids=[ascii(one)[2:42] for one in ADDRESSES])
def test_odd_addresses_at_the_lmtp_door(shared, address):
    """Refused or unknown; never somebody else's mailbox, never a file elsewhere."""
    tree = files_of(shared)
    with LmtpClient(port=shared.bridge.port) as client:
        client.command("MAIL FROM:<s@example.net> SMTPUTF8")
        reply = client.command(b"RCPT TO:<" + address + b">")
        assert reply.code in (500, 501, 550, 553, 555), str(reply)
        assert all(32 <= ord(letter) for letter in reply.text), reply.text
        # One answer, or one for each line there was.
        for _ in range(address.count(b"\n")):
            client.reply()
        reply = client.command("DATA")
        assert reply.code == 503, str(reply)
    assert files_of(shared) == tree
    assert_well(shared)


def files_of(farm):
    """All mail files, by path below the directory of the farm."""
    return {os.path.join(folder, name) for folder, _, names in os.walk(farm.directory)
            for name in names if folder.endswith(("/new", "/cur", "/tmp"))}


def test_odd_users_stay_in_their_partition(shared):
    """Users with such names exist in the directory: each gets a Maildir of their own, in place."""
    odd = [mailbox for mailbox in shared.users.users if mailbox not in shared.mailboxes]
    root = shared.stores[0].paths["mail1"]
    before = files_of(shared)
    for mailbox in odd:
        with LmtpClient(port=shared.bridge.port) as client:
            (_, reply), = client.deliver("s@example.net", [mailbox], mail(mailbox, received=False),
                                         " SMTPUTF8")
            assert reply.code in (250, 501, 550), (mailbox, str(reply))
    made = files_of(shared) - before
    assert all(file.startswith(f"{root}/example.org/") for file in made), made
    homes = {file.partition("/example.org/")[2].partition("/")[0] for file in made}
    assert len(homes) == len(made) >= 5, made
    assert not any(home.startswith(".") for home in homes), homes
    assert {entry.name for entry in shared.stores[0].directory.iterdir()} == {
        "mail1", "mail2", "spool", "store1.yaml", "store1.log"}


MAILBOXES = [
    b"../../x@y", b"..@y", b"x@..", b"x@../..", b".", b"..", b"/", b"x/../../y@z", b"x@/etc",
    b"x@y/../../..", b"\xff\xfe@y", b"a" * 300 + b"@y", b"x@" + b"b" * 300, b"x@.", b"-rf@y",
    b"a\\..\\b@y", b"x@y\0z", b"\xe2\x80\xae@y", b"new@y", b"Maildir@y", b"tmp", b"cur@new",
]


@pytest.mark.parametrize("mailbox", MAILBOXES, ids=[ascii(one)[2:32] for one in MAILBOXES])
def test_mailboxes_at_the_storage_door(here, mailbox):
    """Promise 18: whatever the mailbox, nothing is made outside <partition>/<domain>/<local>."""
    with Store(here / "store", "store1", ("mail1", "mail2")) as store:
        before = {path for path in here.rglob("*") if not is_log(path)}
        with StoreClient(store.port) as client:
            client.send(b"SIZE 5\r\nNAME 1.k.mx\r\nPRTN mail1\r\nFROM <>\r\nRCPT <" + mailbox
                        + b">\r\nDATA\r\nx: y\n")
            replies = [client.reply() for _ in range(6)]
            assert replies[4][:4] == replies[5][:4], replies
            assert "\n" not in "".join(replies)
            accepted = replies[5].startswith("+OK")
            again = client.deliver("2.k2.mx", "mail1", "s@x", ["honest@y"], mail())
            assert again[0].startswith("+OK [STORED")
        made = {path for path in here.rglob("*") if not is_log(path)} - before
        assert all(path.is_relative_to(store.paths["mail1"]) for path in made), made
        assert not any(path.is_symlink() for path in made)
        found = [path for path in made if path.is_file()]
        assert len(found) == 1 + accepted, found
        for path in found:
            assert path.relative_to(store.paths["mail1"]).parts[2:4] == ("Maildir", "new"), path


def is_log(path):
    return path.suffix == ".log"


NAMES = ["../x", "/etc/x", ".hidden", "a/b", "a b", "a:2,S", "a,S=1", "x" * 129, "", "a\0b", "é"]


@pytest.mark.parametrize("verb", ["NAME", "PRTN"])
@pytest.mark.parametrize("name", NAMES, ids=[ascii(one)[:20] for one in NAMES])
def test_names_and_partitions_at_the_storage_door(shared, verb, name):
    tree = files_of(shared)
    with StoreClient(shared.stores[0].port) as client:
        reply = client.command(f"{verb} {name}")
        assert reply.startswith("-ERR ["), reply
        assert client.command("RSET").startswith("+OK")
    assert files_of(shared) == tree


def test_a_transaction_cut_at_every_octet(here):
    """A peer that hangs up anywhere leaves nothing; only the whole transaction is stored."""
    octets = mail("cut")
    whole = (f"SIZE {len(octets)}\r\nNAME 1.k.mx\r\nPRTN mail1\r\nFROM <s@x>\r\nRCPT <a@y>\r\n"
             "DATA\r\n").encode() + octets
    with Store(here / "store", "store1") as store:
        for end in range(len(whole)):
            with socket.create_connection(("127.0.0.1", store.port)) as connection:
                connection.sendall(whole[:end])
        with StoreClient(store.port, extensions="") as client:
            client.send(whole)
            assert [client.reply()[:3] for _ in range(6)] == ["+OK"] * 6
        assert len(list(store.paths["mail1"].rglob("new/*"))) == 1
        assert not list(store.paths["mail1"].rglob("tmp/*"))
        wait_for_few_files(store.pid, 60)


def test_one_octet_at_a_time(farm):
    """Both doors take a conversation in pieces of one octet."""
    octets = mail("slowly")
    whole = (f"LHLO me\r\nMAIL FROM:<s@x>\r\nRCPT TO:<{farm.mailboxes[0]}>\r\nDATA\r\n").encode()
    with LmtpClient(port=farm.bridge.port, lhlo=None) as client:
        for octet in whole + octets + b".\r\n":
            client.send(bytes([octet]))
        assert [client.reply().code for _ in range(5)] == [250, 250, 250, 354, 250]
    with StoreClient(farm.stores[0].port, extensions="") as client:
        for octet in (f"SIZE {len(octets)}\r\nNAME 1.k.mx\r\nPRTN mail1\r\nFROM <>\r\n"
                      f"RCPT <{farm.mailboxes[0]}>\r\nDATA\r\n").encode() + octets:
            client.send(bytes([octet]))
        assert [client.reply()[:3] for _ in range(6)] == ["+OK"] * 6
    assert len(farm.messages(farm.mailboxes[0])) == 2


def test_no_state_is_left_over(farm):
    """Recipients, senders and messages of one transaction never reach the next one, however the
    first one ended."""
    one, two = farm.mailboxes[:2]
    endings = ["RSET\r\n", "LHLO again\r\n", "MAIL FROM:<bad\r\nRSET\r\n"]
    for number, ending in enumerate(endings * scaled(5)):
        with LmtpClient(port=farm.bridge.port) as client:
            client.send(f"MAIL FROM:<s@x>\r\nRCPT TO:<{one}>\r\n{ending}")
            replies = 2 + ending.count("\n")
            assert [client.reply().code for _ in range(replies)][-1] == 250
            (_, reply), = client.deliver("t@x", [two], mail(f"second {number}"))
            assert reply.code == 250
        with StoreClient(farm.stores[0].port) as client:
            client.send(f"SIZE 3\r\nNAME 1.left{number}.mx\r\nPRTN mail1\r\nFROM <s@x>\r\n"
                        f"RCPT <{one}>\r\nRSET\r\n")
            assert [client.reply()[:3] for _ in range(6)] == ["+OK"] * 6
            client.send("DATA\r\n")
            assert client.reply().startswith("-ERR")
    assert farm.messages(one) == []
    assert len(farm.messages(two)) == len(endings) * scaled(5)


def test_smuggled_messages_stay_text(farm):
    """Only CRLF.CRLF ends a message; all else is content, down to the octet."""
    ends = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n\n.\n\n", b"\r\n\0.\r\n",
            b"\r\n.\0\r\n", b"\r\n. \r\n", b"\0\r\n.\n"]
    one, two = farm.mailboxes[:2]
    for number, end in enumerate(ends):
        inner = (f"MAIL FROM:<evil@x>\r\nRCPT TO:<{two}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
                 ).encode()
        octets = f"Subject: outer {number}\r\n\r\nx".encode() + end + inner + b"\r\n"
        with LmtpClient(port=farm.bridge.port) as client:
            (_, reply), = client.deliver("s@x", [one], octets)
            assert reply.code == 250
            assert client.quit().code == 221
        stored = next(octets for octets in map(Path.read_bytes, farm.messages(one))
                      if f"Subject: outer {number}\n".encode() in octets)
        assert stored.partition(b"\n")[2].partition(b"\n")[2] == octets.replace(b"\r\n", b"\n")
    assert len(farm.messages(one)) == len(ends) and farm.messages(two) == []


def test_hundreds_of_idle_connections_harm_nobody(farm):
    """Silent peers up to the limit; the doors stay open for those within it, and all is freed."""
    before = [open_files(daemon.pid) for daemon in farm.daemons]
    idle = []
    for port in (farm.bridge.port, farm.stores[0].port):
        idle += [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@x", farm.mailboxes[:1], mail("in between"))
        assert reply.code == 250
    for connection in idle:
        connection.close()
    for daemon, count in zip(farm.daemons, before):
        wait_for_few_files(daemon.pid, count + 10)


def test_errors_are_counted_and_end_the_connection(farm):
    """20 protocol errors close it, at both doors, with a last word."""
    with LmtpClient(port=farm.bridge.port) as client:
        last = None
        with pytest.raises((ConnectionEnded, OSError)):
            for _ in range(30):
                last = client.command("NONSENSE")
        assert last.code == 421
    with StoreClient(farm.stores[0].port, extensions="") as client:
        replies = []
        with pytest.raises((AssertionError, OSError)):
            for _ in range(30):
                replies.append(client.command("NONSENSE"))
                assert replies[-1]
        assert len([reply for reply in replies if reply]) == 20, replies
