"""What ./quickstart does with the built programs: a farm, mail through it, and the count.

    python3 -m support.quickstart [--mta postfix|sendmail|none] [--messages N] ...

The shell script in front of it parses options for people, installs packages and builds.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import postfix, quickstart_kept, sendmail
from .debian_packages import PackageUnavailable
from .homeward import Farm
from .maildir_ledger import Ledger
from .ports import free_port
from .process import stop_everything
from .quickstart_directory import PlacedDirectory
from .quickstart_hints import hints
from .quickstart_report import Progressing, table
from .quickstart_trace import trace
from .quickstart_without_mta import LmtpSender, NoMta
from .run_directory import TREE, new_run_directory
from .smtp_sender import SmtpSender, paper_mix
from .waiting import NotInTime

USERS = 20
DOMAIN = "example.org"

# The queue counts as stuck when it does not get shorter for this long.
_PATIENCE = 90.0


class CannotRun(Exception):
    """The reason why this machine or account cannot do what was asked for."""


class Quickstart:
    """One run. `directory` holds everything it makes but what is built and unpacked."""

    def __init__(self, options):
        self.options = options
        self.directory = _new_directory()
        mailboxes = [f"user{number + 1:02}@{DOMAIN}" for number in range(USERS)]
        users = PlacedDirectory(self.directory / "directory", mailboxes)
        self.farm = Farm(self.directory, stores=2, partitions=1, users=0, domain=DOMAIN,
                         user_directory=users)
        self.mta = self._make_mta()
        self.ledger = self.directory / "ledger"
        self.messages = []
        self.sender = None

    def _make_mta(self):
        kind, bridge = self.options.mta, self.farm.bridge
        if kind == "none":
            return NoMta(bridge)
        private = {"postfix": postfix.PrivatePostfix, "sendmail": sendmail.PrivateSendmail}[kind]
        more = {"queue_interval": "5s"} if kind == "sendmail" else {}
        return private(self.directory / "mta", free_port(), bridge.lmtp_unix, (DOMAIN,), **more)

    def run(self):
        """All steps. True when every message was accepted, and is there once."""
        self.start()
        totals = self.send()
        verdict = self.farm.judge(self.ledger)
        print("[5/5] count, from the files in the Maildirs, by content")
        print(table(self.farm, verdict))
        print(trace(self.farm, self.mta, self.messages[len(self.messages) // 2]))
        if not verdict.clean or totals.refused or totals.unknown:
            print(f"{verdict}\nrefused {totals.refused}, outcome unknown {totals.unknown}, "
                  f"still in the queue {self.mta.queue_size()}")
        print(verdict.summary(), flush=True)
        return verdict.clean and totals.accepted == self.options.messages

    def start(self):
        print(f"[3/5] start, in {self.directory}")
        for store in self.farm.stores:
            print(f"      stored {store.name} on {store.endpoint}, partition "
                  f"{', '.join(store.paths)}")
        self.farm.start()
        self.farm.homes = self.farm.users.homes()
        print(f"      {len(self.farm.homes)} users made with homewardctl, in turn on "
              f"{' and '.join(sorted(set(self.farm.homes.values())))}")
        print(f"      homeward-bridge on {self.farm.bridge.lmtp_unix}")
        if self.options.mta != "none":
            print(f"      {self.options.mta} (fetched and unpacked beside the system)", flush=True)
        self.mta.start()
        door = "LMTP at the bridge" if self.options.mta == "none" else "SMTP"
        print(f"      {door} on 127.0.0.1:{self.mta.smtp_port}", flush=True)

    def send(self):
        """Send all messages, wait until the queue is empty; returns the sender's totals."""
        options = self.options
        print(f"[4/5] send {options.messages} messages of 3, 5 and 17 KB from "
              f"{options.clients} clients", flush=True)
        self.messages = list(paper_mix(options.messages, self.farm.homes, seed=options.seed,
                                       recipients=(1, 1), sender=f"sender@{DOMAIN}"))
        began = time.monotonic()
        ledger = Ledger(self.ledger)
        progress = Progressing(options.messages)
        kind = LmtpSender if options.mta == "none" else SmtpSender
        self.sender = kind(self.mta.smtp_port, ledger, options.clients, progress=progress.sent)
        totals = self.sender.send(self.messages)
        ledger.close()
        left = self._wait_for_the_queue(progress)
        seconds = time.monotonic() - began
        queue = "" if options.mta == "none" else f", {left or 'none'} left in the queue"
        progress.done(f"{totals.accepted} accepted{queue}; {seconds:.1f} s, "
                      f"{totals.accepted / seconds:.0f}/s")
        return totals

    def _wait_for_the_queue(self, progress):
        """Until it is empty, or does not get shorter any more; returns what is left."""
        least = None
        last_change = time.monotonic()
        while size := self.mta.queue_size():
            progress.queued(size)
            if least is None or size < least:
                least, last_change = size, time.monotonic()
            if time.monotonic() - last_change > _PATIENCE:
                break
            time.sleep(0.3)
        return size

    def clean_up(self, remove):
        """Stop everything; remove all files or say where they are."""
        if self.sender is not None:
            self.sender.stop()
        self.mta.stop()
        self.farm.stop()
        stop_everything()
        quickstart_kept.end_processes(self.directory)
        if remove:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"Stopped. Mail and logs are in {self.directory}; remove it when you have seen "
                  "enough.", file=sys.stderr)


