"""homewardctl journal on the journal of a real store: running, killed, torn, damaged, with parked mail."""

import hashlib
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import scaled

from support.homeward import Store, program
from support.lmtp_client import mail
from support.store_client import StoreClient
from support.waiting import wait_until

SMALL = {"journal": {"segment_size": "1MiB", "checkpoint": "1m"}}


def tool(verb, *arguments):
    """Run a verb; what it printed, and how it ended."""
    return subprocess.run([program("homewardctl"), "journal", verb, *map(str, arguments)],
                          capture_output=True, text=True, timeout=60, check=False)


def shown(place):
    done = tool("show", "--json", place)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def deliver(store, first, count, mailbox="ann@example.org", partition="mail1"):
    """The octets of `count` messages, acknowledged."""
    messages = {}
    with StoreClient(store.port) as client:
        for number in range(first, first + count):
            octets = mail(f"message {number} " + "x" * 500)
            replies = client.deliver(f"{number}.k{number}.mx", partition, "s@x", [mailbox], octets)
            assert all(reply.startswith("+OK [STORED") for reply in replies), replies
            messages[f"{number}.k{number}.mx"] = octets
    return messages


def content_of(directory):
    """Every file with its octets, so that a change is seen."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in directory.iterdir()}


def exported(directory):
    """NAME -> octets, and all envelopes."""
    envelopes = {file.stem: json.loads(file.read_text()) for file in directory.glob("*.json")}
    messages = {envelopes[file.stem]["name"]: file.read_bytes() for file in directory.glob("*.eml")}
    return messages, envelopes


@pytest.fixture
def store(here):
    running = Store(here / "store", "store1", settings=SMALL)
    yield running
    running.stop()


@pytest.fixture
def journal(store):
    """The directory of a journal whose store was killed with twenty messages above the checkpoint."""
    store.start()
    store.messages = deliver(store, 1, 20)
    store.kill()
    return store.paths["mail1"] / ".homeward-journal"


def test_a_store_at_work(store):
    """Looking at a running store finds nothing wrong, whatever it is doing, and disturbs nothing."""
    store.start()
    threads = [threading.Thread(target=deliver, args=(store, 1000 * number, scaled(100)))
               for number in range(1, 7)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for verb in ("show", "verify"):
            done = tool(verb, store.paths["mail1"])
            # A write that is under way may look like a torn end.
            assert done.returncode in ((0,) if verb == "show" else (0, 1)), done.stdout + done.stderr
    for thread in threads:
        thread.join()
    assert tool("verify", store.paths["mail1"]).returncode == 0
    state = shown(store.paths["mail1"])
    assert state["next_record"] > 6 * scaled(100)
    assert state["groups"]["records"]["max"] > 1, "nothing was ever committed together"
    assert state["groups"]["sync_microseconds"]["median"] > 0
    assert state["marks_believed"] and state["failed"] is None


def test_a_killed_store(store, journal):
    before = content_of(journal)
    state = shown(store.paths["mail1"])
    assert state["directory"] == str(journal)
    assert state["backlog"]["delivery"]["records"] == 20
    assert state["backlog_marked_filed"] == 20
    live = [one for one in state["segments"] if one["state"] == "live"]
    assert len(live) == 1 and live[0]["octets"] == 1 << 20 and 0 < live[0]["used"] < 1 << 20
    done = tool("verify", journal)
    assert done.returncode == 0 and "All is well." in done.stdout
    assert content_of(journal) == before


def test_a_stopped_store_needs_nothing_of_its_journal(store):
    store.start()
    deliver(store, 1, 3)
    store.stop()
    state = shown(store.paths["mail1"])
    assert "delivery" not in state["backlog"]
    assert sum(one["entries"] for one in state["identities"]) == 3


def test_export_gives_the_octets_back(store, journal, here):
    target = here / "out"
    assert tool("export", journal, target).returncode != 0  # it does not make the directory
    target.mkdir()
    done = tool("export", journal, target)
    assert done.returncode == 0 and "20 messages" in done.stdout
    messages, envelopes = exported(target)
    assert messages == store.messages
    assert all(one["mailboxes"] == ["ann@example.org"] and one["sender"] == "s@x"
               for one in envelopes.values())
    before = content_of(target)
    assert tool("export", journal, target).returncode == 2  # never into files that are there
    assert content_of(target) == before


def test_export_of_a_part(store, here):
    store.start()
    deliver(store, 1, 2)
    deliver(store, 3, 2, mailbox="bob@example.org")
    # A recipient that is refused only when it is filed: his Maildir is in the way of itself.
    blocked = store.paths["mail1"] / "example.org/carl/Maildir"
    deliver(store, 5, 1, mailbox="carl@example.org")
    shutil.rmtree(blocked / "new")
    (blocked / "new").write_text("in the way")
    with StoreClient(store.port) as client:
        replies = client.deliver("6.k6.mx", "mail1", "s@x", ["ann@example.org", "carl@example.org"],
                                 mail("six"))
    assert replies[0].startswith("+OK") and replies[1].startswith("-ERR"), replies
    numbers = [one["first_record"] for one in shown(store.paths["mail1"])["segments"]
               if one["state"] == "live"]
    for name, options, expected in (
            ("bob", ["--mailbox", "bob@example.org"], {"3.k3.mx", "4.k4.mx"}),
            ("from", ["--from", numbers[0] + 10**6], set()),
            ("nowhere", ["--partition", "0" * 32], set()),
            ("carl", ["--mailbox", "carl@example.org"], {"5.k5.mx", "6.k6.mx"})):
        (here / name).mkdir()
        assert tool("export", store.paths["mail1"], here / name, *options).returncode == 0
        assert set(exported(here / name)[0]) == expected
    six = next(one for one in exported(here / "carl")[1].values() if one["name"] == "6.k6.mx")
    assert (six["mailboxes"], six["refused"]) == (["ann@example.org"], ["carl@example.org"])


def live_segment(journal):
    state = shown(journal)
    [live] = [one for one in state["segments"] if one["state"] == "live"]
    return journal / live["file"], live


def overwrite(file, offset, octets):
    with open(file, "r+b") as segment:
        segment.seek(offset)
        segment.write(octets)


def test_a_torn_end(store, journal):
    segment, live = live_segment(journal)
    generation = live["generation"].to_bytes(8, "little")
    overwrite(segment, live["used"], b"HWGR" + b"\xff" * 4 + generation)
    done = tool("verify", journal)
    assert done.returncode == 1
    assert f"{segment.name} at offset {live['used']}" in done.stdout and "harmless" in done.stdout
    assert shown(journal)["torn"]["offset"] == live["used"]
    # stored is of the same opinion.
    store.start()
    deliver(store, 100, 1)
    assert list(journal.glob("torn-*")) == [journal / f"torn-{live['generation']}-{live['used']}"]
    assert shown(journal)["kept_torn_ends"] == [f"torn-{live['generation']}-{live['used']}"]


def test_damage(store, journal, here):
    """One flipped bit: the file, the offset and what is lost are told; all else can be saved."""
    segment, _ = live_segment(journal)
    at = segment.read_bytes().index(b"message 7 ")
    overwrite(segment, at, b"M")
    done = tool("verify", journal)
    assert done.returncode == 2
    assert "DAMAGE" in done.stdout and f"{segment.name} at offset " in done.stdout
    answer = json.loads(tool("verify", "--json", journal).stdout)
    [[first, last]] = answer["unreadable"]
    assert first == last and answer["damaged"]
    assert tool("show", journal).returncode == 2
    # stored says the same of it.
    store.start(wait=False)
    wait_until(lambda: "the journal is damaged" in store.log_text(),
               lambda: f"stored refuses: {store.last_lines()}")
    store.stop()
    (here / "out").mkdir()
    done = tool("export", journal, here / "out")
    assert done.returncode == 2 and "19 messages" in done.stdout
    messages, _ = exported(here / "out")
    assert messages == {name: octets for name, octets in store.messages.items() if name != "7.k7.mx"}


def test_a_journal_that_has_failed(store, journal):
    (journal / "failed").write_text("1795170000 storage fault: fdatasync: Input/output error\n")
    done = tool("show", journal)
    assert done.returncode == 0 and "FAILED" in done.stdout and "Input/output" in done.stdout
    state = shown(journal)
    assert "Input/output error" in state["failed"] and not state["marks_believed"]
    assert tool("verify", journal).returncode == 0


def test_parked_mail(here):
    """A partition that is gone when the store recovers: its mail is parked, shown, exported, and
    filed when it is back."""
    store = Store(here / "store", "store1", ("mail1", "mail2"), settings=SMALL)
    store.start()
    [home] = [name for name, path in store.paths.items() if (path / ".homeward-journal").is_dir()]
    [away] = set(store.paths) - {home}
    messages = deliver(store, 1, 5, partition=away)
    store.kill()
    assert tool("show", store.paths[away]).returncode == 0  # its note leads to the journal
    journal = store.paths[home] / ".homeward-journal"
    identity = (store.paths[away] / ".homeward-partition").read_text()
    moved = store.paths[away].rename(here / "away")
    (journal / "filed").write_bytes(b"")  # as after a power cut: what was filed is not known
    store.paths.pop(away)
    store.settings["journal"]["checkpoint"] = "1s"
    store.start()
    wait_until(lambda: shown(journal)["parked"], "the mail is parked", 40.0)
    [parked] = shown(journal)["parked"]
    assert parked["deliveries"] == 5 and parked["whole"] and parked["partition"] in identity
    done = tool("show", journal)
    assert parked["partition"] in done.stdout and "waits" not in done.stderr
    assert tool("verify", journal).returncode == 0
    (here / "out").mkdir()
    tool("export", journal, here / "out", "--partition", parked["partition"])
    assert exported(here / "out")[0] == messages

    for file in moved.rglob("Maildir/new/*"):
        file.unlink()  # as if they had never reached the disk
    moved.rename(store.directory / away)
    wait_until(lambda: len(list((store.directory / away).rglob("Maildir/new/*"))) == 5,
               lambda: f"the parked mail is filed: {store.last_lines()}", 20.0)
    wait_until(lambda: not shown(journal)["parked"], "nothing is parked any more", 20.0)
    store.stop()


def test_no_journal(here):
    with Store(here / "store", "store1", settings={"sync_mode": "late"}) as store:
        done = tool("show", store.paths["mail1"])
        assert done.returncode == 75 and "there is no journal" in done.stderr
        assert not Path(store.paths["mail1"] / ".homeward-journal").exists()
