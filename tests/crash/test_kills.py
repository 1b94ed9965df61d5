"""kill -9 at random moments: nothing acknowledged is lost, torn, misplaced or doubled (F1, F29)."""

import random

from conftest import scaled

from support.crashing_store import start_after, store_on
from support.store_judge import Judge
from support.store_senders import Senders


def test_killed_a_hundred_times(here, volume_of, say):
    """F1: 100 kills, 20,000 acknowledged; senders repeat what was not answered, under its NAME."""
    store = store_on(here, [volume_of("ext4", mebibytes=1000)])
    choice = random.Random(1)
    longest = 0.0
    kills = scaled(100)
    with store:
        with Senders(store, threads=8, large=200) as senders:
            for _ in range(kills):
                senders.wait_for(choice.randint(1, 400))
                store.kill()
                longest = max(longest, start_after(store))
        senders.finish()
        found = Judge(store.paths).judge(senders.sent)
    repeated = sum(one.tries > 1 for one in senders.sent.values())
    say(f"{kills} kills, {found}, answered after a repeat {repeated}, "
        f"slowest start {longest:.2f} s")
    assert found.clean, str(found)
    assert found.acknowledged >= kills * 200
