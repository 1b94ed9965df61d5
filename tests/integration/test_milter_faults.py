"""The milter dies, or somebody else's filter refuses: nothing is accepted without being delivered."""

import smtplib

import pytest
from conftest import MTAS, make_mta
from test_milter_verdicts import message_of, mta_with_milter

from support import waiting
from support.homeward import Farm
from support.milter import Milter, OtherMilter

RECIPIENT = "u1@example.org"
TEXT = b"From: <s@example.net>\r\nSubject: a test\r\n\r\nhello\r\n"


@pytest.fixture(params=MTAS)
def kind(request):
    return request.param


@pytest.fixture
def homes(here):
    with Farm(here / "farm", stores=1, partitions=1, users=2) as running:
        yield running


@pytest.fixture
def milter(here, homes):
    daemon = Milter(here / "milter", homes.users).start()
    yield daemon
    daemon.stop()


def steps(client):
    """One message, step by step; yields before each step what has been answered so far."""
    yield "connect"
    answered = [client.connect("127.0.0.1", client.port_of_mta)]
    if answered[-1][0] == 220:
        answered.append(client.ehlo())
        yield "mail"
        answered.append(client.mail("s@example.net"))
        if answered[-1][0] == 250:
            yield "rcpt"
            answered.append(client.rcpt(RECIPIENT))
            if answered[-1][0] == 250:
                yield "data"
                answered.append(client.docmd("DATA"))
                if answered[-1][0] == 354:
                    client.send(TEXT)
                    yield "end"
                    client.send(b".\r\n")
                    answered.append(client.getreply())
    client.answered = answered


def codes_when_killed_before(step, port, milter):
    client = smtplib.SMTP(timeout=120, local_hostname="client.example.net")
    client.port_of_mta = port
    for next_step in steps(client):
        if next_step == step:
            milter.kill()
    client.close()
    return [code for code, _ in client.answered]


@pytest.mark.parametrize("step", ["connect", "mail", "rcpt", "data", "end"])
def test_killed_at_every_stage(kind, here, homes, milter, step):
    """The client gets 4xx or a delivery; there is no third."""
    with mta_with_milter(kind, here / "mta", homes, milter) as mta:
        codes = codes_when_killed_before(step, mta.smtp_port, milter)
        accepted = codes[-1] == 250
        assert accepted or 400 <= codes[-1] < 500, codes
        assert not accepted, "the milter was dead when the message ended"
        assert homes.messages(RECIPIENT) == []
        assert mta.queue_size() == 0
        milter.start()
        with smtplib.SMTP("127.0.0.1", mta.smtp_port, "client.example.net", timeout=60) as again:
            again.sendmail("s@example.net", [RECIPIENT], TEXT)
        message_of(homes, RECIPIENT)
        mta.wait_until_empty()
        assert len(homes.messages(RECIPIENT)) == 1


def with_other_filter(kind, directory, homes, milter, other):
    """Ours first, the other behind it."""
    if kind == "postfix":
        settings = {"smtpd_milters": f"{milter.place}, unix:{other.path}",
                    "milter_default_action": "tempfail"}
        return make_mta(kind, directory, homes.bridge.lmtp_unix, settings=settings)
    filters = "".join(f"INPUT_MAIL_FILTER(`{name}', `S={place}, F=T, T=C:10s;S:20s;R:20s;E:60s')dnl\n"
                      for name, place in (("ours", milter.place), ("other", f"unix:{other.path}")))
    return make_mta(kind, directory, homes.bridge.lmtp_unix, features=filters)


def session_with_both_filters(mta):
    """A session whose MAIL is taken: sendmail puts off one for which it could not open a filter."""
    sessions = []

    def is_taken():
        sessions.append(smtplib.SMTP("127.0.0.1", mta.smtp_port, "c.example.net", timeout=60))
        if sessions[-1].mail("probe@example.net")[0] == 250:
            sessions[-1].rset()
            return True
        sessions[-1].close()
        return False

    waiting.wait_until(is_taken, "both filters are open", 30)
    return sessions[-1]


@pytest.mark.parametrize("answer, code", [
    (b"y554 5.7.1 refused by another filter\0", 554),
    (b"y451 4.7.1 not now\0", 451),
    (b"r", 5),
    (b"t", 4),
], ids=["554", "451", "reject", "tempfail"])
def test_another_filter_refuses_after_ours(kind, here, homes, milter, answer, code):
    """What ours let pass leaves nothing behind: no mail, no queue entry, no open message."""
    with OtherMilter(here / "other.sock", answer) as other:
        with with_other_filter(kind, here / "mta", homes, milter, other) as mta:
            with session_with_both_filters(mta) as client:
                with pytest.raises(smtplib.SMTPDataError) as refused:
                    client.sendmail("s@example.net", [RECIPIENT], TEXT)
                assert str(refused.value.smtp_code).startswith(str(code))
                assert other.ends == 1
                assert client.rcpt(RECIPIENT)[0] == 503, "the message is over"
                other.at_end = b"c"
                client.sendmail("s@example.net", ["u2@example.org"], TEXT)
            message_of(homes, "u2@example.org")
            mta.wait_until_empty()
            assert homes.messages(RECIPIENT) == []


def test_another_filter_takes_the_message_away(kind, here, homes, milter):
    """It discards behind ours: the client hears 250, and that is the other filter's word."""
    with OtherMilter(here / "other.sock", b"d") as other:
        with with_other_filter(kind, here / "mta", homes, milter, other) as mta:
            with smtplib.SMTP("127.0.0.1", mta.smtp_port, "c.example.net", timeout=60) as client:
                client.sendmail("s@example.net", [RECIPIENT], TEXT)
            mta.wait_until_empty()
            assert homes.messages(RECIPIENT) == []
            waiting.wait_until(lambda: milter.running, "ours goes on")
