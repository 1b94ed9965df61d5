"""postfix-conf: look-up, policy and milter on a real Postfix, each of them there, away and silent."""

import re
import shutil
import smtplib
import subprocess
import threading

import pytest

from support import postfix
from support.fake_lmtp import FakeLmtp
from support.homeward import BRIDGE_USER, program
from support.milter import Milter
from support.ports import free_port
from support.postfix_doors import HANG_UP, LookUpDoor, MilterDoor, PolicyDoor
from support.run_directory import new_run_directory
from support.user_directory import YamlDirectory
from support.waiting import wait_until

FRAGMENTS = ("homeward-lookup.cf", "homeward-policy.cf", "homeward-milter.cf", "homeward-tuning.cf")

USERS = ("ann@example.org", "bob@example.org")

MESSAGE = b"Subject: one\r\n\r\nhello\r\n"


def directory_answer(name, key):
    """What a directory with two users says."""
    user, _, domain = key.rpartition("@")
    known = f"{user.partition('+')[0]}@{domain}" in USERS
    answers = {"domain": "OK example.org" if key == "example.org" else "",
               "mailbox": f"OK {key}" if known else "",
               "transport": "OK homeward:unix:homeward/lmtp.sock" if known else ""}
    return answers[name] or "NOTFOUND "


class Front:
    """SMTP sessions with a Postfix."""

    def __init__(self, mta):
        self.mta = mta

    def session(self):
        session = smtplib.SMTP("127.0.0.1", self.mta.smtp_port, timeout=60)
        session.ehlo("client.example.org")
        return session

    def rcpt(self, address, sender="sender@example.net"):
        """What RCPT is answered in a session of its own."""
        with self.session() as session:
            session.mail(sender)
            return _line(session.rcpt(address))

    def send(self, address, subject):
        """What the end of a message is answered."""
        with self.session() as session:
            session.mail("sender@example.net")
            code, text = session.rcpt(address)
            assert code == 250, text
            return _line(session.data(f"Subject: {subject}\r\n\r\nhello\r\n"))

    def first_refusal(self, address):
        """The first answer that is not 2xx, at MAIL or RCPT."""
        with self.session() as session:
            answer = _line(session.mail("sender@example.net"))
            return answer if answer[0] != "2" else _line(session.rcpt(address))


class House(Front):
    """A Postfix with all fragments, its smtpd in the chroot, three doors and an LMTP sink."""

    def __init__(self, here):
        mta = postfix.PrivatePostfix(
            here / "postfix", free_port(), "unix:unused", domains=(), fragments=FRAGMENTS,
            chrooted=True, settings={"minimal_backoff_time": "5s", "queue_run_delay": "5s"})
        super().__init__(mta)
        mta.write_configuration()
        doors = mta.doors
        self.lookup = LookUpDoor(doors / "lookup.sock", directory_answer)
        self.policy = PolicyDoor(doors / "policy.sock")
        self.milter = MilterDoor(doors / "milter.sock")
        self.sink = FakeLmtp(doors / "lmtp.sock")
        self.parts = (self.lookup, self.policy, self.milter)

    def settle(self):
        """All doors open with their usual answers, the queue empty."""
        self.sink.on_message = lambda transaction, address: "250 2.0.0 stored"
        self.lookup.answer = directory_answer
        self.policy.answer = lambda attributes: "DUNNO"
        self.milter.on_rcpt = lambda address: ""
        self.milter.on_end = lambda: ""
        for door in self.parts:
            door.start()
        self.mta.wait_until_empty(flush=True)

    def arrived(self, subject):
        with self.sink.lock:
            return [transaction for transaction in self.sink.transactions
                    if f"Subject: {subject}\r\n".encode() in transaction.octets]


def _line(answer):
    return f"{answer[0]} {answer[1].decode()}"


@pytest.fixture(scope="module")
def running():
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)
    here = new_run_directory("doors")
    house = House(here)
    try:
        with house.sink, house.lookup, house.policy, house.milter, house.mta:
            yield house
    finally:
        shutil.rmtree(here, ignore_errors=True)


@pytest.fixture
def house(running):
    running.settle()
    yield running
    running.settle()


def test_every_setting_of_the_fragments_is_known_to_postfix(house):
    assert house.mta.command("postfix", "check").stderr == ""
    listing = house.mta.command("postconf", "-n")
    assert listing.stderr == ""
    for fragment in FRAGMENTS:
        for name in postfix.names_set_in((postfix.FRAGMENTS / fragment).read_text()):
            in_use = house.mta.command("postconf", "-h", name).stdout.strip()
            assert in_use, f"{fragment}: {name}"
    for complaint in ("unused parameter", "overriding earlier", "unsupported", "fatal:"):
        assert complaint not in house.mta.log_text()


def test_every_line_of_the_fragments_has_a_reason():
    """A comment right above it, or above the setting that it belongs to."""
    for fragment in (*FRAGMENTS, "homeward-main.cf"):
        above = ""
        for line in (postfix.FRAGMENTS / fragment).read_text().splitlines():
            if line and line[0] not in "# \t":
                assert above.startswith("#") or " = " in above, f"{fragment}: {line}"
            above = line


