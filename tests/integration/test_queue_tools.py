"""homeward-requeue, homeward-drain and `homewardctl queue` with a real sendmail and a real Postfix."""

import json
import os
import subprocess
import time

import pytest
from conftest import make_mta, scaled

from support.fake_lmtp import FakeLmtp
from support.homeward import program
from support.queue_files import bodies_in, jobs_in, write_job
from support.queue_runners import CountingStore, QueueRunners, runner_command
from support.smtp_sender import Message, SmtpSender, compose
from support.maildir_ledger import Ledger
from support.waiting import wait_until


def run(command, environment=None):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=300, env=environment, check=False)


def queue_view(*options, environment=None):
    answer = run([program("homewardctl"), "--json", "queue", *options], environment)
    return answer, json.loads(answer.stdout) if answer.stdout else None


@pytest.fixture
def directory(here):
    """A user directory: ann lives on store1/mail1, bob on store2/mail1."""
    file = here / "directory.db"
    for arguments in (["directory", "init"],
                      ["server", "add", "store1", "--endpoint", "127.0.0.1:2400"],
                      ["server", "add", "store2", "--endpoint", "127.0.0.1:2401"],
                      ["partition", "add", "store1/mail1"], ["partition", "add", "store2/mail1"],
                      ["user", "add", "ann@example.org", "--home", "store1/mail1"],
                      ["user", "add", "bob@example.org", "--home", "store2/mail1"]):
        done = run([program("homewardctl"), "--directory", file, *arguments])
        assert done.returncode == 0, done.stderr
    return file


def send(mta, here, count, recipients=("ann@example.org", "bob@example.org")):
    messages = [Message(f"q.{n}", "sender@example.org", tuple(recipients),
                        compose(f"q.{n}", "sender@example.org", 1000)) for n in range(count)]
    totals = SmtpSender(mta.smtp_port, Ledger(here / "ledger"), connections=2).send(messages)
    assert totals.accepted == count * len(recipients)


def test_real_jobs_are_moved_and_delivered_from_the_second_tier(here):
    """What sendmail itself wrote: moved after a failed attempt, then delivered byte for byte."""
    mta = make_mta("sendmail", here / "sendmail", f"unix:{here}/lmtp.sock",
                   delivery_mode="queueonly")
    tier2 = here / "tier2"
    for part in ("qf", "df", "xf"):
        (tier2 / "q1" / part).mkdir(parents=True)
    (tier2 / "q2").mkdir()
    with mta:
        send(mta, here, 20)
        mta.flush()
        move = [program("homeward-requeue"), "--from", mta.queue, "--to", f"{tier2}/q*"]
        young = run([*move, "--older", "1h"])
        assert (young.returncode, young.stdout) == (0, "moved 0, locked 0, young 20, skipped 0\n")
        would = run([*move, "--older", "0s", "--dry-run"])
        assert "would move 20, locked 0, young 0, skipped 0" in would.stdout
        assert len(jobs_in(mta.queue)) == 20
        moved = run([*move, "--older", "0s", "--json"])
        assert moved.returncode == 0, moved.stderr
        said = json.loads(moved.stdout)
        assert said["moved"] == 20 and sorted(to["moved"] for to in said["to"]) == [10, 10]
        assert jobs_in(mta.queue) == bodies_in(mta.queue) == []
        store = CountingStore(here / "lmtp.sock").start()
        QueueRunners(mta, [f"{tier2}/q*"], here / "runner.log").run_once()
        store.stop()
    assert jobs_in(tier2 / "q1", tier2 / "q2") == []
    assert store.deliveries() == {(f"q.{n}", user): 1 for n in range(20)
                                  for user in ("ann@example.org", "bob@example.org")}


def test_requeue_names_what_it_skips_and_what_cannot_be(here):
    source, target = here / "q1", here / "q2"
    source.mkdir()
    target.mkdir()
    identity = write_job(source, 1, ["ann@example.org"])
    (source / f"df{identity}").unlink()
    move = [program("homeward-requeue"), "--from", source, "--to", target, "--older", "0s"]
    skipped = run(move)
    assert skipped.returncode == 1
    assert "skipped 1 (1: has no df)" in skipped.stdout
    assert str(source / f"qf{identity}") in skipped.stdout
    for wrong, code, words in (
            ([*move[:1], "--from", source, "--to", source, "--older", "0s"], 78, "among the sources"),
            ([*move[:1], "--from", here / "nope*", "--to", target, "--older", "0s"], 78, "matches"),
            ([*move[:1], "--from", here / "gone", "--to", target, "--older", "0s"], 75, "gone"),
            ([*move[:1], "--from", source, "--to", target, "--older", "soon"], 64, "soon"),
            ([*move[:1], "--from", source, "--to", target], 64, "--older")):
        answer = run(wrong)
        assert answer.returncode == code and words in answer.stderr, (wrong, answer)


