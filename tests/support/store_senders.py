"""Senders that speak the storage protocol to one store, as a bridge that never gives up does.

A message that was not acknowledged for all its mailboxes is repeated for the others, under the same
NAME, until it is. What was offered and what was answered is kept here, outside the system under
test; store_judge compares it with the Maildirs.
"""

import itertools
import random
import socket
import threading
import time
from dataclasses import dataclass, field

from .waiting import wait_until

ID_HEADER = b"X-Homeward-Id: "
_runs = itertools.count(1)


def _bodies(sizes, seed=11):
    """One body of each size, each unlike the others in every block."""
    choice = random.Random(seed)
    bodies = []
    for size in sizes:
        lines = []
        length = 0
        while length < size:
            line = ("." * choice.randint(0, 2)) + f"{choice.getrandbits(256):x} {size} {length}"
            lines.append(line)
            length += len(line) + 2
        bodies.append("".join(f"{line}\r\n" for line in lines).encode())
    return bodies


# 1 to 17 KB, and some that the journal does not take (limits.message_memory is 256 KiB).
SMALL = _bodies([1000 + 512 * number for number in range(32)])
LARGE = _bodies([300_000, 400_000])


@dataclass
class Sent:
    """One message: what it holds, for whom it is, and what was answered for whom."""

    name: str
    partition: str
    mailboxes: tuple
    body: bytes
    accepted: dict = field(default_factory=dict)  # mailbox -> time.monotonic() of +OK
    answers: list = field(default_factory=list)  # every -ERR, as text
    tries: int = 0

    @property
    def octets(self):
        return b"%s%s\r\nSubject: one of many\r\n\r\n%s" % (ID_HEADER, self.name.encode(), self.body)

    @property
    def open(self):
        """The mailboxes that were not acknowledged yet."""
        return [mailbox for mailbox in self.mailboxes if mailbox not in self.accepted]


class Connection:
    """One connection to a store; each message goes out in one write."""

    def __init__(self, port, timeout=30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b"CAPA RESULTS PARAMS\r\n")
        if not self.line().startswith("+OK"):
            raise ConnectionError("the store does not want to talk")

    def line(self):
        text = self.file.readline()
        if not text.endswith(b"\n"):
            raise ConnectionError("the store closed the connection")
        return text.decode("utf-8", "replace").rstrip("\r\n")

    def deliver(self, sent, mailboxes):
        """Returns {mailbox: reply}."""
        sent.tries += 1
        octets = sent.octets
        lines = [f"SIZE {len(octets)}", f"NAME {sent.name}", f"PRTN {sent.partition}",
                 "FROM <s@example.net>", *[f"RCPT <{mailbox}>" for mailbox in mailboxes], "DATA"]
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode() + octets)
        replies = [self.line() for _ in lines[:-1]][4:]
        taken = [reply.startswith("+OK") for reply in replies]
        if not any(taken):
            replies[0] = self.line()
            return dict(zip(mailboxes, replies))
        return {mailbox: self.line() if good else reply
                for mailbox, reply, good in zip(mailboxes, replies, taken)}

    def close(self):
        self.file.close()
        self.socket.close()


def deliver_once(port, sent, mailboxes=None):
    """One try on a connection of its own. Returns {mailbox: reply}; notes what was acknowledged."""
    connection = Connection(port)
    try:
        replies = connection.deliver(sent, mailboxes or sent.open)
    finally:
        connection.close()
    note(sent, replies)
    return replies


def note(sent, replies):
    for mailbox, reply in replies.items():
        if reply.startswith("+OK"):
            sent.accepted.setdefault(mailbox, time.monotonic())
        else:
            sent.answers.append(reply)


class Senders:
    """`threads` senders to the partitions of `store`, from start() to stop(), or as a context.

    `recipients`: fewest and most mailboxes per message. `large`: one message in so many is above the
    size that the journal takes. `persist`: False sends a message that was refused no second time.
    `sent` holds every message ever offered, by NAME.
    """

    def __init__(self, store, threads=8, mailboxes=6, recipients=(1, 5), large=0, persist=True,
                 partitions=None, pause=0.0, bodies=SMALL):
        self.store = store
        self.threads = threads
        self.recipients = recipients
        self.large = large
        self.persist = persist
        self.pause = pause
        self.bodies = bodies
        self.partitions = list(partitions or store.paths)
        self.mailboxes = {part: [f"{part}-u{number}@example.org" for number in range(mailboxes)]
                          for part in self.partitions}
        self.sent = {}
        self.surprises = []
        self._counts = [0] * threads
        self._run = next(_runs)
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._workers = []

    @property
    def accepted(self):
        """Number of (message, mailbox) that were acknowledged."""
        return sum(self._counts)

    def start(self):
        self._stopping.clear()
        self._workers = [threading.Thread(target=self._work, args=(number,), daemon=True)
                         for number in range(self.threads)]
        for worker in self._workers:
            worker.start()
        return self

    def stop(self):
        self._stopping.set()
        for worker in self._workers:
            worker.join()
        self._workers = []
        assert not self.surprises, self.surprises[:3]

    def wait_for(self, more, seconds=60.0):
        """Until so many more were acknowledged."""
        wanted = self.accepted + more
        wait_until(lambda: self.accepted >= wanted or self.surprises,
                   lambda: f"mail flows: {self.store.last_lines()}", seconds, pause=0.005)

    def new(self, choice=random):
        part = choice.choice(self.partitions)
        known = self.mailboxes[part]
        count = choice.randint(self.recipients[0], min(self.recipients[1], len(known)))
        is_large = self.large and choice.randrange(self.large) == 0
        number = next(self._numbers)
        sent = Sent(f"{1795170000 + number}.{self._run:x}-{number:x}.test", part,
                    tuple(choice.sample(known, count)),
                    choice.choice(LARGE if is_large else self.bodies))
        self.sent[sent.name] = sent
        return sent

    def _work(self, number):
        choice = random.Random(f"{self._run} {number} {len(self.sent)}")
        connection = None
        sent = None
        while not self._stopping.is_set():
            sent = sent or self.new(choice)
            try:
                connection = connection or Connection(self.store.port)
                before = len(sent.accepted)
                note(sent, connection.deliver(sent, sent.open))
                self._counts[number] += len(sent.accepted) - before
            except OSError:
                if connection is not None:
                    connection.close()
                connection = None
                self._stopping.wait(0.01)
                continue
            except Exception as error:  # a reply that nobody understands must not go unseen
                self.surprises.append(repr(error))
                return
            if not sent.open or not self.persist:
                refused = bool(sent.open)
                sent = None
                if not refused and not self.pause:
                    continue
            self._stopping.wait(max(self.pause, 0.02 if sent or self.pause == 0 else 0))
        if connection is not None:
            connection.close()

    def finish(self, seconds=60.0):
        """After stop(): send what is still open, one after the other, until all is acknowledged."""
        deadline = time.monotonic() + seconds
        for sent in list(self.sent.values()):
            while sent.open:
                assert time.monotonic() < deadline, f"{sent.name}: {sent.answers[-1:]}"
                try:
                    before = len(sent.accepted)
                    deliver_once(self.store.port, sent)
                    self._counts[0] += len(sent.accepted) - before
                except OSError:
                    pass
                if sent.open:
                    time.sleep(0.02)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
