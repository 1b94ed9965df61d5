"""A private, real Postfix: everything in its own directory, beside any other mail server.

It runs the fragments of postfix-conf/ for the hop to the bridge, so a test that uses this
class also tests them. On request it runs the others, too: look-up, policy, milter, tuning.
"""

import json
import os
import pwd
import re
import shutil
from pathlib import Path

from . import waiting
from .debian_packages import library_environment, unpack
from .process import ChildProcess, end_process_group, forget, is_alive, run, stop_at_exit
from .run_directory import TREE

FRAGMENTS = TREE / "postfix-conf"

# Postfix insists on accounts of its own. These two exist on every Debian and own nothing,
# so none has to be made.
_MAIL_OWNER = "uucp"
_SETGID_GROUP = "news"

# Services that Debian runs in the chroot, of those that reach for a socket of ours.
_CHROOTED = ("smtpd", "cleanup", "trivial-rewrite")

# postmulti knows one place for the first instance, /etc/postfix, and the programs of an instance
# being made know one for their libraries. A mount namespace of its own has the private ones
# there; the host's directories stay as they are.
_AT_DEFAULT_PLACE = ("unshare", "--mount", "sh", "-ec",
                     'mount -t overlay homeward -o lowerdir="$1":/etc /etc; '
                     'mount --bind "$2" /etc/postfix; '
                     'mount -t overlay homeward -o lowerdir="$3":/usr/lib /usr/lib; '
                     'echo ready; exec sleep infinity', "postfix")