# The look-up door.


def test_known_users_are_delivered_and_strangers_refused_at_rcpt(house):
    assert house.send("ann+lists@example.org", "known").startswith("250 2.0.0")
    wait_until(lambda: house.arrived("known"), "the message comes to the bridge")
    assert house.arrived("known")[0].recipients == ["ann+lists@example.org"]
    assert house.rcpt("nobody@example.org").startswith("550 5.1.1")
    assert house.rcpt("ann@elsewhere.test").startswith("554 5.7.1")  # no relay for others


@pytest.mark.parametrize("answer", ["TEMP directory not loaded", HANG_UP])
def test_a_directory_that_cannot_answer_puts_the_sender_off(house, answer):
    house.lookup.answer = lambda name, key: answer
    assert house.rcpt("ann@example.org").startswith("451 4.3.0")
    assert house.rcpt("nobody@example.org").startswith("451 4.3.0")


def test_without_the_look_up_door_nothing_is_accepted_and_nothing_queued_is_lost(house):
    house.sink.on_message = lambda transaction, address: "451 4.3.0 store away"
    assert house.send("ann@example.org", "waits").startswith("250")
    wait_until(lambda: house.arrived("waits"), "a first attempt")
    house.lookup.stop()
    assert house.rcpt("ann@example.org").startswith("451 4.3.0")
    assert house.mta.queue_size() == 1
    house.sink.on_message = lambda transaction, address: "250 2.0.0 stored"
    house.lookup.start()
    house.mta.wait_until_empty(flush=True)
    assert len([t for t in house.arrived("waits") if t.replies == ["250 2.0.0 stored"]]) == 1
    assert "status=bounced" not in house.mta.log_text()


def test_mail_for_others_does_not_wait_for_the_look_up_door(house):
    house.lookup.stop()
    assert house.rcpt("ann@elsewhere.test").startswith("554 5.7.1")


def test_domains_and_transport_can_be_asked_for_too(house):
    """The second half of homeward-lookup.cf, and its price: a reload after an outage."""
    settings = (postfix.FRAGMENTS / "homeward-lookup.cf").read_text()
    variants = dict(re.findall(r"^#   (\w+) = (.*(?:\n# {7}.*)*)", settings, re.M))
    assert set(variants) == {"virtual_mailbox_domains", "transport_maps"}
    before = (house.mta.config / "main.cf").read_text()
    try:
        for name, value in variants.items():
            value = value.replace("\n#", "").replace("/etc/postfix", str(house.mta.config))
            house.mta.command("postconf", "-e", f"{name}={value}")
        house.mta.reload()
        assert house.send("ann@example.org", "by-map").startswith("250")
        wait_until(lambda: house.arrived("by-map"), "the message comes to the bridge")
        assert ("domain", "example.org") in house.lookup.requests
        assert ("transport", "ann@example.org") in house.lookup.requests
        house.lookup.stop()
        for _ in range(3):
            assert house.rcpt("bob@example.org").startswith("451 4.3.0")
            assert house.rcpt("ann@elsewhere.test").startswith("451 4.3.0")
        house.lookup.start()
        house.mta.reload()
        wait_until(lambda: house.rcpt("bob@example.org").startswith("250"), "bob is known again")
    finally:
        (house.mta.config / "main.cf").write_text(before)
        house.mta.reload()


# The policy door.


@pytest.mark.parametrize("verdict", [
    "550 5.1.1 no such user here", "452 4.2.2 mailbox full", "552 5.2.2 mailbox full",
    "450 4.7.1 too many messages"])
def test_verdicts_of_the_policy_door_reach_the_sender(house, verdict):
    house.policy.answer = lambda attributes: verdict
    answer = house.rcpt("ann@example.org")
    assert answer.startswith(verdict[:9]) and verdict[10:] in answer


def test_the_policy_door_is_asked_again_after_the_message(house):
    asked = len(house.policy.requests)
    house.policy.answer = lambda attributes: (
        "452 4.2.2 this one is too much" if attributes["protocol_state"] == "END-OF-MESSAGE"
        else "DUNNO")
    assert house.send("ann@example.org", "too-much").startswith("452 4.2.2")
    states = [request["protocol_state"] for request in house.policy.requests[asked:]]
    assert states == ["RCPT", "END-OF-MESSAGE"]
    last = house.policy.requests[-1]
    assert last["recipient"] == "ann@example.org" and int(last["size"]) > 0
    assert house.mta.queue_size() == 0 and not house.arrived("too-much")


def test_without_the_policy_door_the_sender_is_put_off(house):
    house.policy.stop()
    answer = house.rcpt("ann@example.org")
    assert answer.startswith("451 4.3.0") and "Mailbox directory is away" in answer


