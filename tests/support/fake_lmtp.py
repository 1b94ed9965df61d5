"""A small LMTP server that does what a test tells it: to prove tests, not for mail.

It announces what homeward-bridge announces and records every transaction. Replies are
chosen by two functions, so a test can refuse, defer, delay or hang up where it likes.
"""

import os
import socketserver
import threading
from dataclasses import dataclass, field
from pathlib import Path

CAPABILITIES = ("PIPELINING", "8BITMIME", "SIZE 104857600", "ENHANCEDSTATUSCODES",
                "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT", "SMTPUTF8")

HANG_UP = None


@dataclass
class Transaction:
    """One message as it came: octets with CR LF, dot-stuffing undone."""

    sender: str
    mail_parameters: str
    recipients: list = field(default_factory=list)
    xforward: dict = field(default_factory=dict)
    octets: bytes = b""
    replies: list = field(default_factory=list)
    connection: int = 0


class FakeLmtp:
    """Listens on a unix socket or on 127.0.0.1:`port` from `start` until `stop`.

    `on_rcpt(address)` and `on_message(transaction, address)` return the reply line for one
    recipient, e.g. "451 4.3.0 try later", or HANG_UP to drop the connection there.
    `transactions` holds all whose final dot was seen, in order; `connections` counts the
    clients that sent LHLO. For messages with one recipient it does as an SMTP server, too.
    """

    def __init__(self, path=None, port=None, on_rcpt=None, on_message=None):
        self.path = None if path is None else Path(path)
        self.port = port
        self.on_rcpt = on_rcpt or (lambda address: "250 2.1.5 recipient known")
        self.on_message = on_message or (lambda transaction, address: "250 2.0.0 stored")
        self.transactions = []
        self.connections = 0
        self.lock = threading.Lock()
        self._server = None

    def start(self):
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self._server = _UnixServer(str(self.path), _Session)
            os.chmod(self.path, 0o666)
        else:
            self._server = _TcpServer(("127.0.0.1", self.port), _Session)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def recipients(self):
        """All recipients that were answered 2xx after a message, in order."""
        with self.lock:
            return [address for transaction in self.transactions
                    for address, reply in zip(transaction.recipients, transaction.replies)
                    if reply.startswith("2")]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class _HangUp(Exception):
    pass


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.owner = self.server.owner
        self.transaction = None
        self.number = 0
        self.xforward = {}
        try:
            self._reply("220 mx.example.org LMTP test sink")
            while line := self.rfile.readline():
                if not self._command(line.decode("utf-8", "surrogateescape").rstrip("\r\n")):
                    break
        except (_HangUp, ConnectionError):
            pass

    def _reply(self, *lines):
        """Send reply lines in one write; HANG_UP among them closes after those before it."""
        known = lines[:lines.index(HANG_UP)] if HANG_UP in lines else lines
        self.wfile.write("".join(f"{line}\r\n" for line in known).encode())
        if len(known) < len(lines):
            raise _HangUp

    def _command(self, line):
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "LHLO" | "EHLO":
                with self.owner.lock:
                    self.owner.connections += 1
                    self.number = self.owner.connections
                lines = ["mx.example.org", *CAPABILITIES]
                self._reply(*[f"250-{text}" for text in lines[:-1]], f"250 {lines[-1]}")
            case "XFORWARD":
                self.xforward.update(pair.split("=", 1) for pair in rest.split())
                self._reply("250 2.0.0 noted")
            case "MAIL":
                sender, parameters = _path(rest)
                self.transaction = Transaction(sender, parameters, xforward=self.xforward,
                                               connection=self.number)
                self.xforward = {}
                self._reply("250 2.1.0 sender noted")
            case "RCPT":
                self._rcpt(_path(rest)[0])
            case "DATA":
                self._data()
            case "RSET":
                self.transaction = None
                self._reply("250 2.0.0 forgotten")
            case "NOOP":
                self._reply("250 2.0.0 still here")
            case "QUIT":
                self._reply("221 2.0.0 bye")
                return False
            case _:
                self._reply("500 5.5.1 unknown command")
        return True

    def _rcpt(self, address):
        if self.transaction is None:
            self._reply("503 5.5.1 MAIL first")
            return
        reply = self.owner.on_rcpt(address)
        if reply is not HANG_UP and reply.startswith("2"):
            self.transaction.recipients.append(address)
        self._reply(reply)

    def _data(self):
        if self.transaction is None or not self.transaction.recipients:
            self._reply("503 5.5.1 no valid recipients")
            return
        self._reply("354 go ahead")
        transaction, self.transaction = self.transaction, None
        transaction.octets = self._octets()
        transaction.replies = [self.owner.on_message(transaction, address)
                               for address in transaction.recipients]
        with self.owner.lock:
            transaction.replies = [reply or "" for reply in transaction.replies]
            self.owner.transactions.append(transaction)
        self._reply(*[reply or HANG_UP for reply in transaction.replies])

    def _octets(self):
        lines = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        raise _HangUp


def _path(text):
    """Address and parameters of `FROM:<a@b> SIZE=1` or `TO:<a@b>`."""
    _, _, rest = text.partition("<")
    address, _, parameters = rest.rpartition(">")
    return address, parameters.strip()
