"""The way of one message, from the MTA's log to the file, as the programs wrote it down."""

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .maildir_ledger import content_digest

_WIDTH = 100


@dataclass
class Step:
    """One line of a log, or the file at the end."""

    station: str
    source: Path
    time: str
    text: str


def trace(farm, mta, message):
    """The steps of `message`, a Message with one recipient, as text; says what is not found."""
    mailbox = message.recipients[0]
    title = (f"The way of one message: {len(message.octets)} octets for {mailbox}\n"
             f"(files are below {farm.directory})")
    steps = _steps(farm, mta, message)
    if not steps:
        return f"{title}\n  no trace of it: neither in the MTA's log nor in a Maildir"
    return "\n".join([title, *(_shown(step, farm.directory) for step in steps)])


def _steps(farm, mta, message):
    mailbox = message.recipients[0]
    steps = _mta_steps(mta, message)
    file = _file_of(farm, mailbox, message.identity)
    if file is None:
        return steps
    name = file.name.partition(",")[0]
    store = farm.store(farm.homes[mailbox].partition("/")[0])
    steps += [_daemon_step("homeward-bridge", farm.bridge.log, f" name={name} "),
              _daemon_step("stored", store.log, f' file="{name},')]
    status = file.stat()
    steps.append(Step("Maildir", file, _clock(status.st_mtime),
                      f"{status.st_size} octets, mode {status.st_mode & 0o777:o}, "
                      f"owner {file.owner()}"))
    return [step for step in steps if step is not None]


def _file_of(farm, mailbox, identity):
    for file in farm.messages(mailbox):
        if content_digest(file.read_bytes())[0] == identity:
            return file
    return None


def _mta_steps(mta, message):
    """Lines with the queue id of the message: those that say from whom, what, and to whom."""
    if mta.log is None:
        return []
    lines = mta.log_text().splitlines()
    taken = [line for line in lines if f"<{message.identity}@" in line]
    queue_id = taken and re.search(r"\]: (\w+): |^\S+ (\w+): ", taken[0])
    if not queue_id:
        return []
    mark = f" {queue_id.group(1) or queue_id.group(2)}: "
    wanted = [line for line in lines if mark in line and (line in taken or f"{mark}to=<" in line)]
    return [Step("MTA", mta.log, *_split_mta_line(line)) for line in wanted]


def _split_mta_line(line):
    """(time, text) of a line of Postfix ("Nov 20 11:56:59 mx postfix/...") or sendmail (epoch)."""
    epoch = re.match(r"(\d+\.\d+) (.*)", line)
    if epoch:
        return _clock(float(epoch.group(1))), epoch.group(2)
    match = re.match(r"\w+ +\d+ (\d\d:\d\d:\d\d) \S+ (.*)", line)
    return match.groups() if match else ("", line)


def _daemon_step(station, log, mark):
    for line in log.read_text(errors="replace").splitlines():
        if mark in line:
            time, _, text = line.partition(" ")
            return Step(station, log, _clock(datetime.fromisoformat(time).timestamp()), text)
    return Step(station, log, "", f"no line with{mark.rstrip()}")


def _clock(seconds):
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S.%f")[:-3]


def _shown(step, directory):
    where = step.source.relative_to(directory)
    margin = " " * 15
    text = textwrap.fill(step.text, _WIDTH, initial_indent=margin, subsequent_indent=margin,
                         break_long_words=False, break_on_hyphens=False)
    return f"  {step.time:12} {step.station}: {where}\n{text}"
