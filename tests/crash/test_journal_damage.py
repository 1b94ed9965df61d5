"""The journal on the disk is torn, damaged, or somebody else's (F7, F8, F30)."""

import os
import random
import re
import shutil
import struct
import subprocess

import pytest
from conftest import scaled

from support.crashing_store import (journal_directory, start_after, store_on, sync_all,
                                    wait_for_log)
from support.homeward import make_directory, program
from support.store_judge import Judge, files_in
from support.store_senders import SMALL, Senders, Sent, deliver_once

BLOCK = 4096
GROUP = b"HWGR"


class Segment:
    """The newest segment of a journal, read by the format that docs/format/journal.md gives."""

    def __init__(self, directory):
        headers = []
        for path in directory.glob("segment-*"):
            octets = path.read_bytes()
            if octets[:8] == b"HWJRNL1\n":
                headers.append((struct.unpack_from("<Q", octets, 32)[0], path, octets))
        self.generation, self.path, self.octets = max(headers)
        self.groups = list(self._groups())  # (offset, octets with header, first record, records)

    def _groups(self):
        at = BLOCK
        while self.octets[at:at + 4] == GROUP:
            generation, first = struct.unpack_from("<QQ", self.octets, at + 8)
            records, octets = struct.unpack_from("<II", self.octets, at + 32)
            if generation != self.generation:
                break
            yield at, 64 + octets, first, records
            at += (64 + octets + BLOCK - 1) // BLOCK * BLOCK

    @property
    def end(self):
        """Where the next group would be written."""
        at, octets, _, _ = self.groups[-1]
        return at + (octets + BLOCK - 1) // BLOCK * BLOCK

    def write(self, octets):
        """In place, as the user that owns it."""
        with open(self.path, "r+b") as file:
            file.write(octets)
            file.truncate(len(octets))


def begun_journal(here, volume, more=400):
    """A store that was killed under load, with records since its last checkpoint."""
    store = store_on(here, [volume], settings={"journal": {"checkpoint": "60s"}})
    store.start()
    senders = Senders(store, threads=8)
    with senders:
        senders.wait_for(more)
        store.kill()
    return store, senders


def torn_tails(segment, choice):
    """(what, octets of the segment) of writes that did not come through behind the last group.

    The group that was being written is a copy of the last one, given its place and number: what
    its writer would have put there, as far as a checksum without its key allows.
    """
    at, length, _, _ = segment.groups[-1]
    torn = bytearray(segment.octets[at:at + length])
    whole = bytearray(segment.octets)
    end = segment.end
    for cut in sorted({1, 4, 63, 64, 95, 96, 500, 511, 512, 513, 4095, 4096, length - 1}):
        if cut < length:
            tail = bytearray(whole)
            tail[end:end + cut] = torn[:cut]
            yield f"the first {cut} octets of a group", tail
    for size in (512, 4096):
        for hole in range(0, min(length, 4 * size), size):
            tail = bytearray(whole)
            piece = bytearray(torn)
            piece[hole:hole + size] = bytes(len(piece[hole:hole + size]))
            tail[end:end + length] = piece
            yield f"a group with {size} octets of zero at {hole}", tail
    tail = bytearray(whole)
    tail[end:end + 9000] = choice.randbytes(9000)
    yield "garbage", tail
    yield "a file that ends there", whole[:end + 100]


def test_a_torn_tail_is_cut_and_kept(here, volume_of, say):
    """F7: whatever a write left that did not come through: the store starts, keeps what it could not
    read, and everything that was acknowledged is there."""
    volume = volume_of("ext4", mebibytes=300)
    store, senders = begun_journal(here, volume)
    directory = journal_directory(volume)
    segment = Segment(directory)
    kept = here / "kept"
    shutil.copytree(directory, kept)
    cases = list(torn_tails(segment, random.Random(5)))
    torn_files = 0
    for what, octets in cases:
        for file in directory.iterdir():
            file.unlink()
        for file in kept.iterdir():
            shutil.copy(file, directory)
            shutil.chown(directory / file.name, store.owner, None)
        segment.write(octets)
        # Some mail is only in the journal.
        missing = remove_some(store, random.Random(6))
        start_after(store)
        wait_for_log(store, "partition open partition=mail2")
        torn = sorted(directory.glob("torn-*"))
        torn_files += len(torn)
        if not what.startswith(("the first 1 ", "a file")):
            assert torn, f"{what}: nothing was kept"
        store.kill()
        forget_marks(directory)
        found = Judge(store.paths).judge(senders.sent, all_files=True, taken_away=missing)
        assert found.clean, f"{what}: {found}"
    say(f"{len(cases)} torn tails, kept {torn_files} torn files, {found}")
    store.stop()


def remove_some(store, choice):
    """Removes nothing: a reader's deletions are respected within one boot."""
    del store, choice
    return set()


def forget_marks(directory):
    (directory / "filed").unlink(missing_ok=True)
