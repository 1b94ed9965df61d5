"""sendmail-cf: every m4 feature on a real sendmail does what its comments say."""

import re
import smtplib
import subprocess

import pytest

from support import sendmail
from support.fake_lmtp import FakeLmtp
from support.ports import free_port
from support.postfix_doors import LookUpDoor, MilterDoor
from support.process import run
from support.sendmail import (ALIASES_FIRST, DIRECTORY, FRAGMENTS, MAILERTABLE, REPLACE_LOCAL,
                              PrivateSendmail)
from support.waiting import wait_until

USERS = {"ann@example.org": "store1/mail1", "bob@example.org": "store1/mail1",
         "carl@example.org": "store2/mail1", "dora@example.net": "store1/mail1"}
MESSAGE = b"Subject: one\r\n\r\nhello\r\n"

EXAMPLES = sorted(file.name for file in (FRAGMENTS / "examples").glob("*.mc"))


@pytest.fixture(autouse=True)
def _sendmail_runs_here():
    reason = sendmail.can_run()
    if reason:
        pytest.skip(reason)


def directory_answer(name, key):
    """What the directory of USERS says; addresses are asked with details, in any case."""
    local, _, domain = key.lower().partition("@")
    mailbox = f"{local.partition('+')[0]}@{domain or 'example.org'}"
    home = USERS.get(mailbox)
    values = {"mailbox": mailbox, "home": home, "transport": "homeward:unix:homeward/lmtp.sock"}
    return f"OK {values[name]}" if home else "NOTFOUND "


