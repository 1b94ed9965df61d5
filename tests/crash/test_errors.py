"""System calls that fail: no acknowledgement is false, nothing crashes (F9, F10, F11)."""

import contextlib
import random
import re
import subprocess
import time
from pathlib import Path

import pytest
from support.crashing_store import start_after, store_on, sync_all, wait_for_partitions
from support.loop_volume import LoopVolume, why_not
from support.mounts import MemoryMount
from support.process import run
from support.store_judge import Judge, files_in
from support.store_senders import Senders, deliver_once
from support.waiting import wait_until

BLOCK = 4096
SENDERS = 8


class Failing:
    """strace makes calls of a running store fail, from here to the end of the block."""

    def __init__(self, store, calls, how):
        self.store = store
        self.arguments = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
                          "-e", f"inject={calls}:{how}", "-p", str(store.pid)]

    def __enter__(self):
        self.strace = subprocess.Popen(self.arguments, stderr=subprocess.DEVNULL)
        tasks = f"/proc/{self.store.pid}/status"

        def is_traced():
            with open(tasks, encoding="ascii") as status:
                return "TracerPid:\t0\n" not in status.read()

        wait_until(is_traced, "strace attaches", 10, pause=0.005)
        return self

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait(20)


def names(store):
    """(NAME, mailbox) of all files that can be seen."""
    return {(name, mailbox) for path in store.paths.values()
            for mailbox, _, name in files_in(path)}


@pytest.mark.parametrize("when", ["1", "2", "5"])
def test_a_failed_sync_of_the_journal_ends_it(here, volume_of, strace, say, when):
    """F9: every waiter of the group gets -ERR [TEMP], and so does everybody after them; nothing of
    the group becomes visible. After a restart nothing acknowledged is missing."""
    store = store_on(here, [volume_of("ext4", mebibytes=300)],
                     settings={"journal": {"checkpoint": "60s"}})
    with store:
        senders = Senders(store, threads=10, persist=False)
        with senders:
            senders.wait_for(100)
            with Failing(store, "fdatasync", f"error=EIO:when={when}"):
                wait_until(lambda: "journal failed" in store.log_since_start(),
                           "the journal fails", 20, pause=0.01)
            # What was synced before is filed and answered still. Syncs work again; the journal
            # must not.
            time.sleep(1)
            before = dict.fromkeys(names(store))
            accepted = senders.accepted
            later = [deliver_once(store.port, senders.new(random)) for _ in range(10)]
        replies = {reply for answer in later for reply in answer.values()}
        assert all(reply.startswith("-ERR [TEMP") for reply in replies), replies
        assert senders.accepted == accepted, "something was acknowledged after the failure"
        unanswered = {(one.name, mailbox) for one in senders.sent.values() for mailbox in one.open
                      if one.answers}
        assert unanswered and not unanswered & names(store)
        assert set(before) == names(store)
        other = {text for one in senders.sent.values() for text in one.answers
                 if not text.startswith("-ERR [TEMP")}
        assert not other, other
        refused = len(unanswered)
        store.kill()
        start_after(store)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
        assert found.clean, str(found)
        senders.finish()
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"refused {refused}; after the restart and the repeats: {found}")
    assert found.clean, str(found)


def test_a_failed_checkpoint_ends_the_journal(here, volume_of, strace, say):
    """F9: syncfs fails: the volume takes nothing any more; after a restart all is there, and after a
    power cut behind it, too."""
    volume = volume_of("ext4", mebibytes=300)
    store = store_on(here, [volume], settings={"journal": {"checkpoint": "1s"}})
    with store:
        senders = Senders(store, threads=SENDERS, persist=False)
        with senders:
            senders.wait_for(50)
            with Failing(store, "syncfs", "error=EIO"):
                wait_until(lambda: "journal failed" in store.log_since_start(),
                           "the journal fails", 20, pause=0.01)
            accepted = senders.accepted
            replies = {reply for _ in range(5)
                       for reply in deliver_once(store.port, senders.new(random)).values()}
            assert all(reply.startswith("-ERR [TEMP") for reply in replies), replies
            # What was in the journal by then may be filed and answered yet: of each sender one.
            assert senders.accepted <= accepted + SENDERS
        store.kill()
        start_after(store)
        assert "trust=rewrite" in store.log_since_start()
        found = Judge(store.paths).judge(senders.sent, all_files=True)
        assert found.clean, str(found)
        volume.cut_power()
        store.kill()
        volume.remount()
        start_after(store)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
        assert found.clean, str(found)
        senders.finish()
    say(str(found))


