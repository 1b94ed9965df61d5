"""The sendmail queue farm: homeward-farm, its limits, and 5,000 messages through it with faults."""

import fcntl
import os
import re
import shutil
import smtplib
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from support import sendmail, tracing
from support.fake_lmtp import FakeLmtp
from support.homeward import Farm, program
from support.maildir_ledger import Ledger
from support.ports import free_port
from support.process import ChildProcess, run
from support.sendmail import ALIASES_FIRST, PrivateSendmail
from support.sendmail_farm import TIERS, PrivateFarm
from support.smtp_sender import Progress, SmtpSender, paper_mix
from support.waiting import wait_until

MESSAGE = b"Subject: one\r\n\r\nhello\r\n"

# Seconds where the product has minutes.
QUICK = {"HOMEWARD_TIER1_INTERVAL": "1s", "HOMEWARD_TIER2_INTERVAL": "1s",
         "HOMEWARD_TIER1_RUNNERS": "12", "HOMEWARD_TIER2_RUNNERS": "6",
         "HOMEWARD_TIER1_MIN_AGE": "5s", "HOMEWARD_TIER1_MAX_AGE": "8s",
         "HOMEWARD_TIER2_MIN_AGE": "5s", "HOMEWARD_TIER2_MAX_AGE": "8s"}
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


def test_what_a_killed_sendmail_left_behind_is_cleaned_up(here):
    """Under its own lock: nothing that somebody works on is touched."""
    mta = quick_farm(here, f"unix:{here}/lmtp.sock")
    mta.write_configuration()
    for queue, names in (("q1", ("qfWHOLE", "dfWHOLE", "tfWHOLE", "tfNEW")),
                         ("q2", ("qfBARE", "qfBUSY", "tfBUSY", "qfELSE"))):
        for name in names:
            (mta.queue / queue / name).write_text("V8\n.\n")
    (mta.queue / "q2" / "qfELSE").write_text("V8\nd/elsewhere\n.\n")
    with open(mta.queue / "q2/qfBUSY") as envelope, open(mta.queue / "q2/tfBUSY") as draft:
        for held in (envelope, draft):
            fcntl.flock(held, fcntl.LOCK_EX)
        said = mta.farm("clean", "tier1").stdout
    assert "2 drafts" in said and "QfBARE" not in said and "qfBARE" in said
    left = sorted(str(file.relative_to(mta.queue)) for file in mta.queue.rglob("?f*"))
    assert left == ["q1/dfWHOLE", "q1/qfWHOLE", "q2/QfBARE", "q2/qfBUSY", "q2/qfELSE", "q2/tfBUSY"]
    # Now nobody works on it.
    assert "1 drafts" in mta.farm("clean").stdout and (mta.queue / "q2/QfBUSY").exists()
    assert mta.farm("clean").stdout == ""
    lost = run(mta.tier_command("tier1", "-bp", "-qL"), mta.environment()).stdout
    assert "BARE" in lost and "BUSY" in lost and "WHOLE" not in lost


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


# --- 5,000 messages -----------------------------------------------------------------------

# Where the tools are killed: before a second name of a body, before and after the envelope goes,
# before the first name goes, at the syncs between. (system call, how manyth)
KILL_POINTS = [("linkat", 1), ("renameat2", 1), ("unlinkat", 1), ("fsync", 1), ("flock", 2),
               ("linkat", 2), ("renameat2", 2), ("unlinkat", 2), ("fsync", 2), ("fsync", 3),
               ("linkat", 7), ("renameat2", 7), ("unlinkat", 7), ("fsync", 9), ("flock", 9),
               ("linkat", 20), ("renameat2", 19), ("unlinkat", 18), ("fsync", 40), ("fsync", 41)]


# While the stores are away each message is tried a few times, not dozens of times.
PATIENT = {f"HOMEWARD_TIER{tier}_{limit}_AGE": "15s" for tier in (1, 2) for limit in ("MIN", "MAX")}