def test_drain_puts_back_what_the_store_refuses_to_take_now(here):
    mta = make_mta("sendmail", here / "sendmail", f"unix:{here}/lmtp.sock",
                   delivery_mode="queueonly")
    mta.write_configuration()
    old = here / "old"
    old.mkdir(mode=0o700)
    for number in range(60):
        user = "ann" if number % 3 else "away"
        write_job(old, number, [f"{user}@example.org"])
    store = CountingStore(here / "lmtp.sock", lambda address: "away" not in address).start()
    drain = [program("homeward-drain"), "--from", old, "--work", here / "drain", "--batch", "25",
             "--runner", runner_command(mta)]
    plan = run([*drain, "--dry-run"])
    assert plan.returncode == 0 and "would try 60 jobs in 3 batches" in plan.stdout
    done = run([*drain, "--json"])
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert (said["delivered"], said["put_back"], said["batches"]) == (40, 20, 3)
    assert len(jobs_in(old)) == len(bodies_in(old)) == 20
    assert not (here / "drain").exists()
    assert sum(store.deliveries().values()) == 40
    store.stop()


def test_drain_refuses_what_cannot_work(here):
    old = here / "old"
    old.mkdir()
    write_job(old, 1, ["ann@example.org"])
    groups = here / "groups.cf"
    groups.write_text("O QueueDirectory=/var/spool/mqueue\nQstore, Path=/var/spool/mqueue/s*\n")
    base = [program("homeward-drain"), "--from", old, "--work", here / "drain"]
    for options, code, words in ((["--cf", groups], 78, "queue groups"),
                                 (["--cf", here / "none.cf"], 78, "cannot be read"),
                                 (["--runner", "true"], 78, "where the batch is"),
                                 (["--runner", "exit 9 # {}"], 75, "ended with 9"),
                                 (["--batch", "0"], 64, "--batch")):
        answer = run([*base, *options])
        assert answer.returncode == code and words in answer.stderr, (options, answer)
        assert len(jobs_in(old)) == 1
        assert not (here / "drain").exists()


def test_queue_view_of_sendmail(here, directory):
    mta = make_mta("sendmail", here / "sendmail", f"unix:{here}/lmtp.sock",
                   delivery_mode="queueonly")
    with mta:
        send(mta, here, 5)
        with FakeLmtp(here / "lmtp.sock",
                      on_message=lambda _, address: "451 4.3.0 partition is away"
                      if "bob" in address else "250 2.0.0 stored"):
            mta.flush()
        send(mta, here, 2, recipients=("ann@example.org",))
    bad = mta.queue / "qfBAD"
    bad.write_text("\x1b[31mred\n")
    environment = dict(os.environ, HOMEWARD_DIRECTORY=str(directory))
    answer, view = queue_view("--sendmail-queue", mta.queue, environment=environment)
    assert answer.returncode == 0, answer.stderr
    total = view["total"]
    assert (total["messages"], total["untried"], total["lost"]) == (8, 2, 1)
    assert {d["destination"]: d["recipients"] for d in view["destinations"]} == {
        "store1/mail1": 2, "store2/mail1": 5}
    reasons = {r["reason"]: r["recipients"] for r in view["reasons"]}
    assert reasons["not tried yet"] == 2
    assert [n for reason, n in reasons.items() if "partition is away" in reason] == [5]
    cf = run([program("homewardctl"), "queue", "--sendmail-cf", mta.etc / "sendmail.cf"], environment)
    assert cf.returncode == 0 and "8 messages wait" in cf.stdout and "\x1b" not in cf.stdout
    assert f"mqueue  {mta.queue}" in cf.stdout
    without = run([program("homewardctl"), "--directory", here / "none.db", "queue",
                   "--sendmail-queue", mta.queue])
    assert "destinations are domains" in without.stderr and "example.org, elsewhere" in without.stdout


def test_queue_view_of_postfix(here, directory):
    mta = make_mta("postfix", here / "postfix", f"unix:{here}/lmtp.sock")
    with mta:
        send(mta, here, 4)
        wait_until(lambda: all(r.get("delay_reason") for entry in mta.queue_entries()
                               for r in entry["recipients"]) and mta.queue_size() == 4,
                   "Postfix has tried all", 60)
        environment = mta.environment() | {"HOMEWARD_DIRECTORY": str(directory)}
        answer, view = queue_view("--postfix", mta.config, environment=environment)
        assert answer.returncode == 0, answer.stderr
        assert (view["total"]["messages"], view["total"]["recipients"]) == (4, 8)
        assert {d["destination"]: d["recipients"] for d in view["destinations"]} == {
            "store1/mail1": 4, "store2/mail1": 4}
        assert sum(r["recipients"] for r in view["reasons"]) == 8
    nowhere = run([program("homewardctl"), "queue", "--postfix", here / "none"], environment)
    assert nowhere.returncode == 75 and "cannot be read" in nowhere.stderr


def test_queue_view_of_many_messages(here, directory):
    """Thousands of messages in eight directories: counted, not timed."""
    messages = scaled(1600, least=800) // 8 * 8
    queue = here / "mqueue"
    for number in range(8):
        (queue / f"q{number}").mkdir(parents=True)
    for number in range(messages):
        write_job(queue / f"q{number % 8}", number,
                  [("ann", "bob", f"u{number % 100}")[number % 3] + "@example.org"],
                  created=time.time() - number, tried=number % 2 == 0)
    answer, view = queue_view("--sendmail-queue", f"{queue}/q*",
                              environment=dict(os.environ, HOMEWARD_DIRECTORY=str(directory)))
    assert answer.returncode == 0, answer.stderr
    assert view["total"]["messages"] == messages and view["total"]["untried"] == messages // 2
    assert len(view["directories"]) == 8
    assert {d["messages"] for d in view["directories"]} == {messages // 8}
    assert view["total"]["oldest_seconds"] >= messages - 1
