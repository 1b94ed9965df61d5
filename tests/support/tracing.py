"""strace on a running process, and the sockets the kernel knows."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from .waiting import wait_until


class Trace:
    """Traces the system calls `calls` ("fdatasync,sendmsg") of the process `pid`, all threads.

    `lines` gives finished calls in the order in which they returned, as "name(arguments) = result":
    one that another thread interrupted is put together again. `inject` as strace has it, e.g.
    "fdatasync:error=EIO", makes calls fail.
    """

    def __init__(self, pid, calls, file, inject=None):
        self.pid = pid
        self.calls = calls
        self.inject = ["-e", f"inject={inject}"] if inject else []
        self.file = Path(file)
        self._strace = None

    def __enter__(self):
        self._strace = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "200", "-e", f"trace={self.calls}", "-o", self.file,
             *self.inject, "-p", str(self.pid)], stderr=subprocess.PIPE, text=True)
        # strace says "Process N attached ..." once it sees everything.
        assert "attached" in self._strace.stderr.readline()
        return self

    def __exit__(self, *_):
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate(timeout=20)

    def lines(self):
        begun = {}
        done = []
        for line in self.file.read_text(errors="replace").splitlines():
            thread, _, call = line.partition(" ")
            call = call.strip()
            if call.endswith("<unfinished ...>"):
                begun[thread] = call.removesuffix("<unfinished ...>").rstrip()
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>\s*(.*)", call)
            if resumed:
                call = begun.pop(thread, "") + resumed.group(1)
            done.append(call)
        return done


def can_trace():
    """Why strace cannot be used here, or None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    child = subprocess.Popen(["sleep", "30"])
    try:
        tried = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(child.pid)],
                                 stderr=subprocess.PIPE, text=True)
        said = tried.stderr.readline()
        tried.send_signal(signal.SIGINT)
        tried.communicate(timeout=10)
        return None if "attached" in said else f"tracing is not allowed here: {said.strip()}"
    finally:
        child.kill()
        child.wait()


def tcp_connections(port):
    """Local ports of all client ends, living or waiting to be forgotten, that talk or talked to
    127.0.0.1:`port`."""
    wanted = f"0100007F:{port:04X}"
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        if remote == wanted and state != "0A":
            ports.add(int(local.split(":")[1], 16))
        elif local == wanted and state != "0A":
            ports.add(int(remote.split(":")[1], 16))
    return ports


def open_files(pid):
    """Number of descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_for_few_files(pid, most, seconds=15.0):
    """Wait until a process has at most `most` descriptors open."""
    wait_until(lambda: open_files(pid) <= most,
               lambda: f"{open_files(pid)} descriptors open, {most} expected", seconds)
