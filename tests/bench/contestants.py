"""The contestants of journal_speed.py. Each run is one dict of figures; see `run_contestant`."""

import json
import os
import shutil
import signal
from pathlib import Path

from support.homeward import Store, merged, program
from support.maildir_ledger import judge
from support.process import ChildProcess, run

# As without a setting; the harness makes smaller ones.
DEFAULT_JOURNAL = {"journal": {"segment_size": "64MiB"}}
# Name -> settings laid over the defaults of stored. The journal is the default.
STORED = {"stored": {}, "stored-late": {"sync_mode": "late"},
          "stored-strict": {"sync_mode": "strict"}}
BARE = ("strict", "group")
NAMES = (*BARE, *STORED)

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_seconds():
    """Time in which the processors of the machine did anything, the kernel's own work included."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields) - idle - waiting) / _TICKS


class Course:
    """How all contestants run: duration, load, and where files go."""

    def __init__(self, options, directory, results):
        self.options = options
        self.directory = Path(directory)
        self.results = Path(results)

    def times(self):
        return ["--warm-up", self.options.warm_up, "--seconds", self.options.seconds]

    def load(self, command):
        """Run a program of the benchmark. Its figures and the machine's processor time."""
        before = busy_seconds()
        seconds = 300 + self.options.warm_up + self.options.seconds
        done = run(command, seconds=seconds, check=False)
        if not done.stdout.startswith("{"):
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
        figures = json.loads(done.stdout)
        in_all = max(figures["messages_in_all"], 1)
        figures["machine_us_per_message"] = (busy_seconds() - before) / in_all * 1e6
        return figures


def run_contestant(course, name, volume, clients):
    """The figures of the program that makes the load (measurement.hpp) and, in addition:

    machine_us_per_message: processor time of the whole machine; for stored also
    load_us_per_message (of store_load; cpu_us_per_message is then that of stored),
    largest_memory (octets) and verdict (of the judge), problems (0 is good).
    """
    if name in BARE:
        return run_bare(course, name, volume, clients)
    return run_stored(course, merged(STORED[name], course.options.settings), volume,
                      ["--connections", clients, *course.times()], name)


def run_bare(course, recipe, volume, clients):
    figures = course.load([program("bare_writers"), "--recipe", recipe, "--directory", volume,
                           "--clients", clients, *course.times()])
    filed = sum(len(os.listdir(new)) for new in Path(volume).glob("bench.example/*/Maildir/new"))
    figures["problems"] = abs(filed - figures["messages_in_all"])
    figures["verdict"] = f"answered {figures['messages_in_all']}, in the Maildirs {filed}"
    return figures


def run_stored(course, settings, volume, load_options, name):
    directory = course.directory / "stored"
    ledger = course.directory / "ledger"
    partition = Path(volume) / "mail1"
    store = Store(directory, "stored", settings=merged(DEFAULT_JOURNAL, settings),
                  partition_paths={"mail1": partition})
    try:
        store.start()
        before = processor_seconds(store.pid)
        with perf(course, store.pid, name):
            figures = course.load([program("store_load"), "--port", store.port, "--ledger", ledger,
                                   *load_options])
        used = processor_seconds(store.pid) - before
        figures["largest_memory"] = store.largest_memory()
        if figures["errors"]:
            print(store.last_lines(5))
    finally:
        store.stop()
    figures["load_us_per_message"] = figures["cpu_us_per_message"]
    figures["cpu_us_per_message"] = used / max(figures["messages_in_all"], 1) * 1e6
    verdict = judge(ledger, [partition])
    figures["problems"] = sum(map(len, (verdict.lost, verdict.torn, verdict.alien, verdict.foreign,
                                        verdict.duplicated, verdict.misplaced, verdict.wrong_size)))
    figures["verdict"] = str(verdict)
    shutil.rmtree(directory)
    ledger.unlink()
    return figures


class perf:
    """With --perf: records where stored spends its time while the load runs."""

    def __init__(self, course, pid, name):
        self.recorder = None
        if course.options.perf and shutil.which("perf"):
            data = course.results / f"perf-{name}.data"
            self.recorder = ChildProcess(["perf", "record", "-q", "-g", "-F", "499", "-p", pid,
                                          "-o", data], course.results / f"perf-{name}.log")

    def __enter__(self):
        if self.recorder:
            self.recorder.start()

    def __exit__(self, *_):
        if self.recorder:
            self.recorder.signal(signal.SIGINT)
            self.recorder.stop()
