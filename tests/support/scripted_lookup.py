"""A look-up server (socketmap wire format) whose answers a test chooses."""

import os
import socket
import threading
from pathlib import Path

FOUND = "OK"
UNKNOWN = "NOTFOUND "
LATER = "TEMP the directory is away"


class ScriptedLookup:
    """Answers `answer(map, key)` on the unix socket `path`, any number of connections.

    `answer` returns the reply as it goes over the wire: "OK value", UNKNOWN, LATER. `questions`
    are all (map, key) asked so far. A thread per connection; stopped by `stop`.
    """

    def __init__(self, path, answer):
        self.path = Path(path)
        self.address = f"unix:{path}"
        self.answer = answer
        self.questions = []
        self._door = None
        self._connections = set()

    def start(self):
        self.path.unlink(missing_ok=True)
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self._door.listen(100)
        threading.Thread(target=self._accept, args=(self._door,), daemon=True).start()
        return self

    def stop(self):
        """Close the door and all connections; the socket file goes, too."""
        self._door.close()
        self.path.unlink(missing_ok=True)
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, door):
        while True:
            try:
                connection, _ = door.accept()
            except OSError:
                return
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while (question := _read_netstring(stream)) is not None:
                    name, _, key = question.decode().partition(" ")
                    self.questions.append((name, key))
                    reply = self.answer(name, key).encode()
                    connection.sendall(b"%d:%s," % (len(reply), reply))
            except OSError:
                pass
        self._connections.discard(connection)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def _read_netstring(stream):
    """The next string, or None at the end."""
    length = b""
    while (octet := stream.read(1)) not in (b":", b""):
        length += octet
    if not length or not octet:
        return None
    text = stream.read(int(length))
    stream.read(1)
    return text
