"""A file system made anew for every run, on an image that behaves like a disk of its own.

The image is written out once and kept for all runs, and mkfs neither discards nor leaves work for
later: what is measured is the file system, not the allocation, the discards or the background
writing of the disk below. The loop device does direct I/O, so the page cache is not used twice.
"""

import contextlib
from pathlib import Path

from support.loop_volume import LoopVolume
from support.process import forget, run, stop_at_exit

_MKFS = {"ext4": ["-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"],
         "xfs": ["-f", "-K"]}


class FreshVolume(LoopVolume):
    """Use `with volume.fresh("ext4") as path:` for each run. Needs root."""

    def __init__(self, directory, mebibytes):
        super().__init__(directory, "ext4", mebibytes)
        self.image = Path(directory) / "image"
        self.path = Path(directory) / "volume"
        self.device = None

    def start(self):
        self.path.mkdir(parents=True, exist_ok=True)
        stop_at_exit(self)
        run(["dd", "if=/dev/zero", f"of={self.image}", "bs=4M", f"count={self.mebibytes // 4}",
             "oflag=direct", "conv=fsync"], seconds=1800)
        self.device = run(["losetup", "--direct-io=on", "--find", "--show",
                           self.image]).stdout.strip()
        queue = Path("/sys/block") / Path(self.device).name / "queue"
        # The device keeps what somebody else may have set.
        (queue / "max_sectors_kb").write_text((queue / "max_hw_sectors_kb").read_text())
        return self

    @contextlib.contextmanager
    def fresh(self, kind):
        self.kind = kind
        run([f"mkfs.{kind}", "-q", *_MKFS[kind], self.device], seconds=600)
        run(["mount", "-t", kind, "-o", "noatime", self.device, self.path])
        self.mounted = True
        run(["sync"])
        try:
            yield self.path
        finally:
            self._throw_away()

    def _throw_away(self):
        self.cut_power()  # nobody needs what is not on the disk yet
        run(["umount", self.path])
        self.mounted = False

    def stop(self):
        if self.mounted:
            run(["umount", "--lazy", self.path])
            self.mounted = False
        if self.device:
            run(["losetup", "--detach", self.device])
            self.device = None
        self.image.unlink(missing_ok=True)
        forget(self)
