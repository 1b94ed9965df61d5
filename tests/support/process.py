"""Child processes: started with a log file, stopped by their own pid, never left behind."""

import atexit
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

_to_stop = set()
_lock = threading.Lock()


def stop_at_exit(owner):
    """Call `owner.stop()` when this Python process ends, unless forget() comes before."""
    with _lock:
        _to_stop.add(owner)


def forget(owner):
    """`owner` has stopped: nothing needs to be done for it at exit."""
    with _lock:
        _to_stop.discard(owner)


def stop_everything():
    """Stop all owners registered with stop_at_exit. For the caller's signal handlers."""
    with _lock:
        owners = list(_to_stop)
    for owner in owners:
        try:
            owner.stop()
        except Exception as error:  # the others must still be stopped
            print(f"could not stop {owner!r}: {error}")


atexit.register(stop_everything)


class ChildProcess:
    """One child in its own process group, its output appended to a log file.

    Not restarted by itself; `start` may be called again after `stop` or `kill`.
    """

    def __init__(self, arguments, log, environment=None, directory=None):
        self.arguments = [str(argument) for argument in arguments]
        self.log = Path(log)
        self.environment = environment
        self.directory = directory
        self._child = None

    @property
    def pid(self):
        """Pid of the running child; None when it does not run."""
        return self._child.pid if self.running else None

    @property
    def running(self):
        return self._child is not None and self._child.poll() is None

    @property
    def exit_status(self):
        """Exit status as subprocess reports it; None while it runs or before the start."""
        return None if self._child is None else self._child.poll()

    def start(self):
        if self.running:
            raise RuntimeError(f"{self.arguments[0]} runs already (pid {self._child.pid})")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.directory,
                start_new_session=True,
            )
        stop_at_exit(self)
        return self

    def signal(self, number):
        """Send a signal to the child alone, not to its group."""
        if self.running:
            self._child.send_signal(number)

    def stop(self, seconds=15.0):
        """SIGTERM to the child, then to what is left of its group, at last SIGKILL."""
        if self.running:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        if self._child is not None and self._child.poll() is not None:
            end_process_group(self._child.pid, 5.0)
        return self.kill()

    def kill(self):
        """SIGKILL to the whole group, as a crash would. Returns the exit status."""
        if self._child is None:
            return None
        _signal_group(self._child.pid, signal.SIGKILL)
        forget(self)
        return self._child.wait()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def run(arguments, environment=None, directory=None, seconds=120, check=True):
    """Run a command to its end and return the CompletedProcess with its text output.

    With `check`, a failure raises RuntimeError that shows the command and what it said.
    """
    arguments = [str(argument) for argument in arguments]
    done = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        cwd=directory,
        timeout=seconds,
    )
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {said}")
    return done


def is_alive(pid):
    """True when `pid` runs. A zombie nobody waits for, usual in a container, does not."""
    return _state_and_group(pid)[0] not in ("", "Z", "X")


def group_is_alive(group):
    """True when a process of the process group `group` runs."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            state, its_group = _state_and_group(int(entry))
            if its_group == group and state not in ("", "Z", "X"):
                return True
    return False


def end_process_group(group, seconds=10.0):
    """End a process group: SIGTERM, after `seconds` SIGKILL. For daemons, too."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not group_is_alive(group):
            return
        _signal_group(group, number)
        deadline = time.monotonic() + seconds
        while group_is_alive(group) and time.monotonic() < deadline:
            time.sleep(0.05)


def _signal_group(group, number):
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


def _state_and_group(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", 0
    state, _, group = text.rpartition(")")[2].split()[:3]
    return state, int(group)