@contextlib.contextmanager
def honest(volume):
    """The file system's own log shall not be what fails: then it would stop everything at once. And
    no write shall be larger than a page of the tmpfs: of one that finds room for a part only, the
    loop driver says that it was written."""
    volume.unmount()
    blocks = run(["debugfs", "-R", "blocks <8>", volume.image]).stdout.split()
    with open(volume.image, "r+b") as image:
        for block in map(int, blocks):
            image.seek(block * BLOCK)
            octets = image.read(BLOCK)
            image.seek(block * BLOCK)
            image.write(octets)
    volume.mount()
    loop = Path(run(["findmnt", "-n", "-o", "SOURCE", volume.path]).stdout.strip()).name
    largest = Path(f"/sys/block/{loop}/queue/max_sectors_kb")
    before = largest.read_text()
    largest.write_text(str(BLOCK // 1024))
    try:
        yield
    finally:
        largest.write_text(before)  # the device keeps it for whoever uses it next


@pytest.mark.parametrize(("room", "checkpoint"), [(1, 60), (3, 60), (12, 1)])
def test_a_disk_that_loses_what_it_took(here, strace, say, room, checkpoint):
    """F10: the image lies on a tmpfs that fills up: writes succeed, syncs fail later, and reading back
    proves nothing. What was acknowledged is there when the store starts on a larger tmpfs. With
    little room it is the journal that meets the end first, with more it is a checkpoint."""
    reason = why_not("ext4")
    if reason:
        pytest.skip(reason)
    with MemoryMount(here / "thin", "300m") as thin:
        with LoopVolume(thin.path, "ext4", mebibytes=300,
                        format_options=["-b", f"{BLOCK}", "-J", "size=8"]) as volume, \
                honest(volume):
            store = store_on(here, [volume], settings={"journal": {"checkpoint": f"{checkpoint}s"}})
            senders = Senders(store, threads=SENDERS, persist=False)
            store.start()
            sync_all()
            used = volume.image.stat().st_blocks * 512
            thin.remount(f"size={used + (room << 20)}")
            with senders:
                wait_until(lambda: "journal failed" in store.log_since_start() or
                           not store.running, "the disk fails", 60)
                accepted = senders.accepted
                wait_until(lambda: sum(len(one.answers) for one in senders.sent.values()) > 50,
                           "mail is refused", 30)
                # What was in the journal by then may be filed and answered yet: of each sender one.
                assert senders.accepted <= accepted + SENDERS
            store.kill()
            volume.unmount()
            thin.remount("size=600m")
            run(["e2fsck", "-fy", volume.image], check=False)
            volume.mount()
            start_after(store)
            found = Judge(store.paths).judge(senders.sent, all_files=True)
            assert not found.lost and not found.torn and not found.alien, str(found)
            senders.finish()
            found = Judge(store.paths).judge(senders.sent, all_files=True)
            say(f"refused {sum(bool(one.answers) for one in senders.sent.values())}; after the "
                f"restart and the repeats: {found}")
            assert found.clean, str(found)
            store.stop()


# What the store answers for an error of the system.
CODES = {"EIO": "TEMP", "ENOSPC": "FULL", "EDQUOT": "QUOTA", "EMFILE": "TEMP", "EROFS": "NOPRTN",
         "EACCES": "TEMP"}
CALLS = ["openat2", "pwritev", "linkat", "mkdirat", "ftruncate", "fallocate", "sync_file_range",
         "openat", "pwrite64"]


@pytest.mark.parametrize("error", list(CODES))
def test_errors_of_every_call(here, volume_of, strace, say, error):
    """F11: each call fails in turn, at several places: the store lives, what it acknowledged is there
    after a restart, and each refusal has the code for the error."""
    store = store_on(here, [volume_of("ext4", mebibytes=300)])
    answers = {}
    refused = 0
    with store:
        senders = Senders(store, threads=3, persist=False, large=3, mailboxes=400)
        for call in CALLS:
            for when in ("1", "4+7"):
                seen = len(senders.sent)
                with Failing(store, call, f"error={error}:when={when}"):
                    with senders:
                        wait_until(lambda: len(senders.sent) >= seen + 12, "mail is sent", 30)
                assert store.running, f"{call} {error} {when}: {store.last_lines()}"
                fresh = list(senders.sent.values())[seen:]
                refused += sum(len(one.answers) for one in fresh)
                for one in fresh:
                    for text in one.answers:
                        answers.setdefault((call, code_of(text)), text)
                if "journal failed" in store.log_since_start() or when != "1":
                    store.kill()
                    start_after(store)
                    wait_for_partitions(store)
                    found = Judge(store.paths).judge(senders.sent)
                    assert found.clean, f"{call} {error} {when}: {found}"
        senders.finish()
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    codes = {code for _, code in answers}
    say(f"refused {refused} with {sorted(codes)}, {found}")
    assert found.clean, str(found)
    assert codes <= {CODES[error], "TEMP", "NOPRTN"}, answers
    assert refused


def test_interrupted_calls(here, volume_of, strace, say):
    """F11: every third call is interrupted (EINTR): it is made again and nobody notices."""
    store = store_on(here, [volume_of("ext4", mebibytes=300)])
    with store:
        senders = Senders(store, threads=3, persist=False, large=3, mailboxes=400)
        with Failing(store, ",".join(CALLS), "error=EINTR:when=2+3"):
            with senders:
                senders.wait_for(60)
        refused = [text for one in senders.sent.values() for text in one.answers]
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"refused {len(refused)}, {found}")
    assert refused == []
    assert found.clean, str(found)


def test_no_descriptor_is_left_open(here, volume_of, strace):
    """F11: after errors in every call the store holds as many files as before."""
    store = store_on(here, [volume_of("ext4", mebibytes=300)])
    with store:
        senders = Senders(store, threads=3, persist=False, large=3)
        with senders:
            senders.wait_for(100)
        before = open_files(store)
        for call in ("openat2", "pwritev", "linkat", "mkdirat", "openat"):
            seen = len(senders.sent)
            with Failing(store, call, "error=EMFILE:when=3+5"):
                with senders:
                    wait_until(lambda: len(senders.sent) >= seen + 30, "mail is sent", 30)
        assert any(one.answers for one in senders.sent.values())
        after = []

        def as_before():
            after[:] = open_files(store)
            return len(after) <= len(before)

        wait_until(as_before, lambda: f"{sorted(set(after) - set(before))} are closed", 10)


def open_files(store):
    """What the descriptors of the store lead to, without sockets that the senders hold."""
    found = []
    for entry in Path(f"/proc/{store.pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        if not target.startswith("socket:"):
            found.append(target)
    return found


def code_of(reply):
    return re.match(r"-ERR \[(\w+)", reply).group(1)
