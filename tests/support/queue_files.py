"""Queues of sendmail made by hand: jobs as sendmail 8.17 writes them, thousands in a second."""

import fcntl
import os
import time
from pathlib import Path

from .maildir_ledger import ID_HEADER

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def write_job(directory, number, recipients, created=None, sender="sender@example.org",
              body="hello\n", tried=False, status="Deferred: Connection refused by localhost"):
    """Put one job into a queue directory, df before qf. Returns its id, "6AK...".

    The message has the identity `number` in ID_HEADER. Nothing is synced.
    """
    directory = Path(directory)
    created = int(time.time()) if created is None else int(created)
    identity = f"{_letters(created, 6)}{_letters(number, 4)}{number % 1000000:06d}"
    lines = ["V8", f"T{created}", f"K{created if tried else 0}", f"N{1 if tried else 0}", "P30000"]
    if tried:
        lines.append(f"M{status}")
    lines += ["Fs", "$_localhost [127.0.0.1]", "$rESMTP", "$s[127.0.0.1]", "${daemon_flags}",
              f"S<{sender}>"]
    for address in recipients:
        if tried:
            lines.append(f"M{status}")
        lines += [f"rRFC822; {address}", f"RPFD:<{address}>"]
    lines += [f"H??Received: from [127.0.0.1] by mx.example.org with ESMTP id {identity};",
              "\tSat, 01 Jan 2000 00:00:00 GMT", "H?D?Date: Sat, 01 Jan 2000 00:00:00 GMT",
              f"H?M?Message-Id: <{identity}@mx.example.org>", f"H??{ID_HEADER}: {number}",
              f"H??From: {sender}", f"H??Subject: job {number}", "."]
    _write(_place(directory, "df") / f"df{identity}", body)
    _write(_place(directory, "qf") / f"qf{identity}", "\n".join(lines) + "\n")
    return identity


def jobs_in(*directories):
    """Ids of the envelopes (qf) that wait in the directories, with sub-directories or without."""
    return [file.name[2:] for directory in directories
            for file in _place(Path(directory), "qf").glob("qf*")]


def bodies_in(*directories):
    """Ids of the bodies (df) in the directories."""
    return [file.name[2:] for directory in directories
            for file in _place(Path(directory), "df").glob("df*")]


def without_body(*directories):
    """Jobs whose df does not lie beside their qf: there must never be one.

    Read while sendmail and movers work. sendmail removes the df of a job that it has delivered a
    moment before the qf, with the lock held: only a job that nobody holds counts.
    """
    wrong = []
    for directory in directories:
        for identity in jobs_in(directory):
            body = _place(Path(directory), "df") / f"df{identity}"
            envelope = _place(Path(directory), "qf") / f"qf{identity}"
            if not body.exists() and _is_idle(envelope) and not body.exists():
                wrong.append(str(envelope))
    return wrong


def _is_idle(envelope):
    """The envelope is still there, and nobody has locked it."""
    try:
        with open(envelope, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(file.fileno()), os.stat(envelope))
    except (FileNotFoundError, BlockingIOError):
        return False


def _place(directory, part):
    below = directory / part
    return below if below.is_dir() else directory


def _write(file, text):
    file.write_text(text)
    file.chmod(0o600)


def _letters(number, count):
    out = ""
    for _ in range(count):
        number, digit = divmod(number, len(_LETTERS))
        out = _LETTERS[digit] + out
    return out
