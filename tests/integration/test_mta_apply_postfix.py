"""`homewardctl mta` on real Postfix configurations: twice is once, and back to the last octet."""

import fcntl
import shutil
import subprocess
import time

import pytest
from mta_apply_hosts import PostfixHost, difference, killed, send_one, snapshot
from support import postfix
from support.fake_lmtp import FakeLmtp
from support.homeward import program
from support.run_directory import TREE

REASON = postfix.can_run()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

ALL = ("defaults", "virtual-dovecot", "amavis-relay", "local-procmail")


@pytest.fixture
def host(here, request):
    return PostfixHost(here, getattr(request, "param", "virtual-dovecot"))


def value(host, name):
    return host.command("postconf", "-h", name).stdout.strip()


@pytest.mark.parametrize("host", ALL, indirect=True)
def test_twice_is_once_and_rollback_gives_back_everything(host):
    doors = {"milter": True, "policy": True, "lookup": True}
    host.ctl.write(domains=["example.org"], doors=doors, tuning=True)
    before = snapshot(host.config)
    maps = value(host, "transport_maps")

    said = host.ctl.expect(1, "plan")
    assert "\n+homeward" in said
    assert difference(before, snapshot(host.config)) == [], "plan changes nothing"

    host.ctl.expect(0, "apply", "--yes")
    applied = snapshot(host.config)
    assert maps in value(host, "transport_maps")
    assert value(host, "transport_maps").startswith(f"hash:{host.config}/homeward-transport")
    assert "lmtp_line_length_limit=0" in host.command("postconf", "-M", "homeward/unix").stdout

    assert "Nothing to do" in host.ctl.expect(0, "apply", "--yes")
    assert difference(applied, snapshot(host.config)) == []
    host.ctl.expect(0, "plan")

    host.ctl.expect(0, "rollback", "--yes")
    assert difference(before, snapshot(host.config)) == []
    assert "no apply is in force" in host.ctl.expect(1, "rollback", "--yes")


def test_lists_are_added_to_and_comments_stay(host):
    host.ctl.write(domains=["example.org"], doors={"milter": True, "policy": True, "lookup": True})
    old = (host.config / "main.cf").read_text()
    host.ctl.expect(0, "apply", "--yes")
    new = (host.config / "main.cf").read_text()
    for line in old.splitlines():
        if line.startswith("#") or line.startswith("\t#"):
            assert line in new
    restrictions = value(host, "smtpd_recipient_restrictions").replace(",", " ").split()
    at = restrictions.index("$homeward_policy")
    assert restrictions[at - 2:at] == ["reject_unauth_destination", "check_policy_service"]
    assert restrictions[-1] == "permit"
    milters = value(host, "smtpd_milters")
    assert milters.startswith("inet:127.0.0.1:8891, inet:127.0.0.1:11332, {")
    assert value(host, "milter_default_action") == "accept", "the administrator's own value"
    assert "mailbox" in value(host, "virtual_mailbox_maps")
    assert value(host, "virtual_mailbox_maps").startswith("hash:")


def test_what_is_no_longer_wanted_is_taken_out(host):
    host.ctl.write(domains=["example.org"], doors={"milter": True, "policy": True})
    host.ctl.expect(0, "apply", "--yes")
    host.ctl.write(doors={"milter": False, "policy": False}, domains=["example.net"])
    host.ctl.expect(0, "apply", "--yes")
    assert "homeward/milter" not in value(host, "smtpd_milters")
    assert "homeward/policy" not in value(host, "smtpd_recipient_restrictions")
    table = f"hash:{host.config}/homeward-transport"
    assert host.command("postmap", "-q", "example.org", table, check=False).stdout == ""
    assert "homeward:unix" in host.command("postmap", "-q", "example.net", table).stdout


@pytest.mark.parametrize("host", ["local-procmail"], indirect=True)
def test_users_with_a_forward_and_aliases_stay_unless_told(host):
    host.ctl.write(domains=["example.org"])
    plan = host.ctl.json("plan")
    kept = {(route["address"], route["kind"]) for route in plan["old_routes"] if route["kept"]}
    assert ("bob@example.org", ".forward") in kept
    assert ("staff@example.org", "alias") in kept
    assert ("postmaster@example.org", "alias") in kept
    host.ctl.expect(0, "apply", "--yes")
    table = (host.config / "homeward-transport").read_text()
    assert "bob@example.org\t:\n" in table and "staff@example.org\t:\n" in table
    assert "ann@example.org" not in table
    host.ctl.expect(0, "apply", "--yes", "--move-forwarded")
    assert "bob@example.org" not in (host.config / "homeward-transport").read_text()


