"""`homewardctl mta` on real sendmail configurations: twice is once, and back to the last octet."""

import shutil
import time

import pytest
from mta_apply_hosts import SendmailHost, difference, killed, send_one, snapshot
from support import sendmail
from support.fake_lmtp import FakeLmtp
from support.homeward import program
from support.milter_doors import Doors
from support.user_directory import YamlDirectory

REASON = sendmail.can_run()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

CHOICES = {
    "defaults": {"domains": ["example.org"]},
    "mailertable-hub": {"domains": ["example.org"],
                        "doors": {"milter": True, "lookup": True},
                        "tuning": True},
    "local-procmail": {"users": ["ann@example.org", "eve@example.org"]},
    "queue-groups": {"domains": ["example.org"]},
}


@pytest.fixture
def host(here, request):
    return SendmailHost(here, getattr(request, "param", "mailertable-hub"))


@pytest.mark.parametrize("host", CHOICES, indirect=True)
def test_twice_is_once_and_rollback_gives_back_everything(host):
    host.ctl.write(**CHOICES[host.name])
    before = snapshot(host.etc)
    said = host.ctl.expect(1, "plan")
    assert "BEGIN homeward features" in said and "sendmail.cf" in said
    assert difference(before, snapshot(host.etc)) == [], "plan changes nothing"

    host.ctl.expect(0, "apply", "--yes")
    applied = snapshot(host.etc)
    assert host.mailer_of("ann@example.org") == "homeward"
    assert host.mailer_of("root") != "homeward"

    assert "Nothing to do" in host.ctl.expect(0, "apply", "--yes")
    assert difference(applied, snapshot(host.etc)) == []
    host.ctl.expect(0, "plan")

    host.ctl.expect(0, "rollback", "--yes")
    assert difference(before, snapshot(host.etc)) == []


def test_lines_of_others_stay(host):
    old = {name: (host.etc / name).read_text()
           for name in ("sendmail.mc", "access", "mailertable")}
    host.ctl.write(**CHOICES["mailertable-hub"])
    host.ctl.expect(0, "apply", "--yes")
    for name, text in old.items():
        lines = (host.etc / name).read_text().splitlines()
        for line in text.splitlines():
            taken = name == "mailertable" and line.startswith("example.org")
            assert line in lines or (taken and f"# set aside by homeward: {line}" in lines)
    cf = (host.etc / "sendmail.cf").read_text()
    assert "O InputMailFilters=opendkim, clamav, homeward" in cf \
        or "O InputMailFilters=opendkim,clamav,homeward" in cf
    assert "O Timeout.datafinal=15m" in cf, "the administrator's own value"
    # The domain goes back to its own line when it is no longer chosen.
    host.ctl.write(domains=["example.net"])
    host.ctl.expect(0, "apply", "--yes")
    assert host.mailer_of("ann@example.org") == "dovecot"
    assert host.mailer_of("ann@example.net") == "homeward"


@pytest.mark.parametrize("host", ["local-procmail"], indirect=True)
def test_a_user_with_a_forward_stays_unless_told(host):
    host.ctl.write(users=["ann@example.org", "bob@example.org"])
    plan = host.ctl.json("plan")
    assert [(route["address"], route["kind"]) for route in plan["old_routes"]] == \
        [("bob@example.org", ".forward")]
    host.ctl.expect(0, "apply", "--yes")
    assert (host.etc / "homeward-users").read_text() == "ann\n"
    assert host.mailer_of("ann@example.org") == "homeward"
    assert host.mailer_of("bob@example.org") != "homeward"
    host.ctl.expect(0, "apply", "--yes", "--move-forwarded")
    assert (host.etc / "homeward-users").read_text() == "ann\nbob\n"


@pytest.mark.parametrize("host", ["local-procmail"], indirect=True)
def test_a_whole_local_domain_lists_those_of_the_directory(host):
    host.ctl.write(domains=["example.org"])
    assert "--directory" in host.ctl.expect(75, "plan"), "who else is there is not known"
    host.ctl.make_directory(["ann@example.org", "bob@example.org", "zoe@example.org"])
    host.ctl.expect(0, "apply", "--yes")
    assert (host.etc / "homeward-users").read_text() == "ann\nzoe\n"
    assert host.mailer_of("zoe@example.org") == "homeward"