class Killed(threading.Thread):
    """Runs a tool under strace, again and again, each time to be killed at the next point."""

    def __init__(self, arguments, environment, log, until):
        super().__init__(daemon=True)
        self.arguments = [str(argument) for argument in arguments]
        self.environment = environment
        self.log = log
        self.until = until
        self.killed_at = []
        self.trouble = []

    def run(self):
        points = list(KILL_POINTS)
        while not self.until.is_set():
            call, number = points[0]
            status, said = self._once(["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                                       f"inject={call}:signal=KILL:when={number}"])
            points.append(points.pop(0))
            if status == -9:
                self.killed_at.append((call, number))
                # After the first round the machine is left to those who deliver.
                self.until.wait(1 if self.was_killed_everywhere() else 0)
                continue
            # It had too little to do to get there: later, when there is more.
            if status not in (0, 1):
                self.trouble.append(f"{status}: {said}")
            self.until.wait(0.3)

    def was_killed_everywhere(self):
        return set(self.killed_at) >= set(KILL_POINTS)

    def complete(self):
        """Once more, undisturbed."""
        status, said = self._once([])
        assert status == 0, said

    def _once(self, wrapper):
        done = subprocess.run([*wrapper, *self.arguments], env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{done.returncode} {wrapper[-1:]}: {done.stdout}{done.stderr}\n")
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def spool(here):
    """In memory where there is room: a kill does not ask the disk, and syncs cost the most."""
    memory = Path("/dev/shm")
    if not memory.is_mount() or shutil.disk_usage(memory).free < 2**29:
        (here / "spool").mkdir()
        yield here / "spool"
        return
    with tempfile.TemporaryDirectory(prefix="homeward-", dir=memory) as directory:
        yield Path(directory)


def test_five_thousand_messages_with_stores_stopped_and_tools_killed(here, spool):
    """Old mail is drained, new mail comes in, both stores go away and come back, tier 1 is killed,
    and homeward-requeue and homeward-drain are killed twenty times each. Nothing may be lost,
    doubled or bounced, and no envelope delivered without its body."""
    if reason := tracing.can_trace():
        pytest.skip(reason)
    ledger = Ledger(here / "ledger")
    stop_tools = threading.Event()
    with Farm(here / "farm", stores=2, partitions=2, users=40) as farm:
        old = list(paper_mix(500, farm.mailboxes, seed=11, recipients=(1, 2), sizes=(600,),
                             sender=farm.mailboxes[0]))
        new = list(paper_mix(4500, farm.mailboxes, seed=12, recipients=(1, 2), sizes=(600,),
                             sender=farm.mailboxes[0]))
        # The old queue: one directory, in the place where the farm's directories will be.
        before = PrivateSendmail(here / "mta", free_port(), farm.bridge.lmtp_unix,
                                 layout=ALIASES_FIRST, delivery_mode="queueonly")
        before.queue = spool / "mqueue"
        with before:
            assert SmtpSender(before.smtp_port, ledger, 8).send(old).messages == 500
        with quick_farm(here, farm.bridge.lmtp_unix, options=PATIENT, spool=spool) as mta:
            assert "500 waiting where no tier looks" in mta.farm("status").stdout
            counted = [Progress(0)]
            sender = SmtpSender(mta.smtp_port, ledger, 8,
                                progress=lambda now: counted.__setitem__(0, now))
            totals = []
            sending = threading.Thread(target=lambda: totals.append(sender.send(new)), daemon=True)
            sending.start()
            wait_until(lambda: counted[0].messages > 500, "mail comes in", 60)
            for store in farm.stores:
                store.stop()
            tools = start_tools(here, mta, stop_tools)
            wait_until(lambda: all(tool.was_killed_everywhere() for tool in tools),
                       lambda: f"tools are killed at all points: {tools[0].killed_at}, "
                               f"{tools[1].killed_at}", 120)
            sending.join()
            assert mta.waiting_in(mta.queue2) > 0
            assert totals[0].messages == 4500 and totals[0].refused == totals[0].unknown == 0
            for store in farm.stores:
                store.start()
            # Tier 1 dies in the middle of its deliveries.
            wait_until(lambda: mta.queue_size() < 4000, "mail flows again", 120, pause=0.5)
            mta.kill("tier1")
            mta.farm("start", "tier1")
            wait_until(lambda: mta.queue_size() < 2500, "half of it is delivered", 120, pause=0.5)
            stop_tools.set()
            for tool in tools:
                tool.join(60)
                assert not tool.is_alive() and not tool.trouble, tool.trouble[:3]
                tool.complete()
            print(*(f"{tool.arguments[0].split('/')[-1]} killed {len(tool.killed_at)} times"
                    for tool in tools), sep=", ")
            mta.wait_until_empty(120)
            assert not list((mta.spool / "drain").rglob("*f?*"))
            # Set aside: what the killed sendmail had delivered and half removed. Second names of
            # bodies whose message tier 2 delivered before the next requeue: --repair, in a day.
            assert all(re.search("/[Qdx]f", file) for file in mta.left_over()), mta.left_over()
            log = mta.log_text()
            assert "User unknown" not in log and "DSN" not in log
        verdict = farm.judge(here / "ledger")
        print(verdict.summary())
        assert verdict.clean and verdict.stored == verdict.sent, str(verdict)
        # A bounce, or an envelope without its body, would lie in a mailbox as a stranger.
        assert not verdict.foreign and not verdict.refused_but_stored, str(verdict)


def start_tools(here, mta, stop):
    environment = mta.farm_environment()
    requeue = Killed([program("homeward-requeue"), "--from", f"{mta.queue}/q*", "--to",
                      f"{mta.queue2}/q*", "--older", "3s"], environment, here / "requeue.log", stop)
    runner = (f"{mta.wrapper} -C {mta.etc}/acceptor.cf -OQueueDirectory={{}} -OMinQueueAge=0 "
              "-OSharedMemoryKey=0 -qf")
    drain = Killed([program("homeward-drain"), "--from", mta.queue, "--work", mta.spool / "drain",
                    "--batch", "50", "--parallel", "2", "--runner", runner], environment,
                   here / "drain.log", stop)
    for tool in (requeue, drain):
        tool.start()
    return requeue, drain
