"""The quickstart's user directory: an SQLite file that homewardctl makes and fills."""

import json
from pathlib import Path

from .homeward import BRIDGE_USER, account, program
from .user_directory import SqliteDirectory


class PlacedDirectory(SqliteDirectory):
    """A directory whose users live where homewardctl puts them: on the partitions in turn."""

    def __init__(self, folder, mailboxes):
        super().__init__(Path(folder) / "directory.db", program("homewardctl"),
                         account(BRIDGE_USER))
        self.mailboxes = list(mailboxes)

    def write(self):
        """Make the file with everything in it. A Farm calls it before it starts the bridge."""
        super().write()
        for mailbox in self.mailboxes:
            self.control("user", "add", mailbox)

    def homes(self):
        """Where homewardctl says that everybody lives: {mailbox: "server/directory"}."""
        users = json.loads(self.control("--json", "user", "list").stdout)
        return {user["mailbox"]: user["home"] for user in users}
