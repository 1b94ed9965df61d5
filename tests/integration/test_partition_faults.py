"""A partition that is not there, not the right one, read-only or full: try later, nothing made where
it should not be, its neighbours go on, and it heals by itself."""

import os
import shutil
import subprocess

import pytest
from conftest import Farm

from support.homeward import Store, make_directory
from support.lmtp_client import LmtpClient, mail
from support.mounts import MemoryMount, can_mount
from support.waiting import wait_until


@pytest.fixture
def farm(here):
    with Farm(here / "farm", stores=1, partitions=2, users=4) as running:
        yield running


def deliver(farm, mailbox, octets=None):
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@x", [mailbox], octets or mail(received=False))
    return reply


def assert_out_of_order(farm, until=10):
    """Users of mail1 are told to try later, those of mail2 are served."""
    first, second = (farm.living_on(f"store1/mail{number}")[0] for number in (1, 2))
    wait_until(lambda: deliver(farm, first).code == 451, "mail1 is found out of order", until)
    reply = deliver(farm, first)
    assert (reply.code, reply.enhanced[:3]) == (451, "4.3"), str(reply)
    assert deliver(farm, second).code == 250
    # A user who never got mail gets no fresh tree either.
    assert deliver(farm, farm.living_on("store1/mail1")[1]).code == 451


def assert_heals(farm):
    """Without restart or signal."""
    first = farm.living_on("store1/mail1")[0]
    before = len(farm.messages(first))
    wait_until(lambda: deliver(farm, first).code == 250, "mail1 heals by itself", 15)
    assert len(farm.messages(first)) > before


def tree(path):
    return sorted(os.path.join(folder, name) for folder, folders, files in os.walk(path)
                  for name in [*folders, *files])


def test_not_mounted(farm):
    """The directory below the mount point is empty: mail must not land there (H3)."""
    first = farm.living_on("store1/mail1")[0]
    assert deliver(farm, first).code == 250
    root = farm.stores[0].paths["mail1"]
    away = root.with_name("away")
    root.rename(away)
    make_directory(root, farm.stores[0].owner)
    assert_out_of_order(farm)
    assert tree(root) == []
    root.rmdir()
    assert_out_of_order(farm)
    assert not root.exists()
    away.rename(root)
    assert_heals(farm)
    assert "partition not usable" in farm.stores[0].log_text()


@pytest.mark.parametrize("other", ["another name", "the same name"])
def test_the_wrong_volume(farm, here, other):
    """Another partition is mounted there, even one that bears the same name."""
    name = "mail1" if other == "the same name" else "mail7"
    wrong = Store(here / "other", "other", partitions=(name,))
    wrong.make_partition(name, wrong.paths[name])
    root = farm.stores[0].paths["mail1"]
    first = farm.living_on("store1/mail1")[0]
    assert deliver(farm, first).code == 250
    root.rename(root.with_name("right"))
    wrong.paths[name].rename(root)
    before = tree(root)
    assert_out_of_order(farm)
    assert tree(root) == before
    shutil.rmtree(root)
    root.with_name("right").rename(root)
    assert_heals(farm)


def test_the_identity_file_is_gone_or_spoiled(farm):
    root = farm.stores[0].paths["mail1"]
    identity = root / ".homeward-partition"
    text = identity.read_text()
    for spoiled in (None, "", "garbage\n", text.replace("mail1", "mail2"), text + "format: 9\n"):
        identity.unlink(missing_ok=True)
        if spoiled is not None:
            identity.write_text(spoiled)
            shutil.chown(identity, farm.stores[0].owner or os.getuid())
        farm.stores[0].restart()
        assert_out_of_order(farm)
        identity.unlink(missing_ok=True)
        identity.write_text(text)
        assert_heals(farm)


def test_a_partition_is_never_made_silently(here):
    """stored starts without it, says so, and makes nothing; --init-partition makes it, once."""
    store = Store(here / "store", "store1", partitions=("mail1", "mail2"))
    make_directory(store.paths["mail1"], store.owner)
    with Farm(here / "farm", stores=1, partitions=1, users=1):
        store.start()
        assert tree(store.paths["mail1"]) == []
        assert "partition not usable" in store.log_text()
        store.make_partition("mail1", store.paths["mail1"])
        with pytest.raises(RuntimeError):
            store.make_partition("mail1", store.paths["mail1"])
        store.stop()


