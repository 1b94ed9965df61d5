"""Whose mailbox an address means, as mail people expect it, and the null sender."""

import shutil
import smtplib

import pytest
from conftest import SCALE, Farm, make_mta

from support.lmtp_client import LmtpClient, mail
from support.run_directory import new_run_directory
from support.waiting import wait_until


@pytest.fixture(scope="module")
def farm():
    here = new_run_directory("names")
    catch_all = [{"domain": "Caught.example", "mailbox": "rest@example.org"},
                 {"domain": "vain.example", "mailbox": "absent@example.org"}]
    running = Farm(here / "farm", stores=1, partitions=2, users=2,
                   bridge_settings={"addresses": {"catch_all": catch_all}})
    for mailbox in ("ann@example.org", "ann+work@example.org", '"two words"@example.org',
                    "jos\u00e9@example.org", "o'brien@example.org", "root@example.org",
                    "ann@other.example", "ann@caught.example", "rest@example.org"):
        running.add_user(mailbox, "store1/mail1")
    running.add_user("gone@caught.example", "store1/mail1", state="disabled")
    with running:
        yield running
    shutil.rmtree(here, ignore_errors=True)


# (address at RCPT, mailbox it means; None: unknown)
ADDRESSES = [
    ("ann@example.org", "ann@example.org"),
    ("Ann@Example.ORG", "ann@example.org"),
    ("ANN", "ann@example.org"),
    ("ann", "ann@example.org"),
    ("root", "root@example.org"),
    ("ann+anything@example.org", "ann@example.org"),
    ("ann+", "ann@example.org"),
    ("ANN+Work", "ann+work@example.org"),
    ("ann+work+more@example.org", "ann@example.org"),
    ("ann@other.example", "ann@other.example"),
    ("ann+x@OTHER.example", "ann@other.example"),
    ('"two words"@example.org', '"two words"@example.org'),
    ('"Two Words"', '"two words"@example.org'),
    ('"ann"@example.org', "ann@example.org"),
    ("o'brien@example.org", "o'brien@example.org"),
    ("jos\u00e9@example.org", "jos\u00e9@example.org"),
    ("@relay.example:ann@example.org", "ann@example.org"),
    ("+ann@example.org", None),
    ("nobody@example.org", None),
    ("nobody+x", None),
    ("ann@unknown.example", None),
    ("work@example.org", None),
    ("two words@example.org", None),
    ("ann+x@caught.example", "ann@caught.example"),
    ("Typo+x@Caught.Example", "rest@example.org"),
    ("gone@caught.example", None),
    ("typo@vain.example", None),
]


@pytest.mark.parametrize("address, mailbox", ADDRESSES, ids=[one for one, _ in ADDRESSES])
def test_addresses(farm, address, mailbox):
    before = everything(farm)
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@example.net", [address], mail(received=False), " SMTPUTF8")
    if mailbox is None:
        assert reply.code in (550, 501), str(reply)
        assert everything(farm) == before
        return
    assert reply.code == 250, str(reply)
    file, = everything(farm) - before
    head = file.read_bytes().split(b"\n", 2)
    assert head[0] == b"Return-Path: <s@example.net>"
    assert head[1] == b"Delivered-To: " + mailbox.encode()


def everything(farm):
    return {file for partition in farm.partitions for file in partition.rglob("new/*")}


def test_the_same_user_by_many_names_gets_one_copy(farm):
    """Two accepted RCPTs are two answers, and one file: RFC 2033 4.2 and common sense."""
    before = everything(farm)
    names = ["ann@example.org", "ANN", "ann+x@example.org", "ann@example.org"]
    with LmtpClient(path=farm.bridge.socket) as client:
        replies = client.deliver("s@x", names, mail(received=False))
    assert [reply.code for _, reply in replies] == [250] * 4
    assert len(everything(farm) - before) == 1


@pytest.mark.parametrize("sender, line", [
    ("", b"Return-Path: <>"),
    ("Mixed.Case@Example.NET", b"Return-Path: <Mixed.Case@"),
    ('"odd one"@example.net', b'Return-Path: <"odd one"@example.net>'),
    ("@a.example,@b.example:x@example.net", b"Return-Path: <x@example.net>"),
    ("mailer-daemon", b"Return-Path: <mailer-daemon"),
    ("jos\u00e9@\u00f6.example", "Return-Path: <jos\u00e9@\u00f6.example>".encode()),
], ids=["null", "case", "quoted", "route", "bare", "utf8"])
def test_senders(farm, sender, line):
    before = everything(farm)
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver(sender, ["u1@example.org"], mail(received=False), " SMTPUTF8")
        assert reply.code == 250, str(reply)
    file, = everything(farm) - before
    assert file.read_bytes().startswith(line)


def test_recipient_limit(here):
    """One recipient more than the limit is told to come later; all others get the message, linked."""
    limit = 1000 if SCALE >= 2 else 100
    settings = {"limits": {"recipients": limit}}
    with Farm(here / "farm", users=limit + 1, bridge_settings=settings) as farm:
        with LmtpClient(path=farm.bridge.socket, timeout=120) as client:
            replies = client.deliver("s@x", farm.mailboxes, mail("to all"))
        assert [reply.code for _, reply in replies] == [250] * limit + [452]
        assert replies[-1][1].enhanced == "4.5.3"
        assert [len(farm.messages(one)) for one in farm.mailboxes] == [1] * limit + [0]
        inodes = {(one.stat().st_dev, one.stat().st_ino) for one in
                  (farm.messages(mailbox)[0] for mailbox in farm.mailboxes[:limit])}
        assert len(inodes) == 4  # one file for each partition


def test_session_limits(here):
    """Beyond the limit a client is told 421 and the others go on; a place that is freed is used."""
    settings = {"limits": {"sessions": 6, "sessions_per_peer": 4}}
    with Farm(here / "farm", users=1, stores=1, partitions=1, bridge_settings=settings) as farm:
        inet = [LmtpClient(port=farm.bridge.port) for _ in range(4)]
        refused = LmtpClient(port=farm.bridge.port, lhlo=None)
        assert refused.greeting.code == 421
        assert refused.is_closed()
        local = [LmtpClient(path=farm.bridge.socket) for _ in range(2)]
        assert LmtpClient(path=farm.bridge.socket, lhlo=None).greeting.code == 421
        for client in inet + local:
            (_, reply), = client.deliver("s@x", farm.mailboxes, mail(received=False))
            assert reply.code == 250
        inet[0].quit()
        wait_until(lambda: LmtpClient(port=farm.bridge.port, lhlo=None).greeting.code == 220,
                   "the freed place is used", 10)


@pytest.mark.parametrize("layout", ["replace_local", "aliases_first"])
def test_bare_local_parts_from_sendmail(here, layout):
    """sendmail's local mailer hands over bare local parts; the bridge puts its domain behind."""
    with Farm(here / "farm", users=4) as farm:
        with make_mta("sendmail", here / "mta", farm.bridge.lmtp_unix, layout=layout,
                      aliases={"team": "u1,u2", "boss": "u3"}) as mta:
            with smtplib.SMTP("127.0.0.1", mta.smtp_port) as client:
                client.sendmail("s@example.org", ["team@example.org", "boss@example.org"],
                                "Subject: to aliases\r\n\r\nhello\r\n")
            mta.wait_until_empty(60, flush=True)
        assert [len(farm.messages(one)) for one in farm.mailboxes] == [1, 1, 1, 0]
