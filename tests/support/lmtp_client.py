"""An LMTP client that says exactly what a test wants, octet by octet."""

import socket
from dataclasses import dataclass
from pathlib import Path


class ConnectionEnded(Exception):
    """The server closed the connection where a reply was expected."""


@dataclass
class Reply:
    """One reply: its code, and all its lines with their codes."""

    code: int
    lines: list

    @property
    def text(self):
        return self.lines[-1]

    @property
    def enhanced(self):
        """The enhanced status code, "" without one."""
        words = self.text[4:].split(" ", 1)[0].split(".")
        return ".".join(words) if len(words) == 3 and all(w.isdigit() for w in words) else ""

    def __str__(self):
        return "\n".join(self.lines)


class LmtpClient:
    """A connection to HOST:`port` or to the unix socket `path`; the greeting is read.

    `lhlo` is the name for LHLO, None to leave it out.
    """

    def __init__(self, port=None, path=None, lhlo="client.example.org", timeout=60.0,
                 read_greeting=True):
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(str(Path(path)))
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")
        self.capabilities = []
        self.greeting = self.reply() if read_greeting else None
        if lhlo is not None:
            self.capabilities = [line[4:] for line in self.command(f"LHLO {lhlo}").lines[1:]]

    def send(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def reply(self):
        """Read one reply. Raises ConnectionEnded when the server closed."""
        lines = []
        while True:
            line = self._file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionEnded(f"connection ended after {lines!r} {line!r}")
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(text)
            if text[3:4] != "-":
                return Reply(int(text[:3]), lines)

    def command(self, line):
        """Send one line and read its reply."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def deliver(self, sender, recipients, octets, mail_parameters="", pipelined=True):
        """One message. Returns a list of (recipient, Reply): the reply after the message, or
        the one that refused the recipient. `octets` have CR LF and are dot-stuffed here."""
        commands = [f"MAIL FROM:<{sender}>{mail_parameters}",
                    *[f"RCPT TO:<{address}>" for address in recipients]]
        if pipelined:
            self.send("".join(f"{line}\r\n" for line in [*commands, "DATA"]))
            replies = [self.reply() for _ in commands]
        else:
            replies = [self.command(line) for line in commands]
            self.send("DATA\r\n")
        data = self.reply()
        if data.code != 354:
            return [(address, data if answer.code == 250 else answer)
                    for address, answer in zip(recipients, replies[1:])]
        self.send(stuffed(octets))
        return [(address, self.reply() if answer.code == 250 else answer)
                for address, answer in zip(recipients, replies[1:])]

    def is_closed(self, seconds=10.0):
        """True when the server closes within `seconds` and says nothing more before."""
        self.socket.settimeout(seconds)
        try:
            return self._file.read(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self._file.close()
        self.socket.close()

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stuffed(octets):
    """A message as it follows DATA: dot-stuffed, with the final dot."""
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    if octets.startswith(b"."):
        octets = b"." + octets
    return octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def mail(subject="test", body="hello", received=True):
    """A small message. With `received` it looks as if an MTA had taken it: a repeat of the
    same octets is the same delivery."""
    head = "Received: from a by b with SMTP id 1; Sat, 1 Jan 2000 00:00:00 +0000\r\n"
    return f"{head if received else ''}Subject: {subject}\r\n\r\n{body}\r\n".encode()