def test_symbolic_links_lead_nowhere(farm, here):
    """A link where a user's directory should be is not followed, wherever it is in the path."""
    outside = make_directory(here / "outside", farm.stores[0].owner)
    first, second = farm.living_on("store1/mail1")[:2]
    maildir = farm.maildir(first)
    make_directory(maildir.parent.parent, farm.stores[0].owner, 0o700)
    maildir.parent.symlink_to(outside)
    assert deliver(farm, first).code == 451
    maildir.parent.unlink()
    assert deliver(farm, first).code == 250
    shutil.rmtree(maildir / "new")
    (maildir / "new").symlink_to(outside)
    assert deliver(farm, first).code == 451
    assert tree(outside) == []
    assert deliver(farm, second).code == 250


@pytest.fixture
def mounted(here, request):
    """A farm whose mail1 is a file system of its own, of 24 MiB; the journal takes ten of them."""
    reason = can_mount()
    if reason:
        pytest.skip(reason)
    farm = Farm(here / "farm", stores=1, partitions=2, users=4,
                store_settings=getattr(request, "param", {}))
    store = farm.stores[0]
    with MemoryMount(store.paths["mail1"], "24m") as volume:
        store.make_partition("mail1", store.paths["mail1"])
        with farm:
            yield farm, volume


@pytest.mark.parametrize("mounted", [{"sync_mode": "late"}], indirect=True)
def test_read_only(mounted):
    """F15: a file system that turned read-only. (Nobody but the kernel can do that to a volume whose
    journal is open: tests/crash.)"""
    farm, volume = mounted
    first = farm.living_on("store1/mail1")[0]
    assert deliver(farm, first).code == 250
    volume.remount("ro")
    before = tree(volume.path)
    assert_out_of_order(farm)
    assert tree(volume.path) == before
    volume.remount("rw")
    assert_heals(farm)


def test_full(mounted):
    """F12: 452 4.3.1 for a full disk, nothing half written; it resumes when there is room."""
    farm, volume = mounted
    first, second = (farm.living_on(f"store1/mail{number}")[0] for number in (1, 2))
    big = 700_000
    replies = []
    for number in range(30):
        reply = deliver(farm, first, mail(f"fill {number}", "x" * big))
        replies.append((reply.code, reply.enhanced))
        if reply.code != 250:
            break
    assert replies[-1] == (452, "4.3.1"), replies
    stored = farm.messages(first)
    assert len(stored) == len(replies) - 1
    assert all(file.stat().st_size > big for file in stored)
    assert list(farm.maildir(first).glob("tmp/*")) == []
    assert deliver(farm, second).code == 250
    stored[0].unlink()
    stored[1].unlink()
    reply = deliver(farm, first, mail("again", "x" * big))
    assert reply.code == 250, str(reply)


def test_unmounted_while_running(mounted):
    """The volume goes away and comes back under a running store."""
    farm, volume = mounted
    first = farm.living_on("store1/mail1")[0]
    assert deliver(farm, first).code == 250
    volume.stop()
    assert_out_of_order(farm)
    assert tree(volume.path) == []


def test_the_volume_of_a_removed_partition_can_be_unmounted(mounted):
    """Taken out of the settings, its journal is closed; put in again, everything is there."""
    farm, volume = mounted
    store = farm.stores[0]
    first = farm.living_on("store1/mail1")[0]
    assert deliver(farm, first).code == 250
    record = store.settings["partitions"].pop(0)
    assert "settings reloaded" in store.reload()
    farm.bridge.restart()  # a connection that is kept open holds the partition of its last message
    wait_until(lambda: subprocess.run(["umount", volume.path], capture_output=True,
                                      check=False).returncode == 0,
               lambda: f"the volume is let go: {store.last_lines()}", 20)
    volume.mounted = False
    wait_until(lambda: "journal closed: no partition uses it" in store.log_text(), "it says so")
    assert deliver(farm, first).code == 451
    volume.start()  # another one, as it were
    store.settings["partitions"].insert(0, record)
    store.make_partition("mail1", volume.path)
    store.reload()
    assert_heals(farm)
