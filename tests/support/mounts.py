"""Small file systems of a test's own, on memory: to fill, to make read-only, to take away."""

import subprocess
import tempfile
from pathlib import Path

from .process import forget, run, stop_at_exit


class MemoryMount:
    """A tmpfs at `path` from `start` until `stop`. Needs root; `can_mount()` says whether."""

    def __init__(self, path, size="16m"):
        self.path = Path(path)
        self.size = size
        self.mounted = False

    def start(self):
        self.path.mkdir(parents=True, exist_ok=True)
        run(["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=0755", "homeward-test", self.path])
        self.mounted = True
        stop_at_exit(self)
        return self

    def stop(self):
        """Unmount, at once even when somebody still has files open."""
        if self.mounted:
            run(["umount", "--lazy", self.path])
            self.mounted = False
        forget(self)

    def remount(self, options):
        run(["mount", "-o", f"remount,{options}", self.path])

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def can_mount():
    """Why nothing can be mounted here, or None when it can."""
    with tempfile.TemporaryDirectory() as place:
        tried = subprocess.run(["mount", "-t", "tmpfs", "homeward-test", place],
                               capture_output=True, text=True)
        if tried.returncode != 0:
            return f"mounting is not allowed: {tried.stderr.strip()}"
        run(["umount", place])
    return None
