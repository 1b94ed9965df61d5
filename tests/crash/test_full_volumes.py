"""Volumes that are full, over quota, read-only, and processes with few resources (F12 to F15, F28)."""

import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support import control_group
from support.control_group import ControlGroup
from support.crashing_store import (cut_power, start_after, store_on, sync_all,
                                    wait_for_partitions)
from support.homeward import make_directory
from support.process import run
from support.store_judge import Judge
from support.store_senders import LARGE, SMALL, Senders, deliver_once
from support.waiting import NotInTime, wait_until

TINY = {"journal": {"segment_size": "1MiB", "checkpoint": "1s"}}
SMALLEST = {"ext4": 64, "xfs": 320, "btrfs": 160}


def fill(path, owner):
    """Takes all space that a user who is not root can get. Returns the directory that holds it."""
    hoard = make_directory(Path(path) / "hoard", owner)
    for size in ("1M", "4K"):
        subprocess.run(["dd", "if=/dev/urandom", f"of={hoard}/{size}", f"bs={size}",
                        "conv=fsync"], user=owner, stderr=subprocess.DEVNULL, check=False)
    return hoard


def refused_until_full(store, senders, seconds=60):
    """Sends until a message is refused for want of space; returns that reply."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for reply in deliver_once(store.port, senders.new(random)).values():
            if not reply.startswith("+OK"):
                return reply
    raise AssertionError("the volume does not become full")


def wait_until_stored(store, senders, seconds=15.0):
    """Until a delivery succeeds again; returns how long that took."""
    began = time.monotonic()
    last = {}

    def stored():
        last.update(deliver_once(store.port, senders.new(random)))
        return all(reply.startswith("+OK") for reply in list(last.values())[-1:])

    wait_until(stored, lambda: f"mail is taken again: {list(last.values())[-1:]}\n"
               f"{store.last_lines()}", seconds, pause=0.1)
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_a_full_disk(here, volume_of, say, kind):
    """F12: [FULL] while it is full; mail flows again by itself when there is room; a power cut and a
    recovery in between, on the full disk, lose nothing."""
    volume = volume_of(kind, mebibytes=SMALLEST[kind])
    store = store_on(here, [volume], settings=TINY)
    with store:
        sync_all()
        senders = Senders(store, persist=False, bodies=LARGE[:1] + SMALL[20:])
        for _ in range(30):
            deliver_once(store.port, senders.new(random))
        hoard = fill(volume.path, store.owner)
        reply = refused_until_full(store, senders)
        assert reply.startswith("-ERR [FULL"), reply
        refusals = [deliver_once(store.port, senders.new(random)) for _ in range(20)]
        codes = {reply[:11] for one in refusals for reply in one.values()
                 if not reply.startswith("+OK")}
        assert codes <= {"-ERR [FULL]", "-ERR [FULL "}, codes
        time.sleep(2.5)  # checkpoints on the full disk
        shutil.rmtree(hoard)
        healed = wait_until_stored(store, senders)
        with senders:
            senders.wait_for(50)
            cut_power(store, volume)
        hoard = fill(volume.path, store.owner)
        store.start(wait=False)
        if kind == "btrfs":
            time.sleep(3)  # it writes nothing in place: how far it gets depends
        else:
            wait_for_partitions(store)
        open_before = store.log_since_start().count("partition open")
        shutil.rmtree(hoard)
        wait_for_partitions(store)
        again = wait_until_stored(store, senders)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
        senders.finish()
    say(f"healed after {healed:.1f} s and, with a power cut, {again:.1f} s; partitions open before "
        f"there was room {open_before} of 2; {found}")
    assert found.clean, str(found)


def test_no_inodes(here, volume_of, say):
    """F13: as a full disk."""
    volume = volume_of("ext4", mebibytes=64, format_options=["-N", "512"])
    store = store_on(here, [volume], settings=TINY)
    with store:
        senders = Senders(store, persist=False)
        for _ in range(10):
            deliver_once(store.port, senders.new(random))
        hoard = volume.path / "hoard"
        hoard.mkdir()
        with pytest.raises(OSError):
            for number in range(1000):
                (hoard / f"{number}").touch()
        reply = refused_until_full(store, senders)
        assert reply.startswith("-ERR [FULL"), reply
        store.kill()
        store.start(wait=False)
        time.sleep(1)
        for file in list(hoard.iterdir())[:200]:
            file.unlink()
        wait_for_partitions(store)
        healed = wait_until_stored(store, senders)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"healed after {healed:.1f} s, {found}")
    assert found.clean, str(found)


def test_quota_of_one_partition(here, volume_of, say):
    """F14: one subvolume of a btrfs is over its quota: only that partition refuses."""
    volume = volume_of("btrfs", mebibytes=300)
    run(["btrfs", "quota", "enable", volume.path])
    store = store_on(here, [volume], settings=TINY)
    for part, path in store.paths.items():
        run(["btrfs", "subvolume", "create", path])
        make_directory(path, store.owner)
        store.make_partition(part, path)
    with store:
        wait_for_partitions(store)
        senders = {part: Senders(store, persist=False, partitions=[part], bodies=LARGE)
                   for part in store.paths}
        for one in senders.values():
            assert all(reply.startswith("+OK") for reply in
                       deliver_once(store.port, one.new(random)).values())
        run(["btrfs", "filesystem", "sync", volume.path])
        used = int(run(["btrfs", "qgroup", "show", "--raw", "-f", store.paths["mail1"]])
                   .stdout.splitlines()[-1].split()[1])
        run(["btrfs", "qgroup", "limit", str(used + (3 << 20)), store.paths["mail1"]])
        reply = refused_until_full(store, senders["mail1"])
        for _ in range(20):
            assert all(reply.startswith("+OK") for reply in
                       deliver_once(store.port, senders["mail2"].new(random)).values())
        run(["btrfs", "qgroup", "limit", "none", store.paths["mail1"]])
        healed = wait_until_stored(store, senders["mail1"])
        store.kill()
        start_after(store)
        wait_for_partitions(store)
        sent = senders["mail1"].sent | senders["mail2"].sent
        found = Judge(store.paths).judge(sent, all_files=True)
    say(f"refused with {reply[:40]}, healed after {healed:.1f} s, {found}")
    assert reply.startswith("-ERR [QUOTA"), reply
    assert found.clean, str(found)


def test_the_file_system_becomes_read_only(here, volume_of, say):
    """F15: an error in the file system makes it read-only (errors=remount-ro): refused at once, and
    after a repair everything acknowledged is there."""
    volume = volume_of("ext4", mebibytes=100)
    volume.change("errors=remount-ro")
    loop = Path(run(["findmnt", "-n", "-o", "SOURCE", volume.path]).stdout.strip()).name
    trigger = Path(f"/sys/fs/ext4/{loop}/trigger_fs_error")
    if not trigger.exists():
        pytest.skip("this kernel makes no ext4 errors on request")
    store = store_on(here, [volume], settings=TINY)
    with store:
        senders = Senders(store, threads=8, persist=False)
        with senders:
            senders.wait_for(200)
            trigger.write_text("1")
            wait_until(lambda: sum(len(one.answers) for one in senders.sent.values()) > 20,
                       "mail is refused", 30)
            accepted = senders.accepted
            seen = len(senders.sent)
            wait_until(lambda: len(senders.sent) > seen + 20, "more is refused", 30)
            assert senders.accepted == accepted
        codes = {text.split()[1].strip("[]") for one in senders.sent.values()
                 for text in one.answers}
        store.kill()
        volume.unmount()
        run(["e2fsck", "-fy", volume.image], check=False)
        volume.mount()
        start_after(store)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
        senders.finish()
    say(f"refused with {sorted(codes)}, {found}")
    assert codes <= {"TEMP", "NOPRTN"}
    assert found.clean, str(found)


def test_a_volume_that_is_mounted_read_only(here, volume_of, say):
    """F15: refused at once, without touching anything; mail flows by itself when it is writable."""
    volume = volume_of("ext4", mebibytes=100)
    store = store_on(here, [volume], settings=TINY)
    senders = Senders(store, persist=False)
    with store:
        with senders:
            senders.wait_for(100)
        store.kill()
        volume.change("ro")
        before = sorted((path, path.stat().st_mtime_ns) for path in volume.path.rglob("*"))
        start_after(store)
        refusals = [deliver_once(store.port, senders.new(random)) for _ in range(20)]
        codes = {text.split()[1].strip("[]") for one in refusals for text in one.values()}
        assert before == sorted((path, path.stat().st_mtime_ns)
                                for path in volume.path.rglob("*"))
        volume.change("rw")
        healed = wait_until_stored(store, senders)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"refused with {sorted(codes)}, healed after {healed:.1f} s, {found}")
    assert codes == {"TEMP"}
    assert found.clean, str(found)


def test_little_memory(here, volume_of, say):
    """F28: 64 MiB for everything, page cache included: slower perhaps, but nothing is lost."""
    reason = control_group.why_not("memory")
    if reason:
        pytest.skip(reason)
    volume = volume_of("ext4", mebibytes=600)
    with ControlGroup("memory", 64 << 20) as group:
        store = store_on(here, [volume], wrapper=group.wrapper)
        with store:
            senders = Senders(store, threads=24, large=10)
            with senders:
                senders.wait_for(1500, seconds=120)
            assert store.running
            senders.finish()
            memory = store.largest_memory()
            store.kill()
            start_after(store)
            found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"{memory >> 20} MiB at most, {found}")
    assert found.clean, str(found)


def test_few_tasks(here, volume_of, say):
    """F28: a store that gets no more threads refuses, goes on, and heals when it gets them."""
    reason = control_group.why_not("pids")
    if reason:
        pytest.skip(reason)
    volume = volume_of("ext4", mebibytes=100)
    with ControlGroup("pids", 5) as group:
        store = store_on(here, [volume], settings=TINY)
        for part, path in store.paths.items():
            store.make_partition(part, make_directory(path, store.owner))
        store = store_on(here, [volume], settings=TINY, wrapper=group.wrapper)
        senders = Senders(store, persist=False)
        with pytest.raises(NotInTime, match="ended before"):
            store.start()
        said = store.last_lines()
        group.change("max")
        with store:
            group.change(len(list(Path(f"/proc/{store.pid}/task").iterdir())))
            replies = deliver_once(store.port, senders.new(random)).values()
            assert store.running
            group.change("max")
            healed = wait_until_stored(store, senders)
            store.kill()
            start_after(store)
            found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"{next(iter(replies))[:60]}, healed after {healed:.1f} s, {found}")
    assert "thread" in said
    assert all(reply.startswith("-ERR [TEMP") for reply in replies), replies
    assert found.clean, str(found)


def test_a_descriptor_limit(here, volume_of, say):
    """F28: 55 descriptors and 32 senders: refused or not let in, never lost; it goes on when they
    leave."""
    # 19 of its own with one network thread, 32 connections, and 4 for the files of all of them.
    store = store_on(here, [volume_of("ext4", mebibytes=300)],
                     settings={"threads": {"network": 1}},
                     wrapper=["prlimit", "--nofile=55:55"])
    with store:
        few = Senders(store, threads=4)
        with few:
            few.wait_for(100)
        senders = Senders(store, threads=32)
        with senders:
            time.sleep(3)
            assert store.running
        healed = wait_until_stored(store, few)
        assert store.running
        senders.finish()
        few.finish()
        store.kill()
        start_after(store)
        found = Judge(store.paths).judge(senders.sent | few.sent, all_files=True)
    refused = sum(len(one.answers) for one in senders.sent.values())
    say(f"refused {refused}, healed after {healed:.1f} s, {found}")
    assert refused
    assert found.clean, str(found)


def test_a_file_size_limit(here, volume_of, say):
    """F28: RLIMIT_FSIZE below the size of some messages: those are refused, the others stored."""
    store = store_on(here, [volume_of("ext4", mebibytes=300)], settings=TINY)
    store.start()
    store.stop()
    store = store_on(here, [volume_of.made[-1]], settings=TINY,
                     wrapper=["prlimit", f"--fsize={1 << 21}"])
    store.settings["limits"]["message_memory"] = "64KiB"
    with store:
        senders = Senders(store, persist=False)
        huge = senders.new(random)
        huge.body = LARGE[0] * 8
        replies = deliver_once(store.port, huge)
        assert all(reply.startswith("-ERR [") for reply in replies.values()), replies
        with senders:
            senders.wait_for(300)
        assert store.running
        store.kill()
        start_after(store)
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    say(f"{next(iter(replies.values()))[:40]}, {found}")
    assert found.clean, str(found)
