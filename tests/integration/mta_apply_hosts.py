"""Private hosts for `homewardctl mta`: a real Postfix or sendmail with a configuration that
somebody else wrote (mta-configurations/), and a settings file that names its places."""

import hashlib
import json
import os
import re
import shutil
import smtplib
import stat
import subprocess
from pathlib import Path

from support import waiting
from support.debian_packages import library_environment, unpack
from support.homeward import program
from support.ports import free_port
from support.postfix import PrivatePostfix
from support.process import ChildProcess, run, stop_at_exit
from support.run_directory import TREE
from support.sendmail import _WITH_HOST_NAME, PrivateSendmail
from support.yaml_text import yaml_text

CONFIGURATIONS = Path(__file__).resolve().parent / "mta-configurations"


def snapshot(*directories):
    """Everything that a rollback has to give back: octets, mode, owner, times, links."""
    found = {}
    for directory in directories:
        for file in [directory, *sorted(directory.rglob("*"))]:
            status = file.lstat()
            octets = ""
            if stat.S_ISREG(status.st_mode):
                octets = hashlib.sha256(file.read_bytes()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                octets = os.readlink(file)
            found[str(file)] = (octets, oct(status.st_mode), status.st_uid, status.st_gid,
                                status.st_mtime_ns)
    return found


def difference(before, after):
    """What differs between two snapshots, for assertions that explain themselves."""
    names = sorted(set(before) | set(after))
    return [f"{name}: {before.get(name)} -> {after.get(name)}" for name in names
            if before.get(name) != after.get(name)]


def age(directory):
    """Times in the past, with odd nanoseconds, so that every later touch is seen."""
    for number, file in enumerate(sorted(directory.rglob("*"), reverse=True)):
        if file.is_file() and not file.is_symlink():
            moment = 1_600_000_000_123_456_789 + number * 1_000_000_007
            # A table must not be older than its source, and not by much newer.
            os.utime(file, ns=(moment, moment))
    for file in directory.rglob("*.db"):
        os.utime(file, ns=(1_650_000_000_000_000_111, 1_650_000_000_000_000_111))
    for folder in [*[f for f in directory.rglob("*") if f.is_dir()], directory]:
        os.utime(folder, ns=(1_655_000_000_000_000_222, 1_655_000_000_000_000_222))


def killed(ctl, call, number, command, *more):
    """Runs `homewardctl mta` and kills it at its `number`th such call; False: it was through."""
    done = ctl.run(command, *more,
                   before=["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                           f"inject={call}:signal=KILL:when={number}"])
    return done.returncode in (-9, 137)


def send_one(port, sender, recipient):
    """One small message."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as session:
        session.sendmail(sender, [recipient],
                         f"From: {sender}\r\nTo: {recipient}\r\nSubject: one\r\n\r\nhello\r\n")


class Homewardctl:
    """`homewardctl mta` with a settings file of its own."""

    def __init__(self, here, settings):
        self.here = Path(here)
        self.file = self.here / "mta.yaml"
        self.settings = settings
        self.backups = self.here / "backups"
        self.write()

    def write(self, **changes):
        """Write the settings file anew; nested keys as `doors__milter`."""
        for key, value in changes.items():
            at = self.settings
            *path, last = key.split("__")
            for part in path:
                at = at.setdefault(part, {})
            at[last] = value
        self.file.write_text(yaml_text(self.settings))

    def arguments(self, command, *more):
        return [str(program("homewardctl")), "--directory", str(self.here / "directory.db"), "mta",
                command, "--mta-settings", str(self.file), *more]

    def run(self, command, *more, before=()):
        return subprocess.run([*before, *self.arguments(command, *more)], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=300,
                              env=dict(os.environ, LC_ALL="C"))

    def expect(self, status, command, *more):
        done = self.run(command, *more)
        assert done.returncode == status, \
            f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def json(self, command, *more):
        done = self.run(command, "--json", *more)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"no JSON:\n{done.stdout}\n{done.stderr}") from None

    def findings(self):
        return {finding["name"] for finding in self.json("check")["findings"]}

    def make_directory(self, users):
        """Homeward's own directory with these users."""
        def ctl(*words):
            run([program("homewardctl"), "--directory", self.here / "directory.db", *words])
        ctl("directory", "init")
        ctl("server", "add", "store1", "--endpoint", "127.0.0.1:2400")
        ctl("partition", "add", "store1/mail1")
        for user in users:
            ctl("user", "add", user)


def wrapper(place, environment, *command):
    """A script that runs one of the private programs as if it were installed."""
    exports = "".join(f"export {name}='{value}'\n" for name, value in environment.items())
    words = " ".join(str(word) if str(word) == '"$@"' else f"'{word}'" for word in command)
    place.write_text(f"#!/bin/sh\n{exports}exec {words} \"$@\"\n")
    place.chmod(0o755)
    return str(place)


def homes(here, forwarded):
    """A passwd file with ann, bob and eve; `forwarded` of them have a .forward."""
    lines = []
    for number, name in enumerate(("ann", "bob", "eve")):
        home = here / "home" / name
        home.mkdir(parents=True)
        if name in forwarded:
            (home / ".forward").write_text(f"{name}@elsewhere.example\n")
        lines.append(f"{name}:x:{2000 + number}:2000::{home}:/bin/sh\n")
    (here / "passwd").write_text("".join(lines))
    return here / "passwd"


class PostfixHost(PrivatePostfix):
    """Postfix with one of the configurations of mta-configurations/postfix."""

    def __init__(self, here, name, forwarded=("bob",)):
        super().__init__(here / "postfix", free_port(), "unix:unused")
        self.here = here
        self.name = name
        self.passwd = homes(here, forwarded)
        self._root = unpack("postfix")
        self.write_configuration()
        self.ctl = Homewardctl(here, {
            "mta": "postfix",
            "configuration": str(self.config),
            "fragments": str(TREE),
            "backups": str(here / "backups"),
            "old_routes": {"accounts": str(self.passwd)},
            "programs": {name: wrapper(here / f"{name}.sh", self.environment(),
                                       self._root / "usr/sbin" / name)
                         for name in ("postconf", "postfix", "postmap", "postqueue")},
        })

    def start(self):
        """The configuration is there already."""
        stop_at_exit(self)
        self.command("postfix", "start")
        waiting.wait_for_tcp(self.smtp_port, "Postfix", greeting=self.greeting,
                             alive=lambda: self.running)
        return self

    def write_configuration(self):
        source = CONFIGURATIONS / "postfix" / self.name
        share = self._root / "usr/share/postfix"
        for folder in (self.config, self.queue, self.directory / "data"):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.directory / "data", "uucp")
        shutil.copy(self._root / "etc/postfix/postfix-files", self.config)
        (self.config / "dynamicmaps.cf").write_text("")
        main = (share / "main.cf.debian").read_text()
        master = (share / "master.cf.dist").read_text()
        for file in source.glob("*"):
            text = file.read_text()
            match file.name:
                case "main.cf": main = text
                case "main.cf.added": main += text
                case "master.cf": master = text
                case "master.cf.added": master += text
                case _: (self.config / file.name).write_text(self._here(text))
        (self.config / "aliases").write_text("postmaster: root\nroot: ann\n")
        (self.config / "main.cf").write_text(self._here(main) + self._private_places(main))
        (self.config / "master.cf").write_text(self._private_master(master))
        for table in sorted(self.config.iterdir()):
            if table.name.startswith("aliases"):
                self.command("postalias", f"hash:{table}")
            elif table.suffix == "" and table.name not in ("postfix-files", "header_checks"):
                self.command("postmap", f"hash:{table}")
        os.chmod(self.config / "master.cf", 0o640)
        shutil.chown(self.config / "main.cf", "root", "mail")
        age(self.config)

    def _here(self, text):
        text = text.replace("/etc/aliases", f"{self.config}/aliases")
        return text.replace("/etc/postfix/", f"{self.config}/")

    def _private_places(self, main):
        """The places of this private Postfix, for what the configuration leaves at its default."""
        wanted = ("command_directory daemon_directory shlib_directory sendmail_path mailq_path "
                  "newaliases_path manpage_directory html_directory sample_directory "
                  "queue_directory data_directory meta_directory mail_owner setgid_group "
                  "default_privs import_environment maillog_file maillog_file_prefixes "
                  "smtpd_peername_lookup smtp_dns_support_level default_transport "
                  "queue_run_delay minimal_backoff_time").split()
        lines = [line for line in self._own_settings().splitlines()
                 if line.split(" = ")[0] in wanted]
        return "\n# --- where this private Postfix is\n" + "\n".join(lines) + "\n"

    def _private_master(self, master):
        return re.sub(r"^smtp( +)inet", f"127.0.0.1:{self.smtp_port}\\1inet", master, flags=re.M)

    def without_chroot(self):
        """A chroot has to be filled with libraries, which a private directory is not."""
        self.command("postconf", "-F", "*/*/chroot=n")


class SendmailHost(PrivateSendmail):
    """sendmail with one of the configurations of mta-configurations/sendmail."""

    def __init__(self, here, name, forwarded=("bob",)):
        super().__init__(here / "sendmail", free_port(), "unix:unused")
        self.here = here
        self.name = name
        self.passwd = homes(here, forwarded)
        self.run_directory = self.directory / "run"
        self.write_configuration()
        self.ctl = Homewardctl(here, {
            "mta": "sendmail",
            "configuration": str(self.etc),
            "fragments": str(TREE),
            "backups": str(here / "backups"),
            "old_routes": {"accounts": str(self.passwd)},
            "sockets": {"lmtp": f"unix:{self.run_directory}/lmtp.sock",
                        "milter": f"unix:{self.run_directory}/milter.sock",
                        "lookup": f"unix:{self.run_directory}/lookup.sock"},
            "programs": {
                "sendmail": wrapper(here / "sendmail.sh", self.environment(),
                                    *self._program()),
                "makemap": wrapper(here / "makemap.sh", self.environment(),
                                   self._roots["sendmail-bin"] / "usr/libexec/sendmail/makemap"),
            },
        })

    def _program(self):
        return [*_WITH_HOST_NAME, self._roots["sendmail-bin"] / "usr/libexec/sendmail/sendmail",
                "-D", self.log, "-d89.10"]

    def start(self):
        self._daemon = ChildProcess(self.command("-L", "sendmail", "-bD"),
                                    self.directory / "daemon.out", self.environment())
        self._daemon.start()
        waiting.wait_for_tcp(self.smtp_port, "sendmail", greeting=self.greeting,
                             alive=lambda: self.running)
        return self

    def write_configuration(self):
        self._roots = {name: unpack(name) for name in ("sendmail-bin", "sendmail-cf")}
        self.etc.mkdir(parents=True)
        self.queue.mkdir(mode=0o700)
        self.run_directory.mkdir()
        (self.etc / "mqueue").mkdir(mode=0o700)
        for name in ("q1", "q2", "news1"):
            (self.etc / "mqueue" / name).mkdir(mode=0o700)
        self._copy_cf_tree()
        source = CONFIGURATIONS / "sendmail" / self.name
        mc = self.directory / "cf/debian/sendmail.mc"
        for file in source.glob("*"):
            if file.name == "sendmail.mc":
                mc = file
            else:
                (self.etc / file.name).write_text(self._here(file.read_text()))
        (self.etc / "sendmail.mc").write_text(self._private(self._here(mc.read_text())))
        self._write_the_rest()
        self.rebuild()
        os.chmod(self.etc / "sendmail.mc", 0o640)
        shutil.chown(self.etc / "sendmail.mc", "root", "mail")
        run(self.command("-bi"), self.environment())
        age(self.etc)

    def rebuild(self):
        """What the administrator does after an edit of sendmail.mc."""
        built = run(["m4", self.etc / "sendmail.mc"], directory=self.etc)
        (self.etc / "sendmail.cf").write_text(built.stdout)

    def _write_the_rest(self):
        (self.etc / "m4").mkdir()
        for name in ("dialup.m4", "provider.m4"):
            (self.etc / "m4" / name).write_text("divert(-1)\ndivert(0)dnl\n")
        for name in ("local-host-names", "access", "trusted-users", "relay-domains"):
            if not (self.etc / name).exists():
                (self.etc / name).write_text("")
        (self.etc / "service.switch").write_text("hosts\tfiles\naliases\tfiles\npasswd\tfiles\n")
        (self.etc / "aliases").write_text("postmaster: root\nstaff: nobody\n")
        (self.directory / "statistics").touch(mode=0o600)
        shutil.copy(self._roots["sendmail-bin"] / "etc/mail/helpfile", self.etc)
        for name in ("access", "mailertable", "virtusertable", "genericstable"):
            if (self.etc / name).exists():
                with open(self.etc / name, "rb") as table:
                    self.make_map(table, self.etc / name)

    def _here(self, text):
        text = text.replace("/etc/mail/run", str(self.run_directory))
        text = text.replace("/etc/mail", str(self.etc))
        return text.replace("/usr/share/sendmail/cf/m4", str(self.directory / "cf/m4"))

    def _private(self, mc):
        """The places of this private sendmail, put where each of them takes effect."""
        before = (f"define(`_CF_DIR_', `{self.directory}/cf/')dnl\n"
                  f"define(`MAIL_SETTINGS_DIR', `{self.etc}/')dnl\n")
        after = "".join(f"define(`{name}', `{value}')dnl\n" for name, value in {
            "confDOMAIN_NAME": "mx.example.com",
            "confTRUSTED_USER": "root",
            "confPID_FILE": f"{self.directory}/sendmail.pid",
            "confCONTROL_SOCKET_NAME": "",
            "confDEAD_LETTER_DROP": f"{self.directory}/dead.letter",
            "confSERVICE_SWITCH_FILE": f"{self.etc}/service.switch",
            "confHOSTS_FILE": "/etc/hosts",
            "STATUS_FILE": f"{self.directory}/statistics",
            "HELP_FILE": f"{self.etc}/helpfile",
            "ALIAS_FILE": f"{self.etc}/aliases",
            "QUEUE_DIR": self.queue,
            "confTO_IDENT": "0",
            "confBIND_OPTS": "",
            "confQUEUE_LA": "1000",
            "confREFUSE_LA": "1000",
            "confDONT_PROBE_INTERFACES": "True",
        }.items())
        after += "undefine(`confHOST_STATUS_DIRECTORY')dnl\n"
        mc = re.sub(r"^(include\(`[^']*/m4/cf\.m4'\)dnl)$", before.replace("\\", r"\\") + r"\1", mc,
                    flags=re.M)
        mc = re.sub(r"^(DOMAIN\(`debian-mta'\)dnl)$", r"\1\n" + after, mc, flags=re.M)
        # Real port names would need real ports.
        mc = re.sub(r"^(DAEMON_OPTIONS.*)Port=smtp", rf"\1Port={self.smtp_port}", mc, flags=re.M)
        return re.sub(r"^DAEMON_OPTIONS.*Port=submission.*\n", "", mc, flags=re.M)

    def mailer_of(self, address):
        """The mailer that `sendmail -bv` names for an address."""
        found = re.search(r"mailer (\w+)", self.address_test(address))
        return found.group(1) if found else None
