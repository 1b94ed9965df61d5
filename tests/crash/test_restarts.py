"""SIGTERM and SIGHUP under load (F29); kill -9 in the middle of recovery (F31)."""

import random
import time
from pathlib import Path

from conftest import scaled

from support.crashing_store import start_after, store_on, sync_all
from support.process import run
from support.store_judge import Judge, files_in
from support.store_senders import Senders
from support.waiting import wait_until


def test_stopped_and_reloaded_under_load(here, volume_of, say):
    """F29: a message whose DATA was begun is answered +OK, or its connection ends; never -ERR."""
    store = store_on(here, [volume_of("ext4", mebibytes=600)])
    choice = random.Random(6)
    stops = scaled(30)
    statuses = []
    with store:
        senders = Senders(store, threads=6, large=50)
        with senders:
            for number in range(stops):
                senders.wait_for(choice.randint(1, 150))
                store.reload()
                senders.wait_for(choice.randint(1, 50))
                statuses.append(store.stop())
                start_after(store)
        senders.finish()
        found = Judge(store.paths).judge(senders.sent, all_files=True)
    refused = [text for one in senders.sent.values() for text in one.answers]
    begun = [text for text in refused if "stopping" not in text]
    say(f"{stops} stops, {stops} reloads, {found}, refused before DATA {len(refused)}")
    assert found.clean, str(found)
    assert not begun, begun[:5]
    assert set(statuses) == {0}, statuses


KILLS = 20


def contents(paths):
    """{(partition, mailbox, NAME): octets} of all files, however they are named besides."""
    return {(part, mailbox, name): Path(file).read_bytes()
            for part, root in paths.items() for mailbox, file, name in files_in(root)}


def test_killed_in_the_middle_of_recovery(here, volume_of, strace, say):
    """F31: recovery is killed at 20 different system calls, one kill after the other; the end is
    what an undisturbed recovery of the same volume gives."""
    volume = volume_of("ext4", mebibytes=400)
    settings = {"journal": {"checkpoint": "60s"}}
    store = store_on(here, [volume], settings=settings)
    with store:
        sync_all()
        senders = Senders(store, threads=8)
        with senders:
            senders.wait_for(2500)
            volume.cut_power()
            store.kill()
        volume.unmount()
        spare = here / "spare.img"
        run(["cp", "--sparse=always", volume.image, spare])

        def undisturbed():
            start_after(store)
            found = Judge(store.paths).judge(senders.sent, all_files=True)
            assert found.clean, str(found)
            store.stop()
            return contents(store.paths), found

        volume.mount()
        expected, found = undisturbed()

        def begin_again():
            volume.unmount()
            run(["cp", "--sparse=always", spare, volume.image])
            volume.mount()

        begin_again()
        died = kill_during_recovery(store, KILLS, begin_again)
        result, _ = undisturbed()
    say(f"{len(died)} kills during recovery at {sorted(set(died))}, {found}")
    assert len(died) == KILLS
    assert result == expected


# System calls of a recovery; each is killed at a few places of its own.
CALLS = {"openat2": (3, 20, 60, 100, 140), "linkat": (1, 2, 7, 20, 40, 80, 160),
         "fdatasync": (1, 2, 3), "pwritev": (1, 2, 5, 15, 40), "mkdirat": (1, 2),
         "pread64": (2, 20, 100), "syncfs": (1,), "fsync": (1, 2), "unlinkat": (1,),
         "newfstatat": (10, 40), "getdents64": (1, 4), "fstat": (20, 100), "renameat2": (1,)}


def kill_during_recovery(store, wanted, begin_again):
    """Starts the store again and again, each time it is killed at another call. Returns those.
    `begin_again` puts the volume back as it was, when a recovery came to its end."""
    places = [(call, numbers[turn]) for turn in range(max(map(len, CALLS.values())))
              for call, numbers in CALLS.items() if turn < len(numbers)]
    died = []
    program = store.process.arguments
    for call, number in places:
        if len(died) == wanted:
            break
        store.process.arguments = [
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
            f"inject={call}:signal=KILL:when={number}", *program]
        store.start(wait=False)
        wait_until(lambda: not store.running or all_open(store), store.last_lines, 20, pause=0.01)
        deadline = time.monotonic() + 0.3  # the checkpoint that ends the recovery
        while store.running and time.monotonic() < deadline:
            time.sleep(0.01)
        if not store.running:
            died.append(f"{call} {number}")
        store.kill()
        if all_open(store):
            begin_again()
    store.process.arguments = program
    return died


def all_open(store):
    text = store.log_since_start()
    return all(f"partition open partition={part} " in text for part in store.paths)
