"""The quickstart's user directory: an SQLite file that homewardctl makes and fills."""

import json
import shutil
from pathlib import Path

from .homeward import BRIDGE_USER, account, make_directory, program
from .process import run


class ControlledDirectory:
    """Servers, partitions and users, put there by homewardctl as an operator would.

    A Farm calls add_server and add_partition, and write before it starts the bridge.
    """

    engine = "sqlite"

    def __init__(self, folder, mailboxes):
        self.folder = Path(folder)
        self.file = self.folder / "directory.db"
        self.mailboxes = list(mailboxes)
        self.servers = {}
        self.partitions = []

    def add_server(self, name, *endpoints):
        self.servers[name] = list(endpoints)

    def add_partition(self, name):
        self.partitions.append(name)

    def write(self):
        """Make the file with everything in it. Users come to the partitions in turn."""
        owner = account(BRIDGE_USER)
        make_directory(self.folder, owner)
        self._control("directory", "init")
        for name, endpoints in self.servers.items():
            options = [word for endpoint in endpoints for word in ("--endpoint", endpoint)]
            self._control("server", "add", name, *options)
        for name in self.partitions:
            self._control("partition", "add", name)
        for mailbox in self.mailboxes:
            self._control("user", "add", mailbox)
        if owner:  # the bridge must be able to write it
            for file in self.folder.iterdir():
                shutil.chown(file, owner)

    def homes(self):
        """Where homewardctl says that everybody lives: {mailbox: "server/directory"}."""
        users = json.loads(self._control("--json", "user", "list").stdout)
        return {user["mailbox"]: user["home"] for user in users}

    def _control(self, *arguments):
        return run([program("homewardctl"), "--directory", self.file, *arguments])
