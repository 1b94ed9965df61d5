"""Runners of sendmail over queue directories that a test chose, and a store that counts."""

import re
import shlex
import threading
import time

from .fake_lmtp import FakeLmtp
from .maildir_ledger import ID_HEADER
from .process import ChildProcess

EMPTY_BODY = b"No Message Collected"
_ID = re.compile(rf"^{ID_HEADER}: (\S+)".encode(), re.MULTILINE)


class CountingStore:
    """An LMTP sink that counts what it took: `deliveries()` is {(identity, address): times}.

    `take(address)` says whether a message is accepted now; else it is put off with 451. With
    `seconds` each acceptance takes that long.
    """

    def __init__(self, path, take=lambda address: True, seconds=0.0):
        self.take = take
        self.seconds = seconds
        self.lmtp = FakeLmtp(path, on_message=self._reply)

    def _reply(self, _transaction, address):
        time.sleep(self.seconds)
        return "250 2.0.0 stored" if self.take(address) else "451 4.3.0 the store is away"

    def start(self):
        self.lmtp.start()
        return self

    def stop(self):
        self.lmtp.stop()

    def deliveries(self):
        counts = {}
        with self.lmtp.lock:
            for transaction in self.lmtp.transactions:
                found = _ID.search(transaction.octets)
                identity = found.group(1).decode() if found else "none"
                for address, reply in zip(transaction.recipients, transaction.replies):
                    if reply.startswith("2"):
                        key = (identity, address.strip("<>"))
                        counts[key] = counts.get(key, 0) + 1
        return counts

    def empty_bodies(self):
        """Messages in which sendmail found no body."""
        with self.lmtp.lock:
            return [t for t in self.lmtp.transactions if EMPTY_BODY in t.octets]


class QueueRunners:
    """Runs the queue again and again over each of the patterns, one process each, until stopped."""

    def __init__(self, mta, patterns, log):
        self.mta = mta
        self.patterns = list(patterns)
        self.log = log
        self._over = threading.Event()
        self._threads = []

    def command(self, pattern):
        return runner_arguments(self.mta, pattern)

    def run_once(self):
        """One run over every pattern, one after the other."""
        for pattern in self.patterns:
            self._run(pattern)

    def __enter__(self):
        for pattern in self.patterns:
            thread = threading.Thread(target=self._loop, args=(pattern,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _loop(self, pattern):
        while not self._over.is_set():
            self._run(pattern)
            time.sleep(0.2)

    def _run(self, pattern):
        child = ChildProcess(self.command(pattern), self.log, self.mta.environment()).start()
        while child.running and not self._over.is_set():
            time.sleep(0.05)
        child.stop()


def runner_arguments(mta, pattern):
    """sendmail over other queue directories than those of its configuration, in the foreground."""
    return [*mta.command("-L", "runner"), f"-OQueueDirectory={pattern}", "-OMinQueueAge=0",
            "-OMaxQueueAge=0", "-OSharedMemoryKey=0", "-qf"]


def runner_command(mta):
    """The same as a shell command for homeward-drain, {} for the directory."""
    environment = ["env", *(f"{name}={value}" for name, value in mta.environment().items())]
    return " ".join(part if part.endswith("={}") else shlex.quote(part)
                    for part in map(str, environment + runner_arguments(mta, "{}")))
