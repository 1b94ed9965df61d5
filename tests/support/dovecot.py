"""A private, real Dovecot that reads Maildirs through packaging/dovecot/dovecot.conf.

The configuration for operators is included as it is; only what must differ for a server
of its own (ports, accounts, places, no TLS on loopback) is set after it.
"""

import imaplib
import os
import shutil
from pathlib import Path

from . import waiting
from .debian_packages import library_environment, unpack
from .process import ChildProcess, run
from .run_directory import TREE

CONFIGURATION = TREE / "packaging" / "dovecot" / "dovecot.conf"

# Accounts every Debian has and nothing uses, for the two that Dovecot's package would make.
_INTERNAL_USER = "uucp"
_LOGIN_USER = "nobody"

# The one place that is compiled in and no setting moves.
_MODULES = Path("/usr/lib/dovecot/modules")

# Where no Dovecot is installed, the server sees the unpacked one there, in a mount
# namespace of its own; the host's /usr/lib stays as it is.
_WITH_MODULES = ("unshare", "--mount", "sh", "-c",
                 'mount -t overlay homeward -o lowerdir="$1":/usr/lib /usr/lib '
                 '&& shift && exec "$@"', "dovecot")

_OVERRIDES = """
base_dir = {here}/run
state_dir = {here}/state
libexec_dir = {here}/libexec
mail_plugin_dir = {root}/usr/lib/dovecot/modules
login_plugin_dir = {root}/usr/lib/dovecot/modules/login
import_environment = TZ LD_LIBRARY_PATH={libraries}
log_path = {here}/dovecot.log
listen = 127.0.0.1
protocols = imap
default_internal_user = {internal}
default_internal_group = {internal}
default_login_user = {login}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
ssl = no
disable_plaintext_auth = no
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


class PrivateDovecot:
    """Dovecot on 127.0.0.1:`imap_port` for `homes`, a dict of user -> home directory.

    A user's mail is in <home>/Maildir, owned by `uid`:`gid`, which must not be root: Dovecot
    never reads mail as root. Everybody's password is `password`. Dovecot itself is unpacked,
    not installed. Needs root.
    """

    def __init__(self, directory, imap_port, homes, uid=8, gid=8, password="secret"):
        self.directory = Path(directory).resolve()
        self.imap_port = imap_port
        self.homes = dict(homes)
        self.uid = uid
        self.gid = gid
        self.password = password
        self.log = self.directory / "dovecot.log"
        self._root = None
        self._daemon = None

    def start(self):
        self.write_configuration()
        # doveconf reads the file and hands its content to the server: the path of doveconf
        # that is compiled into the server is never used.
        self._daemon = ChildProcess(
            [*self._namespace(), self._root / "usr/bin/doveconf", "-c", self._file, "-m", "master",
             "-e", self._root / "usr/sbin/dovecot", "-F", "-c", self._file],
            self.directory / "daemon.out", self._environment())
        self._daemon.start()
        waiting.wait_for_tcp(self.imap_port, "Dovecot", greeting=b"* OK",
                             alive=lambda: self.running)
        return self

    def stop(self):
        if self._daemon is not None:
            self._daemon.stop()

    @property
    def running(self):
        return self._daemon is not None and self._daemon.running

    def login(self, user):
        """A logged-in imaplib.IMAP4 for `user`; the caller logs out."""
        connection = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=30)
        connection.login(user, self.password)
        return connection

    def messages(self, user, mailbox="INBOX"):
        """All messages of a mailbox as IMAP gives them: octets with CR LF, in UID order."""
        connection = self.login(user)
        try:
            connection.select(mailbox, readonly=True)
            _, (numbers,) = connection.search(None, "ALL")
            return [connection.fetch(number, "(BODY.PEEK[])")[1][0][1]
                    for number in numbers.split()]
        finally:
            connection.logout()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def effective_configuration(self):
        """What `doveconf -n` makes of the configuration."""
        return run([self._root / "usr/bin/doveconf", "-n", "-c", self._file],
                   self._environment()).stdout

    def write_configuration(self):
        self._root = unpack("dovecot-core")
        for folder in ("run", "state"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        self._gather_programs()
        users = "".join(f"{user}:{{PLAIN}}{self.password}::::{home}::\n"
                        for user, home in self.homes.items())
        (self.directory / "homeward-users").write_text(users)
        text = CONFIGURATION.read_text()
        text = text.replace("/etc/dovecot/homeward-users", f"{self.directory}/homeward-users")
        # The server's certificate is made by the package; there is none here.
        lines = [line for line in text.splitlines() if not line.startswith(("ssl_cert", "ssl_key"))]
        text = "\n".join(lines) + _OVERRIDES.format(
            here=self.directory, root=self._root, internal=_INTERNAL_USER, login=_LOGIN_USER,
            uid=self.uid, gid=self.gid, port=self.imap_port,
            libraries=library_environment(self._root)["LD_LIBRARY_PATH"])
        self._file.write_text(text)

    def _gather_programs(self):
        """One folder with the programs of both packages: Dovecot knows only one."""
        folder = self.directory / "libexec"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for package in ("dovecot-core", "dovecot-imapd"):
            for program in (unpack(package) / "usr/lib/dovecot").iterdir():
                if not (folder / program.name).exists():
                    (folder / program.name).symlink_to(program)

    def _namespace(self):
        if _MODULES.is_dir():
            return []
        layer = self.directory / "usr-lib"
        layer.mkdir(exist_ok=True)
        if not (layer / "dovecot").exists():
            (layer / "dovecot").symlink_to(self._root / "usr/lib/dovecot")
        return [*_WITH_MODULES, layer]

    @property
    def _file(self):
        return self.directory / "dovecot.conf"

    def _environment(self):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        return environment | library_environment(self._root)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def can_run():
    """Why a private Dovecot cannot run here, or None when it can."""
    if os.geteuid() != 0:
        return "Dovecot needs root to change to its accounts"
    if not _MODULES.is_dir():
        try:
            run(["unshare", "--mount", "true"])
        except (OSError, RuntimeError) as error:
            return f"neither is dovecot-core installed nor a mount namespace allowed: {error}"
    return None
