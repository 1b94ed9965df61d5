"""A private sendmail queue farm: an acceptor and two tiers of queue runners, by homeward-farm.

The script sendmail-cf/farm/homeward-farm and the three master files beside it do all the work;
here they are only told where their directories are.
"""

import os
import re
import signal
from pathlib import Path

from . import process, waiting
from .debian_packages import library_environment
from .process import run
from .sendmail import _WITH_HOST_NAME, FRAGMENTS, PrivateSendmail

SCRIPT = FRAGMENTS / "farm" / "homeward-farm"
TIERS = ("acceptor", "tier1", "tier2")


class PrivateFarm(PrivateSendmail):
    """As PrivateSendmail; mail is accepted on `smtp_port`, queued, and delivered by two tiers.

    `settings` are FARM_... variables of homeward-farm, `options` HOMEWARD_... of the master files.
    `spool` holds mqueue and mqueue2; default: inside `directory`.
    """

    def __init__(self, directory, smtp_port, lmtp, settings=None, options=None, spool=None, **more):
        super().__init__(directory, smtp_port, lmtp, **more)
        self.spool = Path(spool or self.directory)
        self.queue = self.spool / "mqueue"
        self.queue2 = self.spool / "mqueue2"
        self.run_directory = self.directory / "run"
        self.settings = dict(settings or {})
        # Shared memory is the whole machine's: farms of two tests must not meet there.
        self.options = {"HOMEWARD_FARM_KEY": 100_000 + 10 * smtp_port} | dict(options or {})

    def farm(self, *arguments, check=True):
        """Run homeward-farm; returns what it said."""
        return run([SCRIPT, *arguments], self.farm_environment(), check=check)

    def start(self):
        self.write_configuration()
        process.stop_at_exit(self)
        self.farm("start")
        waiting.wait_for_tcp(self.smtp_port, "the acceptor", greeting=self.greeting,
                             alive=lambda: self.running)
        return self

    def stop(self):
        """Stop all daemons; what does not end by itself is killed."""
        groups = [pid for tier in TIERS if (pid := self.pid_of(tier))]
        if groups and (done := self.farm("stop", check=False)).returncode:
            print(done.stderr, run(["ps", "axf"], check=False).stdout)
        for group in groups:
            process.end_process_group(group)
        for child in self._runs:
            child.stop()
        self._runs = []
        process.forget(self)

    def pid_of(self, tier):
        """Pid of a tier's daemon, or None."""
        try:
            pid = int((self.run_directory / f"{tier}.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if process.is_alive(pid) else None

    def kill(self, tier):
        """SIGKILL to a tier and its children."""
        os.killpg(self.pid_of(tier), signal.SIGKILL)

    @property
    def pid(self):
        return self.pid_of("acceptor")

    def waiting_in(self, queue):
        """Number of messages below a queue directory."""
        return sum(1 for _ in queue.rglob("qf?*"))

    def queue_size(self):
        return self.waiting_in(self.queue) + self.waiting_in(self.queue2)

    def queue_ids(self):
        return sorted(file.name[2:] for queue in (self.queue, self.queue2)
                      for file in queue.rglob("qf?*"))

    def left_over(self):
        """Files below the queues that belong to no message: a body, a draft, a transcript."""
        known = set(self.queue_ids())
        return sorted(str(file) for queue in (self.queue, self.queue2)
                      for file in queue.rglob("*")
                      if file.is_file() and re.match(r"[dqtxhQ]f", file.name)
                      and file.name[2:] not in known)

    def queue_entries(self):
        return "\n".join(run(self.tier_command(tier, "-bp"), self.environment(),
                             check=False).stdout for tier in TIERS[1:])

    def flush(self, wait=True):
        """One queue run over both tiers, besides those of the daemons."""
        for tier in TIERS[1:]:
            child = process.ChildProcess(self.tier_command(tier, "-OMinQueueAge=0", "-qf"),
                                         self.directory / "flush.out", self.environment()).start()
            self._runs.append(child)
            if wait:
                waiting.wait_until(lambda: not child.running, "the queue run ends", 300)

    def tier_command(self, tier, *arguments):
        return [self.wrapper, "-C", self.etc / f"{tier}.cf", *arguments]

    def farm_environment(self):
        own = {"FARM_CONFIG": "/dev/null", "FARM_ETC": self.etc, "FARM_SPOOL": self.spool,
               "FARM_RUN": self.run_directory, "FARM_SENDMAIL": self.wrapper,
               "FARM_CF_M4": self.directory / "cf/m4/cf.m4", "FARM_OWNER": "root:root",
               "FARM_DISTRIBUTION_PID": "/nonexistent",
               "FARM_M4_OPTIONS": " ".join(f"-D{name}={value}" for name, value in
                                           (self.early_definitions() | self.options).items())}
        own = {name: str(value) for name, value in (own | self.settings).items()}
        return self.environment() | own

    @property
    def wrapper(self):
        return self.directory / "sendmail"

    def _make_queues(self):
        self._write_wrapper()
        self.spool.mkdir(parents=True, exist_ok=True)
        self.farm("make-directories")

    def _write_wrapper(self):
        """sendmail as homeward-farm calls it: unpacked, with a host name and a log file."""
        program = self._roots["sendmail-bin"] / "usr/libexec/sendmail/sendmail"
        words = [*_WITH_HOST_NAME, program, "-D", self.log, "-d89.10"]
        quoted = " ".join("'" + str(word).replace("'", "'\\''") + "'" for word in words)
        libraries = library_environment(self._roots["sendmail-bin"])
        exports = "".join(f"export {name}='{value}'\n" for name, value in libraries.items())
        self.wrapper.write_text(f'#!/bin/sh\n{exports}exec {quoted} "$@"\n')
        self.wrapper.chmod(0o755)

    def _build(self):
        (self.etc / "site.m4").write_text(self._site())
        (self.etc / "rules.m4").write_text(self._rules())
        self.farm("build")

    def command(self, *arguments):
        return self.tier_command("acceptor", *arguments)
