"""A store whose partitions lie on volumes that a test kills, cuts, fills and damages."""

import os
import time
from pathlib import Path

from .homeward import Store, merged
from .loop_volume import NO_LOG_FLUSH
from .waiting import wait_until

SMALL_JOURNAL = {"journal": {"segment_size": "4MiB", "segments": 4}}


def store_on(directory, volumes, partitions=2, settings=None, wrapper=(), name="store1"):
    """A Store with so many partitions on each of the volumes (LoopVolume, mounted, or a directory)."""
    paths = {}
    for volume in volumes:
        root = Path(getattr(volume, "path", volume))
        for _ in range(partitions):
            part = f"mail{len(paths) + 1}"
            paths[part] = root / part
    return Store(Path(directory) / name, name, list(paths), partition_paths=paths, wrapper=wrapper,
                 settings=merged(SMALL_JOURNAL, settings or {}))


def journal_directory(volume):
    """Where the journal of a volume lies: in one of its partitions."""
    root = Path(getattr(volume, "path", volume))
    found = sorted(root.glob("*/.homeward-journal"))
    assert len(found) == 1, found
    return found[0]


def start_after(store, seconds=60.0):
    """Start the store; returns how long it took until it served."""
    began = time.monotonic()
    store.start(wait=False)
    store.wait_until_ready(seconds)
    return time.monotonic() - began


def cut_power(store, volume, flag=NO_LOG_FLUSH):
    """The machine of this store and volume loses power; the volume is mounted again."""
    if volume.kind == "btrfs":
        freeze(store)
    volume.cut_power(flag)
    store.kill()
    volume.remount()


def freeze(store):
    """SIGSTOP, and wait until no thread is inside a system call any more."""
    store.pause()

    def all_stopped():
        for task in Path(f"/proc/{store.pid}/task").iterdir():
            if (task / "stat").read_text().rpartition(")")[2].split()[0] != "T":
                return False
        return True

    wait_until(all_stopped, "all threads stop", 30, pause=0.001)


def wait_for_log(store, words, seconds=30.0):
    """Until the log of the current run says `words`."""
    wait_until(lambda: words in store.log_since_start(),
               lambda: f"the log says {words!r}:\n{store.last_lines()}", seconds, pause=0.02)


def wait_for_partitions(store, seconds=60.0):
    """Until every partition is open."""
    wait_until(lambda: all(f"partition open partition={part} " in line_text(store)
                           for part in store.paths),
               lambda: f"all partitions open:\n{store.last_lines()}", seconds, pause=0.02)


def line_text(store):
    return store.log_since_start().replace('"', "")


def sync_all():
    """What was set up is older than any cut."""
    os.sync()
