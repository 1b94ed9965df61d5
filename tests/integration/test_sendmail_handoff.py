"""Queue-free hand-off (feature/homeward_handoff.m4), counted by strace on a real sendmail."""

import re
import smtplib
import socket
import threading

import pytest

from support import sendmail, tracing
from support.homeward import Farm
from support.maildir_ledger import Ledger
from support.ports import free_port
from support.sendmail import ALIASES_FIRST, FRAGMENTS, PrivateSendmail
from support.smtp_sender import SmtpSender, paper_mix
from support.waiting import wait_until

HANDOFF = f"include(`{FRAGMENTS}/feature/homeward_handoff.m4')dnl\n"
CALLS = "openat,fsync,fdatasync,write,connect"
MESSAGE = b"Subject: one\r\n\r\nhello\r\n"


@pytest.fixture(autouse=True)
def _can_be_traced_here():
    reason = sendmail.can_run() or tracing.can_trace()
    if reason:
        pytest.skip(reason)


class Counted:
    """What sendmail did for its queue, per message: up to each 250 that took one."""

    def __init__(self, lines, queue):
        self.syncs, self.files, self.connects = [0], [0], []
        for line in lines:
            if re.match(r"(fsync|fdatasync)\(", line):
                self.syncs[-1] += 1
            elif line.startswith("openat") and str(queue) in line and "O_CREAT" in line:
                self.files[-1] += 1
            elif line.startswith("connect("):
                self.connects.append(line)
            elif line.startswith("write(") and "Message accepted for delivery" in line:
                self.syncs.append(0)
                self.files.append(0)
        # What comes after the last answer.
        self.later = (self.syncs.pop(), self.files.pop())


def handing_over(here, lmtp, **more):
    return PrivateSendmail(here / "mta", free_port(), lmtp, layout=ALIASES_FIRST,
                           features=HANDOFF, aliases={"team": "u1, u2"}, **more)


def traced(mta, here, name, work):
    """Do `work` under strace. The sessions have ended when the trace does."""
    with tracing.Trace(mta.pid, CALLS, here / f"{name}.strace") as trace:
        work()
    return Counted(trace.lines(), mta.queue)


def send(mta, ledger, messages):
    totals = SmtpSender(mta.smtp_port, ledger, connections=1).send(messages)
    assert totals.refused == totals.unknown == 0
    return totals


def test_no_sync_and_no_file_while_the_store_is_there_both_while_it_is_not(here):
    with Farm(here / "farm", users=8) as farm, handing_over(here, farm.bridge.lmtp_unix) as mta:
        ledger = Ledger(here / "ledger")
        mix = list(paper_mix(12, farm.mailboxes, seed=5, recipients=(1, 4)))
        there = traced(mta, here, "there", lambda: send(mta, ledger, mix[:6]))
        assert there.syncs == there.files == [0] * 6 and there.later == (0, 0)
        # All of it is on stable storage at the store before the 250.
        verdict = farm.judge(here / "ledger")
        assert verdict.clean and verdict.stored == verdict.sent, str(verdict)
        assert mta.queue_size() == 0
        # Aliases are applied, and go the same way.
        with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
            session.sendmail("u3@example.org", ["team@example.org"], MESSAGE)
        assert len(farm.messages("u1@example.org")) >= 1 and mta.queue_size() == 0

        for store in farm.stores:
            store.stop()
        away = traced(mta, here, "away", lambda: send(mta, ledger, mix[6:]))
        # df and qf are written and synced before each 250.
        assert min(away.syncs) >= 2 and min(away.files) >= 2 and len(away.syncs) == 6
        print(f"syncs and files a message: store there {there.syncs} {there.files}, "
              f"stores away {away.syncs} {away.files}")
        assert mta.queue_size() == 6
        farm.bridge.stop()
        gone = traced(mta, here, "gone", lambda: send(mta, ledger, list(
            paper_mix(2, farm.mailboxes, seed=6, recipients=(1, 1)))))
        assert min(gone.syncs) >= 2 and mta.queue_size() == 8
        farm.bridge.start()
        for store in farm.stores:
            store.start()
        mta.wait_until_empty(90, flush=True)
        verdict = farm.judge(here / "ledger")
        assert verdict.clean and verdict.stored == verdict.sent, str(verdict)


class Somewhere:
    """A host in the Internet: takes connections, counts them, and has no time."""

    def __init__(self):
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.calls = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        while True:
            try:
                connection, _ = self.door.accept()
            except OSError:
                return
            self.calls += 1
            with connection:
                connection.sendall(b"421 4.3.2 busy\r\n")

    def close(self):
        self.door.close()


def test_mail_for_other_hosts_waits_for_the_queue_run(here):
    host = Somewhere()
    with Farm(here / "farm", users=8) as farm, handing_over(
            here, farm.bridge.lmtp_unix, outward=True,
            extra=f"define(`ESMTP_MAILER_ARGS', `TCP $h {host.port}')dnl\n"
                  "define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl\n") as mta:

        def send_two():
            with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
                for recipients in (["u1@example.org", "x@elsewhere.example"],
                                   ["y@elsewhere.example"]):
                    session.sendmail("u3@example.org", recipients, MESSAGE)

        counted = traced(mta, here, "remote", send_two)
        # The local half is stored, the other half is in the queue, and nobody was called.
        assert len(farm.messages("u1@example.org")) == 1
        assert host.calls == 0 and mta.queue_size() == 2
        assert min(counted.syncs) >= 2
        mta.flush()
        wait_until(lambda: host.calls >= 1, "the queue run calls the host")
        assert mta.queue_size() == 2
    host.close()


def test_a_body_above_the_buffer_needs_a_file_and_no_sync(here):
    with Farm(here / "farm", users=2) as farm, handing_over(
            here, farm.bridge.lmtp_unix,
            extra="define(`HOMEWARD_HANDOFF_BUFFER', `65536')dnl\n") as mta:
        ledger = Ledger(here / "ledger")
        large = list(paper_mix(2, farm.mailboxes, recipients=(1, 1), sizes=(200_000,)))
        counted = traced(mta, here, "large", lambda: send(mta, ledger, large))
        assert counted.syncs == [0, 0] and counted.files == [1, 1]
        assert not list(mta.queue.iterdir())


def test_a_recipient_refused_at_the_end_gets_a_bounce_and_the_others_their_mail(here):
    """The directory says no in the session: the bounce is queued and synced before the 250."""
    with Farm(here / "farm", users=4) as farm, handing_over(here, farm.bridge.lmtp_unix) as mta:

        def send_one():
            with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=60) as session:
                session.sendmail("u3@example.org", ["u1@example.org", "nobody@example.org"],
                                 MESSAGE)

        traced(mta, here, "refused", send_one)
        assert len(farm.messages("u1@example.org")) == 1
        mta.wait_until_empty(60, flush=True)
        wait_until(lambda: len(farm.messages("u3@example.org")) == 1, "the bounce arrives")