def replies_to(port, *recipients, sender="sender@elsewhere.example"):
    """The reply to RCPT for each of `recipients`, in one session; nothing is sent."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as session:
        session.ehlo("client.example")
        session.mail(sender)
        replies = [session.docmd("RCPT", f"TO:<{address}>") for address in recipients]
    return [f"{code} {text.decode()}" for code, text in replies]


def codes_of(replies):
    """Code and enhanced code of each."""
    return [" ".join(reply.split()[:2]).rstrip(".") for reply in replies]


def deliver(mta, recipients, sender="sender@example.org"):
    with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
        session.ehlo("client.example")
        return session.sendmail(sender, list(recipients), MESSAGE)


# --- look-up ------------------------------------------------------------------------------


# Debian's own sendmail.mc has it; check_rcpt is another ruleset then.
DELAY_CHECKS = "FEATURE(`delay_checks', `friend', `n')dnl\n"


@pytest.mark.parametrize("layout, extra", [(ALIASES_FIRST, ""), (REPLACE_LOCAL, DELAY_CHECKS)])
def test_the_directory_is_asked_at_rcpt(here, layout, extra):
    door = LookUpDoor(here / "lookup.sock", directory_answer)
    aliases = {"team": "ann, bob", "lists+*": "ann", "postmaster": "ann"}
    with PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock", layout=layout,
                         domains=("example.org", "alias.example"), aliases=aliases,
                         outward=True, lookup=f"unix:{door.path}", extra=extra) as mta:
        with door:
            asked = ["ann@example.org", "Ann+Box@EXAMPLE.org", "nobody@example.org",
                     "team@example.org", "lists+x@example.org", "team+y@example.org",
                     "bob@alias.example", "nobody@alias.example", "postmaster", "nobody"]
            expected = ["250 2.1.5", "250 2.1.5", "550 5.1.1", "250 2.1.5", "250 2.1.5",
                        "250 2.1.5", "250 2.1.5", "550 5.1.1", "250 2.1.5", "550 5.1.1"]
            replies = replies_to(mta.smtp_port, *asked)
            assert codes_of(replies) == expected, replies
            # Aliases are not asked for, and the key is the address as it came.
            keys = {key for name, key in door.requests if name == "mailbox"}
            domain = "@example.org" if layout == ALIASES_FIRST else ""
            assert keys == {f"{user}{domain}" for user in ("ann", "Ann+Box", "nobody", "bob")}
        # The door is closed: nobody is refused for good, aliases still pass.
        replies = replies_to(mta.smtp_port, "ann@example.org", "nobody@example.org",
                             "team@example.org")
        assert codes_of(replies) == ["451 4.3.0", "451 4.3.0", "250 2.1.5"], replies
        with LookUpDoor(door.path, lambda name, key: "TEMP no directory yet"):
            assert codes_of(replies_to(mta.smtp_port, "ann@example.org")) == ["451 4.3.0"]


def test_only_users_that_were_moved_are_asked_about(here):
    users = here / "users"
    users.write_text("ann\nghost\n")
    with LookUpDoor(here / "lookup.sock", directory_answer) as door, PrivateSendmail(
            here / "mta", free_port(), f"unix:{here}/lmtp.sock", layout=ALIASES_FIRST,
            extra=f"define(`HOMEWARD_USERS_FILE', `{users}')dnl\n",
            lookup=f"unix:{door.path}") as mta:
        # games is an account of every Debian; ghost is in the list and not in the directory.
        asked = ["ann@example.org", "ann+x@example.org", "games@example.org", "ghost@example.org"]
        assert codes_of(replies_to(mta.smtp_port, *asked)) == [
            "250 2.1.5", "250 2.1.5", "250 2.1.5", "550 5.1.1"]
        assert "games@example.org" not in {key for _, key in door.requests}


def test_domains_of_mailertable_and_addresses_of_virtusertable(here):
    domains, virtual = here / "domains", here / "virtusertable"
    domains.write_text("# ours\nexample.org\nexample.net\n")
    virtual.write_text("info@local.example\tann@example.org\n")
    door = LookUpDoor(here / "lookup.sock", directory_answer)
    mta = PrivateSendmail(
        here / "mta", free_port(), f"unix:{here}/lmtp.sock", layout=MAILERTABLE,
        domains=("example.org", "example.net"), lookup=f"unix:{door.path}", outward=True,
        extra="LOCAL_DOMAIN(`local.example')dnl\n"
              f"define(`HOMEWARD_DOMAINS_FILE', `{domains}')dnl\n"
              f"FEATURE(`virtusertable', `hash -o {virtual}')dnl\n")
    mta.write_configuration()
    with open(virtual, "rb") as table:
        mta.make_map(table, virtual)
    with door, mta:
        asked = ["dora@example.net", "nobody@example.net", "info@local.example",
                 "games@local.example", "somebody@elsewhere.example"]
        replies = replies_to(mta.smtp_port, *asked)
        assert codes_of(replies) == ["250 2.1.5", "550 5.1.1", "250 2.1.5", "250 2.1.5",
                                     "250 2.1.5"], replies
        assert {key for _, key in door.requests} == {"dora@example.net", "nobody@example.net"}


# --- rule 0 -------------------------------------------------------------------------------


def test_rule_0_routes_refuses_and_groups_per_partition(here):
    door = LookUpDoor(here / "lookup.sock", directory_answer)
    with door, FakeLmtp(here / "lmtp.sock") as sink, PrivateSendmail(
            here / "mta", free_port(), f"unix:{here}/lmtp.sock", layout=DIRECTORY,
            domains=("example.org", "example.net"), lookup=f"unix:{door.path}",
            delivery_mode="interactive", aliases={"carl": "root"}, extra=DELAY_CHECKS) as mta:
        # Senders are nobody's mailbox and nobody's business.
        replies = replies_to(mta.smtp_port, "ann@example.org", "nobody@example.org",
                             "somebody@elsewhere.example", sender="no-reply@example.org")
        assert {key for _, key in door.requests} == {"ann@example.org", "nobody@example.org"}
        assert codes_of(replies) == ["250 2.1.5", "550 5.1.1", "550 5.7.1"], replies
        deliver(mta, ["ann+box@example.org", "carl@example.org", "bob@example.org",
                      "dora@example.net"])
        transactions = {tuple(sorted(one.recipients)) for one in sink.transactions}
        assert transactions == {("ann+box@example.org", "bob@example.org", "dora@example.net"),
                                ("carl@example.org",)}
        # With the directory away nothing is refused for good, and what waits goes on waiting.
        sink.on_rcpt = lambda address: "451 4.3.0 later"
        deliver(mta, ["ann@example.org"])
        door.stop()
        assert codes_of(replies_to(mta.smtp_port, "ann@example.org", "nobody@example.org")) == [
            "451 4.3.0", "451 4.3.0"]
        mta.flush()
        assert mta.queue_size() == 1 and "lookup.sock unsafe" in mta.queue_entries()
        door.start()
        sink.on_rcpt = lambda address: "250 2.1.5 known"
        mta.flush()
        assert mta.queue_size() == 0


def test_rule_0_opens_the_door_for_its_domains_only(here):
    """Clients from outside: class R or an OK in check_rcpt would let them relay."""
    with LookUpDoor(here / "lookup.sock", directory_answer) as door:
        mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock",
                              layout=DIRECTORY, lookup=f"unix:{door.path}", outward=True)
        mta.write_configuration()
        asked = {"ann@example.org": "ok", "nobody@example.org": "ok", "x@elsewhere.example": "error"}
        # Basic_check_rcpt is what sendmail asks for a client; the client is none of ours.
        commands = ".D{client_addr}192.0.2.1\n.D{client_name}pc.example.org\n"
        commands += ".D{client_resolve}OK\n"
        commands += "".join(f"check_rcpt <{address}>\n" for address in asked)
        said = subprocess.run(mta.command("-bt"), input=commands, text=True, check=True,
                              capture_output=True, env=mta.environment()).stdout
        results = re.findall(r"^check_rcpt\s+returns: (.*)$", said, re.M)
        assert len(results) == 3, said
        assert "RELAY" in results[0] and "RELAY" in results[1], said
        assert "$# error" in results[2] and "5 . 7 . 1" in results[2], said


def test_one_transaction_for_all_when_asked(here):
    with LookUpDoor(here / "lookup.sock", directory_answer) as door, FakeLmtp(
            here / "lmtp.sock") as sink, PrivateSendmail(
                here / "mta", free_port(), f"unix:{here}/lmtp.sock", layout=DIRECTORY,
                lookup=f"unix:{door.path}", delivery_mode="interactive",
                extra="define(`HOMEWARD_ROUTE_BY', `transport')dnl\n") as mta:
        deliver(mta, ["ann@example.org", "carl@example.org"])
        assert [sorted(one.recipients) for one in sink.transactions] == [
            ["ann@example.org", "carl@example.org"]]


# --- milter -------------------------------------------------------------------------------


def test_without_the_milter_nothing_is_accepted(here):
    verdicts = {"full@example.org": "452 4.2.2 mailbox full",
                "nobody@example.org": "550 5.1.1 no such user"}
    door = MilterDoor(here / "milter.sock",
                      on_rcpt=lambda address: verdicts.get(address.strip("<>"), ""))
    with FakeLmtp(here / "lmtp.sock") as sink, PrivateSendmail(
            here / "mta", free_port(), f"unix:{here}/lmtp.sock", milter=f"unix:{door.path}",
            delivery_mode="interactive") as mta:
        with door:
            replies = replies_to(mta.smtp_port, "ann@example.org", *verdicts)
            assert codes_of(replies) == ["250 2.1.5", "452 4.2.2", "550 5.1.1"], replies
            deliver(mta, ["ann@example.org"])
            assert len(sink.transactions) == 1
        with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
            session.ehlo("client.example")
            code, text = session.mail("sender@example.org")
            assert (code, text[:5]) == (451, b"4.3.2"), text
        # It dies between RCPT and the end of the message.
        door.start()
        with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
            session.ehlo("client.example")
            session.mail("sender@example.org")
            assert session.rcpt("ann@example.org")[0] == 250
            door.stop()
            assert session.docmd("DATA")[0] in (354, 451)
            session.send(MESSAGE + b".\r\n")
            code, text = session.getreply()
            assert code == 451, text
        assert len(sink.transactions) == 1 and mta.queue_size() == 0


def test_our_filter_is_the_last_one(here):
    other = "INPUT_MAIL_FILTER(`other', `S=unix:/nonexistent, F=T')dnl\n"
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock", extra=other,
                          milter="unix:/nonexistent")
    mta.write_configuration()
    assert options(mta)["InputMailFilters"] == "other, homeward"
    line = re.search(r"^Xhomeward, (.*)$", configuration(mta), re.M).group(1)
    assert line == "S=unix:/nonexistent, F=T, T=C:10s;S:20s;R:20s;E:60s"
    late = PrivateSendmail(here / "late", free_port(), f"unix:{here}/lmtp.sock", features=other,
                           milter="unix:/nonexistent")
    with pytest.raises(RuntimeError, match="must come after all other mail filters"):
        late.write_configuration()


# --- a bridge that was away ---------------------------------------------------------------


def test_a_bridge_that_is_back_gets_its_mail_at_once(here):
    """With the HostStatusDirectory of DOMAIN(debian-mta) it would get none for half an hour."""
    status = here / "host_status"
    status.mkdir()
    with PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock",
                         extra=f"define(`confHOST_STATUS_DIRECTORY', `{status}')dnl\n") as mta:
        deliver(mta, ["ann@example.org"])
        wait_until(lambda: "Deferred: No such file" in mta.log_text(), "it is tried in vain")
        with FakeLmtp(here / "lmtp.sock") as sink:
            deliver(mta, ["bob@example.org"])
            wait_until(lambda: sink.recipients() == ["bob@example.org"], "new mail goes")
            mta.flush()
            assert mta.queue_size() == 0 and len(sink.transactions) == 2


# --- queues and tuning --------------------------------------------------------------------


def test_mail_waits_in_the_group_of_its_mailer(here):
    with PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock", groups=True,
                         layout=ALIASES_FIRST, outward=True, delivery_mode="queueonly",
                         extra="define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl\n") as mta:
        deliver(mta, ["ann@example.org", "x@elsewhere.example"])
        deliver(mta, ["bob@example.org"])
        places = sorted(str(file.parent.relative_to(mta.queue))[:-1]
                        for file in mta.queue.rglob("qf?*"))
        assert places == ["remote/q", "store/q", "store/q"]
        # One body between the two halves of the first message.
        bodies = [file.stat().st_ino for file in mta.queue.rglob("df?*")]
        assert len(bodies) == 3 and len(set(bodies)) == 2
        with FakeLmtp(here / "lmtp.sock") as sink:
            run(mta.command("-qGstore", "-OMinQueueAge=0"), mta.environment())
            wait_until(lambda: not list((mta.queue / "store").rglob("qf?*")), mta.queue_entries, 60)
            assert sorted(sink.recipients()) == ["ann@example.org", "bob@example.org"]
        assert mta.queue_size() == 1


def test_groups_are_made_with_limits(here):
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock", groups=True,
                          extra="define(`HOMEWARD_STORE_RUNNERS', `3')dnl\n")
    mta.write_configuration()
    text = configuration(mta)
    assert f"Qstore, Path={mta.queue}/store/q*, Flags=f, Interval=10s, Runners=3" in text
    assert options(mta)["MaxQueueChildren"] == "15"
    assert "Q=store" in re.search(r"^Mhomeward,.*?A=", text, re.M | re.S).group(0)
    assert "Q=remote" in re.search(r"^Mesmtp,.*?A=", text, re.M | re.S).group(0)


TUNED = {"MaxDaemonChildren": "200", "ConnectionRateThrottle": "100", "MaxQueueRunSize": "20000",
         "MinQueueAge": "1m", "MaxQueueAge": "30m", "DataFileBufferSize": "65536",
         "XscriptFileBufferSize": "65536", "ConnectionCacheSize": "4",
         "ConnectionCacheTimeout": "60s", "Timeout.iconnect": "15s", "Timeout.connect": "1m",
         "Timeout.rcpt": "5m", "Timeout.datablock": "5m", "Timeout.command": "5m",
         "Timeout.mail": "5m"}


def test_every_tuned_option_is_set_and_the_site_s_own_word_stands(here):
    tuning = f"include(`{FRAGMENTS}/feature/homeward_tuning.m4')dnl\n"
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock", features=tuning)
    mta.write_configuration()
    found = options(mta)
    assert {name: found.get(name) for name in TUNED} == TUNED
    # The private sendmail's own words, from before the include.
    assert (found["QueueLA"], found["MaxRecipientsPerMessage"]) == ("1000", "1000")


def configuration(mta):
    return (mta.etc / "sendmail.cf").read_text()


def options(mta):
    return dict(re.findall(r"^O ([\w.]+)=(.*)$", configuration(mta), re.M))


# --- wrong order, examples ----------------------------------------------------------------


@pytest.mark.parametrize("feature", ["lookup", "rule0", "handoff", "queues"])
def test_a_feature_before_homeward_m4_is_an_error(here, feature):
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock",
                          features="undefine(`HOMEWARD_SOCKET')"
                                   f"include(`{FRAGMENTS}/feature/homeward_{feature}.m4')dnl\n")
    with pytest.raises(RuntimeError, match=f"must come before feature/homeward_{feature}.m4"):
        mta.write_configuration()


@pytest.mark.parametrize("feature", ["milter", "lookup", "rule0", "handoff", "queues", "tuning"])
def test_a_feature_behind_the_mailers_is_an_error(here, feature):
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock",
                          rules=f"include(`{FRAGMENTS}/feature/homeward_{feature}.m4')dnl\n")
    with pytest.raises(RuntimeError, match="must come before the first MAILER"):
        mta.write_configuration()


def test_a_lookup_with_nobody_to_ask_about_is_an_error(here):
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock",
                          features=f"include(`{FRAGMENTS}/feature/homeward_lookup.m4')dnl\n")
    with pytest.raises(RuntimeError, match="nobody to ask about"):
        mta.write_configuration()


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_builds_and_is_understood(here, example):
    """With the places of the example, which are the distribution's, below a root of its own."""
    mta = PrivateSendmail(here / "mta", free_port(), f"unix:{here}/lmtp.sock", aliases={"x": "y"})
    mta.write_configuration()
    for table in ("homeward-users", "homeward-domains"):
        (mta.etc / table).write_text("example.org\n")
    run(["sh", FRAGMENTS / "farm/homeward-farm", "make-groups"],
        {"PATH": "/usr/bin:/bin", "FARM_CONFIG": "/dev/null", "FARM_SPOOL": str(mta.directory)})
    text = "divert(-1)\n" + "".join(f"define(`{name}', `{value}')\n" for name, value in
                                    mta.early_definitions().items())
    text += "divert(0)dnl\n" + (FRAGMENTS / "examples" / example).read_text()
    for place, real in (("/usr/share/sendmail/cf", mta.directory / "cf"),
                        ("/usr/share/homeward/sendmail-cf", FRAGMENTS), ("/etc/mail", mta.etc)):
        text = text.replace(place, str(real))
    (mta.etc / "example.mc").write_text(text)
    built = run(["m4", f"-DHOMEWARD_QUEUE_PLACE={mta.queue}",
                 f"-DHOMEWARD_DOMAINS_FILE={mta.etc}/homeward-domains", mta.etc / "example.mc"])
    assert built.stderr == ""
    (mta.etc / "sendmail.cf").write_text(built.stdout)
    tested = run(mta.command("-bt"), mta.environment())
    complaints = [line for line in (tested.stdout + tested.stderr).splitlines()
                  if line.strip(" >") and not line.startswith(("ADDRESS TEST", "Enter <ruleset>"))
                  and "has multiple definitions" not in line]
    assert complaints == []