def test_a_policy_door_that_goes_away_after_rcpt_puts_the_message_off(house):
    with house.session() as session:
        session.mail("sender@example.net")
        assert session.rcpt("ann@example.org")[0] == 250
        house.policy.stop()
        assert _line(session.data(MESSAGE)).startswith("451 4.3.0")
    assert house.mta.queue_size() == 0


def test_a_silent_policy_door_puts_the_sender_off_after_its_time(house):
    before = (house.mta.config / "main.cf").read_text()
    released = threading.Event()
    house.policy.answer = lambda attributes: released.wait(60) and "DUNNO"
    try:
        shorter = before.replace("policy.sock, timeout=10s", "policy.sock, timeout=1s")
        assert shorter != before
        (house.mta.config / "main.cf").write_text(shorter)
        house.mta.reload()
        assert "Mailbox directory is away" in house.rcpt("ann@example.org")
    finally:
        released.set()
        (house.mta.config / "main.cf").write_text(before)
        house.mta.reload()


# The milter door.


@pytest.mark.parametrize("verdict", [
    "550 5.1.1 no such user here", "452 4.2.2 mailbox full", "451 4.3.0 try later"])
def test_verdicts_of_the_milter_door_reach_the_sender(house, verdict):
    house.milter.on_rcpt = lambda address: verdict if address == "ann@example.org" else ""
    answer = house.rcpt("ann@example.org")
    assert answer.startswith(verdict[:9]) and verdict[10:] in answer
    assert house.rcpt("bob@example.org").startswith("250")


def test_without_the_milter_door_the_sender_is_put_off(house):
    house.milter.stop()
    with house.session() as session:
        assert _line(session.mail("sender@example.net")).startswith("451 4.7.1")


@pytest.mark.parametrize("stage", ["before RCPT", "at RCPT", "before the message", "at its end"])
def test_a_milter_killed_in_a_session_lets_nothing_in(house, stage):
    """The session goes on with 4xx, and no message of it is in the queue."""
    answers = []
    with house.session() as session:
        session.mail("sender@example.net")
        if stage == "before RCPT":
            house.milter.stop()
        if stage == "at RCPT":
            house.milter.on_rcpt = lambda address: HANG_UP
        answers.append(_line(session.rcpt("ann@example.org")))
        if stage == "before the message":
            house.milter.stop()
        if stage == "at its end":
            house.milter.on_end = lambda: HANG_UP
        if answers[0].startswith("250"):
            answers.append(_line(session.data(MESSAGE)))
    assert answers[-1][0] == "4", answers
    assert house.mta.queue_size() == 0


def test_mail_submitted_on_the_host_waits_for_the_milter(house):
    house.milter.stop()
    program = house.mta.program("sendmail")
    subprocess.run([program, "-f", "root@example.org", "ann@example.org"], check=True,
                   input=b"Subject: from-the-host\n\nhello\n", env=house.mta.environment())
    wait_until(lambda: "milter-reject" in house.mta.log_text().rpartition("pickup")[2],
               "pickup tries without the milter")
    assert [entry["queue_name"] for entry in house.mta.queue_entries()] == ["maildrop"]
    house.milter.start()
    house.mta.wait_until_empty(90, flush=True)
    assert len(house.arrived("from-the-host")) == 1


# The real homeward-milter behind each of the three fragments.


@pytest.mark.parametrize("fragment", FRAGMENTS[:3])
def test_the_real_doors_and_the_fragments_agree(here, fragment):
    try:
        program("homeward-milter")
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    mta = postfix.PrivatePostfix(here / "postfix", free_port(), "unix:homeward/lmtp.sock",
                                 fragments=[fragment], chrooted=True)
    mta.write_configuration()
    users = YamlDirectory(here / "users.yaml")
    users.add_server("store1", "127.0.0.1:9")
    users.add_partition("store1/mail1")
    users.add_user("ann@example.org", "store1/mail1")
    users.write()
    doors = here / "postfix" / "queue" / "homeward"
    shutil.chown(doors, BRIDGE_USER)  # as docs/operations/postfix.md says
    daemon = Milter(here / "milter", users, settings={
        "domains": ["example.org"],
        "milter": {"address": f"unix:{doors}/milter.sock"},
        "policy": {"listen": [{"address": f"unix:{doors}/policy.sock", "mode": "0666"}]},
        "lookup": {"listen": [{"address": f"unix:{doors}/lookup.sock", "mode": "0666"}]}})
    with daemon, FakeLmtp(doors / "lmtp.sock") as sink, mta:
        house = Front(mta)
        assert house.send("ann@example.org", "one").startswith("250")
        wait_until(lambda: sink.recipients() == ["ann@example.org"], "the message is delivered")
        assert house.rcpt("nobody@example.org").startswith("550 5.1.1")
        daemon.kill()
        assert house.first_refusal("ann@example.org").startswith("451 4")
        assert house.first_refusal("nobody@example.org").startswith("451 4")
        daemon.start()
        wait_until(lambda: house.rcpt("ann@example.org").startswith("250"), "ann is known again")
        assert mta.queue_size() == 0
