"""The user directory of a test farm: as a static YAML list, or in SQLite through homewardctl.

Both have the same methods, so that a farm works with either.
"""

import os
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
