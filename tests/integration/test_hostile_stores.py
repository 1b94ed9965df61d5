"""A store that lies, babbles, is slow or silent (reliability.md 5): its own recipients are deferred,
never acknowledged and never bounced; everybody else is served; nobody gets another's answer."""

import pytest
from conftest import Farm, free_port

from support.lmtp_client import LmtpClient, mail
from support.maildir_ledger import ID_HEADER
from support.scripted_store import HANG_UP, SILENCE, ScriptedStore
from support.waiting import wait_until

PATIENCE = {"stores": {"results": "1s", "whole_wait": "3s", "connect": "1s", "probe": "100ms"}}


def at(verb, change):
    """A tamper function that changes the replies to one command."""
    def tamper(said, octets, message):
        if said != verb:
            return octets
        return change(octets, message) if callable(change) else change
    return tamper


def results(message, *mailboxes, name=None):
    return b"".join(f"+OK [STORED name={name or message.name}] <{one}> stored\r\n".encode()
                    for one in mailboxes)


LIES = {
    "greets although nobody asked": at("CONNECT", b"220 welcome\r\n"),
    "answers before it is asked": at("CONNECT", b"+OK\r\n" * 20),
    "hangs up at once": at("CONNECT", HANG_UP),
    "garbage for CAPA": at("CAPA", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "HTTP": at("CAPA", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "silence after CAPA": at("CAPA", SILENCE),
    "an endless line": at("CAPA", b"+OK " + b"x" * 3_000_000),
    "endless lines": at("CAPA", b"+OK yes\r\n" * 100_000),
    "a reply too many": at("SIZE", lambda octets, _: octets + b"+OK extra\r\n"),
    "a reply too few": at("NAME", b""),
    "NUL in a reply": at("PRTN", b"+OK part\0ition\r\n"),
    "CR in a reply": at("PRTN", b"+OK part\rition\r\n"),
    "an SMTP reply": at("FROM", b"250 OK\r\n"),
    "an empty line": at("FROM", b"\r\n"),
    "neither OK nor ERR": at("RCPT", b"+MAYBE\r\n"),
    "ok in small letters": at("RCPT", b"+ok\r\n"),
    "silence after RCPT": at("RCPT", SILENCE),
    "hangs up after RCPT": at("RCPT", HANG_UP),
    "results before the message": at(
        "RCPT", lambda octets, m: octets + results(m, "u1@example.org")),
    "results of another message": at(
        "RESULTS", lambda _, m: results(m, "u1@example.org", name="1.other.mx1.example.org")),
    "results for another mailbox": at("RESULTS", lambda _, m: results(m, "u3@example.org")),
    "a result too many": at(
        "RESULTS", lambda octets, m: octets + results(m, "u1@example.org")),
    "OK without STORED": at("RESULTS", b"+OK <u1@example.org> fine\r\n"),
    "PENDING for STORED": at("RESULTS", b"+OK [PENDING] <u1@example.org> continue\r\n"),
    "OK without a mailbox": at("RESULTS", lambda _, m: f"+OK [STORED name={m.name}]\r\n".encode()),
    "half a result": at("RESULTS", lambda octets, _: octets[:20]),
    "no result, hangs up": at("RESULTS", HANG_UP),
    "no result, silence": at("RESULTS", SILENCE),
    "an unknown code": at("RESULTS", b"-ERR [WEATHER] it rains\r\n"),
    "no code": at("RESULTS", b"-ERR\r\n"),
    "garbage for results": at("RESULTS", bytes(range(256)) * 20),
}

# Here the store has said "stored" for this recipient and this NAME; what it says too much spoils
# only the connection.
STORED_ALL_THE_SAME = {"a result too many", "results before the message"}


class HostileFarm:
    """store1 is scripted and lies while `lie` is set; store2 is real."""

    def __init__(self, here):
        self.lie = None
        self.farm = Farm(here / "farm", stores=2, partitions=1, users=4, bridge_settings=PATIENCE)
        self.scripted = ScriptedStore(free_port(), tamper=self.tamper)
        self.farm.stores[0].endpoint = f"127.0.0.1:{self.scripted.port}"

    def tamper(self, verb, octets, message):
        return octets if self.lie is None else self.lie(verb, octets, message)

    def deliver(self, to, octets):
        with LmtpClient(path=self.farm.bridge.socket) as client:
            return [reply for _, reply in client.deliver("s@example.net", to, octets)]

    def __enter__(self):
        self.scripted.start()
        self.farm.__enter__()
        return self

    def __exit__(self, *error):
        self.scripted.stop()
        self.farm.__exit__(*error)


@pytest.mark.parametrize("case", LIES)
def test_a_lying_store(here, case):
    with HostileFarm(here) as hostile:
        first, second, third, _ = hostile.farm.mailboxes
        # A good connection first: the lie comes on one from the pool.
        assert [reply.code for reply in hostile.deliver([first, second], mail("before"))] == [250] * 2
        hostile.lie = LIES[case]
        if case.startswith(("greets", "answers", "hangs up at", "garbage for C", "HTTP", "endless",
                            "an endless", "silence after C")):
            drop_connections(hostile)
        liar, honest = hostile.deliver([first, second], mail("lie"))
        expected = 250 if case in STORED_ALL_THE_SAME else 451
        assert liar.code == expected, str(liar)
        assert honest.code == 250, str(honest)
        # The store is well again: its mail flows, and every answer is the right one's.
        hostile.lie = None
        wait_until(lambda: hostile.deliver([first], mail("recovered"))[0].code == 250,
                   "the store is used again", 20)
        replies = hostile.deliver([first, second, f"nobody@{hostile.farm.domain}", third],
                                  mail("after"))
        assert [reply.code for reply in replies] == [250, 250, 550, 250]
        assert len(hostile.farm.messages(second)) == 3
        for message in hostile.scripted.messages:
            assert set(message.recipients) <= {first, third}


def drop_connections(hostile):
    """A new connection is needed for the lie: the old one ends with the restart of the store."""
    hostile.scripted.stop()
    hostile.scripted = ScriptedStore(hostile.scripted.port, tamper=hostile.tamper).start()
    # Server sockets close their connections lazily; ours are idle, so the bridge is restarted.
    hostile.farm.bridge.restart()


def test_answers_never_cross(here):
    """The oldest and worst bug of pooled connections: a reply off by one. The store appends one
    surplus OK to a result, then refuses the next message: that one must not become 250."""
    with HostileFarm(here) as hostile:
        first, _, third, _ = hostile.farm.mailboxes
        for number in range(20):
            hostile.lie = at("RESULTS", lambda octets, m: octets + octets)
            hostile.deliver([first], mail(f"a {number}"))
            hostile.lie = at("RESULTS", b"-ERR [TEMP] <u3@example.org> no\r\n")
            reply, = hostile.deliver([third], mail(f"b {number}"))
            assert reply.code == 451, str(reply)
        assert all(third not in message.recipients for message in hostile.scripted.messages)


def test_a_store_without_extensions(here):
    """A base store refuses CAPA: one message a connection, one reply for all its recipients."""
    plain = at("CAPA", b"-ERR unknown command\r\n")
    with HostileFarm(here) as hostile:
        first, second, third, _ = hostile.farm.mailboxes
        hostile.lie = lambda verb, octets, message: (
            b"+OK stored\r\n" if verb == "RESULTS" else plain(verb, octets, message))
        for number in range(3):
            replies = hostile.deliver([first, second, third], mail(f"plain {number}"))
            assert [reply.code for reply in replies] == [250] * 3, replies
        hostile.lie = lambda verb, octets, message: (
            b"-ERR not for all\r\n" if verb == "RESULTS" else plain(verb, octets, message))
        replies = hostile.deliver([first, second, third], mail("plain refused"))
        assert [reply.code for reply in replies] == [451, 250, 451], replies


@pytest.mark.parametrize("code, expected", [
    ("TEMP", (451, "4.3.0")), ("FULL", (452, "4.3.1")), ("QUOTA", (452, "4.2.2")),
    ("NOUSER", (550, "5.1.1")), ("TOOBIG", (552, "5.3.4")), ("PERM", (554, "5.6.0")),
    ("NOPRTN", (451, None)), ("DENIED", (451, None)), ("SYNTAX", (451, None)),
    ("MOVED store9/mail1", (451, None))])
def test_every_refusal_has_its_reply(here, code, expected):
    """Promise 14: a fault of ours is never 5xx. For RCPT and for the result alike."""
    with HostileFarm(here) as hostile:
        first, second, third, _ = hostile.farm.mailboxes
        hostile.scripted.on_result = lambda message, mailbox: code if mailbox == first else None
        codes = hostile.deliver([first, second, third], mail("result"))
        hostile.scripted.on_result = lambda message, mailbox: None
        hostile.scripted.on_rcpt = lambda mailbox: code if mailbox == first else None
        again = hostile.deliver([first, second, third], mail("rcpt"))
        for refused, *others in (codes, again):
            assert refused.code == expected[0], str(refused)
            assert expected[1] in (None, refused.enhanced), str(refused)
            assert [other.code for other in others] == [250, 250]


def test_the_octets_arrive_as_they_were_sent(here):
    """What the store gets is what the MTA sent, whatever it looks like."""
    octets = (f"{ID_HEADER}: x\r\n\r\n".encode() + b".leading dot\r\n..two\r\n+OK\r\nQUIT\r\n"
              b"\0\x80\xff bare\rCR bare\nLF\r\n" + b"long " * 5000 + b"\r\n")
    with HostileFarm(here) as hostile:
        reply, = hostile.deliver([hostile.farm.mailboxes[0]], octets)
        assert reply.code == 250
        assert hostile.scripted.messages[-1].octets == octets
