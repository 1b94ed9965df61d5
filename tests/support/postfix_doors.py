"""Stand-ins for the doors of homeward-milter, as Postfix sees them: look-up, policy, milter.

They answer what a test tells them and can be taken away, made silent or killed in the middle of
a session. For tests of postfix-conf/; the real doors have tests of their own.
"""

import os
import socketserver
import struct
import threading
from pathlib import Path

# What an answering function returns to break the connection instead.
HANG_UP = None


class Door:
    """A unix socket served by threads from `start` until `stop`, which also cuts sessions.

    `requests` holds what was asked, in order.
    """

    handler = None

    def __init__(self, path):
        self.path = Path(path)
        self.requests = []
        self._server = None
        self._sessions = set()
        self._lock = threading.Lock()

    @property
    def open(self):
        return self._server is not None

    def start(self):
        if not self.open:
            self.path.unlink(missing_ok=True)
            self._server = _Server(str(self.path), self.handler)
            os.chmod(self.path, 0o666)
            self._server.door = self
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """As if the daemon had been killed: the socket file is gone, sessions are cut."""
        if self.open:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self.path.unlink(missing_ok=True)
        with self._lock:
            for session in self._sessions:
                session.cut()

    def enter(self, session):
        with self._lock:
            self._sessions.add(session)

    def leave(self, session):
        with self._lock:
            self._sessions.discard(session)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class LookUpDoor(Door):
    """Socket maps. `answer(map_name, key)` returns e.g. "OK ann@example.org" or "NOTFOUND "."""

    def __init__(self, path, answer):
        super().__init__(path)
        self.handler = _LookUpSession
        self.answer = answer


class PolicyDoor(Door):
    """Policy delegation. `answer(attributes)` returns an action, e.g. "DUNNO"."""

    def __init__(self, path, answer=lambda attributes: "DUNNO"):
        super().__init__(path)
        self.handler = _PolicySession
        self.answer = answer


class MilterDoor(Door):
    """A milter. `on_rcpt(address)` and `on_end()` return a reply such as "550 5.1.1 unknown",
    "" to go on, or HANG_UP."""

    def __init__(self, path, on_rcpt=lambda address: "", on_end=lambda: ""):
        super().__init__(path)
        self.handler = _MilterSession
        self.on_rcpt = on_rcpt
        self.on_end = on_end


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.door = self.server.door
        self.door.enter(self)
        try:
            while self.serve():
                pass
        except OSError:
            pass
        finally:
            self.door.leave(self)

    def cut(self):
        try:
            self.connection.shutdown(2)
        except OSError:
            pass

    def serve(self):
        """Answer one request; false at the end of the connection."""
        raise NotImplementedError


class _LookUpSession(_Session):
    def serve(self):
        length = b""
        while (octet := self.rfile.read(1)) != b":":
            if not octet:
                return False
            length += octet
        request = self.rfile.read(int(length) + 1)[:-1].decode()
        name, _, key = request.partition(" ")
        self.door.requests.append((name, key))
        reply = self.door.answer(name, key)
        if reply is HANG_UP:
            return False
        self.wfile.write(f"{len(reply.encode())}:{reply},".encode())
        return True


class _PolicySession(_Session):
    def serve(self):
        attributes = {}
        while (line := self.rfile.readline()) not in (b"\n", b""):
            name, _, value = line.decode().rstrip("\n").partition("=")
            attributes[name] = value
        if not line:
            return False
        self.door.requests.append(attributes)
        action = self.door.answer(attributes)
        if action is HANG_UP:
            return False
        self.wfile.write(f"action={action}\n\n".encode())
        return True


# No HELO, body, headers, end of headers, unknown commands and DATA: the steps of one that only
# looks at recipients.
_NO_STEPS = 0x2 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200


class _MilterSession(_Session):
    def serve(self):
        head = self.rfile.read(4)
        if len(head) < 4:
            return False
        packet = self.rfile.read(struct.unpack("!I", head)[0])
        command, data = packet[:1], packet[1:]
        if command == b"O":
            self._send(b"O" + struct.pack("!III", 6, 0, _NO_STEPS))
        elif command == b"Q":
            return False
        elif command in (b"C", b"M"):
            self._send(b"c")
        elif command == b"R":
            address = data.split(b"\0")[0].decode().strip("<>")
            self.door.requests.append(address)
            return self._answer(self.door.on_rcpt(address))
        elif command == b"E":
            return self._answer(self.door.on_end())
        return True  # macros, abort and the like want no answer

    def _answer(self, reply):
        if reply is HANG_UP:
            return False
        self._send(b"y" + reply.encode() + b"\0" if reply else b"c")
        return True

    def _send(self, packet):
        self.wfile.write(struct.pack("!I", len(packet)) + packet)
