"""Wait for something to become true, with a limit and a useful message."""

import socket
import time


class NotInTime(Exception):
    """Something that was waited for did not happen."""


def wait_until(condition, what, seconds=30.0, pause=0.05):
    """Call `condition` until it returns a true value and return that value.

    Raises NotInTime("... did not happen within N s: WHAT") otherwise. `what` may be a
    function, called at the end, so that the message can show the last state.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise NotInTime(f"did not happen within {seconds:g} s: {text}")
        time.sleep(pause)


def wait_for_tcp(port, what, host="127.0.0.1", seconds=30.0, greeting=b"", alive=None):
    """Wait until HOST:PORT accepts a connection and its greeting starts with `greeting`.

    `alive` (optional) returns false once waiting is useless, e.g. when the server died.
    """

    def answers():
        if alive is not None and not alive():
            raise NotInTime(f"{what} ended before it answered on {host}:{port}")
        try:
            with socket.create_connection((host, port), timeout=5) as connection:
                if greeting and not connection.recv(len(greeting)).startswith(greeting):
                    return False
                return True
        except OSError:
            return False

    wait_until(answers, f"{what} answers on {host}:{port}", seconds)


def wait_for_unix(path, what, seconds=30.0, alive=None):
    """Wait until the unix socket `path` accepts a connection."""

    def answers():
        if alive is not None and not alive():
            raise NotInTime(f"{what} ended before it answered on {path}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.connect(str(path))
            except OSError:
                return False
        return True

    wait_until(answers, f"{what} answers on {path}", seconds)
