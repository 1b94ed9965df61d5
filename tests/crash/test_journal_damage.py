"""The journal on the disk is torn, damaged, or somebody else's (F7, F8, F30)."""

import random
import re
import shutil
import struct

from conftest import scaled

from support.crashing_store import (SMALL_JOURNAL, journal_directory, start_after, store_on,
                                    sync_all)
from support.homeward import Store, merged
from support.process import run
from support.store_judge import Judge
from support.store_senders import SMALL, Senders, Sent, deliver_once
from support.waiting import wait_until

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


class CutVolume:
    """A volume whose power was cut under load, and that can be put back into that state."""

    def __init__(self, here, volume, more=600, partitions=2, settings=None):
        self.volume = volume
        self.spare = here / "spare.img"
        self.store = store_on(here, [volume], partitions=partitions,
                              settings=merged({"journal": {"checkpoint": "60s"}}, settings or {}))
        self.store.start()
        sync_all()
        self.senders = Senders(self.store, threads=8)
        with self.senders:
            self.senders.wait_for(more)
            volume.cut_power()
            self.store.kill()
        volume.unmount()
        run(["cp", "--sparse=always", volume.image, self.spare])
        volume.mount()
        self.judge = Judge(self.store.paths)

    def restore(self):
        """As it was right after the cut."""
        self.store.kill()
        self.volume.unmount()
        run(["cp", "--sparse=always", self.spare, self.volume.image])
        self.volume.mount()

    def findings(self):
        return self.judge.judge(self.senders.sent, all_files=True)


def torn_tails(segment, choice):
    """(what, octets of the segment, whether traces are left) of writes that did not come through
    behind the last group. The group that was being written is a copy of the last one, in its place."""
    at, length, _, _ = segment.groups[-1]
    group = segment.octets[at:at + length]
    end = segment.end

    def with_tail(tail):
        return segment.octets[:end] + tail + segment.octets[end + len(tail):]

    for cut in (1, 63, 64, 96, 512, 513, 4095, 4096, length - 1):
        yield f"the first {cut} octets of a group", with_tail(group[:cut]), cut >= 64
    for size in (512, 4096):
        hole = choice.randrange(0, length, size)
        piece = bytearray(group)
        piece[hole:hole + size] = bytes(len(piece[hole:hole + size]))
        yield f"a group with {size} octets of zero at {hole}", with_tail(bytes(piece)), hole >= 64
    garbage = choice.randbytes(9000)
    yield "garbage", with_tail(garbage), False
    yield "garbage behind the header of a group", with_tail(group[:64] + garbage), True
    yield "a file that ends there", segment.octets[:end + 100], False