def test_a_user_who_is_not_in_the_directory_is_not_moved(host):
    host.ctl.make_directory(["ann@example.org"])
    host.ctl.write(users=["ann@example.org", "bob@example.org"])
    assert "bob@example.org is not in Homeward's directory" in host.ctl.expect(2, "plan")
    before = snapshot(host.config)
    host.ctl.expect(2, "apply", "--yes")
    assert difference(before, snapshot(host.config)) == []
    host.ctl.write(users=["ann@example.org"])
    host.ctl.expect(0, "apply", "--yes")


def test_domains_that_postfix_does_not_serve_are_refused(host):
    host.ctl.write(domains=["example.com"])
    assert "accepts no mail for example.com" in host.ctl.expect(2, "apply", "--yes")
    host.ctl.write(layout="virtual")
    host.ctl.expect(0, "apply", "--yes")
    assert value(host, "virtual_mailbox_domains").endswith(", example.com")


def test_an_edit_made_since_is_not_lost(host):
    host.ctl.write(domains=["example.org"])
    before = snapshot(host.config)
    host.ctl.expect(0, "apply", "--yes")
    with open(host.config / "main.cf", "a") as main:
        main.write("delay_warning_time = 4h\n")
    applied = snapshot(host.config)
    said = host.ctl.expect(2, "rollback", "--yes")
    assert "+delay_warning_time = 4h" in said and "changed since" in said
    assert difference(applied, snapshot(host.config)) == []
    host.ctl.expect(0, "rollback", "--yes", "--force")
    assert [line for line in difference(before, snapshot(host.config))
            if not line.startswith(f"{host.config}:")] == []


def test_a_question_without_an_answer_changes_nothing(host):
    host.ctl.write(domains=["example.org"])
    before = snapshot(host.config)
    assert "give --yes" in host.ctl.expect(2, "apply")
    assert difference(before, snapshot(host.config)) == []


def test_a_fragment_with_a_misspelt_name_is_found_before_anything_is_changed(host, here):
    fragments = here / "fragments"
    shutil.copytree(postfix.FRAGMENTS, fragments / "postfix-conf")
    with open(fragments / "postfix-conf/homeward-main.cf", "a") as main:
        main.write("homeward_destination_recipient_limmit = 7\n")
    host.ctl.write(domains=["example.org"], fragments=str(fragments))
    before = snapshot(host.config)
    assert "unused parameter" in host.ctl.expect(2, "apply", "--yes")
    assert difference(before, snapshot(host.config)) == []


def test_a_reload_that_fails_puts_everything_back(host, here):
    # A Postfix that seems to run and cannot be reloaded.
    real = host.ctl.settings["programs"]["postfix"]
    false = here / "postfix-that-fails"
    false.write_text(f'#!/bin/sh\ncase "$*" in *status) exit 0;; *reload) echo "no space" >&2;'
                     f' exit 1;; esac\nexec {real} "$@"\n')
    false.chmod(0o755)
    host.ctl.write(domains=["example.org"], programs__postfix=str(false))
    before = snapshot(host.config)
    said = host.ctl.expect(2, "apply", "--yes")
    assert "no space" in said and "put back" in said
    assert difference(before, snapshot(host.config)) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("call, stride", [("renameat", 2), ("fsync", 9)])
def test_killed_anywhere_the_next_one_repairs(host, call, stride):
    host.ctl.write(domains=["example.org"])
    before = snapshot(host.config)
    number, deaths = 1, 0
    while killed(host.ctl, call, number, "apply", "--yes"):
        deaths += 1
        done = host.ctl.run("rollback", "--yes")
        assert done.returncode in (0, 1), done.stderr
        assert difference(before, snapshot(host.config)) == [], f"{call} {number}"
        number += stride
    assert deaths >= 3
    # It went through: now the same for the way back.
    applied = snapshot(host.config)
    assert difference(before, applied) != []
    killed(host.ctl, call, 2, "rollback", "--yes")
    host.ctl.expect(0, "apply", "--yes")
    host.ctl.expect(0, "rollback", "--yes")
    assert difference(before, snapshot(host.config)) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_an_apply_after_a_kill_goes_on_by_itself(host):
    host.ctl.write(domains=["example.org"])
    before = snapshot(host.config)
    # Manifest and kept files are renamed first; this is among the configuration files.
    assert killed(host.ctl, "renameat", 10, "apply", "--yes")
    said = host.ctl.expect(0, "apply", "--yes")
    assert "cut short" in said and "Applied" in said
    host.ctl.expect(0, "rollback", "--yes")
    assert difference(before, snapshot(host.config)) == []


