"""homeward-milter behind real MTAs: what a client is told at RCPT, and what messages carry."""

import re
import smtplib

import pytest
from conftest import MTAS, make_mta

from support import waiting
from support.homeward import Farm
from support.milter import Milter
from support.sendmail import ALIASES_FIRST

KNOWN, OFF, FULL = "u1@example.org", "off@example.org", "full@example.org"


def mta_with_milter(kind, directory, farm, milter, **more):
    """An MTA that asks the milter and hands mail to the farm's bridge; other domains may pass."""
    if kind == "sendmail":
        return make_mta(kind, directory, farm.bridge.lmtp_unix, milter=milter.place, outward=True,
                        layout=ALIASES_FIRST, **more)
    settings = {
        "smtpd_milters": milter.place,
        "milter_default_action": "tempfail",
        "milter_protocol": "6",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "default_transport": "discard:",
    }
    aliases = more.pop("aliases", None)
    if aliases:
        settings["virtual_alias_maps"] = f"texthash:{directory}/aliases"
        directory.mkdir()
        (directory / "aliases").write_text(
            "".join(f"{name}@example.org {to}\n" for name, to in aliases.items()))
    return make_mta(kind, directory, farm.bridge.lmtp_unix, settings=settings, **more)


@pytest.fixture(params=MTAS)
def kind(request):
    return request.param


@pytest.fixture
def homes(here):
    with Farm(here / "farm", stores=2, partitions=1, users=4) as running:
        running.add_user(OFF, "store1/mail1", state="disabled")
        running.add_user(FULL, "store1/mail1", quota="40KiB")
        running.users.write()
        yield running


@pytest.fixture
def milter(here, homes):
    with Milter(here / "milter", homes.users) as running:
        yield running


@pytest.fixture
def mta(kind, here, homes, milter):
    with mta_with_milter(kind, here / "mta", homes, milter) as running:
        yield running


def reply(mta, recipient, sender="s@example.net", size=None):
    """The reply to one RCPT, as "550 5.1.1"."""
    with smtplib.SMTP("127.0.0.1", mta.smtp_port, "client.example.net", timeout=60) as client:
        client.ehlo()
        client.mail(sender, [f"size={size}"] if size else [])
        code, words = client.rcpt(recipient)
        return f"{code} {words.decode().split()[0]}"


def send(mta, recipients, sender="s@example.net", body="hello\r\n", header=""):
    """Send one message; the refused recipients with their replies."""
    text = f"From: <{sender}>\r\nSubject: a test\r\n{header}\r\n{body}"
    with smtplib.SMTP("127.0.0.1", mta.smtp_port, "client.example.net", timeout=60) as client:
        return client.sendmail(sender, recipients, text)


def message_of(farm, mailbox):
    waiting.wait_until(lambda: farm.messages(mailbox), lambda: f"{mailbox} gets mail\n"
                       f"{farm.log_ends()}")
    file, = farm.messages(mailbox)
    return file.read_bytes().decode()


def unfolded(text):
    """The headers of a message, one line each."""
    return re.sub(r"\n[ \t]+", " ", text.split("\n\n")[0]).splitlines()


def routes(text):
    return [line.partition(": ")[2] for line in unfolded(text)
            if line.lower().startswith("x-homeward-route:")]


def test_verdicts_at_rcpt(mta, milter):
    assert reply(mta, KNOWN) == "250 2.1.5"
    assert reply(mta, "u1+lists@example.org") == "250 2.1.5"
    assert reply(mta, "U1@EXAMPLE.ORG") == "250 2.1.5"
    assert reply(mta, "nobody@example.org") == "550 5.1.1"
    assert reply(mta, OFF) == "550 5.2.1"
    assert "recipient refused recipient=<nobody@example.org> reason=unknown reply=550" \
        in milter.log_text()


def test_other_domains_are_left_alone(mta):
    assert reply(mta, "anybody@example.net") == "250 2.1.5"


def test_one_unknown_recipient_does_not_harm_the_others(mta, homes):
    refused = send(mta, ["u1@example.org", "nobody@example.org", "u2@example.org"])
    assert list(refused) == ["nobody@example.org"] and refused["nobody@example.org"][0] == 550
    for mailbox in ("u1@example.org", "u2@example.org"):
        message_of(homes, mailbox)
    mta.wait_until_empty()


def test_the_route_is_stamped(mta, homes):
    """Once, above the sender's own headers, with no address in it."""
    send(mta, ["u1@example.org", "u2@example.org", "u3@example.org"])
    for mailbox in ("u1@example.org", "u2@example.org", "u3@example.org"):
        text = message_of(homes, mailbox)
        route, = routes(text)
        assert route == ("mx1.example.org; store1/mail1 (2 recipients), "
                         "store2/mail1 (1 recipient)")
        lines = [line.partition(":")[0].lower() for line in unfolded(text)]
        assert lines.index("x-homeward-route") < lines.index("subject")
        assert lines.index("received") < lines.index("x-homeward-route")


def test_no_header_when_it_is_not_wanted(mta, milter, homes):
    milter.settings["trace"] = {"header": False}
    assert "settings reloaded" in milter.reload()
    send(mta, [KNOWN])
    assert routes(message_of(homes, KNOWN)) == []


def test_a_disabled_mailbox_and_an_unknown_user_by_setting(mta, milter):
    milter.settings["verdicts"] = {"unknown_user": "try_later"}
    milter.reload()
    assert reply(mta, "nobody@example.org") == "450 4.1.1"
    milter.settings["verdicts"] = {"unknown_user": "pass"}
    milter.reload()
    assert reply(mta, "nobody@example.org") == "250 2.1.5"


