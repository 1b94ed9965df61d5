"""What the kernel sees: the syncs come before +OK, and connections are kept."""

import re
import threading

import pytest
from conftest import scaled

from support.homeward import Farm, Store
from support.lmtp_client import LmtpClient, mail
from support.store_client import StoreClient
from support.tracing import Trace, can_trace, tcp_connections
from support.waiting import wait_until

DISK_CALLS = ("openat,openat2,mkdirat,write,writev,pwrite64,pwritev,pwritev2,linkat,renameat2,"
              "rename,fsync,fdatasync,syncfs,sendto,sendmsg")


def index_of(lines, pattern, last=False):
    """Where a call that matches is, first or last; fails with all calls when there is none."""
    found = [at for at, line in enumerate(lines) if re.match(pattern, line)]
    assert found, f"no call is like {pattern}:\n" + "\n".join(lines)
    return found[-1 if last else 0]


@pytest.mark.parametrize("delivery", ["first", "later"])
def test_the_journal_is_synced_before_anything_is_seen(here, delivery):
    """docs/durability.md: visible implies durable. The record is written and synced, then the message
    gets its names, then the mark, then +OK; nothing else is synced for it."""
    reason = can_trace()
    if reason:
        pytest.skip(reason)
    mailboxes = ["ann@example.org", "bob@example.org"]
    store = Store(here / "store", "store1", settings={"journal": {"checkpoint": "1m"}})
    with store, StoreClient(store.port) as client:
        wait_for_first_checkpoint(store.paths["mail1"])
        warm = mailboxes if delivery == "later" else ["eve@example.org"]
        client.deliver("1.k1.mx", "mail1", "s@x", warm, mail("one"))
        with Trace(store.pid, DISK_CALLS, here / "trace") as trace:
            replies = client.deliver("2.k2.mx", "mail1", "s@x", mailboxes, mail("two"))
        assert all(reply.startswith("+OK [STORED") for reply in replies), replies
        lines = trace.lines()
    segment = r"\(\d+<[^<>]*/\.homeward-journal/segment-\d{8}>"
    recorded = index_of(lines, rf"pwrite(v|64)?\d?{segment}")
    synced = index_of(lines, rf"fdatasync{segment}\) = 0$")
    named = [at for at, line in enumerate(lines)
             if line.startswith("linkat(") and "2.k2.mx,S=" in line]
    marked = index_of(lines, r"pwrite(v|64)?\d?\(\d+<[^<>]*/\.homeward-journal/filed>")
    answer = index_of(lines, r"send(to|msg)\(.*\+OK \[STORED name=2\.k2\.mx")
    assert len(named) == 2, "\n".join(lines)
    assert recorded < synced < named[0] < named[1] < marked < answer, "\n".join(lines)
    syncs = [line for line in lines if re.match(r"(fsync|fdatasync|syncfs)\(", line)]
    assert len(syncs) == 1, "\n".join(lines)
    made = [line for line in lines if line.startswith("mkdirat(") and line.endswith("= 0")]
    assert bool(made) == (delivery == "first")


def wait_for_first_checkpoint(partition):
    """The record of the checkpoint with which a start ends is written; the next group syncs it."""
    segment = partition / ".homeward-journal/segment-00000001"
    wait_until(lambda: segment.read_bytes()[4096:4100] == b"HWGR", "the first checkpoint")


@pytest.mark.parametrize("sync_mode", ["late", "strict"])
@pytest.mark.parametrize("delivery", ["first", "later"])
def test_everything_is_synced_before_ok(here, sync_mode, delivery):
    """design 2: +OK only after the sync call that covers the message returned 0. The first delivery
    also makes the Maildir, so its directories must be durable, too."""
    reason = can_trace()
    if reason:
        pytest.skip(reason)
    mailboxes = ["ann@example.org", "bob@example.org"]
    store = Store(here / "store", "store1", settings={"sync_mode": sync_mode})
    with store, StoreClient(store.port) as client:
        if delivery == "later":
            client.deliver("1.k1.mx", "mail1", "s@x", mailboxes, mail("one"))
        with Trace(store.pid, DISK_CALLS, here / "trace") as trace:
            replies = client.deliver("2.k2.mx", "mail1", "s@x", mailboxes, mail("two"))
        assert all(reply.startswith("+OK [STORED") for reply in replies), replies
        lines = trace.lines()
    answer = index_of(lines, r"send(to|msg)\(.*\+OK \[STORED name=2\.k2\.mx")
    named = [at for at, line in enumerate(lines)
             if line.startswith(("linkat(", "renameat")) and "2.k2.mx,S=" in line]
    written = index_of(lines, r"p?write(v|64)?\d?\(.*Subject: two", last=True)
    syncs = [at for at, line in enumerate(lines)
             if re.match(r"(fsync|fdatasync)\(.*\) = 0$", line)]
    assert len(named) == 2 and written < named[0], "\n".join(lines)
    assert not re.search(r"f(data)?sync\(.*= -1", "\n".join(lines))
    # The content is written, then synced, before the answer.
    assert any(written < at < answer for at in syncs), "\n".join(lines)
    # Both names are durable before the answer.
    if sync_mode == "late":
        assert any(named[-1] < at < answer for at in syncs), "\n".join(lines)
    for at in named if sync_mode == "strict" else []:
        assert_directory_synced(lines, at, answer, re.findall(r"<([^<>]*)>", lines[at])[-1])
    # And so is every directory that was made: strict says so itself, late relies on its
    # last sync (tests/crash proves that it may).
    made = [at for at, line in enumerate(lines)
            if line.startswith("mkdirat(") and line.endswith("= 0")]
    assert bool(made) == (delivery == "first")
    for at in made if sync_mode == "strict" else []:
        assert_directory_synced(lines, at, answer, re.search(r"<([^<>]*)>", lines[at]).group(1))


