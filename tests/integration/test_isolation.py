"""A stuck partition or store delays nobody else (promise 15, F23): the others' mail is through while
it is still stuck."""

import threading

from conftest import Farm, free_port

from support.lmtp_client import LmtpClient, mail
from support.scripted_store import ScriptedStore
from support.waiting import wait_until


class Waiting:
    """Clients that each wait for the answer to one message."""

    def __init__(self, farm, mailbox, count):
        self.codes = []
        self.threads = [threading.Thread(target=self._deliver, args=(farm, mailbox, number),
                                         daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def _deliver(self, farm, mailbox, number):
        with LmtpClient(path=farm.bridge.socket, timeout=60) as client:
            (_, reply), = client.deliver("s@x", [mailbox], mail(f"stuck {number}"))
            self.codes.append(reply.code)

    def finish(self):
        for thread in self.threads:
            thread.join(60)
        return self.codes


def deliver(farm, mailbox, count):
    with LmtpClient(path=farm.bridge.socket, timeout=60) as client:
        return [client.deliver("s@x", [mailbox], mail(f"free {number}"))[0][1].code
                for number in range(count)]


def test_a_stuck_partition_of_the_same_store(here):
    """More messages than the store may have connections wait for mail1; mail2 is served."""
    release = threading.Event()
    stuck = threading.Semaphore(0)

    def tamper(verb, octets, message):
        if verb == "RESULTS" and message.partition == "mail1":
            stuck.release()
            release.wait(60)
        return octets

    farm = Farm(here / "farm", stores=1, partitions=2, users=2)
    with ScriptedStore(free_port(), tamper=tamper) as store:
        farm.stores[0].endpoint = f"127.0.0.1:{store.port}"
        with farm:
            slow, quick = farm.mailboxes
            waiting = Waiting(farm, slow, 40)
            for _ in range(16):  # all that one partition may hold of the 20
                assert stuck.acquire(timeout=30)
            assert deliver(farm, quick, 50) == [250] * 50
            assert waiting.codes == []
            release.set()
            assert waiting.finish() == [250] * 40
            assert sorted(to for one in store.messages for to in one.recipients) == sorted(
                [slow] * 40 + [quick] * 50)


def test_a_stuck_store(farm):
    """A store is frozen with many messages in hand: the other one's users notice nothing, also for
    messages that a client sends on the same connection after one that was deferred."""
    frozen, other = farm.stores
    slow = farm.living_on("store1/mail1")[0]
    quick = farm.living_on("store2/mail1")[0]
    frozen.pause()
    waiting = Waiting(farm, slow, 30)
    assert deliver(farm, quick, 100) == [250] * 100
    assert waiting.codes == []
    frozen.resume()
    assert waiting.finish() == [250] * 30
    assert len(farm.messages(slow)) == 30 and len(farm.messages(quick)) == 100


def test_a_store_that_is_down_is_answered_at_once(farm):
    """The breaker: while a store is known to be down its mail is 451 without waiting, on a connection
    that stays; when it is back it is used again by itself."""
    down = farm.stores[0]
    lost = farm.living_on("store1/mail1")[0]
    good = farm.living_on("store2/mail1")[0]
    down.stop()
    with LmtpClient(path=farm.bridge.socket) as client:
        for number in range(20):
            replies = client.deliver("s@x", [lost, good], mail(f"down {number}"))
            assert [reply.code for _, reply in replies] == [451, 250]
            assert replies[0][1].enhanced[:3] == "4.3" or replies[0][1].enhanced[:3] == "4.4"
        down.start()
        wait_until(lambda: client.deliver("s@x", [lost], mail("up"))[0][1].code == 250,
                   "the store is used again", 40)
    assert len(farm.messages(lost)) == 1 and len(farm.messages(good)) == 20
    assert "store is down" in farm.bridge.log_text()
    wait_until(lambda: "store is up again" in farm.bridge.log_text(), "the log says so")


def test_a_flood_for_one_mailbox_leaves_room(farm):
    """Many messages at once for one mailbox: some may be told to try later, its neighbour is not."""
    flooded, neighbour = farm.living_on("store1/mail1")
    waiting = Waiting(farm, flooded, 80)
    assert deliver(farm, neighbour, 30) == [250] * 30
    codes = waiting.finish()
    assert set(codes) <= {250, 451} and len(codes) == 80
    assert len(farm.messages(flooded)) == codes.count(250)
