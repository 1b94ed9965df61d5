"""The sendmail queue farm: homeward-farm, its limits, and 5,000 messages through it with faults."""

import os
import smtplib
import stat
import threading

import pytest

from support import sendmail
from support.fake_lmtp import FakeLmtp
from support.ports import free_port
from support.process import ChildProcess
from support.sendmail import ALIASES_FIRST
from support.sendmail_farm import TIERS, PrivateFarm
from support.waiting import wait_until

MESSAGE = b"Subject: one\r\n\r\nhello\r\n"

# Seconds where the product has minutes.
QUICK = {"HOMEWARD_TIER1_INTERVAL": "1s", "HOMEWARD_TIER2_INTERVAL": "1s",
         "HOMEWARD_TIER1_RUNNERS": "12", "HOMEWARD_TIER2_RUNNERS": "6",
         "HOMEWARD_TIER1_MIN_AGE": "2s", "HOMEWARD_TIER1_MAX_AGE": "4s",
         "HOMEWARD_TIER2_MIN_AGE": "2s", "HOMEWARD_TIER2_MAX_AGE": "4s"}
QUICK_RUNS = {"FARM_TIER1_INTERVAL": "1s", "FARM_TIER2_INTERVAL": "1s"}


@pytest.fixture(autouse=True)
def _sendmail_runs_here():
    reason = sendmail.can_run()
    if reason:
        pytest.skip(reason)


def quick_farm(here, lmtp, options=None, settings=None, **more):
    return PrivateFarm(here / "mta", free_port(), lmtp, layout=ALIASES_FIRST,
                       options=QUICK | (options or {}), settings=QUICK_RUNS | (settings or {}),
                       **more)


def send(mta, recipient, count=1):
    with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
        for _ in range(count):
            session.sendmail("u1@example.org", [recipient], MESSAGE)


# --- the script ---------------------------------------------------------------------------


def test_directories_have_one_owner_and_are_closed(here):
    mta = quick_farm(here, f"unix:{here}/lmtp.sock", settings={"FARM_QUEUES": "5",
                                                              "FARM_OWNER": "mail:mail"})
    mta.write_configuration()
    for queue in (mta.queue, mta.queue2):
        assert sorted(part.name for part in queue.iterdir()) == ["q1", "q2", "q3", "q4", "q5"]
        for part in queue.iterdir():
            status = part.stat()
            assert stat.S_IMODE(status.st_mode) == 0o700 and part.owner() == "mail"
    # Once more changes nothing; what is no directory is not touched.
    assert mta.farm("make-directories").returncode == 0
    (mta.queue / "q3").rmdir()
    (mta.queue / "q3").symlink_to("/tmp")
    refused = mta.farm("make-directories", check=False)
    assert refused.returncode == 1 and "q3 is there and is not a directory" in refused.stderr


def test_the_owner_is_that_of_the_distribution_s_queue(here):
    mta = quick_farm(here, f"unix:{here}/lmtp.sock", settings={"FARM_OWNER": ""})
    mta.queue.mkdir(parents=True)
    os.chown(mta.queue, 8, 8)
    mta.write_configuration()
    assert (mta.queue / "q1").stat().st_uid == 8 and (mta.queue2 / "q8").stat().st_uid == 8


def test_a_faulty_site_leaves_the_old_configuration_in_place(here):
    mta = quick_farm(here, f"unix:{here}/lmtp.sock")
    mta.write_configuration()
    before = {tier: (mta.etc / f"{tier}.cf").read_text() for tier in TIERS}
    assert "is up to date" in mta.farm("build").stdout
    site = (mta.etc / "site.m4").read_text()
    faults = {site.replace("define(`HOMEWARD_SOCKET'", "MAILER(`local')define(`HOMEWARD_SOCKET'"):
              "site.m4 must not have MAILER() lines",
              "OSTYPE(`debian')dnl\n": "site.m4 must include feature/homeward.m4",
              site + "LOCAL_CONFIG\nO NoSuchOption=1\n": "NoSuchOption",
              site + "include(`/nonexistent')\n": "/nonexistent"}
    for text, said in faults.items():
        (mta.etc / "site.m4").write_text(text)
        refused = mta.farm("build", check=False)
        assert refused.returncode == 1 and said in refused.stderr, refused.stderr
        assert {tier: (mta.etc / f"{tier}.cf").read_text() for tier in TIERS} == before
    (mta.etc / "site.m4").unlink()
    refused = mta.farm("build", check=False)
    assert refused.returncode == 1 and "copy" in refused.stderr and "farm-site.m4" in refused.stderr


