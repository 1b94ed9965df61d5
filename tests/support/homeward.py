"""The daemons of Homeward as a test or the quickstart runs them: stores, a bridge, a whole farm.

Everything lies below one directory that the caller gives (run_directory.new_run_directory),
listens on loopback ports that are free, and is stopped at exit. The programs are those of
the environment's HOMEWARD_BIN, else of build/dev/bin, else of build/dev-progs/bin.
"""

import os
import pwd
import shutil
import signal
from pathlib import Path

from . import waiting
from .maildir_ledger import judge
from .ports import free_port
from .process import ChildProcess, run
from .run_directory import TREE
from .user_directory import YamlDirectory
from .yaml_text import yaml_text

# Accounts every Debian has. The daemons refuse to serve as root; mail belongs to `mail`, as
# the private Dovecot expects it.
STORE_USER = "mail"
BRIDGE_USER = "daemon"

_PLACES = ("build/dev/bin", "build/dev-progs/bin")


def program(name):
    """Path of one of our programs. Raises FileNotFoundError that says where it was sought."""
    given = os.environ.get("HOMEWARD_BIN")
    places = [Path(given)] if given else [TREE / place for place in _PLACES]
    for place in places:
        if (place / name).exists():
            return (place / name).absolute()
    sought = ", ".join(map(str, places))
    raise FileNotFoundError(f"{name} is not built; sought in {sought} (see HOMEWARD_BIN)")


def account(name):
    """`name` where the tests run as root, else None: the daemons run as whoever starts them."""
    return name if os.geteuid() == 0 else None


