"""Real MTA -> bridge -> stores: each copy once, whole, in the right place, hard-linked."""

import pytest
from conftest import MTAS, make_mta, scaled

from support.homeward import Farm
from support.maildir_ledger import Ledger
from support.smtp_sender import Message, SmtpSender, compose, paper_mix
from support.waiting import wait_until

USERS = 60


@pytest.mark.parametrize("kind", MTAS)
def test_every_copy_exactly_once(here, kind):
    with Farm(here / "farm", stores=2, partitions=2, users=USERS) as farm:
        ledger = Ledger(here / "ledger")
        # The unix socket for one MTA, TCP for the other: both doors are used.
        lmtp = farm.bridge.lmtp_unix if kind == "postfix" else farm.bridge.lmtp_inet
        with make_mta(kind, here / "mta", lmtp) as mta:
            count = scaled(500)
            totals = SmtpSender(mta.smtp_port, ledger, connections=4).send(
                paper_mix(count, farm.mailboxes, seed=2033, recipients=(1, 50)))
            assert totals.messages == count and totals.refused == totals.unknown == 0
            mta.wait_until_empty(240, flush=True)
        verdict = farm.judge(here / "ledger")
        assert verdict.clean, str(verdict)
        assert verdict.stored == verdict.sent == totals.accepted
        assert not verdict.foreign and not verdict.unfinished, str(verdict)
        assert_linked(verdict)


def assert_linked(verdict):
    """One file per message and partition, unless the MTA split the recipients: 50 a delivery."""
    assert any(len(mailboxes) > 1 for files in verdict.links.values()
               for mailboxes in files.values())
    assert not verdict.unlinked(), verdict.unlinked()[:5]


@pytest.mark.parametrize("kind", MTAS)
def test_one_refused_of_fifty_delays_no_other(here, kind):
    """49 are delivered although one is refused, at RCPT (unknown) or after DATA (store away)."""
    with Farm(here / "farm", stores=3, partitions=1, users=USERS) as farm:
        farm.stores[2].stop()
        away = farm.living_on("store3")[0]
        there = farm.living_on("store1") + farm.living_on("store2")
        # Known to the MTA, not to the directory.
        unknown = f"nobody@{farm.domain}"
        ledger = Ledger(here / "ledger")
        messages = []
        for number, odd in enumerate((unknown, away)):
            to = (*there[:20], odd, *there[20:])
            identity = f"odd.{number}"
            messages.append(Message(identity, "sender@example.org", to,
                                    compose(identity, "sender@example.org", 3000)))
        with make_mta(kind, here / "mta", farm.bridge.lmtp_unix) as mta:
            SmtpSender(mta.smtp_port, ledger, connections=1).send(messages)
            # While store3 is away: all others have their copy.
            wait_for_copies(farm, there, 2)
            assert mta.queue_size() >= 1
            farm.stores[2].start()
            mta.wait_until_empty(120, flush=True)
        assert len(farm.messages(away)) == 1
        assert [len(farm.messages(mailbox)) for mailbox in there] == [2] * len(there)
        verdict = farm.judge(here / "ledger")
        assert not (verdict.torn or verdict.alien or verdict.duplicated or verdict.misplaced)
        # All the MTA took is there, but for the recipient nobody knows: that one was bounced.
        assert {line.split(" for ")[1].split(",")[0] for line in verdict.lost} == {unknown}


def wait_for_copies(farm, mailboxes, count):
    wait_until(lambda: all(len(farm.messages(mailbox)) >= count for mailbox in mailboxes),
               lambda: f"copies: {[len(farm.messages(mailbox)) for mailbox in mailboxes]}", 60)
