"""A real file system in a file, whose power can be cut.

The cut is the shutdown request of ext4 and xfs in its form that leaves the log unflushed:
what is not on the disk by then never gets there. Needs root and loop devices.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

from .process import forget, run, stop_at_exit

# _IOR('X', 125, __u32), flag 2: do not flush the log.
_SHUTDOWN = 0x8004587D
_WITHOUT_LOG_FLUSH = 2


def why_not(kind):
    """Why a volume of this kind ("ext4", "xfs") cannot be had here, or None when it can."""
    if os.geteuid() != 0:
        return "needs root to mount a file system"
    if not os.path.exists("/dev/loop-control"):
        return "needs loop devices"
    if shutil.which(f"mkfs.{kind}") is None:
        return f"needs mkfs.{kind}"
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                           capture_output=True, text=True)
    return None if tried.returncode == 0 else f"mounting is not allowed: {tried.stderr.strip()}"


class LoopVolume:
    """`kind` on an image of `mebibytes` MiB, mounted at `path` from start() to stop()."""

    def __init__(self, directory, kind, mebibytes=400):
        self.kind = kind
        self.image = Path(directory) / f"{kind}.img"
        self.path = Path(directory) / f"{kind}-volume"
        self.mebibytes = mebibytes
        self.mounted = False

    def start(self):
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as image:
            image.truncate(self.mebibytes << 20)
        run([f"mkfs.{self.kind}", "-q", self.image])
        self.mount()
        stop_at_exit(self)
        return self

    def mount(self):
        run(["mount", "-t", self.kind, "-o", "loop,noatime", self.image, self.path])
        self.mounted = True

    def cut_power(self):
        """Nothing reaches the disk any more. Kill who uses it, then remount()."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _WITHOUT_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def remount(self):
        """After a cut: as the machine does when it starts again."""
        run(["umount", self.path])
        self.mounted = False
        self.mount()

    def stop(self):
        if self.mounted:
            run(["umount", "--lazy", self.path])
            self.mounted = False
        self.image.unlink(missing_ok=True)
        forget(self)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