_MASTER = """\
127.0.0.1:{port} inet n  -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class PrivatePostfix:
    """Postfix on 127.0.0.1:`smtp_port`, handing all mail for `domains` to `lmtp`.

    `lmtp` is a nexthop as the transport table has it: "unix:/path/lmtp.sock" or
    "inet:127.0.0.1:2424". Every recipient of a domain is accepted unless
    `virtual_mailbox_maps` says otherwise in `settings`, which override main.cf line by line.
    Mail for other domains is refused at the door, so that no test can send any outward.

    `fragments` are more files of postfix-conf/ for main.cf, e.g. "homeward-lookup.cf"; they come
    before `settings`. Their sockets are expected in `doors`, queue/homeward, made here for
    anybody to use. `chrooted` runs smtpd, cleanup and trivial-rewrite in the chroot, as Debian
    does. `services` are lines for master.cf. `at_default_place` shows the configuration to
    Postfix as /etc/postfix, without which there are no instances (postmulti).
    Not for several threads; needs root.
    """

    greeting = b"220 "

    def __init__(self, directory, smtp_port, lmtp, domains=("example.org",), settings=None,
                 fragments=(), chrooted=False, services="", at_default_place=False):
        self.directory = Path(directory).resolve()
        self.smtp_port = smtp_port
        self.lmtp = lmtp
        self.domains = tuple(domains)
        self.settings = dict(settings or {})
        self.fragments = tuple(fragments)
        self.chrooted = chrooted
        self.services = services
        self.config = self.directory / "etc"
        self.queue = self.directory / "queue"
        self.doors = self.queue / "homeward"
        self.log = self.directory / "mail.log"
        self._root = None
        self._place = _Place(self.directory, self.config) if at_default_place else None

    def start(self):
        """Write the configuration, start, and return when the SMTP port answers."""
        self._root = unpack("postfix")
        self.write_configuration()
        if self._place:
            self._place.make(self._root / "usr/lib")
        self.command("postmap", f"hash:{self.config}/homeward-transport")
        stop_at_exit(self)
        self.command("postfix", "start")
        waiting.wait_for_tcp(
            self.smtp_port, "Postfix", greeting=self.greeting, alive=lambda: self.running
        )
        return self

    def stop(self):
        """Stop and wait until the last process ended. Mail in the queue stays there."""
        pid = self.pid
        if pid is not None:
            self.command("postfix", "stop", check=False)
            end_process_group(pid)
        if self._place:
            self._place.leave()
        forget(self)

    def reload(self):
        self.command("postfix", "reload")

    def flush(self):
        """Try everything in the queue now, also what waits for its retry time."""
        self.command("postqueue", "-f")

    def queue_entries(self):
        """The queue as Postfix describes it (postqueue -j), one dict per message."""
        text = self.command("postqueue", "-j").stdout
        return [json.loads(line) for line in text.splitlines()]

    def queue_ids(self):
        return [entry["queue_id"] for entry in self.queue_entries()]

    def queue_size(self):
        """Messages in the queue; 0 once all is delivered."""
        return len(self.queue_entries())

    def wait_until_empty(self, seconds=60.0, flush=False):
        """Wait for an empty queue; with `flush`, keep asking Postfix to try again."""

        def empty():
            size = self.queue_size()
            if size and flush:
                self.flush()
            return size == 0

        waiting.wait_until(empty, lambda: f"Postfix's queue empties: {self.queue_entries()}",
                           seconds, pause=0.5)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def pid(self):
        """Pid of the running master process, or None."""
        try:
            pid = int((self.queue / "pid" / "master.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if is_alive(pid) else None

    @property
    def running(self):
        return self.pid is not None

    def command(self, name, *arguments, check=True):
        """Run one of Postfix's own commands (postconf, postqueue, ...) on this instance."""
        command = [*self.inside(), self.program(name), *self._instance(name, arguments)]
        return run(command, self.environment(), check=check)

    def program(self, name):
        """Path of one of Postfix's own commands."""
        return self._root / "usr/sbin" / name

    def inside(self):
        """What to put before a command so that it sees the configuration where Postfix does."""
        return self._place.inside() if self._place else []

    def _instance(self, name, arguments):
        # postmap and postalias take the configuration from MAIL_CONFIG alone just as well.
        with_directory = name not in ("postmap", "postalias") and not self._place
        return ("-c", self.config, *arguments) if with_directory else arguments

    def environment(self):
        """Environment in which Postfix's own commands work on this instance."""
        path = f"{self._root}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        config = "/etc/postfix" if self._place else str(self.config)
        environment = {"PATH": path, "MAIL_CONFIG": config, "LC_ALL": "C"}
        return environment | library_environment(self._root)

    def write_configuration(self):
        """Write main.cf, master.cf and the transport table from postfix-conf/."""
        self._root = unpack("postfix")
        for folder in (self.config, self.queue, self.doors, self.directory / "data"):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.directory / "data", _MAIL_OWNER)
        shutil.copy(self._root / "etc/postfix/postfix-files", self.config)
        (self.config / "dynamicmaps.cf").write_text("")
        for name in ("main.cf", "master.cf"):  # what new instances are made from
            shutil.copy(self._root / f"usr/share/postfix/{name}.dist",
                        self.config / f"{name}.proto")
        (self.config / "main.cf").write_text(self._main())
        (self.config / "master.cf").write_text(self._master())
        table = "".join(f"{domain} homeward:{self.lmtp}\n" for domain in self.domains)
        (self.config / "homeward-transport").write_text(table)

    def _main(self):
        parts = [self._own_settings()]
        parts += [_fragment(name) for name in ("homeward-main.cf", *self.fragments)]
        parts.append("".join(f"{name} = {value}\n" for name, value in self.settings.items()))
        text = ""
        for part in parts:
            text = _without(text, names_set_in(part)) + part
        return text.replace("/etc/postfix/", f"{self.config}/")

    def _master(self):
        text = _MASTER.format(port=self.smtp_port) + _fragment("homeward-master.cf")
        if self.chrooted:
            text = re.sub(rf"^(\S+ +\S+ +\S+ +\S+ +)n( .* (?:{'|'.join(_CHROOTED)}))$", r"\1y\2",
                          text, flags=re.M)
        return text + self.services

    def _own_settings(self):
        root, here = self._root, self.directory
        libraries = library_environment(root)["LD_LIBRARY_PATH"]
        names = {
            "compatibility_level": "3.6",
            "command_directory": f"{root}/usr/sbin",
            "daemon_directory": f"{root}/usr/lib/postfix/sbin",
            "shlib_directory": f"{root}/usr/lib/postfix",
            "sendmail_path": f"{root}/usr/sbin/sendmail",
            "mailq_path": f"{root}/usr/sbin/postqueue",
            "newaliases_path": f"{root}/usr/sbin/postalias",
            "manpage_directory": f"{root}/usr/share/man",
            "html_directory": "no",
            "readme_directory": "no",
            "sample_directory": "no",
            "queue_directory": self.queue,
            "data_directory": f"{here}/data",
            "meta_directory": self.config,
            "mail_owner": _MAIL_OWNER,
            "setgid_group": _SETGID_GROUP,
            "default_privs": "nobody",
            "import_environment": f"MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}",
            "export_environment": f"MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}",
            "maillog_file": self.log,
            "maillog_file_prefixes": here,
            "myhostname": "mx.example.org",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            # There is no DNS where tests run; nothing may wait for it.
            "smtpd_peername_lookup": "no",
            "smtp_dns_support_level": "disabled",
            "default_transport": "error:this private Postfix sends nothing outward",
            "relay_transport": "$default_transport",
            "local_transport": "$default_transport",
            "virtual_transport": "$default_transport",
            "virtual_mailbox_domains": " ".join(self.domains),
            "virtual_mailbox_maps": "",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_recipient_limit": "1000",
            # Tests flush the queue themselves; a retry of its own must not come too late.
            "minimal_backoff_time": "5s",
            "maximal_backoff_time": "20s",
            "queue_run_delay": "5s",
        }
        return "".join(f"{name} = {value}\n" for name, value in names.items())

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def can_run():
    """Why a private Postfix cannot run here, or None when it can."""
    if os.geteuid() != 0:
        return "Postfix needs root to change to its accounts"
    try:
        pwd.getpwnam(_MAIL_OWNER)
    except KeyError:
        return f"there is no account {_MAIL_OWNER}"
    return None


