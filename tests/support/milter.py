"""homeward-milter as a daemon, and the milter protocol from both ends: an MTA's and a filter's.

The protocol is libmilter's (version 6): packets of a 4-octet length, one command octet, data.
"""

import socket
import socketserver
import struct
import threading
from pathlib import Path

from . import waiting
from .homeward import BRIDGE_USER, Daemon, account, make_directory, merged

# What an MTA offers: all actions and all steps that sendmail 8.17 and Postfix 3.7 know.
ALL_ACTIONS = 0x1FF
ALL_STEPS = 0x1FFFFF

CONTINUE = b"c"
TEMPFAIL = b"t"
REPLY = b"y"
INSERT_HEADER = b"i"


class Milter(Daemon):
    """A `homeward-milter` on a unix socket, with a user directory."""

    program_name = "homeward-milter"

    def __init__(self, directory, user_directory, name="milter", settings=None,
                 owner=BRIDGE_USER, wrapper=()):
        directory = Path(directory).resolve()
        self.socket = directory / "run" / "milter.sock"
        own = {
            "user": account(owner),
            "hostname": "mx1.example.org",
            "milter": {"address": f"unix:{self.socket}", "mode": "0666"},
            "policy": {"listen": []},
            "lookup": {"listen": []},
            "directory": {"engine": user_directory.engine, "file": str(user_directory.file),
                          "refresh": "200ms"},
            "aliases": {"look_every": "100ms"},
            "stores": {"ask_every": "200ms", "patience": "200ms"},
        }
        super().__init__(directory, name, owner, merged(own, settings or {}), wrapper)

    def start(self, wait=True):
        make_directory(self.socket.parent, self.owner)
        return super().start(wait)

    def wait_until_ready(self, seconds=30.0):
        """Until it serves. It has read its directory by then, or said that it cannot."""
        waiting.wait_until(lambda: "serving" in self.log_since_start() or not self.running,
                           f"{self.name} serves", seconds)
        if not self.running:
            raise waiting.NotInTime(f"{self.name} ended: {self.last_lines()}")

    @property
    def place(self):
        """As MTAs want it."""
        return f"unix:{self.socket}"


class MilterClient:
    """One connection as an MTA makes it. Every method waits for the answer.

    `answer` is what came last: (command octet, data).
    """

    def __init__(self, path, timeout=60.0):
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.settimeout(timeout)
        self.connection.connect(str(path))

    def send(self, command, data=b""):
        self.connection.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def read(self):
        """The next packet; None at the end of the connection."""
        head = self._exactly(4)
        if head is None:
            return None
        packet = self._exactly(struct.unpack("!I", head)[0])
        return None if packet is None else (packet[:1], packet[1:])

    def _exactly(self, count):
        octets = b""
        while len(octets) < count:
            piece = self.connection.recv(count - len(octets))
            if not piece:
                return None
            octets += piece
        return octets

    def ask(self, command, data=b""):
        self.send(command, data)
        return self.read()

    def negotiate(self, actions=ALL_ACTIONS, steps=ALL_STEPS):
        """(actions, steps) that the filter wants."""
        command, data = self.ask(b"O", struct.pack("!III", 6, actions, steps))
        assert command == b"O", command
        return struct.unpack("!III", data[:12])[1:]

    def connect(self, address="192.0.2.7"):
        return self.ask(b"C", b"client.example.net\x004\x10\x92" + address.encode() + b"\0")

    def macros(self, command, **values):
        names = "".join(f"{name}\0{value}\0" for name, value in values.items())
        self.send(b"D", command + names.encode())

    def mail(self, sender="s@example.net", *parameters):
        return self.ask(b"M", "".join(f"{word}\0" for word in (f"<{sender}>", *parameters)).encode())

    def rcpt(self, recipient):
        return self.ask(b"R", f"<{recipient}>\0".encode())

    def end(self):
        """The end of the message: (what was changed, the last word)."""
        changes = []
        self.send(b"E")
        while True:
            packet = self.read()
            if packet is None or packet[0] not in (b"i", b"h", b"m", b"+", b"-", b"b", b"p"):
                return changes, packet
            changes.append(packet)

    def abort(self):
        self.send(b"A")

    def quit(self):
        self.send(b"Q")

    def open(self, address="192.0.2.7"):
        """Negotiated and connected, ready for MAIL."""
        self.negotiate()
        assert self.connect(address)[0] == CONTINUE
        return self

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def said(packet):
    """The reply in an answer ("550 5.1.1"), or "" for "go on"."""
    command, data = packet
    if command == CONTINUE:
        return ""
    return data.decode().rstrip("\0")[:9] if command == REPLY else command.decode()


class OtherMilter:
    """Somebody else's filter: answers `at_end` to every message, and "go on" to all else.

    `at_end` is a packet body, e.g. b"y554 5.7.1 not here\\0" or b"a".
    """

    def __init__(self, path, at_end=b"y554 5.7.1 refused by another filter\0"):
        self.path = Path(path)
        self.at_end = at_end
        self.ends = 0
        self._server = None

    def start(self):
        owner = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                owner.serve(self.rfile, self.wfile)

        self._server = socketserver.ThreadingUnixStreamServer(str(self.path), Session)
        self._server.daemon_threads = True
        self.path.chmod(0o666)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def serve(self, reading, writing):
        while True:
            head = reading.read(4)
            if len(head) < 4:
                return
            packet = reading.read(struct.unpack("!I", head)[0])
            answer = self._answer(packet[:1])
            if answer:
                writing.write(struct.pack("!I", len(answer)) + answer)

    def _answer(self, command):
        if command == b"O":
            return b"O" + struct.pack("!III", 6, 0, 0)
        if command in (b"D", b"A", b"Q", b"K"):
            return b""
        if command == b"E":
            self.ends += 1
            return self.at_end
        return CONTINUE

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
