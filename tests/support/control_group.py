"""A control group with little memory or few tasks, for one daemon (cgroup version 1 or 2; root)."""

import os
from pathlib import Path

from .process import forget, stop_at_exit
from .waiting import wait_until

_ROOT = Path("/sys/fs/cgroup")
# (file of version 1, file of version 2) by what is limited.
_LIMITS = {"memory": ("memory.limit_in_bytes", "memory.max"), "pids": ("pids.max", "pids.max")}


def _parent(controller):
    """Where groups with this controller are made, and whether that is version 1; or None."""
    if (_ROOT / controller / "cgroup.procs").exists():
        return _ROOT / controller, True
    for root in (_ROOT, _ROOT / "unified"):
        enabled = root / "cgroup.subtree_control"
        if enabled.exists() and controller in enabled.read_text().split():
            return root, False
    return None


def why_not(controller):
    """Why such a group cannot be made here, or "" when it can."""
    place = _parent(controller)
    if place is None:
        return f"no control groups for {controller}"
    return "" if os.access(place[0], os.W_OK) and os.geteuid() == 0 else "control groups need root"


class ControlGroup:
    """`with ControlGroup("memory", 64 << 20) as group: Store(..., wrapper=group.wrapper)`.

    The daemon must have ended before the group does.
    """

    def __init__(self, controller, limit):
        parent, first_version = _parent(controller)
        self.path = parent / f"homeward-test-{os.getpid()}-{id(self):x}"
        self._file = _LIMITS[controller][0 if first_version else 1]
        self._limit = limit

    @property
    def wrapper(self):
        """For the front of a command line: what it starts lives in the group."""
        return ["sh", "-c", f'echo $$ >{self.path}/cgroup.procs && exec "$@"', "sh"]

    def change(self, limit):
        (self.path / self._file).write_text(str(limit))

    def __enter__(self):
        self.path.mkdir()
        stop_at_exit(self)
        self.change(self._limit)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        def removed():
            try:
                self.path.rmdir()
            except OSError:
                return False
            return True

        wait_until(removed, "everybody has left the control group", 30)
        forget(self)
