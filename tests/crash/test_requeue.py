"""homeward-requeue and homeward-drain are killed at chosen system calls while a real sendmail runs
the queues of both sides: nothing lost, nothing delivered twice, no message without its body."""

import itertools
import os
import subprocess
import time

import pytest
from conftest import scaled

from support import sendmail
from support.homeward import program
from support.ports import free_port
from support.process import ChildProcess
from support.queue_files import bodies_in, jobs_in, without_body, write_job
from support.queue_runners import CountingStore, QueueRunners, runner_command

KILLED = (137, -9)

# Where it is killed: before the nth call of this kind. One job is lock, link, three syncs, two
# renames (qf, xf) and unlink; many share the syncs.
REQUEUE_POINTS = [("flock", 1), ("flock", 7), ("linkat", 1), ("linkat", 2), ("linkat", 9),
                  ("linkat", 40), ("fsync", 1), ("fsync", 2), ("fsync", 3), ("fsync", 4),
                  ("fsync", 5), ("fsync", 6), ("renameat2", 1), ("renameat2", 2),
                  ("renameat2", 5), ("renameat2", 30), ("renameat2", 51), ("renameat2", 60),
                  ("unlinkat", 1), ("unlinkat", 2), ("unlinkat", 30), ("unlinkat", 51),
                  ("openat2", 20), ("openat2", 60)]
DRAIN_POINTS = [("linkat", 170), ("renameat2", 420), ("mkdirat", 3), ("fsync", 40),
                ("unlinkat", 333)]


@pytest.fixture
def mta(here):
    """A real sendmail that is not started: only its queue runs are used, and its door once."""
    reason = sendmail.can_run()
    if reason:
        pytest.skip(reason)
    private = sendmail.PrivateSendmail(here / "sendmail", free_port(), f"unix:{here}/lmtp.sock",
                                       delivery_mode="queueonly")
    private.write_configuration()
    yield private
    private.stop()


def killed_at(call, number, command):
    """Runs the command until its `number`th `call`, which is not done any more."""
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                           "-e", f"inject={call}:signal=KILL:when={number}",
                           *map(str, command)], capture_output=True, text=True, timeout=120)
    return done.returncode in KILLED


def requeue(source, target, *options):
    return [program("homeward-requeue"), "--from", source, "--to", target, "--older", "0s",
            *options]


def run(command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=300)


def expect_each_once(store, wanted):
    counts = store.deliveries()
    lost = sorted(set(wanted) - set(counts))
    doubled = sorted(key for key, times in counts.items() if times > 1)
    assert not lost and not doubled and len(counts) == len(wanted), (lost[:5], doubled[:5])
    assert not store.empty_bodies()


def test_requeue_killed_at_every_step(here, mta, strace, say):
    """Both tiers have runners; the store is away, then takes every third, then all."""
    tiers = (here / "tier1", here / "tier2")
    for path in ("tier1/q1", "tier1/q2/qf", "tier1/q2/df", "tier1/q2/xf", "tier1/q3",
                 "tier2/q1", "tier2/q2/df"):
        (here / path).mkdir(parents=True)
    patterns = [f"{tier}/q*" for tier in tiers]
    directories = [path for tier in tiers for path in sorted(tier.iterdir())]
    attempts = itertools.count()
    taking = {"every": 0}
    store = CountingStore(here / "lmtp.sock",
                          lambda _: taking["every"] and next(attempts) % taking["every"] == 0)
    wanted = []
    jobs = scaled(500, least=300)
    for number in range(jobs):
        to = [f"u{number}@example.org", f"v{number}@example.org"][:1 + number % 2]
        write_job(directories[number % 3], number, to, created=time.time() - 7200)
        wanted += [(str(number), address) for address in to]
    killed = 0
    with QueueRunners(mta, patterns, here / "runners.log"):
        for round_, (call, number) in enumerate(REQUEUE_POINTS):
            if round_ == len(REQUEUE_POINTS) // 3:
                store.start()
            elif round_ == len(REQUEUE_POINTS) * 2 // 3:
                taking["every"] = 20
            source, target = patterns[round_ % 2], patterns[(round_ + 1) % 2]
            # From the third round on there is something to move in both directions.
            if round_ < 2:
                source, target = patterns
            killed += killed_at(call, number, requeue(source, target))
            assert not without_body(*directories)
        moved = run(requeue(*patterns))
        assert moved.returncode in (0, 1), moved.stdout + moved.stderr
        taking["every"] = 1
        deadline = time.monotonic() + 120
        while jobs_in(*directories) and time.monotonic() < deadline:
            time.sleep(0.5)
    store.stop()
    assert jobs_in(*directories) == []
    expect_each_once(store, wanted)
    assert killed >= 20, f"only {killed} of {len(REQUEUE_POINTS)} were killed"
    strays = bodies_in(*directories)
    say(f"{jobs} jobs, killed {killed} times, lost 0, doubled 0, {len(strays)} bodies left over")
    expect_repaired(here, patterns, directories)


