"""Limits of mailboxes: who is refused and who is not, with the real bridge, store and directory, and
what the store tells of it (FULL)."""

import re
import threading
import time

from conftest import Farm, scaled

from support.lmtp_client import LmtpClient, mail
from support.store_client import StoreClient
from support.waiting import wait_until

KIB = 1024
PARTITION = "store1/mail1"


def quota_farm(here, quotas, recount="1s", partitions=1, **bridge):
    """One store; `quotas`: mailbox -> limit in octets, 0 for none."""
    farm = Farm(here / "farm", stores=1, partitions=partitions, users=0, bridge_settings=bridge,
                store_settings={"quota": {"recount": recount}})
    for mailbox, limit in quotas.items():
        farm.add_user(mailbox, PARTITION, quota=f"{limit} B")
    return farm


def body(octets):
    """Lines of text, `octets` in all."""
    line = "x" * 98 + "\r\n"
    return (line * (octets // 100 + 1))[:octets - 2]


def send(farm, recipients, subject, octets=4 * KIB):
    """One message; returns the replies."""
    with LmtpClient(path=farm.bridge.socket, timeout=90) as client:
        return [reply for _, reply in
                client.deliver("s@example.net", recipients, mail(subject, body(octets)))]


def codes(replies):
    return [reply.code for reply in replies]


def used(farm, mailbox):
    return sum(file.stat().st_size for file in farm.messages(mailbox))


def fill(farm, mailbox, octets=4 * KIB):
    """Until a message is refused; returns how many were taken, and the refusal."""
    for number in range(1000):
        reply, = send(farm, [mailbox], f"fill {number}", octets)
        if reply.code != 250:
            return number, reply
    raise AssertionError(f"{mailbox} does not become full")


def full_mailboxes(farm):
    """{mailbox: (used, limit, age)} as FULL tells them."""
    with StoreClient(farm.stores[0].port) as client:
        head = client.command("FULL")
        count = int(re.fullmatch(r"\+OK \[USAGE count=(\d+)\]", head)[1])
        told = {}
        for _ in range(count):
            line = client.reply()
            match = re.fullmatch(r"\+OK \[USAGE partition=mail1 used=(\d+) limit=(\d+) age=(\d+)\] "
                                 r"<(.*)>", line)
            assert match, line
            told[match[4]] = tuple(map(int, match.groups()[:3]))
        assert client.command("NOOP").startswith("+OK")
    return told


def test_a_mailbox_is_filled_up_to_its_limit(here):
    """452 4.2.2 from then on, and never beyond; others of the same message get theirs; a small
    message still fits; a user without limit has none."""
    limit = 64 * KIB
    with quota_farm(here, {"ann@example.org": limit, "bob@example.org": 0}) as farm:
        taken, refusal = fill(farm, "ann@example.org")
        assert (refusal.code, refusal.enhanced) == (452, "4.2.2")
        assert limit - 5 * KIB < used(farm, "ann@example.org") <= limit
        assert taken == len(farm.messages("ann@example.org"))
        both = send(farm, ["ann@example.org", "bob@example.org"], "for both")
        assert codes(both) == [452, 250]
        assert len(farm.messages("bob@example.org")) == 1
        big, = send(farm, ["bob@example.org"], "big", 2 * limit)
        assert big.code == 250
        assert "message refused" in farm.stores[0].log_text()
        assert f"of {limit} octets" in farm.stores[0].log_text(), "the log tells the figures"
        assert str(limit) not in str(refusal), "the sender is not told them"


def test_a_message_larger_than_the_limit_is_refused(here):
    with quota_farm(here, {"ann@example.org": 16 * KIB}) as farm:
        assert codes(send(farm, ["ann@example.org"], "too large", 20 * KIB)) == [452]
        assert codes(send(farm, ["ann@example.org"], "fits", 12 * KIB)) == [250]


def test_by_setting_it_is_552(here):
    with quota_farm(here, {"ann@example.org": 16 * KIB},
                    replies={"mailbox_full_is_permanent": True}) as farm:
        _, refusal = fill(farm, "ann@example.org")
        assert (refusal.code, refusal.enhanced) == (552, "5.2.2")


def test_deleting_heals_at_once(here):
    """As soon as the reader has deleted, the same message is taken; also what lies in folders counts,
    and names without a size."""
    with quota_farm(here, {"ann@example.org": 64 * KIB}, recount="1h") as farm:
        fill(farm, "ann@example.org")
        maildir = farm.maildir("ann@example.org")
        trash = maildir / ".Trash" / "cur"
        trash.mkdir(parents=True)
        for file in farm.messages("ann@example.org"):
            file.rename(trash / (file.name.split(",")[0] + ":2,T"))  # moved, not deleted
        time.sleep(1.1)  # a mailbox is counted once a second at most
        assert codes(send(farm, ["ann@example.org"], "waits")) == [452]
        for file in trash.iterdir():
            file.unlink()
        time.sleep(1.1)
        assert codes(send(farm, ["ann@example.org"], "waits")) == [250]


def test_a_changed_limit_holds_with_the_next_message(here):
    with quota_farm(here, {"ann@example.org": 16 * KIB}) as farm:
        fill(farm, "ann@example.org")
        farm.users.users["ann@example.org"]["quota"] = f"{64 * KIB} B"
        farm.users.write()
        wait_until(lambda: codes(send(farm, ["ann@example.org"], "more room")) == [250],
                   "the new limit is used", 20)


def test_parallel_senders_do_not_overshoot(here):
    """Twenty senders at a time, larger and smaller messages, journalled and too large for that."""
    limit = 600 * KIB
    with quota_farm(here, {"ann@example.org": limit, "bob@example.org": 0}) as farm:
        answers = []

        def sender(number):
            for turn in range(scaled(10)):
                size = (1 + (number * 7 + turn * 3) % 16) * KIB
                answers.extend(codes(send(farm, ["ann@example.org"], f"{number}.{turn}", size)))

        threads = [threading.Thread(target=sender, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert used(farm, "ann@example.org") <= limit
        assert answers.count(250) == len(farm.messages("ann@example.org"))
        assert 452 in answers and set(answers) <= {250, 451, 452}
        _, refusal = fill(farm, "ann@example.org", 1 * KIB)
        assert refusal.code == 452
        assert limit - 3 * KIB < used(farm, "ann@example.org") <= limit


def test_one_full_recipient_of_many(here):
    """A message for twenty of one partition: one is full. The others share one file."""
    quotas = {f"u{number}@example.org": 1024 * KIB for number in range(19)}
    with quota_farm(here, {"full@example.org": 8 * KIB} | quotas) as farm:
        fill(farm, "full@example.org")
        for warm in quotas:
            assert codes(send(farm, [warm], f"first for {warm}", 100)) == [250]
        to = ["full@example.org", *quotas]
        assert codes(send(farm, to, "for all")) == [452] + [250] * 19
        copies = [file for mailbox in quotas for file in farm.messages(mailbox)
                  if file.stat().st_nlink > 1]
        assert len(copies) == 19 and len({file.stat().st_ino for file in copies}) == 1


def test_a_store_that_starts_again_knows_what_is_full(here):
    """Stopped and killed: the limit holds with the first message; what was acknowledged is there, and
    the recovery refuses nothing."""
    limit = 64 * KIB
    with quota_farm(here, {"ann@example.org": limit}) as farm:
        store = farm.stores[0]
        taken, _ = fill(farm, "ann@example.org")
        for stop in (store.stop, store.kill):
            stop()
            store.start()
            wait_until(lambda: codes(send(farm, ["ann@example.org"], "one more")) == [452],
                       "the store is used again, and ann is full", 30)
            assert len(farm.messages("ann@example.org")) == taken
        assert used(farm, "ann@example.org") <= limit


def test_killed_with_mailboxes_at_their_limit(here):
    """kill -9 again and again while senders fill mailboxes: nothing acknowledged is lost, nothing
    doubled, no mailbox over its limit, what the recovery files included."""
    limit = 40 * KIB
    boxes = [f"u{number}@example.org" for number in range(10)]
    with quota_farm(here, dict.fromkeys(boxes, limit)) as farm:
        acknowledged = {mailbox: set() for mailbox in boxes}
        stop = threading.Event()

        def sender(number):
            mailbox, turn = boxes[number], 0
            while not stop.is_set():
                subject = f"mail-{number}-{turn}"
                try:
                    if codes(send(farm, [mailbox], subject, 3 * KIB)) == [250]:
                        acknowledged[mailbox].add(subject)
                        turn += 1
                except OSError:
                    pass

        threads = [threading.Thread(target=sender, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for _ in range(scaled(4)):
            time.sleep(1.0)
            farm.stores[0].kill()
            farm.stores[0].start()
        time.sleep(2.0)
        stop.set()
        for thread in threads:
            thread.join()
        for mailbox in boxes:
            subjects = [re.search(rb"^Subject: (\S+)", file.read_bytes(), re.M)[1].decode()
                        for file in farm.messages(mailbox)]
            assert len(subjects) == len(set(subjects)), "doubled"
            assert acknowledged[mailbox] <= set(subjects), "lost"
            assert used(farm, mailbox) <= limit
            assert acknowledged[mailbox], "something was taken at all"


def test_full_tells_who_is_full_and_who_no_more(here):
    """Over the wire; a mailbox leaves the list when its user has deleted, though no mail comes."""
    with quota_farm(here, {"ann@example.org": 64 * KIB, "bob@example.org": 64 * KIB,
                           "eve@example.org": 0}) as farm:
        assert full_mailboxes(farm) == {}
        fill(farm, "ann@example.org")
        send(farm, ["bob@example.org", "eve@example.org"], "a little")
        told = full_mailboxes(farm)
        assert list(told) == ["ann@example.org"]
        assert told["ann@example.org"][0] == used(farm, "ann@example.org")
        assert told["ann@example.org"][1] == 64 * KIB
        for file in farm.messages("ann@example.org"):
            file.unlink()
        wait_until(lambda: full_mailboxes(farm) == {}, "ann is no longer told", 30)


def test_full_tells_only_partitions_of_the_peer(here):
    farm = quota_farm(here, {"ann@example.org": 8 * KIB})
    with farm:
        fill(farm, "ann@example.org", 512)
        assert full_mailboxes(farm)
        farm.stores[0].settings["partitions"][0]["peers"] = ["192.0.2.1"]
        farm.stores[0].reload()
        assert full_mailboxes(farm) == {}


def test_a_folder_that_cannot_be_read_refuses_nobody(here):
    """The fault is logged once, with the mailbox; the mail goes in."""
    with quota_farm(here, {"ann@example.org": 8 * KIB}) as farm:
        taken, _ = fill(farm, "ann@example.org")
        (farm.maildir("ann@example.org") / ".Shut").symlink_to("/nonexistent")
        folder = farm.maildir("ann@example.org") / ".Broken"
        folder.mkdir()
        (folder / "cur").symlink_to("/etc")
        time.sleep(1.1)
        for number in range(3):
            assert codes(send(farm, ["ann@example.org"], f"goes in {number}")) == [250]
        assert len(farm.messages("ann@example.org")) == taken + 3
        lines = [line for line in farm.stores[0].log_text().splitlines()
                 if "its limit is not enforced" in line]
        assert len(lines) == 1 and "ann@example.org" in lines[0]


def test_a_huge_mailbox_delays_nobody(here):
    """Its first message waits for the count; the others of the partition do not even notice."""
    with quota_farm(here, {"huge@example.org": 1 << 40, "ann@example.org": 1 << 30}) as farm:
        assert codes(send(farm, ["huge@example.org"], "makes the Maildir")) == [250]
        folder = farm.maildir("huge@example.org") / ".Archive" / "cur"
        folder.mkdir(parents=True)
        for number in range(scaled(20_000)):
            (folder / f"1.{number}.mx,S={number}:2,S").touch()
        farm.stores[0].restart()
        wait_until(lambda: codes(send(farm, ["ann@example.org"], "up")) == [250], "it is up", 30)
        results = []
        slow = threading.Thread(target=lambda: results.extend(
            codes(send(farm, ["huge@example.org"], "counted first"))))
        slow.start()
        assert codes(send(farm, ["ann@example.org"], "meanwhile")) == [250]
        slow.join()
        assert results == [250]


def test_switched_off_nobody_is_refused(here):
    with quota_farm(here, {"ann@example.org": 8 * KIB}) as farm:
        fill(farm, "ann@example.org")
        farm.stores[0].settings["quota"]["enforce"] = False
        farm.stores[0].reload()
        for number in range(5):
            assert codes(send(farm, ["ann@example.org"], f"over {number}")) == [250]
        assert full_mailboxes(farm)["ann@example.org"][0] > 8 * KIB
