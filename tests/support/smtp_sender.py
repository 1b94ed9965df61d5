"""Sends the paper's mix of messages over SMTP and writes every outcome into the ledger."""

import queue
import random
import smtplib
import threading
import time
from dataclasses import dataclass

from .maildir_ledger import ACCEPTED, ID_HEADER, REFUSED, UNKNOWN

# The paper's messages: 3, 5 and 17 KB, mixed at random.
PAPER_SIZES = (3 * 1024, 5 * 1024, 17 * 1024)

_WORDS = ("mail goes home one partition at a time and every copy is counted where it was "
          "filed not where somebody said so").split()


@dataclass(frozen=True)
class Message:
    """A message to send. `octets` have CR LF line ends and begin with X-Homeward-Id."""

    identity: str
    sender: str
    recipients: tuple
    octets: bytes


@dataclass
class Progress:
    """Running totals, handed to the progress callback after every message."""

    total: int
    messages: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    seconds: float = 0.0


def paper_mix(count, mailboxes, seed=1, recipients=(1, 50), sizes=PAPER_SIZES,
              sender="sender@example.org"):
    """Yield `count` messages to random `mailboxes`; the same seed gives the same messages.

    `recipients` is the smallest and the largest number per message. Ids differ from run to
    run only if the seed does.
    """
    choice = random.Random(seed)
    mailboxes = list(mailboxes)
    most = min(recipients[1], len(mailboxes))
    for number in range(count):
        to = tuple(choice.sample(mailboxes, choice.randint(recipients[0], most)))
        identity = f"{seed}.{number}.{choice.getrandbits(64):016x}"
        yield Message(identity, sender, to, compose(identity, sender, choice.choice(sizes), choice))


def compose(identity, sender, size, choice=None):
    """A message of about `size` octets, with lines that begin with dots among the others."""
    choice = choice or random.Random(identity)
    lines = [f"{ID_HEADER}: {identity}", f"Message-ID: <{identity}@example.org>",
             f"From: {sender}", "To: undisclosed-recipients:;",
             "Date: Sat, 01 Jan 2000 00:00:00 +0000", f"Subject: message {identity}", ""]
    length = sum(len(line) + 2 for line in lines)
    while length < size:
        line = " ".join(choice.choices(_WORDS, k=choice.randint(0, 12)))
        line = choice.choice(("", "", "", "", ".", "..")) + line
        lines.append(line)
        length += len(line) + 2
    return "".join(f"{line}\r\n" for line in lines).encode()


class SmtpSender:
    """Sends messages over `connections` parallel SMTP sessions and fills the ledger.

    A session that breaks is opened again for the next message; the message in it is
    REFUSED when the final dot was not sent yet, else UNKNOWN: nothing is sent twice.
    """

    def __init__(self, port, ledger, connections=4, host="127.0.0.1", progress=None,
                 timeout=300.0):
        self.port = port
        self.host = host
        self.ledger = ledger
        self.connections = connections
        self.progress = progress
        self.timeout = timeout
        self._stopped = threading.Event()

    def send(self, messages):
        """Send all messages; returns the final Progress. Blocks until done or `stop`ped."""
        messages = list(messages)
        waiting = queue.SimpleQueue()
        for message in messages:
            waiting.put(message)
        totals = Progress(len(messages))
        lock = threading.Lock()
        began = time.monotonic()

        def count(outcomes):
            with lock:
                totals.messages += 1
                for outcome, _ in outcomes.values():
                    setattr(totals, outcome, getattr(totals, outcome) + 1)
                totals.seconds = time.monotonic() - began
                if self.progress is not None:
                    self.progress(totals)

        threads = [threading.Thread(target=self._work, args=(waiting, count), daemon=True)
                   for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        totals.seconds = time.monotonic() - began
        return totals

    def stop(self):
        """Let `send` return after the messages that are under way. From any thread."""
        self._stopped.set()

    def _work(self, waiting, count):
        session = None
        while not self._stopped.is_set():
            try:
                message = waiting.get_nowait()
            except queue.Empty:
                break
            self.ledger.offered(message.octets, message.recipients)
            outcomes, session = self._send_one(session, message)
            self.ledger.answered(message.identity, outcomes)
            count(outcomes)
        if session is not None:
            _close(session)

    def _send_one(self, session, message):
        """Send one message. Returns its outcomes and the session, None when it broke."""
        outcomes = {}
        sent_all = False
        try:
            if session is None:
                session = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
                session.ehlo()
            if not self._envelope(session, message, outcomes):
                return outcomes, session
            code, reply = session.docmd("DATA")
            if code == 354:
                sent_all = True
                session.send(_stuffed(message.octets) + b".\r\n")
                code, reply = session.getreply()
            result = ACCEPTED if code == 250 else REFUSED
            for address in message.recipients:
                outcomes.setdefault(address, (result, _text(code, reply)))
        except (OSError, smtplib.SMTPException) as error:
            result = UNKNOWN if sent_all else REFUSED
            for address in message.recipients:
                outcomes.setdefault(address, (result, f"connection failed: {error}"))
            if session is not None:
                session.close()
            session = None
        return outcomes, session

    @staticmethod
    def _envelope(session, message, outcomes):
        """MAIL and RCPT; fills in the refused ones. True when DATA may follow."""
        code, reply = session.mail(message.sender, [f"size={len(message.octets)}"])
        if code != 250:
            for address in message.recipients:
                outcomes[address] = (REFUSED, _text(code, reply))
            session.rset()
            return False
        for address in message.recipients:
            code, reply = session.rcpt(address)
            if code not in (250, 251):
                outcomes[address] = (REFUSED, _text(code, reply))
        if len(outcomes) == len(message.recipients):
            session.rset()
            return False
        return True


def _stuffed(octets):
    if octets.startswith(b"."):
        octets = b"." + octets
    return octets.replace(b"\r\n.", b"\r\n..")


def _text(code, reply):
    return f"{code} {reply.decode(errors='replace')}"


def _close(session):
    try:
        session.quit()
    except (OSError, smtplib.SMTPException):
        session.close()
