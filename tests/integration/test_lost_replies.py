"""The store has the message, its answer is lost (F18, F19, F20): every repeat finds the one copy."""

import pytest
from conftest import scaled

from support.homeward import Farm
from support.lmtp_client import ConnectionEnded, LmtpClient, mail
from support.ports import free_port
from support.reply_cutter import HOLD, PASS, ReplyCutter

# The store's result for one recipient is about this long; every byte of it is a place to cut.
LONGEST_RESULT = 160


class FarmBehindCutter:
    """One store with one partition, and a proxy between it and the bridge."""

    def __init__(self, here, choose, users=6, bridge_settings=None):
        self.farm = Farm(here / "farm", stores=1, partitions=1, users=users,
                         bridge_settings=bridge_settings)
        store = self.farm.stores[0]
        self.cutter = ReplyCutter(free_port(), store.port, choose)
        store.endpoint = f"127.0.0.1:{self.cutter.port}"

    def __enter__(self):
        self.cutter.start()
        self.farm.__enter__()
        return self

    def __exit__(self, *error):
        self.farm.__exit__(*error)
        self.cutter.stop()

    def client(self):
        return LmtpClient(path=self.farm.bridge.socket)

    def copies(self):
        return [len(self.farm.messages(mailbox)) for mailbox in self.farm.mailboxes]


def test_a_thousand_lost_replies_make_one_copy_each(here):
    """Every first answer is eaten: the bridge repeats under the same NAME and tells success."""
    trials = scaled(1000)
    with FarmBehindCutter(here, lambda name, attempt: 0 if attempt == 1 else PASS) as between:
        with between.client() as client:
            for number in range(trials):
                to = between.farm.mailboxes[number % 6]
                (_, reply), = client.deliver("s@example.net", [to], mail(f"lost {number}"))
                assert reply.code == 250, str(reply)
        assert set(between.cutter.attempts.values()) == {2}
        assert len(between.cutter.attempts) == trials
        assert sum(between.copies()) == trials
        assert subjects(between.farm) == {f"lost {number}": 1 for number in range(trials)}


def subjects(farm):
    """How often each subject lies in all Maildirs together."""
    found = {}
    for mailbox in farm.mailboxes:
        for file in farm.messages(mailbox):
            head = file.read_bytes().partition(b"\n\n")[0].decode()
            subject = head.partition("Subject: ")[2].partition("\n")[0]
            found[subject] = found.get(subject, 0) + 1
    return found


def test_an_answer_cut_at_every_octet(here):
    """"+", "+O", "+OK" ... of three results: those read in full count, the others are asked again."""
    cut = {"at": 0}
    choose = lambda name, attempt: cut["at"] if attempt == 1 else PASS  # noqa: E731
    with FarmBehindCutter(here, choose) as between:
        to = between.farm.mailboxes[:3]
        with between.client() as client:
            for at in range(3 * LONGEST_RESULT):
                cut["at"] = at
                message = mail(f"cut {at}")
                replies = client.deliver("s@example.net", to, message)
                if 451 in [reply.code for _, reply in replies]:
                    # Cut behind the last octet, the connection may be reused before its end is
                    # seen: then this message loses two answers in a row, and the MTA repeats it.
                    # It can only follow an answer that came through whole.
                    assert list(between.cutter.attempts.values())[-2] == 1, (at, replies)
                    replies = client.deliver("s@example.net", to, message)
                assert [reply.code for _, reply in replies] == [250] * 3, (at, replies)
        assert between.copies() == [3 * LONGEST_RESULT] * 3 + [0] * 3
        repeated = [tries for tries in between.cutter.attempts.values() if tries > 1]
        # All but those cut behind the last octet had to be repeated.
        assert LONGEST_RESULT < len(repeated) < 3 * LONGEST_RESULT


def test_lost_replies_with_recipients_refused(here):
    """One recipient is unknown, one cannot be filed: the two good ones get one copy each."""
    with FarmBehindCutter(here, lambda name, attempt: 0 if attempt == 1 else PASS) as between:
        farm = between.farm
        first, blocked, last = farm.mailboxes[:3]
        # A file where the user's directory would be.
        block = farm.maildir(blocked).parent
        block.parent.mkdir(parents=True, exist_ok=True)
        block.parent.chmod(0o777)
        block.write_text("in the way")
        to = [first, f"nobody@{farm.domain}", blocked, last]
        rounds = scaled(100)
        with between.client() as client:
            for number in range(rounds):
                replies = client.deliver("s@example.net", to, mail(f"mixed {number}"))
                assert [reply.code for _, reply in replies] == [250, 550, 451, 250], replies
        assert len(farm.messages(first)) == len(farm.messages(last)) == rounds
        assert block.read_text() == "in the way"


