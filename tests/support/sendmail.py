"""A private, real sendmail: everything in its own directory, beside any other mail server.

It builds its sendmail.cf with m4 from sendmail-cf/ for the hop to the bridge, so a test
that uses this class also tests those files.
"""

import os
import shutil
import subprocess
from pathlib import Path

from . import waiting
from .debian_packages import library_environment, unpack
from .process import ChildProcess, run
from .run_directory import TREE

FRAGMENTS = TREE / "sendmail-cf"

MAILERTABLE = "mailertable"
ALIASES_FIRST = "aliases_first"
REPLACE_LOCAL = "replace_local"
DIRECTORY = "directory"

# sendmail sleeps a minute at every start on a host whose name has no dot. The name is set in
# a namespace of the command's own; the pid stays that of the command.
_WITH_HOST_NAME = ("unshare", "--uts", "sh", "-c",
                   'echo mx.example.org >/proc/sys/kernel/hostname && exec "$@"', "sendmail")

_SITE = """\
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
define(`confDOMAIN_NAME', `mx.example.org')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confPID_FILE', `{here}/sendmail.pid')dnl
define(`confCONTROL_SOCKET_NAME', `')dnl
define(`confDEAD_LETTER_DROP', `{here}/dead.letter')dnl
define(`confSERVICE_SWITCH_FILE', `{etc}/service.switch')dnl
define(`confHOSTS_FILE', `/etc/hosts')dnl
define(`STATUS_FILE', `{here}/statistics')dnl
define(`HELP_FILE', `{etc}/helpfile')dnl
define(`ALIAS_FILE', `{etc}/aliases')dnl
define(`QUEUE_DIR', `{queue}')dnl
define(`confTO_IDENT', `0')dnl
define(`confLOG_LEVEL', `9')dnl
define(`confDELIVERY_MODE', `{mode}')dnl
define(`confBIND_OPTS', `')dnl
define(`confMAX_RCPTS_PER_MESSAGE', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`SMART_HOST', `dropped:outward')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`access_db', `hash -T<TMPF> {etc}/access')dnl
"""

# No mail leaves: other domains are refused at RCPT, error mail for them is dropped.
_DROPPED = """\
MAILER_DEFINITIONS
Mdropped,\tP=/bin/sh, F=lmDFMu, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP,
\t\tT=DNS/RFC822/X-Unix, A=sh -c "exec cat >/dev/null" $u
"""
_ONLY_OWN_DOMAINS = """\
LOCAL_CONFIG
C{{OwnDomains}} {domains}
LOCAL_RULESETS
SLocal_check_rcpt
R$*\t\t\t$: $>canonify $1
R$+ < @ $={{OwnDomains}} . >\t$@ $1
R$+ < @ $={{OwnDomains}} >\t$@ $1
R$*\t\t\t$#error $@ 5.7.1 $: "550 this private sendmail sends nothing outward"
"""