def _new_directory():
    """For root a place all accounts can enter; for others one of their own."""
    if os.geteuid() == 0:
        return new_run_directory("quickstart")
    base = quickstart_kept.OWN
    base.mkdir(parents=True, exist_ok=True)
    if len(str(base)) > 60:  # a unix socket's path is at most 107 octets
        base = None
    return Path(tempfile.mkdtemp(prefix="quickstart-", dir=base)).resolve()


def _give_back():
    """Under sudo, what was unpacked and made below build/ belongs to the one who called it."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        owner = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
        build = TREE / "build"
        for path in (build / "mta", build / "run", *(build / "mta").rglob("*")):
            if path.exists() or path.is_symlink():
                os.lchown(path, *owner)


def _options(arguments):
    parser = argparse.ArgumentParser(prog="quickstart")
    parser.add_argument("--mta", choices=("postfix", "sendmail", "none"), default="postfix")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    return parser.parse_args(arguments)


def _check(options):
    module = {"postfix": postfix, "sendmail": sendmail}.get(options.mta)
    reason = module and module.can_run()
    if reason:
        raise CannotRun(f"{reason}. ./quickstart --mta none works without.")
    if kept := quickstart_kept.directory():
        raise CannotRun(f"one is still running in {kept}; stop it with ./quickstart --stop")


def _interrupt(*_):
    raise KeyboardInterrupt


def _no_more_interrupts():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _run(options):
    """Make, run, and clean up or keep. Returns the exit status."""
    run = Quickstart(options)
    remove = True
    try:
        good = run.run()
        if options.keep:
            quickstart_kept.keep(run.directory)
            print(hints(run), flush=True)
            _give_back()
            # Not the ordinary way out: what is to be stopped at exit stays.
            os._exit(0 if good else 1)
        remove = good
    except Exception:
        remove = False
        raise
    finally:
        _no_more_interrupts()
        run.clean_up(remove)
        _give_back()
    if good:
        print("All is stopped and removed. ./quickstart --keep leaves it running, to look around.")
    return 0 if good else 1


def main(arguments=None):
    options = _options(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if options.stop:
            return quickstart_kept.stop()
        _check(options)
        return _run(options)
    except KeyboardInterrupt:
        print("\nInterrupted; all is stopped and removed.", file=sys.stderr)
        return 130
    except (CannotRun, PackageUnavailable, RuntimeError, OSError, NotInTime) as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