def test_what_keeps_the_farm_from_starting_is_said(here):
    mta = quick_farm(here, f"unix:{here}/lmtp.sock")
    mta.write_configuration()
    # The distribution's sendmail runs.
    pid_file = here / "distribution.pid"
    with ChildProcess(["sleep", "600"], here / "sleep.log") as other:
        pid_file.write_text(f"{other.pid}\n")
        mta.settings["FARM_DISTRIBUTION_PID"] = pid_file
        refused = mta.farm("start", check=False)
        assert refused.returncode == 1 and f"(pid {other.pid})" in refused.stderr
        assert "--take-over" in refused.stderr and other.running
        assert not any(mta.pid_of(tier) for tier in TIERS)
        # The runners need no port.
        mta.farm("start", "tier2")
        assert mta.pid_of("tier2") and mta.farm("status", check=False).returncode == 3
        mta.settings["FARM_DISTRIBUTION_STOP"] = f"kill {other.pid}"
        wait_until(lambda: mta.farm("start", "--take-over"), "it starts")
        assert mta.farm("status").returncode == 0
        assert "runs already" in mta.farm("start").stdout
    # Old mail that no tier reads.
    (mta.queue / "qfOLD").write_text("V8\n")
    assert "1 waiting where no tier looks" in mta.farm("status").stdout
    assert "homeward-drain" in mta.farm("check").stderr
    (mta.queue / "qfOLD").unlink()
    mta.stop()
    assert "tier1 does not run" in mta.farm("stop").stdout
    # Somebody else has the port.
    with ChildProcess(["/usr/bin/python3", "-c", "import socket,time; s=socket.create_server("
                       f"('127.0.0.1',{mta.smtp_port})); time.sleep(600)"], here / "port.log"):
        wait_until(lambda: _taken(mta.smtp_port), "the port is taken")
        refused = mta.farm("start", "acceptor", check=False)
        assert refused.returncode == 1, refused.stdout
        assert "did not start" in refused.stderr and "already in use" in refused.stderr
    # Nor does it start later, when nobody expects it any more.
    threading.Event().wait(6)
    assert not _taken(mta.smtp_port) and mta.pid_of("acceptor") is None
    (mta.queue / "q1").rmdir()
    refused = mta.farm("start", "tier1", check=False)
    assert refused.returncode == 1 and "homeward-farm make-directories" in refused.stderr


def _taken(port):
    try:
        smtplib.socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


# --- what the daemons do ------------------------------------------------------------------


def test_runners_stay_below_their_limit_when_a_store_hangs(here):
    """MaxDaemonChildren would not hold; Runners= with -qp does."""
    go_on = threading.Event()
    busy, most, lock = [0], [0], threading.Lock()

    def hang(transaction, address):
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        go_on.wait(60)
        with lock:
            busy[0] -= 1
        return "250 2.0.0 stored"

    with FakeLmtp(here / "lmtp.sock", on_message=hang) as sink, quick_farm(
            here, f"unix:{here}/lmtp.sock", options={"HOMEWARD_TIER1_RUNNERS": "3"}) as mta:
        send(mta, "u1@example.org", 12)
        wait_until(lambda: busy[0] == 3, "all runners are busy")
        # Several intervals pass: each starts a run of its own, were there no limit.
        threading.Event().wait(4)
        assert most[0] == 3
        go_on.set()
        wait_until(lambda: len(sink.transactions) == 12, "all are delivered")
        assert most[0] == 3


def test_the_acceptor_refuses_unknown_users_and_delivers_nothing(here):
    """deferred, which older recipes use, would take mail for everybody and bounce it."""
    users = here / "users"
    users.write_text("u1\n")
    with FakeLmtp(here / "lmtp.sock") as sink, quick_farm(
            here, f"unix:{here}/lmtp.sock",
            extra=f"define(`HOMEWARD_USERS_FILE', `{users}')dnl\n") as mta:
        mta.farm("stop", "tier1", "tier2")
        send(mta, "u1@example.org", 8)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(mta, "nobody-at-all@example.org")
        assert list(refused.value.recipients.values())[0][0] == 550
        assert mta.waiting_in(mta.queue) == 8 and not sink.transactions
        # Spread over the directories, none in a place that is not read.
        assert sum(1 for part in mta.queue.glob("q*") if mta.waiting_in(part)) > 1
        mta.farm("start")
        wait_until(lambda: len(sink.transactions) == 8, "tier 1 delivers")
        mta.wait_until_empty(30)
        assert mta.left_over() == []
