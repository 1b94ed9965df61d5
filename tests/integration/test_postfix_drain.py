"""homeward-drain-postfix on a real Postfix: batches, kills in between, what others hold, old spools."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import scaled
from support import postfix
from support.fake_lmtp import FakeLmtp
from support.maildir_ledger import Ledger
from support.ports import free_port
from support.process import run
from support.smtp_sender import Message, SmtpSender, compose
from support.waiting import wait_until

PROGRAM = postfix.FRAGMENTS / "homeward-drain-postfix"

# Postfix tries nothing by itself during these tests.
PATIENT = {"minimal_backoff_time": "1h", "maximal_backoff_time": "1h", "queue_run_delay": "1h"}

# After these words of the drain's output it is killed, after so many seconds more.
KILLS = (("putting them on hold", 0.0), ("putting them on hold", 0.5), ("batch 1:", 0.0),
         ("batch 1:", 0.4), ("batch 1:", 1.0), ("batch 2:", 0.2))


class Queue:
    """A Postfix whose mail waits until it is drained into a sink."""

    def __init__(self, here, name="mta", settings=None):
        self.here = here
        self.mta = postfix.PrivatePostfix(here / name, free_port(), "unix:homeward/lmtp.sock",
                                          settings=PATIENT | (settings or {}))
        self.mta.write_configuration()
        self.sink = FakeLmtp(self.mta.doors / "lmtp.sock")
        self.state = here / "state"

    def fill(self, count, user="u"):
        """Put `count` messages into the queue, to <n><user>@example.org; returns the addresses."""
        source = self.mta.program("smtp-source")
        run([source, "-s", "20", "-m", str(count), "-N", "-l", "2000", "-f", "ann@example.org",
             "-t", f"{user}@example.org", f"127.0.0.1:{self.mta.smtp_port}"],
            self.mta.environment(), seconds=300)
        wait_until(lambda: self.count("deferred", user) == count,
                   lambda: f"{count} messages wait: {self.count('deferred', user)}", 120, pause=0.5)
        return sorted(address for entry in self.entries(user) for address in entry)

    def entries(self, user):
        return [[recipient["address"] for recipient in entry["recipients"]
                 if recipient["address"].endswith(f"{user}@example.org")]
                for entry in self.mta.queue_entries()]

    def count(self, queue, user="u"):
        return sum(1 for entry in self.mta.queue_entries() if entry["queue_name"] == queue
                   and entry["recipients"][0]["address"].endswith(f"{user}@example.org"))

    def hold_back(self, holding):
        """Mail for the bridge waits without an attempt, or no longer."""
        option = ("-e", "defer_transports=homeward") if holding else ("-X", "defer_transports")
        self.mta.command("postconf", *option)
        self.mta.reload()

    def command(self, *arguments):
        return [PROGRAM, "--state", self.state, *map(str, arguments)]

    def drain(self, *arguments, check=True):
        return run(self.command(*arguments), self.mta.environment(), seconds=300, check=check)

    def drain_and_kill(self, words, seconds, *arguments):
        """Run the drain, kill it with -9 that long after it said `words`; returns what it said."""
        child = subprocess.Popen(self.command(*arguments), env=self.mta.environment(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        said = ""
        for line in child.stdout:
            said += line
            if words in line or words == "putting them on hold" and "going on:" in line:
                time.sleep(seconds)
                break
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return said

    def send(self, address, subject):
        ledger = Ledger(self.here / "ledger")
        totals = SmtpSender(self.mta.smtp_port, ledger, 1).send(
            [Message(subject, "ann@example.org", (address,), compose(subject, "a@b.test", 800))])
        ledger.close()
        assert totals.accepted == 1

    def __enter__(self):
        self.mta.start()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.mta.log_text()[-4000:])
        self.mta.stop()
        self.sink.stop()


@pytest.fixture(autouse=True)
def can_run():
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)


def test_three_thousand_messages_in_batches_of_300_with_kills(here):
    count = scaled(3000, least=3000)
    with Queue(here, settings={"hash_queue_names": "deferred, defer, hold",
                               "hash_queue_depth": "2"}) as queue:
        queue.hold_back(True)
        kept = queue.fill(3, "kept")
        ids = [entry["queue_id"] for entry in queue.mta.queue_entries()]
        subprocess.run([queue.mta.program("postsuper"), "-c", queue.mta.config, "-h", "-"],
                       input="\n".join(ids), text=True, check=True, capture_output=True,
                       env=queue.mta.environment())
        expected = queue.fill(count)
        assert len(set(expected)) == count
        queue.hold_back(False)
        queue.sink.start()

        told = queue.drain("--dry-run").stdout
        assert f"{count} messages would go in {-(-count // 300)} batches" in told and "3 are on" in told
        assert not queue.sink.recipients() and queue.count("deferred") == count
        for words, seconds in KILLS:
            said = queue.drain_and_kill(words, seconds)
            assert words in said or "going on:" in said, said
        assert queue.count("hold") > 0, "the kills came too late to test anything"
        queue.send("new@example.org", "new-mail")
        wait_until(lambda: "new@example.org" in queue.sink.recipients(), "new mail does not wait")
        said = queue.drain().stdout
        assert "going on:" in said and "done:" in said

        got = queue.sink.recipients()
        got.remove("new@example.org")
        assert sorted(got) == expected
        left = queue.mta.queue_entries()
        assert sorted(entry["recipients"][0]["address"] for entry in left) == kept
        assert {entry["queue_name"] for entry in left} == {"hold"}
        assert "status=bounced" not in queue.mta.log_text()
        assert not any(queue.state.iterdir())


def test_what_cannot_be_delivered_is_deferred_again_and_delays_no_batch(here):
    with Queue(here) as queue:
        queue.hold_back(True)
        expected = queue.fill(20)
        queue.hold_back(False)
        late = set(expected[:5])
        queue.sink.on_rcpt = lambda address: (
            "451 4.3.0 store away" if address in late else "250 2.1.5 known")
        with queue.sink:
            said = queue.drain("--batch", "8").stdout
            assert "batch 3:" in said and "15 left the queue, 5 were deferred again" in said
            assert sorted(queue.sink.recipients()) == expected[5:]
            assert queue.count("deferred") == 5


def test_giving_up_releases_what_the_drain_holds(here):
    with Queue(here) as queue:
        queue.hold_back(True)
        queue.fill(6)
        queue.hold_back(False)
        queue.drain_and_kill("putting them on hold", 1.0, "--batch", "1", "--patience", "600")
        assert "messages released" in queue.drain("--give-up").stdout
        wait_until(lambda: queue.count("hold") == 0, "nothing is on hold")
        assert queue.count("deferred") == 6  # the sink is not there
        queue.mta.stop()
        assert "does not run" in queue.drain(check=False).stderr


def test_an_old_spool_is_drained_by_the_routes_of_today(here):
    """The queue of a Postfix that is gone: own mail to the bridge, remote mail to the slow tier."""
    with Queue(here, "old", {"smtpd_relay_restrictions": "permit_mynetworks, reject",
                             "default_transport": "smtp", "defer_transports": "homeward smtp"}) as old:
        expected = old.fill(30)
        old.send("r1@remote.test", "remote")
        wait_until(lambda: len(old.mta.queue_entries()) == 31, "all wait")
        spool = old.mta.queue
        for leftover in (spool / "homeward").iterdir():
            leftover.unlink()
        (spool / "homeward").rmdir()
    for folder, _, files in os.walk(spool / "deferred"):  # as another host's numbers would be
        for path in (folder, *(f"{folder}/{file}" for file in files)):
            shutil.chown(path, "games")
    slow_port = free_port()
    with Queue(here, "new", {"default_transport": "smtp"}) as new, \
            FakeLmtp(port=slow_port) as slow:
        options = ("--spool", spool, "--via", f"[127.0.0.1]:{slow_port}", "--batch", "10")
        assert "31 messages would go in 4 batches" in new.drain("--dry-run", *options).stdout
        late = set(expected[:2])
        new.sink.on_rcpt = lambda address: (
            "451 4.3.0 store away" if address in late else "250 2.1.5 known")
        with new.sink:
            new.drain_and_kill("batch 1:", 0.3, *options)
            said = new.drain(*options).stdout
            assert "postfix-drain goes on trying" in said, said
            assert sorted(new.sink.recipients()) == expected[2:]
            assert slow.recipients() == ["r1@remote.test"]
            late.clear()
            (config,) = new.state.glob("*/etc")
            run([new.mta.program("postqueue"), "-c", config, "-f"], new.mta.environment())
            wait_until(lambda: sorted(new.sink.recipients()) == expected, "the late ones arrive")
            assert "none waits" in new.drain(*options).stdout
        assert not any(new.state.iterdir())
        assert not (spool / "homeward").exists()
        refused = new.drain("--spool", new.mta.queue, check=False)
        assert refused.returncode == 1 and "leave --spool out" in refused.stderr
        assert new.mta.running


def test_a_spool_in_use_is_refused(here):
    with Queue(here, "old") as old, Queue(here, "new") as new:
        refused = new.drain("--spool", old.mta.queue, check=False)
        assert refused.returncode == 1 and "works on" in refused.stderr
        assert old.mta.running and not any(new.state.iterdir())
        shutil.rmtree(new.state)
        refused = new.drain("--spool", here, check=False)
        assert refused.returncode == 1 and "not a Postfix queue" in refused.stderr
