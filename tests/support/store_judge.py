"""The judge of the crash tests: what a store acknowledged, against what its Maildirs hold.

*lost*: acknowledged and absent. *torn*: a file in new/ or cur/ that is not a whole message, octet by
octet. *alien*: where it was not addressed to. *duplicated*: more than one copy in a mailbox.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .store_senders import ID_HEADER

# What the store puts above a message.
_TRACE = re.compile(rb"(?:(?:Return-Path|Delivered-To): <?[^\n]*\n)+")


@dataclass
class Findings:
    """Lists hold one line of text per case."""

    acknowledged: int = 0
    copies: int = 0
    read: int = 0
    lost: list = field(default_factory=list)
    torn: list = field(default_factory=list)
    alien: list = field(default_factory=list)
    duplicated: list = field(default_factory=list)

    @property
    def clean(self):
        return not (self.lost or self.torn or self.alien or self.duplicated)

    def __str__(self):
        text = (f"acknowledged {self.acknowledged}, copies {self.copies}, lost {len(self.lost)}, "
                f"torn {len(self.torn)}, alien {len(self.alien)}, "
                f"duplicated {len(self.duplicated)}")
        for name in ("lost", "torn", "alien", "duplicated"):
            text += "".join(f"\n  {name}: {case}" for case in getattr(self, name)[:8])
        return text


class Judge:
    """Judges the partitions of a store; remembers files it has read, so that it can be asked often.

    A file is read again for `again` more judgements after the first, and always with `all_files`.
    """

    def __init__(self, paths, again=2):
        self.paths = {name: Path(path) for name, path in paths.items()}
        self.again = again
        self._read = {}

    def judge(self, sent, taken_away=(), all_files=False):
        """`sent`: {NAME: Sent}. `taken_away`: (NAME, mailbox) that a reader has removed or moved
        out of new/ and cur/: they are not lost."""
        found = Findings()
        copies = {}
        for part, root in self.paths.items():
            for mailbox, path, name in files_in(root):
                copies.setdefault((name, mailbox), []).append((part, path))
        found.copies = sum(map(len, copies.values()))
        inodes = {}
        for (name, mailbox), places in copies.items():
            self._judge_copies(sent.get(name), name, mailbox, places, found, inodes, all_files)
        for one in sent.values():
            for mailbox in one.accepted:
                found.acknowledged += 1
                if (one.name, mailbox) not in copies and (one.name, mailbox) not in taken_away:
                    found.lost.append(f"{one.name} for {mailbox} of {one.partition}, "
                                      f"{len(one.octets)} octets, tried {one.tries} times")
        return found

    def _judge_copies(self, one, name, mailbox, places, found, inodes, all_files):
        if len(places) > 1:
            found.duplicated.append(f"{name} in {mailbox}: {', '.join(p for _, p in places)}")
        for part, path in places:
            if one is None or mailbox not in one.mailboxes or part != one.partition:
                found.alien.append(path)
            if one is None:
                continue
            times = self._read.get(path, 0)
            if times > self.again and not all_files:
                continue
            self._read[path] = times + 1
            status = os.stat(path)
            inode = (status.st_dev, status.st_ino)
            if inode not in inodes:
                found.read += 1
                inodes[inode] = what_is_wrong(path, one)
            if inodes[inode]:
                found.torn.append(f"{path}: {inodes[inode]}")


def what_is_wrong(path, one):
    """"" when the file is the message `one`, whole; else what is wrong."""
    octets = Path(path).read_bytes()
    at = octets.find(ID_HEADER)
    if at < 0:
        return f"{len(octets)} octets, no message: {octets[:60]!r}"
    if octets[at:] != one.octets.replace(b"\r\n", b"\n"):
        return f"{len(octets)} octets, not those of {one.name}"
    if not _TRACE.fullmatch(octets[:at]):
        return f"begins with {octets[:at]!r}"
    size = re.search(r",S=(\d+)", str(path))
    return "" if size and int(size.group(1)) == len(octets) else f"has {len(octets)} octets"


def files_in(root):
    """(mailbox, path, NAME) of every file in new/ and cur/ of the Maildirs below a partition."""
    for domain in _folders(root):
        for user in _folders(domain.path):
            for folder in ("new", "cur"):
                try:
                    entries = list(os.scandir(os.path.join(user.path, "Maildir", folder)))
                except FileNotFoundError:
                    continue
                for entry in entries:
                    yield (f"{user.name}@{domain.name}", entry.path,
                           entry.name.partition(",")[0])


def _folders(path):
    return [entry for entry in os.scandir(path)
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)]