def test_a_store_that_is_down(mta, milter, homes):
    """By default the MTA takes the message and keeps it; by setting the client does."""
    homes.store("store1").kill()
    assert reply(mta, KNOWN) == "250 2.1.5"
    milter.settings["verdicts"] = {"store_down": "try_later"}
    milter.reload()
    waiting.wait_until(lambda: reply(mta, KNOWN) == "451 4.3.0", "the milter sees the store down")
    assert reply(mta, "u2@example.org") == "250 2.1.5", "the other store is up"
    homes.store("store1").start()
    waiting.wait_until(lambda: reply(mta, KNOWN) == "250 2.1.5", "the milter sees the store again")


def test_an_offline_partition(mta, milter, homes):
    milter.settings["verdicts"] = {"store_down": "try_later"}
    milter.reload()
    homes.users.partitions["store1/mail1"]["state"] = "offline"
    homes.users.write()
    waiting.wait_until(lambda: reply(mta, KNOWN) == "451 4.3.0", "the milter has the change")


def test_a_full_mailbox(mta, milter, homes):
    """As its store counts it: 452, or 552 by setting; and no room for an announced size."""
    body = "x" * 70 + "\r\n"
    send(mta, [FULL], body=body * 535)  # more than nine tenths
    message_of(homes, FULL)
    assert reply(mta, FULL) == "250 2.1.5"
    waiting.wait_until(lambda: reply(mta, FULL, size=5000) == "452 4.2.2",
                       "the milter knows that it is nearly full")
    assert reply(mta, FULL) == "250 2.1.5"
    milter.settings["verdicts"] = {"full_mailbox": "refuse"}
    milter.reload()
    assert reply(mta, FULL, size=5000) == "552 5.2.2"
    milter.settings["verdicts"] = {"full_mailbox": "pass"}
    milter.reload()
    assert reply(mta, FULL, size=5000) == "250 2.1.5"


def test_a_sender_over_the_rate(mta, milter):
    milter.settings["rate"] = {"recipients": 3, "period": "1h"}
    milter.reload()
    assert [reply(mta, KNOWN, sender="fast@example.net") for _ in range(4)] == \
        ["250 2.1.5"] * 3 + ["450 4.7.1"]
    assert reply(mta, KNOWN, sender="slow@example.net") == "250 2.1.5"
    milter.settings["rate"]["exempt_clients"] = ["127.0.0.0/8"]
    milter.reload()
    assert reply(mta, KNOWN, sender="fast@example.net") == "250 2.1.5"


def test_what_the_alias_stage_knows_passes(kind, here, homes):
    """A name that only the MTA's aliases know is accepted and goes where they say."""
    format_of = {"sendmail": "aliases", "postfix": "postfix"}[kind]
    file = here / "mta" / {"sendmail": "etc/aliases", "postfix": "aliases"}[kind]
    milter = Milter(here / "milter", homes.users,
                    settings={"aliases": {"files": [{"path": str(file), "format": format_of}]}})
    mta = mta_with_milter(kind, here / "mta", homes, milter,
                          aliases={"info": "u1@example.org", "off": "u2@example.org"})
    with milter:
        with mta:
            waiting.wait_until(lambda: "alias file read" in milter.log_text(), "it is read")
            assert reply(mta, "nobody@example.org") == "550 5.1.1"
            assert send(mta, ["info@example.org"]) == {}
            assert send(mta, [OFF]) == {}, "an alias may give a disabled mailbox's mail to somebody"
            message_of(homes, "u1@example.org")
            message_of(homes, "u2@example.org")
            mta.wait_until_empty()


def test_without_the_alias_file_nobody_is_refused_for_good(kind, here, homes):
    missing = here / "aliases"
    settings = {"aliases": {"files": [{"path": str(missing)}]}}
    with Milter(here / "milter", homes.users, settings=settings) as milter:
        with mta_with_milter(kind, here / "mta", homes, milter) as mta:
            assert reply(mta, "info@example.org") == "451 4.3.0"
            assert reply(mta, OFF) == "451 4.3.0"
            assert reply(mta, KNOWN) == "250 2.1.5"
            missing.write_text("info: u1\n")
            waiting.wait_until(lambda: reply(mta, "nobody@example.org") == "550 5.1.1",
                               "the file is read")
            assert reply(mta, "info@example.org") == "250 2.1.5"
            missing.unlink()
            waiting.wait_until(lambda: milter.log_text().count("cannot read a source") == 2,
                               "the loss is noticed")
            assert reply(mta, "info@example.org") == "250 2.1.5", "the last good table is kept"
            assert reply(mta, "nobody@example.org") == "550 5.1.1"


def test_without_a_directory_everybody_is_told_to_try_later(kind, here, homes):
    """But mail for others leaves, as far as the MTA tells."""
    users = homes.users.file.read_text()
    homes.users.file.unlink()
    with Milter(here / "milter", homes.users) as milter:
        with mta_with_milter(kind, here / "mta", homes, milter) as mta:
            assert reply(mta, KNOWN) == "451 4.3.0"
            assert reply(mta, "nobody@example.org") == "451 4.3.0"
            homes.users.file.write_text(users)
            waiting.wait_until(lambda: reply(mta, "nobody@example.org") == "550 5.1.1",
                               "the directory is read")
            assert reply(mta, KNOWN) == "250 2.1.5"
