"""The doors of homeward-milter that an MTA asks: a daemon with both, and a client for each."""

import os
import socket
from pathlib import Path

from . import waiting
from .homeward import BRIDGE_USER, Daemon, account, make_directory, merged
from .ports import free_port


class Doors(Daemon):
    """A `homeward-milter` with a policy server and a look-up server, and no milter door.

    Both listen below `sockets` (policy.sock, lookup.sock), open to everybody, and on 127.0.0.1:
    `policy_port` and `port` (look-ups).
    """

    program_name = "homeward-milter"

    def __init__(self, directory, user_directory, sockets=None, settings=None, owner=BRIDGE_USER,
                 name="doors"):
        directory = Path(directory).resolve()
        self.port = free_port()
        self.policy_port = free_port()
        self.sockets = Path(sockets) if sockets else directory / "run"
        self.lookup_socket = self.sockets / "lookup.sock"
        self.policy_socket = self.sockets / "policy.sock"
        own = {
            "user": account(owner),
            "log_level": "debug",
            "milter": {"address": ""},
            "policy": {"listen": [{"address": f"unix:{self.policy_socket}", "mode": "0666"},
                                  {"address": f"127.0.0.1:{self.policy_port}"}]},
            "lookup": {"listen": [{"address": f"unix:{self.lookup_socket}", "mode": "0666"},
                                  {"address": f"127.0.0.1:{self.port}"}]},
            "directory": {"engine": user_directory.engine, "file": str(user_directory.file),
                          "refresh": "200ms"},
            "addresses": {"default_domain": "example.org"},
            "stores": {"ask_every": "300ms", "patience": "200ms"},
        }
        super().__init__(directory, name, owner, merged(own, settings or {}))

    def start(self, wait=True):
        self.directory.mkdir(parents=True, exist_ok=True)
        make_directory(self.sockets, self.owner)
        return super().start(wait)

    def wait_until_ready(self, seconds=30.0):
        """Also for the user directory. Start with wait=False where there is none."""
        super().wait_until_ready(seconds)
        waiting.wait_until(lambda: not self.ask("domain", "example.org").startswith("TEMP"),
                           lambda: f"the doors have a directory: {self.last_lines()}", seconds)

    def ask(self, table, key):
        """One look-up on a connection of its own: "OK ann@example.org"."""
        with LookupClient(port=self.port) as client:
            return client.ask(table, key)

    def action(self, state="RCPT", **attributes):
        """One policy request on a connection of its own: "DUNNO"."""
        with PolicyClient(port=self.policy_port) as client:
            return client.ask(state, **attributes)

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def netstring(text):
    octets = text.encode() if isinstance(text, str) else text
    return b"%d:%s," % (len(octets), octets)


class _Client:
    def __init__(self, port=None, path=None, timeout=30.0):
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def send(self, octets):
        self.socket.sendall(octets)

    def is_closed(self):
        """True when the server closes without saying anything more. Waits for it."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self._file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class LookupClient(_Client):
    """Speaks socketmap."""

    def ask(self, table, key):
        self.send(netstring(f"{table} {key}"))
        return self.answer()

    def answer(self):
        """The next answer. EOFError when the server closed."""
        digits = b""
        while (octet := self._file.read(1)) != b":":
            if not octet.isdigit():
                raise EOFError(f"no answer but {digits + octet!r}")
            digits += octet
        text = self._file.read(int(digits))
        assert self._file.read(1) == b",", "an answer is a netstring"
        return text.decode()


class PolicyClient(_Client):
    """Speaks Postfix's policy delegation protocol."""

    @staticmethod
    def request(state="RCPT", **attributes):
        values = {"request": "smtpd_access_policy", "protocol_state": state,
                  "protocol_name": "ESMTP", "helo_name": "client.example",
                  "client_address": "192.0.2.7", "sender": "bob@example.net", "recipient": "",
                  "queue_id": "", "instance": "", "size": "0"} | attributes
        return ("".join(f"{name}={value}\n" for name, value in values.items()) + "\n").encode()

    def ask(self, state="RCPT", **attributes):
        self.send(self.request(state, **attributes))
        return self.answer()

    def answer(self):
        """The next action. EOFError when the server closed."""
        line = self._file.readline()
        if not line:
            raise EOFError("no answer")
        assert line.startswith(b"action=") and self._file.readline() == b"\n", line
        return line[7:-1].decode()
