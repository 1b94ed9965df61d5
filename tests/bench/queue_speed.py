#!/usr/bin/env python3
"""What a long queue costs: 20,000 waiting messages in one queue directory against eight.

Measured with the real sendmail 8.17 in a private directory, and a mailer that answers "try later" at
once: the scan alone (a run for a sender that nobody is: every envelope is opened, no job tried), the
time until 200 jobs were tried, the system calls of a scan, and our own scan (`homewardctl queue`).
Eight directories have a runner each, all at once. Prints; judges nothing. Needs root.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import sendmail  # noqa: E402
from support.fake_lmtp import FakeLmtp  # noqa: E402
from support.homeward import program  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.queue_files import write_job  # noqa: E402
from support.run_directory import new_run_directory  # noqa: E402

FIRST_JOBS = 200


def fill(queue, directories, messages):
    for number in range(directories):
        (queue / f"q{number}").mkdir(parents=True)
    for number in range(messages):
        write_job(queue / f"q{number % directories}", number, [f"u{number % 500}@example.org"],
                  created=time.time() - number)


def command(mta, directory, *options):
    return [*[str(part) for part in mta.command("-L", "bench")], f"-OQueueDirectory={directory}",
            "-OMinQueueAge=0", "-OSharedMemoryKey=0", "-qf", *options]


SCAN = ("-qSnobody.sends.this",)


def runs(mta, queue, directories, *options):
    """Seconds until all runners, one a directory, have ended."""
    began = time.monotonic()
    children = [subprocess.Popen(command(mta, queue / f"q{n}", *options), env=mta.environment(),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for n in range(directories)]
    for child in children:
        child.wait()
    return time.monotonic() - began


def calls(mta, directory):
    """System calls of a runner over one directory, and how many opened an envelope."""
    trace = directory.parent / "trace"
    subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e", "trace=file,desc",
                    *command(mta, directory, *SCAN)], env=mta.environment(), check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = trace.read_text(errors="replace").splitlines()
    trace.unlink()
    return len(lines), sum(1 for line in lines if re.search(r"open\w*\(.*qf\w+\"", line))


def own_scan(queue):
    began = time.monotonic()
    subprocess.run([program("homewardctl"), "--json", "queue", "--sendmail-queue", f"{queue}/q*"],
                   stdout=subprocess.DEVNULL, check=True,
                   env=dict(os.environ, HOMEWARD_DIRECTORY="/nonexistent.yaml"),
                   stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def measure(messages, directories):
    here = new_run_directory("bench")
    try:
        queue = here / "queue"
        fill(queue, directories, messages)
        mta = sendmail.PrivateSendmail(here / "sendmail", free_port(), f"unix:{here}/lmtp.sock",
                                       delivery_mode="queueonly")
        mta.write_configuration()
        with FakeLmtp(here / "lmtp.sock", on_rcpt=lambda _: "451 4.3.0 try later"):
            scan = runs(mta, queue, directories, *SCAN)
            more = runs(mta, queue, directories, f"-OMaxQueueRunSize={FIRST_JOBS // directories}")
        traced = calls(mta, queue / "q0") if shutil.which("strace") else (0, 0)
        print(f"{messages:6} messages in {directories} {'directory' if directories == 1 else 'directories'}: "
              f"scan {scan:6.2f} s, {FIRST_JOBS} jobs tried {more:6.2f} s, "
              f"calls of one scan {traced[0]} ({traced[1]} envelopes opened), "
              f"homewardctl queue {own_scan(queue):5.2f} s", flush=True)
    finally:
        shutil.rmtree(here)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="2,000 messages")
    messages = 2000 if options.parse_args().quick else 20000
    if reason := sendmail.can_run():
        sys.exit(f"cannot measure: {reason}")
    print(__doc__.split("\n\n")[1].replace("\n", " "))
    for directories in (1, 8):
        measure(messages, directories)


if __name__ == "__main__":
    main()
