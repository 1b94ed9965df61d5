"""The power fails at random moments: nothing acknowledged is lost or torn (F4, F5, F19)."""

import random

import pytest
from conftest import scaled

from support.crashing_store import cut_power, start_after, store_on, sync_all
from support.loop_volume import FLUSH_LOG, FREEZE_FIRST, NO_LOG_FLUSH
from support.store_judge import Judge
from support.store_senders import Senders

# Most cuts drop the log; a few are kinder, as a machine may be.
FLAGS = (NO_LOG_FLUSH,) * 8 + (FLUSH_LOG, FREEZE_FIRST)


def cut_again_and_again(here, volume, cuts, say, settings=None, name=""):
    """Mail flows all the time; after each cut the Maildirs are judged while it goes on.

    Everything acknowledged before the cut must be there when the door opens again: the senders
    are stopped meanwhile, so that no repeat of theirs hides a loss.
    """
    store = store_on(here, [volume], partitions=3, settings=settings)
    choice = random.Random(f"{volume.kind}{name}")
    longest = 0.0
    with store:
        sync_all()
        judge = Judge(store.paths)
        senders = Senders(store, threads=12, large=100)
        for cut in range(cuts):
            with senders:
                senders.wait_for(choice.randint(1, 150))
                cut_power(store, volume, choice.choice(FLAGS))
            longest = max(longest, start_after(store))
            found = judge.judge(senders.sent)
            assert found.clean, f"cut {cut + 1}: {found}"
        senders.finish()
        found = judge.judge(senders.sent, all_files=True)
    repeated = sum(one.tries > 1 for one in senders.sent.values())
    say(f"{cuts} cuts, {found}, answered after a repeat {repeated}, slowest start {longest:.2f} s")
    assert found.clean, str(found)
    return found


@pytest.mark.parametrize(("kind", "cuts"), [("ext4", 60), ("xfs", 60), ("btrfs", 20)])
def test_power_is_cut_again_and_again(here, volume_of, say, kind, cuts):
    """F4, F5: 60 cuts on ext4 and xfs, 20 on btrfs. A checkpoint runs every second."""
    found = cut_again_and_again(here, volume_of(kind, mebibytes=600), scaled(cuts), say,
                                settings={"journal": {"checkpoint": "1s"}})
    assert found.acknowledged >= scaled(cuts) * 20
