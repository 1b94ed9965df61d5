"""The reply is lost and the store dies as well: the repeat makes no second copy (F19)."""

from pathlib import Path

import pytest
from conftest import scaled

from support.crashing_store import cut_power, start_after, store_on, sync_all
from support.store_judge import Judge, files_in
from support.store_senders import SMALL, Sent, deliver_once, note
from support.waiting import wait_until


def messages(count, run):
    return [Sent(f"{1795170000 + number}.{run}{number}.test", part,
                 tuple(f"{part}-u{one}@example.org" for one in range(1 + number % 3)), SMALL[number % 30])
            for number in range(count) for part in [f"mail{1 + number % 2}"]]


def checkpoints(store, count):
    """Waits for so many checkpoints: the identity log grows with each that has something to say."""
    directory = next(path / ".homeward-journal" for path in store.paths.values()
                     if (path / ".homeward-journal").exists())

    def size():
        # The space of the files is reserved; what is not used is zero.
        return sum(len(file.read_bytes().rstrip(b"\0")) for file in directory.glob("identities-*"))

    for number in range(count):
        before = size()
        one = Sent(f"1.checkpoint-{id(store)}-{number}-{before}.test", "mail1",
                   ("nobody@example.org",), SMALL[0])
        assert all(reply.startswith("+OK") for reply in deliver_once(store.port, one).values())
        wait_until(lambda: size() > before, "a checkpoint", 20)


@pytest.mark.parametrize("death", ["kill", "power", "stop"])
@pytest.mark.parametrize("age", ["young", "older than a checkpoint"])
def test_a_repeat_after_a_restart_makes_no_second_copy(here, volume_of, say, death, age):
    """Delivered; the answer is lost; the store dies and starts; the message comes again. One copy,
    or none where the reader has it already deleted."""
    volume = volume_of("ext4", mebibytes=300)
    interval = "60s" if age == "young" else "1s"
    store = store_on(here, [volume], settings={"journal": {"checkpoint": interval}})
    count = scaled(40)
    with store:
        sync_all()
        sent = messages(count, "lost")
        for one in sent:
            replies = deliver_once(store.port, one)
            assert all(reply.startswith("+OK") for reply in replies.values()), replies
        # Every second one is deleted, which a power cut must not undo: only old deletions stay.
        gone = set()
        if not (death == "power" and age == "young"):
            known = {one.name for one in sent[::2]}
            for path in store.paths.values():
                for mailbox, file, name in list(files_in(path)):
                    if name in known:
                        Path(file).unlink()
                        gone.add((name, mailbox))
        if age != "young":
            checkpoints(store, 2)
        if death == "kill":
            store.kill()
        elif death == "power":
            cut_power(store, volume)
        else:
            assert store.stop() == 0
        start_after(store)
        for one in sent:
            replies = deliver_once(store.port, one, one.mailboxes)
            assert all(reply.startswith("+OK [STORED") for reply in replies.values()), replies
            note(one, replies)
        known = {one.name: one for one in sent}
        found = Judge(store.paths).judge(known, taken_away=gone, all_files=True)
        found.alien = [path for path in found.alien if "nobody" not in path]
        back = {(name, mailbox) for path in store.paths.values()
                for mailbox, _, name in files_in(path)} & gone
    say(f"{found}; deleted {len(gone)}, second copies of those {len(back)}")
    assert found.clean, str(found)
    assert not back
