"""SIGTERM and SIGHUP under load (F29): what was begun is finished, new work gets 421, sessions go
on, a faulty file changes nothing."""

import threading
import time

import pytest
from conftest import MTAS, make_mta, scaled

from support.homeward import Farm
from support.lmtp_client import ConnectionEnded, LmtpClient, mail
from support.maildir_ledger import Ledger
from support.smtp_sender import SmtpSender, paper_mix
from support.store_client import StoreClient
from support.waiting import wait_until


class Load:
    """LMTP clients that deliver until told to stop, and what they were answered."""

    def __init__(self, farm, clients=3):
        self.farm = farm
        self.accepted = []
        self.deferred = []
        self.wrong = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True)
                         for number in range(clients)]

    def _work(self, number):
        count = 0
        while not self._stopped.is_set():
            try:
                with LmtpClient(path=self.farm.bridge.socket, timeout=40) as client:
                    for _ in range(20):
                        count += 1
                        subject = f"load {number}.{count}"
                        to = self.farm.mailboxes[count % len(self.farm.mailboxes)]
                        (_, reply), = client.deliver("s@x", [to], mail(subject))
                        self._note(to, subject, reply)
            except (ConnectionEnded, OSError):
                time.sleep(0.02)

    def _note(self, to, subject, reply):
        if reply.code == 250:
            self.accepted.append((to, subject))
        elif 400 <= reply.code < 500:
            self.deferred.append(str(reply))
        else:
            self.wrong.append(str(reply))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for_more(self, count=20):
        wanted = len(self.accepted) + count
        wait_until(lambda: len(self.accepted) >= wanted, lambda: "more mail is accepted", 60)

    def assert_all_are_there(self):
        """Every accepted message has exactly one copy in its mailbox."""
        assert not self.wrong, self.wrong[:3]
        for mailbox in self.farm.mailboxes:
            stored = [line for file in self.farm.messages(mailbox)
                      for line in file.read_text().splitlines() if line.startswith("Subject: ")]
            owed = [f"Subject: {subject}" for to, subject in self.accepted if to == mailbox]
            assert not set(owed) - set(stored), set(owed) - set(stored)
            assert len(stored) == len(set(stored)), "doubled"


def test_restarts_under_load(farm):
    """Stores and bridge are stopped and started again in turn: each ends with status 0 after it
    finished what was begun; nothing accepted is missing."""
    with Load(farm) as load:
        for number in range(scaled(9)):
            load.wait_for_more()
            daemon = farm.daemons[number % 3]
            assert daemon.stop() == 0, daemon.last_lines()
            assert "stopped" in daemon.log_text()
            assert "cut" not in daemon.log_since_start()
            daemon.start()
        load.wait_for_more()
    load.assert_all_are_there()


def test_a_message_begun_is_finished_and_new_work_refused(farm):
    """SIGTERM to the bridge in the middle of DATA: this message is taken and answered, then 421;
    idle sessions are told 421 at once; nobody new is let in."""
    one, two = farm.mailboxes[:2]
    idle = LmtpClient(port=farm.bridge.port)
    busy = LmtpClient(port=farm.bridge.port)
    busy.send(f"MAIL FROM:<s@x>\r\nRCPT TO:<{one}>\r\nRCPT TO:<{two}>\r\nDATA\r\n")
    assert [busy.reply().code for _ in range(4)] == [250, 250, 250, 354]
    octets = mail("begun")
    busy.send(octets[:20])
    farm.bridge.terminate()
    assert idle.reply().code == 421
    assert idle.is_closed()
    with pytest.raises((OSError, ConnectionEnded)):
        LmtpClient(port=farm.bridge.port, timeout=5).reply()
    busy.send(octets[20:] + b".\r\n")
    assert [busy.reply().code for _ in range(2)] == [250, 250]
    assert busy.reply().code == 421
    assert busy.is_closed()
    assert farm.bridge.wait_for_end() == 0
    assert [len(farm.messages(mailbox)) for mailbox in (one, two)] == [1, 1]


def test_a_store_finishes_the_transaction_begun(farm):
    store = farm.stores[0]
    octets = mail("begun")
    idle = StoreClient(store.port)
    busy = StoreClient(store.port)
    to = farm.living_on("store1/mail1")[:1]
    assert busy.envelope("1.k.mx", "mail1", "s@x", to, len(octets))[-1].startswith("+OK")
    busy.send(b"DATA\r\n" + octets[:10])
    store.terminate()
    while idle.reply():
        pass  # a last word is allowed; then it is closed
    busy.send(octets[10:])
    assert busy.reply().startswith("+OK [STORED")
    assert store.wait_for_end() == 0
    assert len(farm.messages(to[0])) == 1


