"""Acknowledged means on disk, through the bridge, and in the modes without a journal: `stored` is
killed, or its disk loses power, under load.

Senders hand mail to the bridge by LMTP and note each answer in a ledger outside the system; a message
that was not answered 250 is not sent again. At the end every message that was answered 250 must be there,
whole, and in the right Maildir alone; every other one is there whole or not at all.
(reliability promises 1 to 3, 5, 6; faults F1, F4)
"""

import os
import random
import shutil
import smtplib
import subprocess
import threading

import pytest

from conftest import SCALE

from support.homeward import Farm, Store
from support.loop_volume import LoopVolume, why_not
from support.maildir_ledger import ACCEPTED, REFUSED, UNKNOWN, Ledger, judge
from support.smtp_sender import paper_mix
from support.waiting import wait_until

SENDERS = 4


class Senders:
    """Threads that send one message after the other until stop()."""

    def __init__(self, port, ledger, mailboxes):
        self.port = port
        self.ledger = ledger
        self.mailboxes = mailboxes
        self.accepted = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(seed,)) for seed in range(SENDERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _work(self, seed):
        session = None
        for message in paper_mix(1_000_000, self.mailboxes, seed=seed + 1, recipients=(1, 4)):
            if self._stopping.is_set():
                break
            identity = self.ledger.offered(message.octets, message.recipients)
            try:
                if session is None:
                    session = smtplib.LMTP("127.0.0.1", self.port, timeout=150)
                    session.ehlo()
                outcomes = self._send(session, message)
            except (OSError, smtplib.SMTPException) as error:
                outcomes = {to: (UNKNOWN, str(error)) for to in message.recipients}
                session = None
            self.ledger.answered(identity, outcomes)
            self.accepted += sum(result == ACCEPTED for result, _ in outcomes.values())

    @staticmethod
    def _send(session, message):
        """One transaction; smtplib hides all but the refusals, so it is spoken by hand."""
        session.docmd(f"MAIL FROM:<{message.sender}>")
        for to in message.recipients:
            session.docmd(f"RCPT TO:<{to}>")
        session.docmd("DATA")
        body = message.octets.replace(b"\r\n.", b"\r\n..")
        session.send(body + b".\r\n")
        outcomes = {}
        for to in message.recipients:
            code, text = session.getreply()
            outcomes[to] = (ACCEPTED if code == 250 else REFUSED, text.decode())
        return outcomes


def run_rounds(farm, ledger, rounds, die):
    """`die` brings the store down and up again; it happens only while mail is flowing."""
    choice = random.Random(7)
    with Senders(farm.bridge.port, ledger, farm.mailboxes) as senders:
        for _ in range(rounds):
            before = senders.accepted
            enough = choice.randint(5, 60)
            wait_until(lambda: senders.accepted >= before + enough,
                       lambda: f"no mail flows: {farm.bridge.last_lines()}")
            die()
    assert senders.accepted >= rounds * 5


def check(verdict):
    assert (verdict.lost, verdict.torn, verdict.alien, verdict.misplaced, verdict.wrong_size) == (
        [], [], [], [], []), str(verdict)


def test_killed_again_and_again(here):
    ledger = Ledger(here / "ledger")
    with Farm(here / "farm", stores=1, partitions=2, users=10) as farm:
        store = farm.stores[0]

        def die():
            store.kill()
            store.start()

        run_rounds(farm, ledger, round(20 * SCALE), die)
        ledger.close()
        check(judge(ledger.path, farm.partitions, home_of=farm.home_of))


def cut_power_under_load(farm, volume, ledger, rounds):
    """All partitions of the farm's one store lie on `volume`, whose power is cut `rounds` times."""
    store = farm.stores[0]
    for number, part in enumerate(store.paths):
        store.paths[part] = volume.path / part
        store.settings["partitions"][number]["path"] = str(volume.path / part)
    with farm:
        os.sync()  # the identity files are older than any cut

        def die():
            volume.cut_power()
            store.kill()
            volume.remount()
            store.start()

        run_rounds(farm, ledger, rounds, die)
        farm.stop()
    ledger.close()
    return judge(ledger.path, farm.partitions, home_of=farm.home_of)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("mode", ["late", "strict"])
def test_power_is_cut_again_and_again(here, kind, mode):
    reason = why_not(kind)
    if reason:
        pytest.skip(reason)
    farm = Farm(here / "farm", stores=1, partitions=2, users=10,
                store_settings={"sync_mode": mode})
    with LoopVolume(here, kind) as volume:
        check(cut_power_under_load(farm, volume, Ledger(here / "ledger"), round(10 * SCALE)))


def test_a_store_that_does_not_sync_loses_mail(here):
    """The test above can fail: with every sync turned into a no-op it finds lost mail."""
    reason = why_not("ext4")
    if reason or shutil.which("strace") is None:
        pytest.skip(reason or "needs strace")
    without_syncs = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
                     "inject=fsync,fdatasync,syncfs,sync_file_range:retval=0"]
    if subprocess.run([*without_syncs, "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")
    farm = Farm(here / "farm", stores=1, partitions=2, users=10)
    name = farm.stores[0].name
    farm.stores[0] = Store(farm.directory / name, name, list(farm.stores[0].paths),
                           port=farm.stores[0].port, wrapper=without_syncs)
    with LoopVolume(here, "ext4") as volume:
        assert cut_power_under_load(farm, volume, Ledger(here / "ledger"), 3).lost
