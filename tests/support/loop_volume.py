"""A real file system in a file, whose power can be cut.

The cut is the shutdown request of ext4 and xfs, usually in its form that leaves the log unflushed:
what is not on the disk by then never gets there. btrfs has no such request: its image is copied as it
is at that moment, and the copy is what is mounted next. Needs root and loop devices.
"""

import fcntl
import os
import shutil
import struct
from pathlib import Path

from .mounts import can_mount
from .process import forget, run, stop_at_exit

# _IOR('X', 125, __u32)
_SHUTDOWN = 0x8004587D
FREEZE_FIRST = 0  # everything is written out before
FLUSH_LOG = 1
NO_LOG_FLUSH = 2


def why_not(kind):
    """Why a volume of this kind ("ext4", "xfs") cannot be had here, or None when it can."""
    if os.geteuid() != 0:
        return "needs root to mount a file system"
    if not os.path.exists("/dev/loop-control"):
        return "needs loop devices"
    if shutil.which(f"mkfs.{kind}") is None:
        return f"needs mkfs.{kind}"
    return can_mount()


class LoopVolume:
    """`kind` on an image of `mebibytes` MiB, mounted at `path` from start() to stop().

    `name` tells several volumes of a directory apart; `format_options` go to mkfs.
    """

    def __init__(self, directory, kind, mebibytes=400, name=None, format_options=()):
        self.kind = kind
        self.image = Path(directory) / f"{name or kind}.img"
        self.path = Path(directory) / f"{name or kind}-volume"
        self.mebibytes = mebibytes
        self.format_options = format_options
        self.mounted = False

    def start(self):
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as image:
            image.truncate(self.mebibytes << 20)
        run([f"mkfs.{self.kind}", "-q", *self.format_options, self.image])
        self.mount()
        stop_at_exit(self)
        return self

    def mount(self):
        # A device of its own each time: somebody who made a mount namespace meanwhile keeps the old
        # file system alive, and mount(8) would find that one again.
        self.device = run(["losetup", "--find", "--show", self.image]).stdout.strip()
        run(["mount", "-t", self.kind, "-o", "noatime", self.device, self.path])
        self.mounted = True

    def cut_power(self, flag=NO_LOG_FLUSH):
        """Nothing reaches the disk any more. Kill who uses it, then remount(). On btrfs nobody may
        be writing meanwhile: stop them with SIGSTOP before."""
        if self.kind == "btrfs":
            run(["cp", "--sparse=always", self.image, self._copy])
            return
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", flag))
        finally:
            os.close(descriptor)

    def remount(self):
        """After a cut: as the machine does when it starts again."""
        self.unmount()
        if self._copy.exists():
            self._copy.rename(self.image)
        self.mount()

    def unmount(self):
        run(["umount", self.path])
        self.mounted = False
        self._let_go()

    def change(self, options):
        """mount -o remount,`options`."""
        run(["mount", "-o", f"remount,{options}", self.path])

    @property
    def _copy(self):
        return self.image.with_suffix(".cut")

    def _let_go(self):
        run(["losetup", "--detach", self.device])

    def stop(self):
        if self.mounted:
            run(["umount", "--lazy", self.path])
            self.mounted = False
            self._let_go()
        self.image.unlink(missing_ok=True)
        self._copy.unlink(missing_ok=True)
        forget(self)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