def test_a_slow_peer_does_not_hold_up_the_stop_for_ever(farm):
    """A client that stays silent within a message is cut after the grace, and the stop is clean."""
    with LmtpClient(port=farm.bridge.port) as client:
        client.send(f"MAIL FROM:<s@x>\r\nRCPT TO:<{farm.mailboxes[0]}>\r\nDATA\r\nhalf")
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        farm.bridge.terminate()
        assert farm.bridge.wait_for_end(45) == 0
    assert farm.messages(farm.mailboxes[0]) == []


@pytest.mark.parametrize("which", ["bridge", "store"])
def test_reloads_under_load(farm, which):
    """SIGHUP again and again, every third time with a faulty file: no session ends, nothing is
    refused."""
    daemon = farm.bridge if which == "bridge" else farm.stores[0]
    with Load(farm) as load:
        load.wait_for_more()
        for number in range(scaled(12)):
            daemon.settings["limits"]["recipients"] = 500 + number
            if number % 3 == 2:
                daemon.settings["no_such_setting"] = 1
            said = daemon.reload()
            if number % 3 == 2:
                assert f"{daemon.config}:" in said and "no_such_setting" in said, said
                assert "settings reloaded" not in said
                del daemon.settings["no_such_setting"]
            else:
                assert "settings reloaded" in said, said
            load.wait_for_more(5)
    assert load.deferred == []
    load.assert_all_are_there()


def test_a_reload_changes_limits_and_a_faulty_one_does_not(farm):
    one = farm.mailboxes[0]
    big = mail(body="x" * 3000)
    farm.bridge.settings["limits"]["message_size"] = "2 KiB"
    farm.bridge.reload()
    with LmtpClient(port=farm.bridge.port) as client:
        assert "SIZE 2048" in client.capabilities
        (_, reply), = client.deliver("s@x", [one], big)
        assert (reply.code, reply.enhanced) == (552, "5.3.4")
    farm.bridge.settings["limits"]["message_size"] = "nonsense"
    assert "limits.message_size" in farm.bridge.reload()
    with LmtpClient(port=farm.bridge.port) as client:
        assert "SIZE 2048" in client.capabilities
    farm.bridge.settings["limits"]["message_size"] = "1 MiB"
    farm.bridge.reload()
    with LmtpClient(port=farm.bridge.port) as client:
        (_, reply), = client.deliver("s@x", [one], big)
        assert reply.code == 250


def test_a_reload_adds_and_drains_partitions(farm):
    """A new partition serves after SIGHUP; a draining one still takes mail of those who live there;
    an offline one says try later; a removed one too: a mistake must never bounce mail."""
    store = farm.stores[0]
    new = f"new@{farm.domain}"
    farm.add_user(new, "store1/mail3")
    farm.users.add_partition("store1/mail3")
    farm.users.write()
    wait_until(lambda: deliver(farm, new).code == 451, "the new user is known", 10)
    store.add_partition("mail3")
    assert "settings reloaded" in store.reload()
    wait_until(lambda: deliver(farm, new).code == 250, "the new partition serves", 10)
    record = store.settings["partitions"][0]
    old = farm.living_on("store1/mail1")[0]
    for state, code in (("draining", 250), ("offline", 451), ("active", 250)):
        record["state"] = state
        store.reload()
        assert deliver(farm, old).code == code, state
        assert deliver(farm, new).code == 250
    store.settings["partitions"].remove(record)
    store.reload()
    assert deliver(farm, old).code == 451
    assert deliver(farm, new).code == 250


def deliver(farm, mailbox, octets=None):
    with LmtpClient(path=farm.bridge.socket) as client:
        (_, reply), = client.deliver("s@x", [mailbox], octets or mail(received=False))
    return reply


@pytest.mark.parametrize("kind", MTAS)
def test_restarts_under_a_real_mta(here, kind):
    """A rolling restart of everything while the MTA delivers: nothing lost, bounced or doubled."""
    with Farm(here / "farm", users=16) as farm:
        ledger = Ledger(here / "ledger")
        with make_mta(kind, here / "mta", farm.bridge.lmtp_unix) as mta:
            sender = SmtpSender(mta.smtp_port, ledger, connections=3)
            messages = list(paper_mix(scaled(150), farm.mailboxes, seed=29, recipients=(1, 6)))
            thread = threading.Thread(target=sender.send, args=(messages,), daemon=True)
            thread.start()
            for daemon in farm.daemons:
                time.sleep(0.3)
                assert daemon.stop() == 0
                daemon.start()
            thread.join(120)
            mta.wait_until_empty(120, flush=True)
        verdict = farm.judge(here / "ledger")
        assert verdict.clean and verdict.stored == verdict.sent and not verdict.foreign, str(verdict)