def test_what_cannot_be_is_said_before_anything_is_changed(host):
    before = snapshot(host.etc)
    host.ctl.write(users=["ann@example.org"])
    assert "Single users" in host.ctl.expect(2, "apply", "--yes")
    host.ctl.write(users=[], domains=["shop.example"], layout="mailertable")
    assert "local to sendmail" in host.ctl.expect(2, "apply", "--yes")
    host.ctl.write(domains=["example.org"], layout="local_domain")
    assert "not local to sendmail" in host.ctl.expect(2, "apply", "--yes")
    assert difference(before, snapshot(host.etc)) == []


def test_a_sendmail_cf_edited_by_hand_is_not_overwritten(host):
    with open(host.etc / "sendmail.cf", "a") as cf:
        cf.write("O MaxHopCount=7\n")
    host.ctl.write(domains=["example.org"])
    before = snapshot(host.etc)
    said = host.ctl.expect(2, "apply", "--yes")
    assert "not what m4 makes" in said and "+O MaxHopCount=7" in said
    assert difference(before, snapshot(host.etc)) == []


def test_an_error_of_m4_is_found_in_the_copy(host):
    # A filter behind ours: feature/homeward_milter.m4 notices.
    mc = host.etc / "sendmail.mc"
    mc.write_text(mc.read_text() + "INPUT_MAIL_FILTER(`late', `S=inet:1@127.0.0.1, F=T')dnl\n")
    host.rebuild()
    host.ctl.write(domains=["example.org"], doors={"milter": True})
    before = snapshot(host.etc)
    assert "m4 complains" in host.ctl.expect(2, "apply", "--yes")
    assert difference(before, snapshot(host.etc)) == []


def test_an_edit_made_since_is_not_lost(host):
    host.ctl.write(domains=["example.org"])
    host.ctl.expect(0, "apply", "--yes")
    with open(host.etc / "mailertable", "a") as table:
        table.write("new.example\tdovecot:any\n")
    assert "+new.example" in host.ctl.expect(2, "rollback", "--yes")
    assert "new.example" in (host.etc / "mailertable").read_text()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_killed_among_the_files_it_is_repaired(host):
    host.ctl.write(domains=["example.org"])
    before = snapshot(host.etc)
    for number in (8, 12, 16):
        assert killed(host.ctl, "renameat", number, "apply", "--yes")
        host.ctl.run("rollback", "--yes")
        assert difference(before, snapshot(host.etc)) == [], number


@pytest.mark.parametrize("host", ["defaults"], indirect=True)
def test_queue_directories_are_made_and_go_again(host):
    base = host.directory / "spool"
    base.mkdir(mode=0o700)
    host.ctl.write(domains=["example.org"], sendmail={"queue_directories": 2,
                                                      "queue_base": str(base)})
    host.ctl.expect(0, "apply", "--yes")
    assert sorted(str(d.relative_to(base)) for d in base.rglob("*")) == \
        ["q1", "q2", "remote", "remote/q1", "remote/q2", "store", "store/q1", "store/q2"]
    (base / "store/q1/qfwaiting").write_text("x")
    assert "mail waits" in host.ctl.expect(2, "rollback", "--yes")
    (base / "store/q1/qfwaiting").unlink()
    host.ctl.expect(0, "rollback", "--yes")
    assert list(base.iterdir()) == []


def test_mail_goes_home_after_apply_and_the_old_way_after_rollback(host):
    host.ctl.write(domains=["example.org"])
    with host, FakeLmtp(host.run_directory / "dovecot.sock") as old, \
            FakeLmtp(host.run_directory / "lmtp.sock") as new:
        def deliver(address):
            count = len(old.recipients()) + len(new.recipients())
            send_one(host.smtp_port, "joe@example.com", address)
            deadline = time.monotonic() + 60
            while len(old.recipients()) + len(new.recipients()) == count:
                assert time.monotonic() < deadline, host.log_text()[-3000:]
                time.sleep(0.05)

        deliver("ann@example.org")
        assert old.recipients() == ["ann@example.org"]
        host.ctl.expect(0, "apply", "--yes")
        deliver("ann@example.org")
        deliver("joe@example.net")
        assert new.recipients() == ["ann@example.org"]
        assert old.recipients() == ["ann@example.org", "joe@example.net"]
        host.ctl.expect(0, "rollback", "--yes")
        deliver("ann@example.org")
        assert old.recipients()[-1] == "ann@example.org"
        assert len(new.recipients()) == 1