def test_two_at_a_time_are_one_too_many(host, here):
    host.ctl.write(domains=["example.org"])
    host.ctl.expect(1, "plan")
    with open(host.ctl.backups / "lock", "r+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        assert "another `homewardctl mta`" in host.ctl.expect(75, "apply", "--yes")


def test_mail_goes_home_after_apply_and_the_old_way_after_rollback(host):
    host.without_chroot()
    (host.queue / "homeward").mkdir()
    private = host.queue / "private"
    host.ctl.write(domains=["example.org"])
    with host:
        with FakeLmtp(private / "dovecot-lmtp") as old, \
                FakeLmtp(host.queue / "homeward/lmtp.sock") as new:
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


def test_check_finds_the_traps(host):
    host.ctl.write(domains=["example.org"], doors={"milter": True, "lookup": True})
    host.ctl.expect(0, "apply", "--yes")
    (host.queue / "homeward").mkdir(mode=0o755)
    quiet = host.ctl.findings()
    assert {"bare-newline", "short-queue-ids", "socket-missing"} <= quiet
    assert not {"milter-default-accept", "milter-not-last", "line-length", "cohort-limit",
                "socket-directory", "timeout-chain", "chroot-socket"} & quiet
    (host.queue / "homeward").chmod(0o775)
    host.command("postconf", "-P", "homeward/unix/lmtp_line_length_limit=998",
                 "homeward/unix/lmtp_data_done_timeout=60s")
    host.command("postconf", "-e", "homeward_destination_concurrency_failed_cohort_limit=1",
                 "smtpd_milters=unix:homeward/milter.sock, inet:127.0.0.1:8891",
                 "homeward_destination_recipient_limit=5000", "message_size_limit=0",
                 "mailbox_transport=homeward:unix:homeward/lmtp.sock",
                 "local_transport=lmtp:unix:private/dovecot-lmtp",
                 "virtual_mailbox_maps=socketmap:unix:/run/homeward/lookup.sock:mailbox")
    host.command("postconf", "-F", "*/inet/chroot=y")
    bridge = host.here / "bridge.yaml"
    bridge.write_text("user: mail\ndirectory:\n  engine: yaml\n  file: /etc/homeward/users.yaml\n")
    host.ctl.write(**{"bridge_settings": str(bridge),
                      "programs__homeward-bridge": str(program("homeward-bridge"))})
    loud = host.ctl.findings()
    assert {"timeout-chain", "message-size", "recipient-limit", "socket-directory", "line-length", "cohort-limit", "milter-not-last",
            "milter-default-accept", "aliases-unused", "mailbox-transport",
            "chroot-socket"} <= loud, loud


def test_backups_are_listed(host):
    host.ctl.write(domains=["example.org"])
    host.ctl.expect(0, "apply", "--yes")
    host.ctl.write(domains=["example.org", "example.net"])
    time.sleep(1.1)
    host.ctl.expect(0, "apply", "--yes")
    listed = host.ctl.json("backups")["backups"]
    assert [backup["state"] for backup in listed] == ["applied", "applied"]
    host.ctl.expect(0, "rollback", "--yes", listed[0]["name"])
    states = [backup["state"] for backup in host.ctl.json("backups")["backups"]]
    assert states == ["rolled_back", "rolled_back"]
    assert not (host.config / "homeward-transport").exists()


def test_the_shipped_settings_are_good(here):
    for name in ("mta.yaml", "mta.all-settings.yaml"):
        done = subprocess.run([program("homewardctl"), "mta", "settings", "--mta-settings",
                               TREE / "packaging/examples" / name], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
    wrong = here / "mta.yaml"
    wrong.write_text("domain: [example.org]\nusers: [ann]\n")
    done = subprocess.run([program("homewardctl"), "mta", "settings", "--mta-settings", wrong],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "did you mean domains?" in done.stderr and "full address" in done.stderr
