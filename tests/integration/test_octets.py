"""What arrives is what was sent: line ends, NULs, 8-bit, long lines, dots, sizes up to the limit."""

import hashlib
import random
import shutil

import pytest
from conftest import Farm, make_mta

from support.lmtp_client import LmtpClient, mail, stuffed
from support.maildir_ledger import Ledger
from support.run_directory import new_run_directory
from support.smtp_sender import Message, SmtpSender, compose

MIB = 1 << 20

BODIES = {
    "empty": b"",
    "no header": b"just text\r\n",
    "only a header": b"Subject: x\r\n",
    "no line end at the end": b"Subject: x\r\n\r\nend",
    "NUL": b"Subject: x\r\n\r\na\0b\0\0\r\n\0\r\n",
    "8-bit": b"Subject: x\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
    "all octets but line ends": b"S: x\r\n\r\n" + bytes(set(range(256)) - {10, 13}) + b"\r\n",
    "bare LF": b"Subject: x\r\n\r\none\ntwo\n\nthree\r\n",
    "bare CR": b"Subject: x\r\n\r\none\rtwo\r\rthree\r\n",
    "CR CR LF": b"Subject: x\r\n\r\none\r\r\ntwo\r\n",
    "CR at the end": b"Subject: x\r\n\r\none\r",
    "a line of 100,000": b"Subject: x\r\n\r\n" + b"x" * 100_000 + b"\r\n",
    "a line of 2 MiB": b"Subject: x\r\n\r\n" + b"y" * (2 * MIB) + b"\r\n",
    "100,000 empty lines": b"Subject: x\r\n\r\n" + b"\r\n" * 100_000,
    "dots": b".\r\n..\r\n...\r\n.x\r\n\r\n.\r\n. \r\nx.\r\n",
    "a dot as the last line": b"Subject: x\r\n\r\ntext\r\n.\r\n",
    "mbox From": b"From a@b Thu\r\nSubject: x\r\n\r\nFrom here\r\n>From there\r\n",
    "Return-Path already there": b"Return-Path: <old@x>\r\nDelivered-To: old@x\r\nSubject: x\r\n\r\nx\r\n",
    "a header of 1 MiB": b"X: " + b"h" * MIB + b"\r\n\r\nbody\r\n",
    "random": random.Random(17).randbytes(700_000).replace(b"\n", b"\r\n"),
}


def stored_form(octets):
    """What a Maildir holds: CR LF is LF, nothing else changes. The final line end of LMTP's dot
    belongs to the message."""
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    return octets.replace(b"\r\n", b"\n")


@pytest.fixture(scope="module")
def shared():
    here = new_run_directory("octets")
    with Farm(here / "farm", stores=1, partitions=1, users=len(BODIES) + 1) as farm:
        yield farm
    shutil.rmtree(here, ignore_errors=True)


@pytest.mark.parametrize("case", BODIES)
def test_bodies_are_kept_octet_by_octet(shared, case):
    octets = BODIES[case]
    mailbox = shared.mailboxes[list(BODIES).index(case)]
    with LmtpClient(path=shared.bridge.socket) as client:
        (_, reply), = client.deliver("s@example.net", [mailbox], octets, " BODY=8BITMIME")
        assert reply.code == 250, str(reply)
    file, = shared.messages(mailbox)
    head = f"Return-Path: <s@example.net>\nDelivered-To: {mailbox}\n".encode()
    stored = file.read_bytes()
    assert stored[:len(head)] == head
    assert stored[len(head):] == stored_form(octets)
    # W is the size with CR LF everywhere, as a reader shows it: a CR that is there counts once.
    size, alone = len(stored), stored.count(b"\n") - stored.count(b"\r\n")
    assert file.name.endswith(f",S={size},W={size + alone}")


