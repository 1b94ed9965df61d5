"""What the quickstart shows: progress while it sends, and the table of what was found."""

import sys
import time


class Progressing:
    """Progress of sending: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, total, out=sys.stdout):
        self._total = total
        self._out = out
        self._terminal = out.isatty()
        self._pause = 0.2 if self._terminal else 5.0
        self._next = 0.0 if self._terminal else time.monotonic() + self._pause

    def sent(self, totals):
        """Callback of the sender."""
        rate = totals.messages / totals.seconds if totals.seconds else 0
        bad = totals.refused + totals.unknown
        self._show(f"{_bar(totals.messages, self._total)} {totals.messages}/{self._total} sent, "
                   f"{rate:.0f}/s" + (f", {bad} not accepted" if bad else ""))

    def queued(self, size):
        """The sender has ended; this many are still in the MTA's queue."""
        self._show(f"all sent; {size} still in the MTA's queue")

    def done(self, text):
        self._next = 0.0
        self._show(text)
        if self._terminal:
            print(file=self._out)

    def _show(self, text):
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        start, end = ("\r\033[K", "") if self._terminal else ("", "\n")
        print(f"{start}      {text}", end=end, file=self._out, flush=True)


def _bar(part, whole, width=24):
    full = width * part // whole
    return "[" + "#" * full + "." * (width - full) + "]"


def table(farm, verdict):
    """Messages found per store and user, the stores beside each other."""
    columns = [_column(farm, verdict, store) for store in farm.stores]
    rows = max(map(len, columns))
    columns = [column + [""] * (rows - len(column)) for column in columns]
    width = max(len(line) for column in columns for line in column)
    return "\n".join("      " + "    ".join(line.ljust(width) for line in row).rstrip()
                     for row in zip(*columns))


def _column(farm, verdict, store):
    users = farm.living_on(store.name)
    width = max([len(user) for user in users] + [len(store.name) + 6])
    rows = [(user, verdict.per_mailbox.get(user, 0), _octets(farm, user)) for user in users]
    messages = sum(row[1] for row in rows)
    octets = sum(row[2] for row in rows)
    lines = [f"{store.name:{width}} {'messages':>8} {'KB':>6}"]
    lines += [f"{user:{width}} {count:8} {size // 1024:6}" for user, count, size in rows]
    return lines + ["-" * (width + 16),
                    f"{len(users)} users{'':{width - 6 - len(str(len(users)))}} {messages:8} "
                    f"{octets // 1024:6}"]


def _octets(farm, mailbox):
    return sum(file.stat().st_size for file in farm.messages(mailbox))
