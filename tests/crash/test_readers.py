"""A reader moves and deletes mail while stored dies: what comes back, and what does not.

Within one boot nothing comes back. After a power cut at most what was moved or deleted since the last
checkpoint may, once. Every file a reader ever sees is whole.
"""

import random
import threading
import time
from pathlib import Path

from conftest import scaled

from support.crashing_store import cut_power, start_after, store_on, sync_all
from support.store_judge import Judge, files_in, what_is_wrong
from support.store_senders import Senders
from support.waiting import wait_until

CHECKPOINT = 1.0
# From the beginning of a checkpoint to its record, on a machine with other work to do.
SLACK = 3.0


class Reader:
    """Looks at all mailboxes again and again, as an IMAP server does: each message that appears is
    read at once, moved to cur/ with flags, moved to another folder, or deleted. Only what was
    acknowledged is moved away or deleted, so that the senders do not repeat it.

    `gone`: {(NAME, mailbox): when} of what it took away. `wrong`: files that were not whole.
    """

    def __init__(self, store, senders, seed=5):
        self.store = store
        self.senders = senders
        self.choice = random.Random(seed)
        self.seen = set()
        self.gone = {}
        self.wrong = []
        self.error = None
        self.turn = threading.Lock()  # whoever holds it keeps the reader away
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _work(self):
        try:
            while not self._stopping.is_set():
                for path in self.store.paths.values():
                    with self.turn:
                        self.look(path)
        except Exception as error:
            self.error = error

    def look(self, path):
        try:
            found = list(files_in(path))
        except FileNotFoundError:
            return
        for mailbox, file, name in found:
            try:
                self._treat(mailbox, Path(file), name)
            except OSError:
                pass  # the volume has lost its power, or the file moved

    def _treat(self, mailbox, file, name):
        one = self.senders.sent.get(name)
        key = (name, mailbox)
        if key not in self.seen:
            problem = what_is_wrong(file, one) if one else "nobody sent it"
            if problem and file.exists():
                self.wrong.append(f"{file}: {problem}")
            self.seen.add(key)
        if mailbox not in one.accepted:
            return
        what = self.choice.randrange(4)
        maildir = file.parents[1]
        if what == 0 and file.parent.name == "new":
            file.rename(maildir / "cur" / f"{file.name}:2,S")
        elif what == 1:
            archive = maildir / ".Archive" / "cur"
            archive.mkdir(parents=True, exist_ok=True)
            file.rename(archive / f"{file.name.partition(':')[0]}:2,S")
            self.gone[key] = time.monotonic()
        elif what == 2:
            file.unlink()
            self.gone[key] = time.monotonic()


def back(store, reader):
    """(NAME, mailbox) of what the reader had taken away and lies in new/ or cur/ now."""
    there = {(name, mailbox) for path in store.paths.values()
             for mailbox, _, name in files_in(path)}
    return there & set(reader.gone)


def test_nothing_comes_back_within_one_boot(here, volume_of, say):
    """Killed again and again while a reader works: what it deleted or moved away stays away."""
    store = store_on(here, [volume_of("ext4", mebibytes=600)])
    choice = random.Random(3)
    kills = scaled(30)
    with store:
        senders = Senders(store, threads=6, large=50)
        with Reader(store, senders) as reader:
            for _ in range(kills):
                with senders:
                    senders.wait_for(choice.randint(1, 200))
                    store.kill()
                start_after(store)
                assert not back(store, reader)
        senders.finish()
        found = Judge(store.paths).judge(senders.sent, taken_away=reader.gone, all_files=True)
        returned = back(store, reader)
    say(f"{kills} kills, {found}, taken away {len(reader.gone)}, came back {len(returned)}, "
        f"seen {len(reader.seen)}, not whole {len(reader.wrong)}")
    assert found.clean, str(found)
    assert not returned and not reader.wrong, reader.wrong[:3]
    assert len(reader.gone) >= kills * 10


def test_after_a_power_cut_only_the_last_moments_come_back(here, volume_of, say):
    """What was taken away before the last checkpoint stays away; the rest may come back, and goes
    for good when it is taken away again."""
    volume = volume_of("ext4", mebibytes=600)
    store = store_on(here, [volume], settings={"journal": {"checkpoint": f"{CHECKPOINT:g}s"}})
    choice = random.Random(4)
    cuts = scaled(8)
    ages = []
    most = taken = 0
    with store:
        sync_all()
        senders = Senders(store, threads=6, pause=0.02)
        judge = Judge(store.paths)
        with Reader(store, senders) as reader:
            for _ in range(cuts):
                with senders:
                    time.sleep(choice.uniform(0.5, CHECKPOINT + SLACK + 1))
                    # Until recovery has ended no reader is served.
                    reader.turn.acquire()
                    cut = time.monotonic()
                    cut_power(store, volume)
                try:
                    start_after(store)
                    returned = back(store, reader)
                    ages += [cut - reader.gone.pop(key) for key in returned]
                    found = judge.judge(senders.sent, taken_away=reader.gone)
                    assert found.clean, str(found)
                    taken += len(reader.gone)
                    most = max(most, len(returned))
                finally:
                    reader.turn.release()
        senders.finish()
    say(f"{cuts} cuts, came back {len(ages)} (at most {most} after a cut), the oldest taken away "
        f"{max(ages, default=0):.1f} s before it; stayed away {taken}")
    assert taken and max(ages, default=0) <= CHECKPOINT + SLACK
    assert not reader.wrong, reader.wrong[:3]


def test_every_file_is_whole_when_it_appears(here, volume_of, say):
    """F35: each file is read the moment it appears; 2,000 appearances."""
    store = store_on(here, [volume_of("ext4", mebibytes=600)])
    wanted = scaled(2000)
    with store:
        senders = Senders(store, threads=6, large=20)
        with Reader(store, senders) as reader:
            with senders:
                wait_until(lambda: len(reader.seen) >= wanted, "mail appears", 120)
                store.kill()
                start_after(store)
                senders.wait_for(200)
    say(f"appeared {len(reader.seen)}, not whole {len(reader.wrong)}")
    assert not reader.wrong, reader.wrong[:3]