def make_directory(path, owner, mode=0o755):
    """Make a directory for an account (None: for ourselves)."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    os.chmod(path, mode)
    if owner is not None:
        user = pwd.getpwnam(owner)
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def merged(base, more):
    """`base` with the settings of `more` laid over it; dicts are merged, all else replaced."""
    result = dict(base)
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            value = merged(result[name], value)
        result[name] = value
    return result


class Daemon:
    """One daemon with its settings file. `settings` may be changed and written again.

    `wrapper` is put before the command line, e.g. ["strace", ...].
    """

    program_name = ""

    def __init__(self, directory, name, owner, settings, wrapper=()):
        self.directory = Path(directory).resolve()
        self.name = name
        self.owner = account(owner)
        self.settings = settings
        self.config = self.directory / f"{name}.yaml"
        self.log = self.directory / f"{name}.log"
        arguments = [*wrapper, program(self.program_name), "--config", self.config]
        self.process = ChildProcess(arguments, self.log, directory=self.directory)

    def write_settings(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml_text(self.settings), encoding="utf-8")
        os.chmod(self.config, 0o644)

    def start(self, wait=True):
        """Start with the settings as they are now; with `wait`, return when it serves."""
        self.write_settings()
        self._log_before = len(self.log_text())
        self.process.start()
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self, seconds=30.0):
        try:
            waiting.wait_for_tcp(self.port, self.name, seconds=seconds,
                                 alive=lambda: self.process.running)
        except waiting.NotInTime as late:
            raise waiting.NotInTime(f"{late}; its log says:\n{self.last_lines()}") from None

    def log_since_start(self):
        return self.log_text()[self._log_before:]

    def stop(self, seconds=40.0):
        """SIGTERM, and wait for the end. Returns the exit status."""
        self.resume()
        return self.process.stop(seconds)

    def kill(self):
        """SIGKILL."""
        self.process.kill()

    def restart(self):
        self.stop()
        self.start()

    def terminate(self):
        """SIGTERM without waiting."""
        self.process.signal(signal.SIGTERM)

    def wait_for_end(self, seconds=40.0):
        """Wait for the process to end by itself; returns its exit status."""
        waiting.wait_until(lambda: not self.process.running, f"{self.name} ends", seconds)
        return self.process.exit_status

    def pause(self):
        """SIGSTOP: it hangs, its connections stay open."""
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    def reload(self):
        """Write the settings and send SIGHUP. Returns what the log says about it."""
        before = len(self.log_text())
        self.write_settings()
        self.process.signal(signal.SIGHUP)
        waiting.wait_until(lambda: self._says_reloaded(before),
                           lambda: f"{self.name} reloads: {self.last_lines()}", 15.0)
        return self.log_text()[before:]

    def _says_reloaded(self, before):
        text = self.log_text()[before:]
        return any(words in text for words in self.reload_lines)

    reload_lines = ("settings reloaded", "settings not reloaded")

    @property
    def running(self):
        return self.process.running

    @property
    def pid(self):
        return self.process.pid

    def log_text(self):
        return self.process.log_text()

    def last_lines(self, count=20):
        return "\n".join(self.log_text().splitlines()[-count:])

    def resident_memory(self):
        """Octets of memory the process holds now."""
        return self._status("VmRSS")

    def largest_memory(self):
        """Octets of memory the process ever held."""
        return self._status("VmHWM")

    def _status(self, key):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(key)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Store(Daemon):
    """A `stored` on 127.0.0.1:`port` with the named partitions, made on the first start.

    `endpoint` is what the user directory says; set it to that of a proxy to put one between.
    `partition_paths` gives paths to partitions that shall not lie in `directory`.
    """

    program_name = "stored"

    # A new journal is written whole: 256 MiB by default, too much for a test that asks no speed.
    journal = {"segment_size": "4MiB"}

    def __init__(self, directory, name, partitions=("mail1",), port=None, settings=None,
                 owner=STORE_USER, partition_paths=None, wrapper=()):
        self.port = port or free_port()
        self.endpoint = f"127.0.0.1:{self.port}"
        directory = Path(directory).resolve()
        self.paths = {part: Path((partition_paths or {}).get(part, directory / part))
                      for part in partitions}
        own = {
            "user": account(owner),
            "listen": [{"address": f"127.0.0.1:{self.port}"}],
            "spool_directory": str(directory / "spool"),
            "look_at_partitions": "1s",
            "journal": dict(self.journal),
            "limits": {"sessions_per_peer": 500},
            "partitions": [{"name": part, "path": str(path)} for part, path in self.paths.items()],
        }
        super().__init__(directory, name, owner, merged(own, settings or {}), wrapper)

    def start(self, wait=True):
        make_directory(self.directory / "spool", self.owner, 0o700)
        for part, path in self.paths.items():
            if not path.exists():
                self.make_partition(part, path)
        return super().start(wait)

    def make_partition(self, part, path):
        """Make directory and identity of a partition that the settings name."""
        make_directory(path, self.owner, 0o755)
        self.write_settings()
        return run([program("stored"), "--config", self.config, "--init-partition", part])

    def add_partition(self, part, path=None, **keys):
        """One more partition in the settings; made, but used only after a reload."""
        self.paths[part] = Path(path or self.directory / part)
        self.settings["partitions"].append({"name": part, "path": str(self.paths[part])} | keys)
        self.make_partition(part, self.paths[part])


class Bridge(Daemon):
    """A `homeward-bridge` on a unix socket and on 127.0.0.1:`port`, with a user directory."""

    program_name = "homeward-bridge"

    def __init__(self, directory, user_directory, name="bridge", port=None, settings=None,
                 owner=BRIDGE_USER, wrapper=()):
        self.port = port or free_port()
        directory = Path(directory).resolve()
        self.socket = directory / "run" / "lmtp.sock"
        own = {
            "user": account(owner),
            "hostname": "mx1.example.org",
            "listen": [{"address": f"unix:{self.socket}", "mode": "0666"},
                       {"address": f"127.0.0.1:{self.port}"}],
            "directory": {"engine": user_directory.engine, "file": str(user_directory.file),
                          "refresh": "200ms"},
            "spool": {"directory": str(directory / "spool")},
            "addresses": {"default_domain": "example.org"},
            "limits": {"sessions_per_peer": 500},
            "stores": {"probe": "200ms"},
        }
        super().__init__(directory, name, owner, merged(own, settings or {}), wrapper)

    def start(self, wait=True):
        make_directory(self.directory / "spool", self.owner, 0o700)
        make_directory(self.socket.parent, self.owner)
        return super().start(wait)

    def wait_until_ready(self, seconds=30.0):
        """Also for the user directory. Start with wait=False where there is none."""
        super().wait_until_ready(seconds)
        if self.settings.get("log_level", "info") not in ("info", "debug"):
            return  # it would not be logged
        waiting.wait_until(lambda: "directory " in self.log_since_start(),
                           lambda: f"the bridge says nothing of its directory: {self.last_lines()}")
        if "directory refreshed" not in self.log_since_start():
            raise waiting.NotInTime(f"the bridge has no directory: {self.last_lines()}")

    @property
    def lmtp_unix(self):
        """As PrivatePostfix and PrivateSendmail want it."""
        return f"unix:{self.socket}"

    @property
    def lmtp_inet(self):
        return f"inet:127.0.0.1:{self.port}"


class Farm:
    """N stores with M partitions each, users spread over them in turn, and a bridge.

    User number i is u<i>@<domain>. `start` starts all, `stop` stops all. As a context
    manager it prints the ends of all logs when the test fails.
    """

    def __init__(self, directory, stores=2, partitions=2, users=20, domain="example.org",
                 store_settings=None, bridge_settings=None, user_directory=None):
        self.directory = Path(directory).resolve()
        self.domain = domain
        self.users = user_directory or YamlDirectory(self.directory / "users.yaml")
        names = [f"mail{number + 1}" for number in range(partitions)]
        self.stores = [Store(self.directory / f"store{number + 1}", f"store{number + 1}", names,
                             settings=store_settings) for number in range(stores)]
        self.bridge = Bridge(self.directory / "bridge", self.users, settings=bridge_settings)
        self.mailboxes = [f"u{number + 1}@{domain}" for number in range(users)]
        self.homes = {}
        self._spread_users()

    def _spread_users(self):
        """Neighbours live on different stores first, then on different partitions."""
        for store in self.stores:
            self.users.add_server(store.name, store.endpoint)
            for part in store.paths:
                self.users.add_partition(f"{store.name}/{part}")
        homes = [f"{store.name}/{part}" for part in self.stores[0].paths for store in self.stores]
        for number, mailbox in enumerate(self.mailboxes):
            self.add_user(mailbox, homes[number % len(homes)])

    def add_user(self, mailbox, home, **keys):
        """`home` as "store1/mail1". Takes effect at the start, or after users.write()."""
        self.homes[mailbox] = home
        self.users.add_user(mailbox, home, **keys)

    def store(self, name):
        return next(store for store in self.stores if store.name == name)

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        for store in self.stores:
            self.users.servers[store.name] = [store.endpoint]
            store.start(wait=False)
        self.users.write()
        for store in self.stores:
            store.wait_until_ready()
        self.bridge.start()
        return self

    def stop(self):
        """Stop all; returns the exit statuses by name."""
        return {daemon.name: daemon.stop() for daemon in self.daemons}

    @property
    def daemons(self):
        return [self.bridge, *self.stores]

    @property
    def partitions(self):
        """Directories of all partitions, for the judge."""
        return [path for store in self.stores for path in store.paths.values()]

    def home_of(self, mailbox):
        """The directory of the partition where a mailbox lives."""
        store, part = self.homes[mailbox].split("/")
        return self.store(store).paths[part]

    def living_on(self, home):
        """Mailboxes of a partition ("store1/mail1") or a whole store ("store1")."""
        return [mailbox for mailbox, its in self.homes.items()
                if its == home or its.partition("/")[0] == home]

    def maildir(self, mailbox):
        local, _, domain = mailbox.rpartition("@")
        return self.home_of(mailbox) / domain / local / "Maildir"

    def messages(self, mailbox):
        """The files of a mailbox, new and read ones, by name."""
        maildir = self.maildir(mailbox)
        return sorted(file for folder in ("new", "cur") if (maildir / folder).is_dir()
                      for file in (maildir / folder).iterdir())

    def judge(self, ledger, **more):
        """maildir_ledger.judge over all partitions of this farm."""
        known = {"home_of": lambda mailbox: self.homes.get(mailbox) and self.home_of(mailbox)}
        return judge(ledger, self.partitions, **(known | more))

    def log_ends(self, count=25):
        """The last lines of all logs, for a message that must explain a failure."""
        return "\n".join(f"--- {daemon.log}\n{daemon.last_lines(count)}"
                         for daemon in self.daemons if daemon.log.exists())

    def collect_logs(self, target):
        """Copy all logs and settings files into the directory `target`."""
        target = Path(target)
        target.mkdir(parents=True, exist_ok=True)
        for daemon in self.daemons:
            for file in (daemon.log, daemon.config):
                if file.exists():
                    shutil.copy(file, target)
        if self.users.file.exists():
            shutil.copy(self.users.file, target)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            print(self.log_ends())
            self.stop()
            raise

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.log_ends())
        self.stop()
