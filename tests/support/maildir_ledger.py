"""The judge: what was sent is written to a ledger, what arrived is read from the Maildirs.

No reply of the system under test is believed beyond this: an SMTP 250 makes the message
owed. Every message carries a unique X-Homeward-Id as its first header. Its octets from
that header to the end are compared by SHA-256, line ends normalised, so that the headers
put above it on the way (Received, Return-Path, Delivered-To) do not matter.
"""

import hashlib
import json
import os
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ID_HEADER = "X-Homeward-Id"

ACCEPTED = "accepted"
REFUSED = "refused"
UNKNOWN = "unknown"

# Headers a mail server may add below the sender's first one, where the sender left them out.
_FIRST_HEADER = re.compile(rb"^X-Homeward-Id:[ \t]*(\S+)[ \t]*$", re.M)


def content_digest(octets):
    """(id, sha256) of a message, from its X-Homeward-Id line on; (None, None) without one."""
    text = octets.replace(b"\r\n", b"\n")
    head, separator, _ = text.partition(b"\n\n")
    match = _FIRST_HEADER.search(head)
    if not match:
        return None, None
    return match.group(1).decode(), hashlib.sha256(text[match.start():]).hexdigest()


class Ledger:
    """Append-only file of what was offered and what the mail server answered.

    One JSON line per event, written at once: a killed sender loses nothing. Several threads
    may write. Keep it outside the directories of the system under test.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._lock = threading.Lock()
        self._file = open(self.path, "a", encoding="utf-8")

    def offered(self, octets, recipients):
        """Record a message before its first octet is sent. Returns its id."""
        identity, digest = content_digest(octets)
        if identity is None:
            raise ValueError(f"the message has no {ID_HEADER} header")
        self._write({"offered": identity, "sha256": digest, "recipients": list(recipients),
                     "octets": len(octets)})
        return identity

    def answered(self, identity, outcomes):
        """Record the outcome per recipient: {address: (ACCEPTED|REFUSED|UNKNOWN, reply)}."""
        self._write({"answered": identity, "outcomes": outcomes})

    def close(self):
        self._file.close()

    def _write(self, record):
        with self._lock:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()


@dataclass
class Entry:
    """What the ledger knows of one message."""

    sha256: str
    octets: int
    outcomes: dict  # recipient -> (outcome, reply); UNKNOWN until answered

    def owed(self):
        return [address for address, (outcome, _) in self.outcomes.items() if outcome == ACCEPTED]


def read_ledger(path):
    """All entries of a ledger file by message id. A cut last line is ignored."""
    entries = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if "offered" in record:
            unknown = {address: (UNKNOWN, "") for address in record["recipients"]}
            entries[record["offered"]] = Entry(record["sha256"], record["octets"], unknown)
        else:
            entry = entries[record["answered"]]
            for address, (outcome, reply) in record["outcomes"].items():
                if entry.outcomes[address][0] != ACCEPTED:
                    entry.outcomes[address] = (outcome, reply)
    return entries


@dataclass
class Copy:
    """One file in a Maildir."""

    path: Path
    partition: Path
    mailbox: str
    identity: str
    sha256: str
    inode: tuple
    size_problem: str


@dataclass
class Verdict:
    """What the judge found. Lists hold one line of text per case."""

    sent: int = 0
    stored: int = 0
    lost: list = field(default_factory=list)
    torn: list = field(default_factory=list)
    alien: list = field(default_factory=list)
    duplicated: list = field(default_factory=list)
    refused_but_stored: list = field(default_factory=list)
    misplaced: list = field(default_factory=list)
    wrong_size: list = field(default_factory=list)
    foreign: list = field(default_factory=list)
    unfinished: list = field(default_factory=list)
    unknown_outcome: int = 0
    per_mailbox: dict = field(default_factory=dict)
    links: dict = field(default_factory=dict)

    @property
    def clean(self):
        """Nothing lost, torn, alien, doubled, misplaced or wrongly named."""
        return not (self.lost or self.torn or self.alien or self.duplicated or self.misplaced
                    or self.wrong_size)

    def unlinked(self):
        """(partition, id, files) of messages stored as more than one file in a partition."""
        return [(partition, identity, len(files))
                for (partition, identity), files in self.links.items() if len(files) > 1]

    def files(self):
        """Number of distinct files, hard links counted once."""
        return sum(len(files) for files in self.links.values())

    def summary(self):
        return (f"sent {self.sent}, stored {self.stored}, lost {len(self.lost)}, "
                f"duplicated {len(self.duplicated)}")

    def __str__(self):
        lines = [self.summary()]
        for name in ("lost", "torn", "alien", "duplicated", "misplaced", "wrong_size",
                     "refused_but_stored", "foreign", "unfinished"):
            cases = getattr(self, name)
            if cases:
                lines.append(f"{name} {len(cases)}:")
                lines += [f"  {case}" for case in cases[:10]]
        return "\n".join(lines)


def judge(ledger, partitions, home_of=None, canonical=str.lower):
    """Compare a ledger (path or entries) with the Maildirs below the partition directories.

    A mailbox is the path between partition and `Maildir`: <domain>/<localpart>/Maildir is
    localpart@domain. `canonical` turns a recipient as it was sent into such a mailbox (e.g.
    takes +detail off). `home_of(mailbox)`, if given, names the one partition its mail
    belongs in; a copy elsewhere is misplaced.
    """
    entries = ledger if isinstance(ledger, dict) else read_ledger(ledger)
    verdict = Verdict()
    copies = defaultdict(list)
    for partition in map(Path, partitions):
        for copy in _copies(partition, verdict):
            _judge_copy(copy, entries, canonical, home_of, verdict)
            if copy.identity in entries:
                copies[copy.identity, copy.mailbox].append(copy)
    for identity, entry in entries.items():
        _judge_entry(identity, entry, copies, canonical, verdict)
    return verdict


def _judge_copy(copy, entries, canonical, home_of, verdict):
    if copy.size_problem:
        verdict.wrong_size.append(f"{copy.path}: {copy.size_problem}")
    entry = entries.get(copy.identity)
    if entry is None:
        verdict.foreign.append(str(copy.path))
        return
    verdict.per_mailbox[copy.mailbox] = verdict.per_mailbox.get(copy.mailbox, 0) + 1
    files = verdict.links.setdefault((str(copy.partition), copy.identity), {})
    files.setdefault(copy.inode, []).append(copy.mailbox)
    if copy.sha256 != entry.sha256:
        verdict.torn.append(f"{copy.identity} for {copy.mailbox}: {copy.path}")
    if copy.mailbox not in map(canonical, entry.outcomes):
        verdict.alien.append(f"{copy.identity} in {copy.mailbox}: {copy.path}")
    if home_of is not None and Path(home_of(copy.mailbox)) != copy.partition:
        verdict.misplaced.append(f"{copy.identity} for {copy.mailbox}: {copy.path}")


def _judge_entry(identity, entry, copies, canonical, verdict):
    outcomes = defaultdict(list)
    for address, (outcome, reply) in entry.outcomes.items():
        outcomes[canonical(address)].append((outcome, reply))
    for mailbox, answers in outcomes.items():
        found = copies.get((identity, mailbox), [])
        kinds = {outcome for outcome, _ in answers}
        if ACCEPTED in kinds:
            verdict.sent += 1
            whole = [copy for copy in found if copy.sha256 == entry.sha256]
            verdict.stored += bool(whole)
            if not found:
                verdict.lost.append(f"{identity} for {mailbox}, answered {answers[0][1]}")
        elif UNKNOWN in kinds:
            verdict.unknown_outcome += 1
        elif found:
            verdict.refused_but_stored.append(f"{identity} for {mailbox}: {found[0].path}")
        if len(found) > 1:
            places = ", ".join(str(copy.path) for copy in found)
            verdict.duplicated.append(f"{identity} for {mailbox}: {places}")


def _copies(partition, verdict):
    """Every message file of every Maildir below `partition`; hard links are read once."""
    read = {}
    for maildir in _maildirs(partition):
        mailbox = _mailbox(partition, maildir)
        verdict.unfinished += [str(file) for file in _files(maildir / "tmp")]
        for folder in ("new", "cur"):
            for file in _files(maildir / folder):
                status = file.stat()
                inode = (status.st_dev, status.st_ino)
                if inode not in read:
                    octets = file.read_bytes()
                    read[inode] = (*content_digest(octets), octets.count(b"\n"), len(octets))
                identity, digest, lines, size = read[inode]
                problem = _size_problem(file.name, size, lines)
                yield Copy(file, partition, mailbox, identity, digest, inode, problem)


def _maildirs(partition):
    for folder, subfolders, _ in os.walk(partition):
        if {"new", "cur", "tmp"} <= set(subfolders):
            yield Path(folder)
            subfolders[:] = [name for name in subfolders if name not in ("new", "cur", "tmp")]


def _mailbox(partition, maildir):
    parts = [part for part in maildir.relative_to(partition).parts if not part.startswith(".")]
    if parts and parts[-1] == "Maildir":
        parts.pop()
    return f"{parts[-1]}@{parts[-2]}" if len(parts) >= 2 else "/".join(parts)


def _files(folder):
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_file())
    except FileNotFoundError:
        return []


def _size_problem(name, size, lines):
    """A wrong ,S= ends a reader's session and a wrong ,W= cuts the mail off: both exact."""
    base = name.partition(":")[0]
    for letter, real in (("S", size), ("W", size + lines)):
        match = re.search(rf",{letter}=(\d+)", base)
        if match and int(match.group(1)) != real:
            return f"name says {letter}={match.group(1)}, the file has {real}"
    return ""