def assert_directory_synced(lines, after, before, directory):
    """One of the calls between the two is a successful sync of this directory."""
    sync = re.compile(rf"f(data)?sync\(\d+<{re.escape(directory)}>\) = 0$")
    assert any(sync.match(line) for line in lines[after:before]), "\n".join(lines)


@pytest.mark.parametrize("sync_mode", ["journal", "late", "strict"])
def test_a_failed_sync_is_never_ok(here, sync_mode):
    """F9: the sync fails: every recipient gets -ERR, nothing stays visible, and the repeat is
    stored once when syncs work again. A journal takes nothing more before a restart."""
    reason = can_trace()
    if reason:
        pytest.skip(reason)
    store = Store(here / "store", "store1", settings={"sync_mode": sync_mode})
    mailboxes = ["ann@example.org", "bob@example.org"]
    with store, StoreClient(store.port) as client:
        client.deliver("1.k1.mx", "mail1", "s@x", mailboxes, mail("one"))
        with Trace(store.pid, "fdatasync,fsync", here / "trace",
                   inject="fdatasync,fsync:error=EIO") as trace:
            replies = client.deliver("2.k2.mx", "mail1", "s@x", mailboxes, mail("two"))
        assert all(reply.startswith("-ERR [TEMP") for reply in replies), replies
        assert any("EIO" in line for line in trace.lines())
        assert names_in(store.paths["mail1"]) == ["1.k1.mx"] * 2
        if sync_mode == "journal":
            replies = client.deliver("2.k2.mx", "mail1", "s@x", mailboxes, mail("two"))
            assert all(reply.startswith("-ERR [TEMP") for reply in replies), replies
            store.restart()
        with StoreClient(store.port) as again:
            replies = again.deliver("2.k2.mx", "mail1", "s@x", mailboxes, mail("two"))
        assert all(reply.startswith("+OK [STORED name=2.k2.mx") for reply in replies), replies
        assert names_in(store.paths["mail1"]) == ["1.k1.mx"] * 2 + ["2.k2.mx"] * 2


def names_in(partition):
    """The names of all messages of a partition, without ,S= and ,W=."""
    return sorted(file.name.partition(",")[0] for file in partition.rglob("Maildir/[nct]*/*"))


def deliver_many(farm, count, thread):
    with LmtpClient(path=farm.bridge.socket) as client:
        for number in range(count):
            replies = client.deliver("s@example.net", farm.mailboxes, mail(f"{thread}.{number}"))
            assert {reply.code for _, reply in replies} == {250}


def test_connections_to_stores_are_kept(here):
    """B: no new TCP connection per message. One client needs one connection for each partition;
    they stay the same ones."""
    with Farm(here / "farm", users=8) as farm:
        ports = [store.port for store in farm.stores]
        deliver_many(farm, 5, "warm")
        before = [tcp_connections(port) for port in ports]
        deliver_many(farm, scaled(200), "steady")
        assert [tcp_connections(port) for port in ports] == before
        # One for each partition, and that of the farm that waited for the store to start.
        assert all(1 <= len(known) <= 3 for known in before), before


def test_many_clients_share_few_connections(here):
    """Six clients at once: at most one connection for each client and partition, over all."""
    with Farm(here / "farm", users=8) as farm:
        threads = [threading.Thread(target=deliver_many, args=(farm, scaled(40), number))
                   for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in farm.stores:
            assert 1 <= len(tcp_connections(store.port)) <= 13
        assert [len(farm.messages(one)) for one in farm.mailboxes] == [6 * scaled(40)] * 8