@pytest.mark.parametrize("piece", [1, 2, 3, 4096, 65536])
def test_dots_at_the_edges_of_reads(shared, piece):
    """The same, sent in pieces so that each CR, LF and dot comes first or last in a read."""
    octets = BODIES["dots"] * 3
    mailbox = shared.mailboxes[-1]
    before = set(shared.messages(mailbox))
    with LmtpClient(port=shared.bridge.port) as client:
        client.send(f"MAIL FROM:<>\r\nRCPT TO:<{mailbox}>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        whole = stuffed(octets)
        for start in range(0, len(whole), piece):
            client.send(whole[start:start + piece])
        assert client.reply().code == 250
    file, = set(shared.messages(mailbox)) - before
    assert file.read_bytes() == (b"Return-Path: <>\nDelivered-To: " + mailbox.encode() + b"\n"
                                 + stored_form(octets))


def test_a_large_message_needs_little_memory(here):
    """50 MB to five mailboxes in two stores, twice at once: whole, linked, and neither daemon ever
    holds even one message in memory. 100 MB is refused with the right word, at MAIL and after."""
    body = random.Random(5).randbytes(1 << 16).replace(b"\r", b".").replace(b"\n", b"\r\n")
    octets = b"Subject: large\r\n\r\n" + body * (50 * MIB // len(body)) + b"\r\n"
    digest = hashlib.sha256(stored_form(octets)).hexdigest()
    with Farm(here / "farm", users=8) as farm:
        to = farm.mailboxes[:5]
        before = {daemon.name: daemon.largest_memory() for daemon in farm.daemons}
        with LmtpClient(path=farm.bridge.socket, timeout=120) as client:
            replies = client.deliver("s@x", to, octets, f" SIZE={len(octets)}")
        assert [reply.code for _, reply in replies] == [250] * 5, replies
        for mailbox in to:
            file, = farm.messages(mailbox)
            text = file.read_bytes()
            assert hashlib.sha256(text[text.index(b"Subject: large"):]).hexdigest() == digest
        for daemon in farm.daemons:
            grown = daemon.largest_memory() - before[daemon.name]
            assert grown < 24 * MIB, f"{daemon.name} grew by {grown / MIB:.0f} MiB"
        with LmtpClient(path=farm.bridge.socket, timeout=120) as client:
            assert "SIZE 67108864" in client.capabilities
            reply = client.command("MAIL FROM:<s@x> SIZE=100000000")
            assert (reply.code, reply.enhanced) == (552, "5.3.4")
        assert_oversize_is_refused(farm)
        assert [len(farm.messages(mailbox)) for mailbox in farm.mailboxes] == [1] * 5 + [0] * 2 + [1]


def assert_oversize_is_refused(farm):
    """A message over the limit whose size was not declared: refused for each recipient, or the
    connection ends after the surplus; nothing is stored, the next one is served."""
    piece = b"x" * 1022 + b"\r\n"
    with LmtpClient(path=farm.bridge.socket, timeout=120) as client:
        client.send(f"MAIL FROM:<s@x>\r\nRCPT TO:<{farm.mailboxes[5]}>\r\n"
                    f"RCPT TO:<{farm.mailboxes[6]}>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
        # Half a MiB over the limit, with its end: all are answered.
        for _ in range(65):
            client.send(piece * 1024 if _ < 64 else piece * 512)
        client.send(b".\r\n")
        replies = [client.reply() for _ in range(2)]
        assert [(reply.code, reply.enhanced) for reply in replies] == [(552, "5.3.4")] * 2
        (_, reply), = client.deliver("s@x", [farm.mailboxes[7]], mail("small"))
        assert reply.code == 250


def test_a_message_without_end_is_cut(farm):
    """More than the surplus over the limit: the peer is told and cut, not listened to for ever."""
    with LmtpClient(path=farm.bridge.socket, timeout=60) as client:
        client.send(f"MAIL FROM:<s@x>\r\nRCPT TO:<{farm.mailboxes[0]}>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        with pytest.raises(OSError):
            for _ in range(200):
                client.send(b"z" * MIB)
    assert farm.messages(farm.mailboxes[0]) == []


@pytest.mark.parametrize("kind", ["postfix", "sendmail"])
def test_a_large_message_through_an_mta(here, kind):
    octets = compose("big.1", "s@example.org", 3000) + (b"0123456789abcde\r\n" * 1024) * 1200
    with Farm(here / "farm", users=8) as farm:
        options = ({"settings": {"message_size_limit": "60000000"}} if kind == "postfix" else {})
        ledger = Ledger(here / "ledger")
        with make_mta(kind, here / "mta", farm.bridge.lmtp_inet, **options) as mta:
            message = Message("big.1", "s@example.org", tuple(farm.mailboxes[:6]), octets)
            SmtpSender(mta.smtp_port, ledger, connections=1).send([message])
            mta.wait_until_empty(120, flush=True)
        verdict = farm.judge(here / "ledger")
        assert verdict.clean and verdict.stored == 6, str(verdict)
        assert not verdict.unlinked()