class _Place:
    """A mount namespace in which a directory is /etc/postfix."""

    def __init__(self, directory, config):
        self.directory = directory
        self.config = config
        self._holder = None

    def make(self, libraries):
        names = self.directory / "names-in-etc"
        (names / "postfix").mkdir(parents=True, exist_ok=True)
        self._holder = ChildProcess([*_AT_DEFAULT_PLACE, names, self.config, libraries],
                                    self.directory / "namespace.out").start()
        waiting.wait_until(lambda: "ready" in self._holder.log_text() or not self._holder.running,
                           "a mount namespace with a private /etc/postfix")
        if not self._holder.running:
            raise RuntimeError(f"no private /etc/postfix: {self._holder.log_text()}")

    def leave(self):
        if self._holder:
            self._holder.stop()

    def inside(self):
        return ["nsenter", "--mount", "--target", str(self._holder.pid)]


def can_have_instances():
    """Why no private Postfix with instances can run here, or None when it can."""
    tried = run(["unshare", "--mount", "sh", "-c",
                 "mount -t overlay homeward -o lowerdir=/usr/lib:/etc /etc"], check=False)
    if can_run() is None and tried.returncode != 0:
        return f"Postfix's instances need a private /etc/postfix: {tried.stderr.strip()}"
    return can_run()


def _fragment(name):
    return (FRAGMENTS / name).read_text()


def names_set_in(text):
    """The names that the text of a main.cf sets."""
    return set(re.findall(r"^([a-z]\w*) *=", text, re.M))


def _without(text, names):
    """`text` of a main.cf without the settings `names`, continuation lines included."""
    for name in names:
        text = re.sub(rf"^{name} *=.*\n(?:[ \t]+\S.*\n)*", "", text, flags=re.M)
    return text
