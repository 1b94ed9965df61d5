"""Free TCP ports on the loopback address."""

import random
import socket
import threading

# Below 32768, where Linux starts to hand out ports for outgoing connections: a port
# chosen here cannot be taken by somebody's client before the server binds it.
_FIRST = 20000
_LAST = 32000

_given = set()
_lock = threading.Lock()


def free_port(host="127.0.0.1"):
    """Return a TCP port nobody listens on. The same port is never returned twice."""
    with _lock:
        for _ in range(1000):
            port = random.randint(_FIRST, _LAST)
            if port in _given or not _can_bind(host, port):
                continue
            _given.add(port)
            return port
    raise RuntimeError(f"no free TCP port between {_FIRST} and {_LAST} on {host}")


def _can_bind(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