def expect_repaired(here, patterns, directories):
    """What killed runs left behind goes away, but only when it is old and it is asked for."""
    cf = here / "other.cf"
    cf.write_text(f"O QueueDirectory={patterns[0]}\n")
    left = len(bodies_in(*directories))
    assert run(requeue(*patterns, "--repair", "--cf", cf)).returncode == 0
    assert len(bodies_in(*directories)) == left
    long_ago = time.time() - 2 * 86400
    for directory in directories:
        for file in directory.rglob("df*"):
            if file.is_file():
                os.utime(file, (long_ago, long_ago))
    assert run(requeue(*patterns)).returncode == 0
    assert len(bodies_in(*directories)) == left
    assert run(requeue(*patterns, "--repair", "--cf", cf)).returncode == 0
    assert bodies_in(*directories) == []


def drain(source, work, mta, *options):
    return [program("homeward-drain"), "--from", source, "--work", work, "--batch", "300",
            "--parallel", "2", "--runner", runner_command(mta), *options]


def test_drain_of_an_old_queue_killed_and_resumed(here, mta, strace, say):
    """3,000 jobs wait in one directory; a runner of its own works on it meanwhile. The runners of a
    drain that is killed live on beside those of the next."""
    old = here / "mqueue.old"
    old.mkdir(mode=0o700)
    work = here / "drain"
    store = CountingStore(here / "lmtp.sock").start()
    jobs = scaled(3000, least=2000)
    wanted = []
    for number in range(jobs):
        write_job(old, number, [f"u{number}@example.org"], created=time.time() - 3 * 86400)
        wanted.append((str(number), f"u{number}@example.org"))
    killed = 0
    batches = set()
    with QueueRunners(mta, [str(old)], here / "runners.log"):
        for call, number in DRAIN_POINTS:
            killed += killed_at(call, number, drain(old, work, mta))
            batches |= {batch.name for batch in work.glob("b*")}
            assert not without_body(old, *work.glob("b*"))
        child = ChildProcess(drain(old, work, mta), here / "drain.log").start()
        deadline = time.monotonic() + 30
        while not list(work.glob("b*")) and child.running and time.monotonic() < deadline:
            time.sleep(0.01)
        child.signal(9)
        time.sleep(0.2)
        last = run(drain(old, work, mta, "--json"))
        assert last.returncode in (0, 1), last.stdout + last.stderr
        deadline = time.monotonic() + 120
        while jobs_in(old, *work.glob("b*")) and time.monotonic() < deadline:
            time.sleep(0.5)
            run(drain(old, work, mta))
    store.stop()
    assert jobs_in(old, *work.glob("b*")) == []
    expect_each_once(store, wanted)
    assert killed >= len(DRAIN_POINTS) - 1 and batches
    strays = bodies_in(old, *work.glob("b*"))
    assert len(strays) <= 50 * (killed + 1)
    say(f"{jobs} jobs in batches of 300, killed {killed + 1} times, lost 0, doubled 0, "
        f"{len(strays)} bodies left over")