def test_rule_0_asks_the_directory_after_apply(host):
    """layout: rule0. Nobody is listed on this host; who is unknown is refused."""
    users = YamlDirectory(host.here / "users.yaml")
    users.add_server("store1", "store1.example:2400")
    users.add_partition("store1/mail1")
    users.add_user("zoe@example.org", "store1/mail1")
    users.write()
    before = snapshot(host.etc)
    host.ctl.write(domains=["example.org"], layout="rule0", doors={"lookup": True})
    with Doors(host.here / "doors", users, sockets=host.run_directory):
        host.ctl.expect(0, "apply", "--yes")
        assert host.mailer_of("zoe@example.org") == "homeward"
        assert host.mailer_of("nobody@example.org") != "homeward"
        assert "Nothing to do" in host.ctl.expect(0, "apply", "--yes")
    host.ctl.expect(0, "rollback", "--yes")
    assert difference(before, snapshot(host.etc)) == []


def test_mail_is_handed_over_without_a_queue_file_after_apply(host):
    """sendmail.handoff: interactive. With the bridge away the queue is there as ever."""
    before = snapshot(host.etc)
    host.ctl.write(domains=["example.org"], sendmail={"handoff": "interactive"})
    host.ctl.expect(0, "apply", "--yes")
    cf = (host.etc / "sendmail.cf").read_text()
    assert "O DeliveryMode=i" in cf and "O SuperSafe=interactive" in cf
    with host:
        with FakeLmtp(host.run_directory / "lmtp.sock") as bridge:
            send_one(host.smtp_port, "joe@example.com", "ann@example.org")
            # It was delivered before the 250.
            assert bridge.recipients() == ["ann@example.org"]
            assert not list(host.queue.rglob("qf*"))
        send_one(host.smtp_port, "joe@example.com", "ann@example.org")
        assert list(host.queue.rglob("qf*"))
    host.ctl.expect(0, "rollback", "--yes")
    assert difference(before, snapshot(host.etc)) == []


def test_check_finds_the_traps(host):
    host.ctl.write(domains=["example.org"], doors={"milter": True})
    host.ctl.expect(0, "apply", "--yes")
    quiet = host.ctl.findings()
    assert {"filter-without-T", "socket-missing"} <= quiet, "the filters of others have no F="
    assert not {"milter-not-last", "deferred-acceptor", "flag-w", "queue-wildcard",
                "host-status"} & quiet
    cf = host.etc / "sendmail.cf"
    text = cf.read_text()
    text = text.replace("O DeliveryMode=background", "O DeliveryMode=deferred")
    text = text.replace("Xhomeward,", "Xours,").replace("homeward\nO", "ours\nO")
    text = text.replace("O Timeout.datafinal=15m", "O Timeout.datafinal=60s")
    text = text.replace("O MaxMessageSize=52428800", "O MaxMessageSize=999999999")
    text = text.replace(f"O QueueDirectory={host.queue}", f"O QueueDirectory={host.queue}/q*")
    cf.write_text(text + "Qlone, P=/elsewhere/q*, F=f, R=3\nO HostStatusDirectory=/elsewhere\n")
    (host.queue / "q1").mkdir(mode=0o775)
    (host.queue / "q1").chmod(0o775)
    (host.queue / "qnote").write_text("x")
    (host.queue / "qfleft").write_text("x")
    with open(host.etc / "access", "a") as access:
        access.write("Srv_Features:192.0.2\tU G\n")
    host.run_directory.chmod(0o775)
    bridge = host.here / "bridge.yaml"
    bridge.write_text("user: mail\ndirectory:\n  engine: yaml\n  file: /etc/homeward/users.yaml\n")
    host.ctl.write(**{"bridge_settings": str(bridge),
                      "programs__homeward-bridge": str(program("homeward-bridge"))})
    loud = host.ctl.findings()
    assert {"deferred-acceptor", "timeout-chain", "message-size", "queue-wildcard", "queue-mode",
            "queue-left-behind", "queue-group-outside", "queue-group-interval", "bare-newline",
            "socket-directory", "host-status"} <= loud, loud


@pytest.mark.parametrize("host", ["local-procmail"], indirect=True)
def test_check_finds_the_traps_of_the_local_mailer(host):
    host.ctl.write(domains=["example.org"], layout="replace_local", old_routes__keep=False)
    host.ctl.expect(0, "apply", "--yes")
    assert host.mailer_of("ann@example.org") == "local"
    found = host.ctl.findings()
    assert "forward-ended" in found and not {"flag-w", "flag-m"} & found
    cf = host.etc / "sendmail.cf"
    lines = cf.read_text().split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("Mlocal,"))
    before, _, flags = lines[at].partition("F=")
    flags, _, rest = flags.partition(",")
    lines[at] = f"{before}F={flags.replace('m', '')}w,{rest}"
    cf.write_text("\n".join(lines))
    assert {"flag-w", "flag-m"} <= host.ctl.findings()
