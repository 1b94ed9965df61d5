"""A store that does what a test tells it: refuses, lies, babbles, falls silent, hangs up.

It speaks the storage protocol with RESULTS, PARAMS and LOAD well enough for homeward-bridge, and
keeps every message in memory.
"""

import re
import socketserver
import threading
from dataclasses import dataclass, field

HANG_UP = "hang up"
SILENCE = "silence"

CAPABILITIES = "RSET NOOP PIPELINING RESULTS PARAMS LOAD SIZE=67108864 SERVER=scripted/1"


@dataclass
class StoredMessage:
    """One transaction whose octets have all come."""

    name: str
    partition: str
    sender: str
    recipients: list = field(default_factory=list)  # those accepted
    octets: bytes = b""
    connection: int = 0


class ScriptedStore:
    """Listens on 127.0.0.1:`port` from `start` until `stop`.

    `on_rcpt(mailbox)` and `on_result(message, mailbox)` return None for +OK, or the code of an
    -ERR such as "QUOTA". `tamper(verb, replies, message)` may change what is sent back: it gets
    the octets of the replies to one command ("CONNECT", "CAPA", "SIZE", ..., "RESULTS") and returns other
    octets, or HANG_UP (close), or SILENCE (say nothing any more, keep the connection).
    `messages` are those whose results were sent as they should be.
    """

    def __init__(self, port, on_rcpt=None, on_result=None, tamper=None):
        self.port = port
        self.on_rcpt = on_rcpt or (lambda mailbox: None)
        self.on_result = on_result or (lambda message, mailbox: None)
        self.tamper = tamper
        self.messages = []
        self.connections = 0
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self._server = None

    def start(self):
        self._server = _Server(("127.0.0.1", self.port), _Session)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True


class _End(Exception):
    pass


class _Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        self.owner = self.server.owner
        with self.owner.lock:
            self.owner.connections += 1
            self.number = self.owner.connections
        self.results = False
        self.reset()
        try:
            self.answer("CONNECT")  # nothing, unless the test wants a greeting
            while line := self.rfile.readline():
                self.command(line.decode("utf-8", "surrogateescape").rstrip("\r\n"))
        except (_End, OSError):
            pass

    def reset(self):
        self.message = StoredMessage("", "", "", connection=self.number)
        self.size = 0

    def answer(self, verb, *lines):
        octets = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
        changed = octets
        if self.owner.tamper is not None:
            changed = self.owner.tamper(verb, octets, self.message)
        if changed == SILENCE:
            self.owner.ended.wait()
            raise _End
        if changed == HANG_UP:
            raise _End
        self.wfile.write(changed)
        return changed == octets

    def command(self, line):
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        match verb:
            case "CAPA":
                self.results = self.results or "RESULTS" in rest
                self.answer(verb, f"+OK [CAPA version=1] {CAPABILITIES}")
            case "SIZE":
                self.reset()
                self.size = int(rest)
                self.answer(verb, f"+OK {rest} octets")
            case "NAME":
                self.message.name = rest
                self.answer(verb, "+OK name taken")
            case "PRTN":
                self.message.partition = rest
                self.answer(verb, f"+OK partition {rest}")
            case "FROM":
                self.message.sender = rest
                self.answer(verb, "+OK sender taken")
            case "RCPT":
                self.rcpt(rest)
            case "DATA":
                self.data()
            case "QUIT":
                self.answer(verb, "+OK closing")
                raise _End
            case "NOOP" | "RSET":
                self.answer(verb, "+OK")
            case _:
                self.answer(verb, "-ERR [SYNTAX] unknown command")

    def rcpt(self, rest):
        mailbox = re.match(r'<((?:[^">]|"(?:[^"\\]|\\.)*")*)>', rest).group(1)
        code = self.owner.on_rcpt(mailbox)
        if code is None:
            self.message.recipients.append(mailbox)
            self.answer("RCPT", f"+OK <{mailbox}> accepted")
        else:
            self.answer("RCPT", f"-ERR [{code}] <{mailbox}> refused")

    def data(self):
        self.message.octets = self.rfile.read(self.size)
        if len(self.message.octets) < self.size:
            raise _End
        name = self.message.name
        lines = []
        for mailbox in self.message.recipients:
            code = self.owner.on_result(self.message, mailbox)
            lines.append(f"+OK [STORED name={name}] <{mailbox}> stored" if code is None
                         else f"-ERR [{code}] <{mailbox}> not stored")
        message = self.message
        if self.answer("RESULTS", *(lines or ["-ERR [NOUSER] nobody to store it for"])):
            with self.owner.lock:
                self.owner.messages.append(message)
        self.reset()