def spoiled_last_groups(segment, choice):
    """The same of the last group itself, as if its sync had not come to an end."""
    at, length, _, _ = segment.groups[-1]
    for place in (20, 64, 70, length // 2, length - 20):
        octets = bytearray(segment.octets)
        octets[at + place] ^= 1 << choice.randrange(8)
        yield f"a bit of the last group at {place}", bytes(octets), True
    for size in (512, 4096):
        octets = bytearray(segment.octets)
        hole = choice.randrange(0, length, size)
        octets[at + hole:at + hole + size] = bytes(size)
        yield f"{size} octets of zero in the last group at {hole}", bytes(octets), hole > 0
    cut = choice.randrange(1, length)
    yield f"the last group cut at {cut}", segment.octets[:at + cut], True


def test_a_torn_tail_is_cut_and_kept(here, volume_of, say):
    """F7: whatever a write left that did not come through: the store starts, keeps what it could not
    read, and everything before it is there."""
    cut = CutVolume(here, volume_of("ext4", mebibytes=300))
    directory = journal_directory(cut.volume)
    segment = Segment(directory)
    choice = random.Random(5)
    at, length, _, records = segment.groups[-1]
    in_last = set(NAME.findall(segment.octets[at:at + length]))
    cases = [(what, octets, leaves_traces, set())
             for what, octets, leaves_traces in torn_tails(segment, choice)]
    cases += [(*case, in_last) for case in spoiled_last_groups(segment, choice)]
    kept = 0
    for what, octets, leaves_traces, may_be_lost in cases:
        cut.restore()
        segment.write(octets)
        start_after(cut.store)
        torn = sorted(directory.glob("torn-*"))
        assert torn or not leaves_traces, f"{what}: nothing was kept"
        kept += len(torn)
        found = cut.findings()
        found.lost = [one for one in found.lost if one.split()[0].encode() not in may_be_lost]
        assert found.clean, f"{what}: {found}"
        # Once recovered is recovered.
        cut.store.kill()
        start_after(cut.store)
        assert cut.findings().copies == found.copies
    say(f"{len(cases)} torn tails, {kept} kept; without any: {found.acknowledged} acknowledged, "
        f"{records} records in the last group")
    cut.store.stop()


NAME = re.compile(rb"\d+\.[0-9a-f]+-[0-9a-f]+\.test")


def test_damage_below_the_end_stops_the_volume(here, volume_of, say):
    """F8: one flipped bit in what was synced: the volume does not start, its log names file and
    offset; another volume of the same store goes on. With the bit put right nothing is lost."""
    volume = volume_of("ext4", mebibytes=300)
    cut = CutVolume(here, volume)
    other = volume_of("ext4", mebibytes=300, name="other")
    store = cut.store
    store.add_partition("mail9", other.path / "mail9")
    directory = journal_directory(volume)
    segment = Segment(directory)
    choice = random.Random(6)
    flips = scaled(15)
    for number in range(flips):
        cut.restore()
        at, length, _, _ = choice.choice(segment.groups[:-1])
        # Padding is zero, and says nothing.
        place = choice.choice([one for one in range(at, at + length) if segment.octets[one]])
        octets = bytearray(segment.octets)
        octets[place] ^= 1 << choice.randrange(8)
        segment.write(bytes(octets))
        start_after(store)
        where = f"bit {place} of the group at {at}"
        for part in ("mail1", "mail2"):
            sent = Sent(f"1.damage{number}.test", part, (f"{part}-u1@example.org",), SMALL[0])
            reply, = deliver_once(store.port, sent).values()
            assert reply.startswith(("-ERR [TEMP", "-ERR [NOPRTN")), f"{where}: {reply}"
        sent = Sent(f"1.other{number}.test", "mail9", ("u1@example.org",), SMALL[0])
        reply, = deliver_once(store.port, sent).values()
        assert reply.startswith("+OK"), f"{where}: {reply}"
        log = store.log_since_start()
        assert segment.path.name in log and "damage" in log, f"{where}: {log}"
        told = [int(one) for one in re.findall(r"offset (\d+)", log)]
        assert any(at <= one < at + length for one in told), f"{where}: {told}\n{log}"
        # Nothing was touched.
        assert segment.path.read_bytes() == bytes(octets)
        store.kill()
        segment.write(segment.octets)
        if number == flips - 1:
            start_after(store)
            assert not (found := cut.findings()).lost and not found.torn, str(found)
    say(f"{flips} flips found, and with the bit put right: {found}")
    store.stop()


def test_the_journal_of_another_farm_is_refused(here, volume_of):
    """F30: a disk that came from elsewhere: its journal is not filed here, and not touched."""
    cut = CutVolume(here, volume_of("ext4", mebibytes=300), settings={"farm": "north"})
    store = cut.store
    store.settings["farm"] = "south"
    directory = journal_directory(cut.volume)
    before = {file.name: file.read_bytes() for file in directory.glob("segment-*")}
    start_after(store)
    sent = Sent("1.south.test", "mail1", ("mail1-u1@example.org",), SMALL[0])
    reply, = deliver_once(store.port, sent).values()
    assert reply.startswith("-ERR ["), reply
    assert "north" in store.log_since_start() and "south" in store.log_since_start()
    assert before == {file.name: file.read_bytes() for file in directory.glob("segment-*")}
    store.stop()
    store.settings["farm"] = "north"
    start_after(store)
    assert (found := cut.findings()).clean, str(found)
    store.stop()


def test_a_partition_taken_over_by_another_store(here, volume_of):
    """F30: mail2's records lie in the journal in mail1. Another store that has only mail2 files them;
    mail1's wait in the journal until its own store is back."""
    cut = CutVolume(here, volume_of("ext4", mebibytes=300))
    cut.store.kill()
    home = journal_directory(cut.volume).parent.name
    away = "mail1" if home == "mail2" else "mail2"
    assert (cut.store.paths[away] / ".homeward-journal-at").exists()
    heir = Store(here / "heir", "heir", [away], settings=SMALL_JOURNAL,
                 partition_paths={away: cut.store.paths[away]})
    with heir:
        found = Judge(heir.paths).judge({name: one for name, one in cut.senders.sent.items()
                                         if one.partition == away})
        assert found.clean and found.acknowledged, str(found)
        sent = Sent("1.heir.test", away, (f"{away}-u1@example.org",), SMALL[0])
        reply, = deliver_once(heir.port, sent).values()
        assert reply.startswith("+OK"), reply
        cut.senders.sent[sent.name] = sent
    start_after(cut.store)
    assert (found := cut.findings()).clean, str(found)
    cut.store.stop()


def test_a_partition_moved_to_another_volume(here, volume_of, say):
    """F30: mail2 is copied to a new disk with all that lies in it, after a power cut, and served from
    there: what the old volume's journal holds for it is filed, and what is delivered then survives
    a power cut of the new disk."""
    cut = CutVolume(here, volume_of("ext4", mebibytes=300))
    store = cut.store
    store.kill()
    away = "mail1" if journal_directory(cut.volume).parent.name == "mail2" else "mail2"
    fresh = volume_of("ext4", mebibytes=300, name="fresh")
    run(["cp", "-a", store.paths[away], fresh.path])
    shutil.rmtree(store.paths[away])
    store.paths[away] = fresh.path / away
    for entry in store.settings["partitions"]:
        if entry["name"] == away:
            entry["path"] = str(store.paths[away])
    start_after(store)
    cut.judge = Judge(store.paths)

    def all_there():
        return cut.findings().clean

    wait_until(all_there, lambda: f"{cut.findings()}\n{store.last_lines()}", 40, pause=0.5)
    for kind in range(3):
        with cut.senders:
            cut.senders.wait_for(200)
            fresh.cut_power()
            store.kill()
        fresh.remount()
        start_after(store)
        assert (found := cut.findings()).clean, f"cut {kind}: {found}"
    say(str(found))
    store.stop()
