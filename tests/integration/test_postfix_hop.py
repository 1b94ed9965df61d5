"""The LMTP hop of postfix-conf/ on a real Postfix while the bridge comes and goes."""

import pytest

from support import postfix
from support.fake_lmtp import FakeLmtp
from support.maildir_ledger import Ledger
from support.ports import free_port
from support.smtp_sender import Message, SmtpSender, compose
from support.waiting import wait_until

# Postfix tries nothing by itself that a test does not ask for.
PATIENT = {"minimal_backoff_time": "1h", "maximal_backoff_time": "1h", "queue_run_delay": "1h"}


class Hop:
    def __init__(self, here, settings=None):
        self.here = here
        self.sink = FakeLmtp(here / "lmtp.sock")
        self.mta = postfix.PrivatePostfix(here / "mta", free_port(), f"unix:{here}/lmtp.sock",
                                          settings=PATIENT | (settings or {}))

    def send(self, *subjects):
        ledger = Ledger(self.here / "ledger")
        messages = [Message(subject, "ann@example.org", (f"{subject}@example.org",),
                            compose(subject, "a@b.test", 800)) for subject in subjects]
        assert SmtpSender(self.mta.smtp_port, ledger, 1).send(messages).accepted == len(subjects)
        ledger.close()

    def deferred(self):
        return [entry["recipients"][0] for entry in self.mta.queue_entries()
                if entry["queue_name"] == "deferred"]

    def __enter__(self):
        self.mta.start()
        return self

    def __exit__(self, *_):
        self.mta.stop()
        self.sink.stop()


@pytest.fixture(autouse=True)
def can_run():
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)


def test_failed_connects_do_not_suspend_the_bridge(here):
    """With Postfix's own cohort limit the later message waits, too; with 10 it does so after some
    25 failures."""
    with Hop(here) as hop:
        hop.send(*[f"early{number}" for number in range(150)])
        wait_until(lambda: len(hop.deferred()) == 150, "the early ones are deferred")
        assert "No such file" in hop.deferred()[0]["delay_reason"]
        with hop.sink:
            hop.send("later")
            wait_until(lambda: hop.sink.recipients() == ["later@example.org"],
                       lambda: "new mail goes at once: " + hop.mta.log_text()[-1000:])
        assert "suspended" not in hop.mta.log_text()


def test_a_bridge_that_stays_away_loses_nothing(here):
    subjects = [f"m{number}" for number in range(30)]
    with Hop(here) as hop:
        hop.send(*subjects)
        wait_until(lambda: len(hop.deferred()) == 30, lambda: f"all wait: {hop.deferred()}")
        with hop.sink:
            hop.mta.flush()
            hop.mta.wait_until_empty()
            assert sorted(hop.sink.recipients()) == sorted(f"{s}@example.org" for s in subjects)
        assert "status=bounced" not in hop.mta.log_text()


def test_connections_are_kept_open_between_messages(here):
    with Hop(here, {"lmtp_connection_cache_time_limit": "60s"}) as hop, hop.sink:
        for number in range(5):
            hop.send(f"m{number}")
            wait_until(lambda count=number + 1: len(hop.sink.transactions) == count, "delivered")
        assert hop.sink.connections < 5
        assert all(transaction.xforward["IDENT"] for transaction in hop.sink.transactions)


def test_hashed_queues_come_and_go_with_a_reload(here):
    """homeward-tuning.cf: queue files move to their new places, none is lost."""
    with Hop(here) as hop:
        hop.send(*[f"m{number}" for number in range(20)])
        wait_until(lambda: len(hop.deferred()) == 20, "all wait")
        for depth in ("2", "1"):
            names = "deferred, defer, hold" if depth == "2" else "deferred, defer"
            hop.mta.command("postconf", "-e", f"hash_queue_names={names}",
                            f"hash_queue_depth={depth}")
            hop.mta.reload()
            files = [path for path in (hop.mta.queue / "deferred").rglob("*") if path.is_file()]
            places = {len(path.relative_to(hop.mta.queue / "deferred").parts) for path in files}
            assert len(files) == 20 and places == {int(depth) + 1}
        with hop.sink:
            hop.mta.flush()
            hop.mta.wait_until_empty()
            assert len(hop.sink.recipients()) == 20
