"""Stores and the bridge are stopped, killed and frozen while mail flows (F1, F2, F17, F23, F34).

The sentence each test asserts: nothing the MTA took is lost, torn, bounced or in a wrong place,
and nothing is doubled where identities can tell.
"""

import random
import threading
import time

import pytest
from conftest import MTAS, make_mta, scaled

from support.homeward import Farm
from support.maildir_ledger import Ledger, read_ledger
from support.smtp_sender import SmtpSender, paper_mix
from support.waiting import wait_until

USERS = 24


class Run:
    """A farm behind a real MTA, and a sender in the background that fills a ledger."""

    def __init__(self, here, kind, users=USERS, bridge_settings=None):
        self.here = here
        self.farm = Farm(here / "farm", users=users, bridge_settings=bridge_settings)
        self.mta = make_mta(kind, here / "mta", self.farm.bridge.lmtp_unix)
        self.ledger = Ledger(here / "ledger")
        self.sent = 0
        self._thread = None

    def send(self, count, seed, recipients=(1, 6), connections=3):
        """Begin to send; `sent` counts what the MTA has answered."""

        def note(progress):
            self.sent = progress.messages

        sender = SmtpSender(self.mta.smtp_port, self.ledger, connections, progress=note)
        messages = list(paper_mix(count, self.farm.mailboxes, seed, recipients))
        self._thread = threading.Thread(target=sender.send, args=(messages,), daemon=True)
        self._thread.start()

    def wait_for(self, messages, seconds=120):
        wait_until(lambda: self.sent >= messages, lambda: f"{self.sent} of {messages} sent",
                   seconds)

    @property
    def sending(self):
        return self._thread.is_alive()

    def finish(self, seconds=180):
        """Wait for sender and queue, stop the MTA, and judge."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        self.mta.wait_until_empty(seconds, flush=True)
        verdict = self.farm.judge(self.here / "ledger")
        outcomes = [outcome for entry in read_ledger(self.here / "ledger").values()
                    for outcome, _ in entry.outcomes.values()]
        assert set(outcomes) == {"accepted"}
        return verdict

    def bounced(self):
        """Lines of the MTA's log in which a recipient was given up."""
        log = self.mta.log_text()
        return [line for line in log.splitlines()
                if "status=bounced" in line or "DSN:" in line or "dsn=5." in line]

    def __enter__(self):
        self.farm.__enter__()
        try:
            self.mta.start()
        except BaseException:
            self.farm.stop()
            raise
        return self

    def __exit__(self, *error):
        self.mta.stop()
        self.farm.__exit__(*error)


def assert_nothing_went_wrong(run, verdict):
    assert verdict.clean and verdict.stored == verdict.sent, str(verdict)
    assert not verdict.foreign and not verdict.unfinished, str(verdict)
    assert not run.bounced(), run.bounced()[:3]


@pytest.mark.parametrize("kind", MTAS)
def test_a_stopped_store_delays_only_its_own_users(here, kind):
    with Run(here, kind) as run:
        count = scaled(200)
        run.send(count, seed=231)
        run.wait_for(count // 4)
        stopped = run.farm.stores[1]
        stopped.stop()
        run.wait_for(count)
        neighbours = run.farm.living_on("store1")
        owed = copies_owed(run)
        wait_until(lambda: all(len(run.farm.messages(one)) == owed[one] for one in neighbours),
                   lambda: "mail of the other store's users while store2 is stopped", 60)
        assert run.mta.queue_size() > 0
        waiting = {one: owed[one] - len(run.farm.messages(one))
                   for one in run.farm.living_on("store2")}
        assert sum(waiting.values()) > 0 and min(waiting.values()) >= 0
        stopped.start()
        assert_nothing_went_wrong(run, run.finish())


def copies_owed(run):
    """How many copies each mailbox must have, by what the MTA has accepted."""
    owed = dict.fromkeys(run.farm.mailboxes, 0)
    for entry in read_ledger(run.here / "ledger").values():
        for mailbox in entry.owed():
            owed[mailbox] += 1
    return owed


@pytest.mark.parametrize("kind", MTAS)
def test_a_bridge_killed_twenty_times_loses_and_doubles_nothing(here, kind):
    """The stores live on, so they recognise every repeat: duplicated 0, too."""
    chance = random.Random(2)
    with Run(here, kind) as run:
        count = scaled(300)
        run.send(count, seed=232)
        for number in range(20):
            run.wait_for(min(count, (number + 1) * count // 24))
            time.sleep(chance.uniform(0.0, 0.15))
            run.farm.bridge.kill()
            time.sleep(chance.uniform(0.0, 0.1))
            run.farm.bridge.start()
            if number % 4 == 3:
                run.mta.flush()
        assert_nothing_went_wrong(run, run.finish())


def test_a_killed_store_loses_and_doubles_nothing(here):
    """Its journal knows what it took: repeats after the kill are recognised."""
    chance = random.Random(3)
    with Run(here, "postfix") as run:
        count = scaled(300)
        run.send(count, seed=233)
        for number in range(12):
            run.wait_for(min(count, (number + 1) * count // 16))
            time.sleep(chance.uniform(0.0, 0.1))
            store = chance.choice(run.farm.stores)
            store.kill()
            time.sleep(chance.uniform(0.0, 0.2))
            store.start()
            run.mta.flush()
        assert_nothing_went_wrong(run, run.finish())


@pytest.mark.parametrize("kind", MTAS)
def test_a_frozen_store_is_given_up_and_its_late_work_recognised(here, kind):
    """SIGSTOP: connections stay open, nothing answers. The bridge says 451 after its wait;
    what the store still files then is recognised when the MTA repeats it."""
    patience = {"stores": {"results": "1s", "whole_wait": "3s", "connect": "1s"}}
    with Run(here, kind, bridge_settings=patience) as run:
        count = scaled(150)
        run.send(count, seed=234)
        for _ in range(2):
            time.sleep(0.5)
            run.farm.stores[1].pause()
            answered = run.sent
            time.sleep(4)
            assert not run.sending or run.sent > answered
            run.farm.stores[1].resume()
        assert_nothing_went_wrong(run, run.finish())