def test_both_answers_lost_then_the_mta_repeats(here):
    """The bridge repeats once, then answers 451 with the hint at a possible second copy. The MTA's
    repeat has the same octets and so the same key: one copy."""
    lose = {"until": 2}
    choose = lambda name, attempt: 0 if attempt <= lose["until"] else PASS  # noqa: E731
    with FarmBehindCutter(here, choose) as between:
        to = between.farm.mailboxes[:2]
        for number in range(scaled(60)):
            between.cutter.attempts.clear()
            lose["until"] = 2
            with between.client() as client:
                replies = client.deliver("s@example.net", to, mail(f"twice {number}"))
                assert [(reply.code, reply.enhanced) for _, reply in replies] == [(451, "4.4.2")] * 2
            lose["until"] = 0
            codes = deliver_until_answered(between, to, mail(f"twice {number}"))
            assert codes == [250, 250]
        assert between.copies()[:2] == [scaled(60)] * 2


def deliver_until_answered(between, to, octets):
    """As an MTA does: again after each 451. The breaker may have opened meanwhile."""
    from support.waiting import wait_until

    def attempt():
        with between.client() as client:
            codes = [reply.code for _, reply in client.deliver("s@example.net", to, octets)]
        return None if 451 in codes else codes

    return wait_until(attempt, "the repeat is accepted", 60)


def test_an_answer_that_never_comes(here):
    """The connection stays open and silent: given up after stores.results, asked again."""
    patience = {"stores": {"results": "1s", "whole_wait": "10s"}}
    choose = lambda name, attempt: HOLD if attempt == 1 else PASS  # noqa: E731
    with FarmBehindCutter(here, choose, bridge_settings=patience) as between:
        to = between.farm.mailboxes[:3]
        with between.client() as client:
            replies = client.deliver("s@example.net", to, mail("silence"))
        assert [reply.code for _, reply in replies] == [250] * 3
        assert between.copies()[:3] == [1, 1, 1]


@pytest.mark.parametrize("answered", range(5))
def test_the_lmtp_client_loses_the_replies_and_repeats(farm, answered):
    """The same on the MTA's side: it read `answered` of four replies, then repeats the message
    for the others. Also when it repeats for all, as one that forgot everything would."""
    to = farm.mailboxes[:4]
    octets = mail(f"repeat {answered}")
    client = LmtpClient(path=farm.bridge.socket)
    client.send("MAIL FROM:<s@example.net>\r\n")
    client.send("".join(f"RCPT TO:<{one}>\r\n" for one in to) + "DATA\r\n")
    assert [client.reply().code for _ in range(6)] == [250] * 5 + [354]
    client.send(octets + b".\r\n")
    for _ in range(answered):
        assert client.reply().code == 250
    client.close()
    for again in (to[answered:], to):
        if again:
            with LmtpClient(path=farm.bridge.socket) as second:
                replies = second.deliver("s@example.net", again, octets)
            assert [reply.code for _, reply in replies] == [250] * len(again)
    assert [len(farm.messages(one)) for one in farm.mailboxes] == [1] * 4 + [0] * 4


def test_a_client_that_dies_within_the_message_leaves_nothing(farm):
    """F24: an unfinished message is no message, wherever it ends."""
    octets = mail("unfinished") + b".\r\n"
    for end in range(0, len(octets)):
        with LmtpClient(path=farm.bridge.socket) as client:
            client.send(f"MAIL FROM:<s@example.net>\r\nRCPT TO:<{farm.mailboxes[0]}>\r\nDATA\r\n")
            assert [client.reply().code for _ in range(3)] == [250, 250, 354]
            client.send(octets[:end])
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@example.net", farm.mailboxes[1:2], mail("honest"))
        assert reply.code == 250
        with pytest.raises(ConnectionEnded):
            client.command("QUIT")
            client.reply()
    assert [len(farm.messages(one)) for one in farm.mailboxes[:2]] == [0, 1]
