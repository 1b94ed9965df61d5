"""A proxy before a store that loses replies: it lets the message through and cuts the answer.

It reads along in both directions, so it knows which reply lines are the results of a message.
"""

import socket
import threading
from collections import deque

# What to do with the results of one message: pass all octets, or pass the first N of them and
# close both connections; HOLD: pass none and leave the connection open.
PASS = None
HOLD = "hold"


class ReplyCutter:
    """Listens on 127.0.0.1:`port`, forwards to 127.0.0.1:`target`.

    `choose(name, attempt)` is asked when the first result of a message is due and returns PASS,
    HOLD or the number of octets of the results to let through. `attempt` counts the tries of the
    same NAME, from 1. `attempts` and `connections` are what was seen.
    """

    def __init__(self, port, target, choose):
        self.port = port
        self.target = target
        self.choose = choose
        self.attempts = {}
        self.connections = 0
        self.lock = threading.Lock()
        self._listener = None
        self._open = set()

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self._listener.close()
        for one in list(self._open):
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                store = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self.connections += 1
            passage = _Passage(self, client, store)
            self._open.add(passage)
            for work in (passage.requests, passage.replies):
                threading.Thread(target=work, daemon=True).start()

    def decide(self, name):
        with self.lock:
            self.attempts[name] = self.attempts.get(name, 0) + 1
            return self.choose(name, self.attempts[name])

    def forget(self, passage):
        self._open.discard(passage)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class _Passage:
    """One connection through the proxy. Commands queue what their replies will mean."""

    def __init__(self, owner, client, store):
        self.owner = owner
        self.client = client
        self.store = store
        for one in (client, store):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = deque()
        self.lock = threading.Lock()
        self.unread = b""
        self.skip = 0
        self.size = 0
        self.name = ""

    def requests(self):
        try:
            while octets := self.client.recv(65536):
                self._read_along(octets)
                self.store.sendall(octets)
        except OSError:
            pass
        self._half_close(self.store)

    def _read_along(self, octets):
        self.unread += octets
        while self.unread:
            if self.skip:
                taken = min(self.skip, len(self.unread))
                self.skip -= taken
                self.unread = self.unread[taken:]
                continue
            line, end, rest = self.unread.partition(b"\n")
            if not end:
                return
            self.unread = rest
            verb, _, argument = line.decode("latin-1").strip().partition(" ")
            if verb == "SIZE":
                self.size = int(argument)
            elif verb == "NAME":
                self.name = argument
            elif verb == "DATA":
                self.skip = self.size
            with self.lock:
                self.due.append((verb, self.name))

    def replies(self):
        accepted = 0
        verb, name = "", ""
        results = 0  # of the message whose results are being passed
        try:
            lines = self.store.makefile("rb")
            while line := lines.readline():
                if not results:
                    with self.lock:
                        verb, name = self.due.popleft() if self.due else ("", "")
                if verb == "RCPT" and line.startswith(b"+OK"):
                    accepted += 1
                if verb == "DATA" and not results:
                    results = max(accepted, 1)
                    accepted = 0
                    left = self.owner.decide(name)
                    if left is HOLD:
                        return
                if results:
                    results -= 1
                    if left is not PASS:
                        self.client.sendall(line[:left])
                        left -= len(line)
                        if left <= 0:
                            break
                        continue
                self.client.sendall(line)
        except (OSError, ValueError):
            pass
        self.close()

    @staticmethod
    def _half_close(to):
        try:
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for one in (self.client, self.store):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.owner.forget(self)