class PrivateSendmail:
    """sendmail on 127.0.0.1:`smtp_port`, handing all mail for `domains` to `lmtp`.

    `lmtp` is "unix:/path/lmtp.sock" or "inet:127.0.0.1:2424".
    `layout` says how (sendmail-cf/README.md): MAILERTABLE one line per domain;
    ALIASES_FIRST `domains` are local, `aliases` apply, the first domain is put behind every
    user; REPLACE_LOCAL the same with bare local parts; DIRECTORY rule 0 asks the look-up door.
    `milter` and `lookup` are sockets ("unix:/path/milter.sock") whose features are then included;
    `groups` makes queue directories in groups. `extra` is m4 text before feature/homeward.m4,
    `features` before the first MAILER(), `rules` at the end. `outward`: mail for other domains
    is taken, too, and goes to SMART_HOST (a mailer that drops it).
    `delivery_mode`: "background" (delivered at once by a child, queued when that fails),
    "queueonly" (only queue runs deliver) or "interactive" (delivered before the 250).
    `queue_interval` starts a queue run every so often ("5s"); None: only flush() runs it.
    Mail for other domains is refused at the door. Not for several threads; needs root.
    """

    greeting = b"220 "

    def __init__(self, directory, smtp_port, lmtp, domains=("example.org",), layout=MAILERTABLE,
                 delivery_mode="background", queue_interval=None, aliases=None, extra="",
                 features="", rules="", milter=None, lookup=None, groups=False, outward=False):
        self.directory = Path(directory).resolve()
        self.smtp_port = smtp_port
        self.lmtp = lmtp
        self.domains = tuple(domains)
        self.layout = layout
        self.delivery_mode = delivery_mode
        self.queue_interval = queue_interval
        self.aliases = dict(aliases or {})
        self.extra = extra
        self.features = features
        self.rules = rules
        self.milter = milter
        self.lookup = lookup
        self.groups = groups
        self.outward = outward
        self.etc = self.directory / "etc"
        self.queue = self.directory / "mqueue"
        self.log = self.directory / "sendmail.log"
        self._roots = None
        self._daemon = None
        self._runs = []

    def start(self):
        """Build the configuration, start, and return when the SMTP port answers."""
        self.write_configuration()
        arguments = ["-L", "sendmail", "-bD"]
        if self.queue_interval:
            arguments.append(f"-q{self.queue_interval}")
        self._daemon = ChildProcess(self.command(*arguments), self.directory / "daemon.out",
                                    self.environment())
        self._daemon.start()
        waiting.wait_for_tcp(self.smtp_port, "sendmail", greeting=self.greeting,
                             alive=lambda: self.running)
        return self

    def stop(self):
        """Stop the daemon and its children. Mail in the queue stays there."""
        for child in [self._daemon, *self._runs]:
            if child is not None:
                child.stop()
        self._runs = []

    def reload(self):
        """Rebuild sendmail.cf and start anew: sendmail's SIGHUP is exactly that."""
        self.stop()
        self.start()

    def flush(self, wait=True):
        """One queue run over everything in the queue; returns when it ended."""
        self._runs = [child for child in self._runs if child.running]
        arguments = self.command("-L", "sendmail-flush", "-OMinQueueAge=0", "-qf")
        child = ChildProcess(arguments, self.directory / "flush.out", self.environment()).start()
        self._runs.append(child)
        if wait:
            waiting.wait_until(lambda: not child.running, "sendmail's queue run ends", 300)

    def queue_ids(self):
        """Ids of the queued messages, one `qf` file each."""
        return sorted(file.name[2:] for file in self.queue.rglob("qf?*"))

    def queue_entries(self):
        """The queue as `mailq -v` shows it: for failure messages."""
        return run(self.command("-bp", "-v"), self.environment(), check=False).stdout

    def queue_size(self):
        """Messages in the queue; 0 once all is delivered."""
        return len(self.queue_ids())

    def wait_until_empty(self, seconds=60.0, flush=False):
        """Wait for an empty queue; with `flush`, run the queue again and again."""

        def empty():
            if self.queue_size() and flush:
                self.flush()
            return self.queue_size() == 0

        waiting.wait_until(empty, lambda: f"sendmail's queue empties: {self.queue_entries()}",
                           seconds, pause=0.5)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def pid(self):
        """Pid of the daemon, or None."""
        return None if self._daemon is None else self._daemon.pid

    @property
    def running(self):
        return self.pid is not None

    def address_test(self, address):
        """What `sendmail -bv` says of an address: mailer, host, user."""
        return run(self.command("-bv", address), self.environment(), check=False).stdout

    def write_configuration(self):
        """Write sendmail.mc, the tables, and sendmail.cf made from them by m4."""
        self._roots = {name: unpack(name) for name in ("sendmail-bin", "sendmail-cf")}
        self.etc.mkdir(parents=True, exist_ok=True)
        self._make_queues()
        self._write_tables()
        self._copy_cf_tree()
        self._build()
        if self.aliases:
            run(self.command("-bi"), self.environment())

    def _build(self):
        (self.etc / "sendmail.mc").write_text(self._master_configuration())
        built = run(["m4", self.etc / "sendmail.mc"])
        if built.stderr.strip():
            raise RuntimeError(f"m4 complains about sendmail.mc: {built.stderr.strip()}")
        (self.etc / "sendmail.cf").write_text(built.stdout)

    def _make_queues(self):
        self.queue.mkdir(mode=0o700, exist_ok=True)
        if self.groups:
            run(["sh", FRAGMENTS / "farm" / "homeward-farm", "make-groups"],
                {"PATH": "/usr/bin:/bin", "FARM_CONFIG": "/dev/null", "FARM_OWNER": "root",
                 "FARM_SPOOL": str(self.directory), "FARM_QUEUES": "4"})

    def _copy_cf_tree(self):
        """Debian's m4 files name their own place; let them name the copy."""
        source = self._roots["sendmail-cf"] / "usr/share/sendmail/cf"
        copy = self.directory / "cf"
        shutil.copytree(source, copy, dirs_exist_ok=True)
        for file in copy.rglob("debian*.m4"):
            file.write_text(file.read_text().replace("/usr/share/sendmail/cf", str(copy)))

    def _write_tables(self):
        tables = {"access": "", "mailertable": "", "local-host-names": ""}
        for domain in self.domains:
            if self.layout == DIRECTORY:
                tables["homeward-domains"] = tables.get("homeward-domains", "") + f"{domain}\n"
            elif self.layout == MAILERTABLE:
                tables["access"] += f"To:{domain}\tRELAY\n"
                tables["mailertable"] += f"{domain}\t{self._mailer()}\n"
            else:
                tables["local-host-names"] += f"{domain}\n"
        for name, text in tables.items():
            (self.etc / name).write_text(text)
        for name in ("access", "mailertable"):
            with open(self.etc / name, "rb") as table:
                self.make_map(table, self.etc / name)
        # No DNS: everything is looked up in files.
        (self.etc / "service.switch").write_text("hosts\tfiles\naliases\tfiles\npasswd\tfiles\n")
        aliases = "".join(f"{name}: {value}\n" for name, value in self.aliases.items())
        (self.etc / "aliases").write_text(aliases)
        (self.directory / "statistics").touch(mode=0o600)
        shutil.copy(self._roots["sendmail-bin"] / "etc/mail/helpfile", self.etc)

    def make_map(self, table, target):
        """`makemap hash target` with the open file `table`."""
        program = self._roots["sendmail-bin"] / "usr/libexec/sendmail/makemap"
        subprocess.run([program, "-C", "/dev/null", "hash", target], stdin=table, check=True,
                       capture_output=True, env=self.environment())

    def early_definitions(self):
        """What must be defined before cf.m4 is read."""
        return {"_CF_DIR_": f"{self.directory}/cf/", "_USE_ETC_MAIL_": "",
                "MAIL_SETTINGS_DIR": f"{self.etc}/", "confTRUSTED_USER": "root"}

    def _master_configuration(self):
        text = "divert(-1)\n"
        for name, value in self.early_definitions().items():
            text += f"define(`{name}', `{value}')\n"
        text += f"include(`{self.directory}/cf/m4/cf.m4')\n" + self._site()
        text += "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"
        if self.layout != REPLACE_LOCAL:
            text += _include("mailer/homeward.m4")
        return text + self._rules()

    def _site(self):
        """Everything between cf.m4 and the first MAILER()."""
        text = _SITE.format(etc=self.etc, here=self.directory, queue=self.queue,
                            mode=self.delivery_mode)
        kind, _, place = self.lmtp.partition(":")
        if kind == "unix":
            text += f"define(`HOMEWARD_SOCKET', `{place}')dnl\n"
        else:
            text += f"define(`HOMEWARD_PORT', `{place.rpartition(':')[2]}')dnl\n"
        text += (f"DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={self.smtp_port}, "
                 "Addr=127.0.0.1')dnl\n")
        text += {
            MAILERTABLE: f"FEATURE(`mailertable', `hash {self.etc}/mailertable')dnl\n",
            ALIASES_FIRST: f"define(`HOMEWARD_LOCAL_DOMAIN', `{self.domains[0]}')dnl\n"
                           f"FEATURE(`use_cw_file')dnl\n",
            REPLACE_LOCAL: "FEATURE(`use_cw_file')dnl\n",
            DIRECTORY: f"define(`HOMEWARD_DOMAINS_FILE', `{self.etc}/homeward-domains')dnl\n",
        }[self.layout]
        text += f"{self.extra}{_include('feature/homeward.m4')}"
        if self.layout == REPLACE_LOCAL:
            text += _include("feature/homeward_local.m4")
        text += self._doors() + self.features
        if self.groups:
            text += f"define(`HOMEWARD_QUEUE_PLACE', `{self.queue}')dnl\n"
            # Shared memory is the whole machine's: two tests must not meet there.
            text += f"define(`confSHARED_MEMORY_KEY', `{100_000 + 10 * self.smtp_port}')dnl\n"
            text += _include("feature/homeward_queues.m4")
        return text

    def _rules(self):
        """What comes after the mailers."""
        text = _DROPPED
        if not self.outward:
            text += _ONLY_OWN_DOMAINS.format(domains=" ".join(self.domains))
        return text + self.rules

    def _doors(self):
        """The lines for milter and look-ups."""
        text = ""
        if self.milter:
            text += f"define(`HOMEWARD_MILTER_SOCKET', `{self.milter}')dnl\n"
            text += _include("feature/homeward_milter.m4")
        if self.lookup:
            text += f"define(`HOMEWARD_LOOKUP_SOCKET', `{self.lookup}')dnl\n"
            name = "homeward_rule0" if self.layout == DIRECTORY else "homeward_lookup"
            text += _include(f"feature/{name}.m4")
        return text

    def _mailer(self):
        kind, _, place = self.lmtp.partition(":")
        if kind == "unix":
            return "homeward:any"
        return f"homewardtcp:[{place.rpartition(':')[0]}]"

    def command(self, *arguments):
        """sendmail with its configuration and `arguments`."""
        # -d89.10 -D FILE: what goes to syslog is written to FILE, also where no syslog runs.
        program = self._roots["sendmail-bin"] / "usr/libexec/sendmail/sendmail"
        return [*_WITH_HOST_NAME, program, "-D", self.log, "-d89.10",
                "-C", self.etc / "sendmail.cf", *arguments]

    def environment(self):
        """For `command`."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        # A name that is in no file costs one second at most, not twenty.
        environment["RES_OPTIONS"] = "timeout:1 attempts:1"
        return environment | library_environment(self._roots["sendmail-bin"])

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def _include(name):
    return f"include(`{FRAGMENTS}/{name}')dnl\n"


def can_run():
    """Why a private sendmail cannot run here, or None when it can."""
    if os.geteuid() != 0:
        return "sendmail needs root to run its own queue"
    if shutil.which("m4") is None:
        return "m4 is not installed"
    try:
        run([*_WITH_HOST_NAME, "true"])
    except (OSError, RuntimeError) as error:
        return f"the host name cannot be set in a namespace of its own: {error}"
    return None
