"""The user directory of a test farm: as a static YAML list, or in SQLite through homewardctl.

Both have the same methods, so that a farm works with either.
"""

import copy
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .process import run
from .yaml_text import yaml_text


@dataclass
class YamlDirectory:
    """Servers, partitions and users as the daemon's `yaml` engine reads them.

    Change the members, then `write`; running daemons notice a change by themselves.
    """

    file: Path
    servers: dict = field(default_factory=dict)     # name -> list of endpoints
    partitions: dict = field(default_factory=dict)  # "server/directory" -> further keys
    users: dict = field(default_factory=dict)       # mailbox -> {"home": ..., ...}

    engine = "yaml"

    def add_server(self, name, *endpoints):
        self.servers[name] = list(endpoints)

    def add_partition(self, name, **keys):
        """`keys` as the file has them: kind, path, state, weight."""
        self.partitions[name] = keys

    def add_user(self, mailbox, home, **keys):
        """`keys` as the file has them: quota, state, epoch, secondary."""
        self.users[mailbox] = {"home": home, **keys}

    def write(self):
        """Write the file by rename: a daemon that reads it meanwhile sees the old or the new."""
        text = yaml_text({
            "servers": [{"name": name, "endpoints": endpoints}
                        for name, endpoints in self.servers.items()],
            "partitions": [dict(zip(("server", "directory"), name.split("/", 1))) | keys
                           for name, keys in self.partitions.items()],
            "users": [{"mailbox": mailbox} | keys for mailbox, keys in self.users.items()],
        })
        temporary = self.file.with_name(self.file.name + ".tmp")
        temporary.write_text(text, encoding="utf-8")
        os.chmod(temporary, 0o644)
        temporary.replace(self.file)


class SqliteDirectory(YamlDirectory):
    """The same in an SQLite file: `write` brings the file up to date with homewardctl, as an operator
    would. `control` is the path of homewardctl, `owner` the account of the bridge or None."""

    engine = "sqlite"

    def __init__(self, file, control, owner=None):
        super().__init__(Path(file))
        self.program = control
        self.owner = owner
        self._written = YamlDirectory(self.file)

    def control(self, *arguments, check=True):
        """Run homewardctl on this directory; returns the CompletedProcess."""
        return run([self.program, "--directory", self.file, *arguments], check=check)

    def write(self):
        if not self.file.exists():
            self._make()
        for name, endpoints in _changed(self.servers, self._written.servers):
            options = [word for one in endpoints for word in ("--endpoint", one)]
            self.control("server", _verb(name, self._written.servers), name, *options)
        for name, keys in _changed(self.partitions, self._written.partitions):
            self.control("partition", _verb(name, self._written.partitions), name, *_options(keys))
        for mailbox, keys in _changed(self.users, self._written.users):
            known = mailbox in self._written.users
            options = _options({key: value for key, value in keys.items() if key != "epoch"})
            self.control("user", "set" if known else "add", mailbox, *options,
                         *(["--yes"] if known else []))
        for mailbox in set(self._written.users) - set(self.users):
            self.control("user", "remove", mailbox, "--yes")
        self._written.servers = copy.deepcopy(self.servers)
        self._written.partitions = copy.deepcopy(self.partitions)
        self._written.users = copy.deepcopy(self.users)

    def _make(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.control("directory", "init")
        if self.owner:  # readers keep their place in files beside it
            shutil.chown(self.file.parent, self.owner)
            for file in self.file.parent.iterdir():
                shutil.chown(file, self.owner)


def _changed(now, before):
    return [(name, value) for name, value in now.items() if before.get(name) != value]


def _verb(name, known):
    return "set" if name in known else "add"


def _options(keys):
    return [word for key, value in keys.items() for word in (f"--{key}", str(value))]
