"""A client of the storage protocol that says exactly what a test wants."""

import socket


class StoreClient:
    """A connection to a store on 127.0.0.1:`port`. `extensions` are turned on with CAPA."""

    def __init__(self, port, extensions="RESULTS PARAMS", timeout=60.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")
        if extensions:
            assert self.command(f"CAPA {extensions}").startswith("+OK [CAPA ")

    def send(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def reply(self):
        """One reply line without its end; "" when the store has closed."""
        return self._file.readline().decode("utf-8", "replace").rstrip("\r\n")

    def command(self, line):
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def envelope(self, name, partition, sender, recipients, size):
        """Send an envelope in one write; returns one reply per command."""
        lines = [f"SIZE {size}", f"NAME {name}", f"PRTN {partition}", f"FROM <{sender}>",
                 *[f"RCPT <{mailbox}>" for mailbox in recipients]]
        self.send("".join(f"{line}\r\n" for line in lines))
        return [self.reply() for _ in lines]

    def deliver(self, name, partition, sender, recipients, octets):
        """One transaction. Returns one reply per recipient: of RCPT if that refused it, else the
        result. `octets` have CR LF."""
        replies = self.envelope(name, partition, sender, recipients, len(octets))[4:]
        self.send(b"DATA\r\n" + octets)
        if not any(reply.startswith("+OK") for reply in replies):
            return [self.reply()] * len(replies)
        return [self.reply() if reply.startswith("+OK") else reply for reply in replies]

    def is_closed(self, seconds=10.0):
        """True when the store closes within `seconds` and says nothing more before."""
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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
