"""The quickstart's user directory: users in turn on all partitions."""

from pathlib import Path

from .user_directory import YamlDirectory


class ControlledDirectory(YamlDirectory):
    """A static list, one user after the other on the partitions in turn."""

    def __init__(self, folder, mailboxes):
        Path(folder).mkdir(parents=True, exist_ok=True)
        super().__init__(Path(folder) / "users.yaml")
        self.mailboxes = list(mailboxes)

    def write(self):
        homes = list(self.partitions)
        for number, mailbox in enumerate(self.mailboxes):
            self.add_user(mailbox, homes[number % len(homes)])
        super().write()

    def homes(self):
        return {mailbox: its["home"] for mailbox, its in self.users.items()}
