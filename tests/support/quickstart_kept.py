"""What `./quickstart --keep` leaves running, and how it is found and stopped again.

Processes are found by what they are, not by remembered numbers, so that a store that was
stopped and started by hand is stopped too, and nobody else's process ever is.
"""

import os
import shutil
import signal
import time
from pathlib import Path

from .process import is_alive
from .run_directory import TREE

# Belongs to the one who calls ./quickstart, with or without sudo.
OWN = TREE / "build" / "quickstart"

_NOTE = OWN / "kept"

_OUR_PROGRAMS = ("stored", "homeward-bridge", "homewardctl")
_UNPACKED = TREE / "build" / "mta"


def keep(directory):
    """Remember the directory of a run that goes on."""
    _NOTE.parent.mkdir(parents=True, exist_ok=True)
    _NOTE.write_text(f"{directory}\n")


def directory():
    """The directory of the run that was kept, or None."""
    try:
        kept = Path(_NOTE.read_text().strip())
    except FileNotFoundError:
        return None
    return kept if kept.is_dir() else None


def stop():
    """Stop what was kept and remove its files. Returns the exit status."""
    kept = directory()
    if kept is None:
        print("Nothing was kept running.")
        return 0
    end_processes(kept)
    shutil.rmtree(kept)
    _NOTE.unlink()
    print(f"All is stopped and {kept} is removed.")
    return 0


def end_processes(directory, seconds=40.0):
    """End every process of the run in `directory`: SIGTERM, after `seconds` SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = processes(directory)
        for pid in pids:
            _signal(pid, number)
        deadline = time.monotonic() + seconds
        while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.05)


def processes(directory):
    """Pids of all processes of the run in `directory`."""
    return [int(entry) for entry in os.listdir("/proc")
            if entry.isdigit() and _belongs(Path("/proc") / entry, Path(directory))]


def _belongs(process, directory):
    """Our program with settings of this run, or an unpacked one that works in its directory."""
    try:
        exe = Path(os.readlink(process / "exe").removesuffix(" (deleted)"))
        if exe.name in _OUR_PROGRAMS:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            return any(word.startswith(f"{directory}/") for word in words)
        if exe.is_relative_to(_UNPACKED):
            return Path(os.readlink(process / "cwd")).is_relative_to(directory)
    except OSError:  # it ended meanwhile, or is not ours to look at
        pass
    return False


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
