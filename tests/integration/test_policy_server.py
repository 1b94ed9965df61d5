"""The policy server of homeward-milter: by hand, and its verdicts through a real Postfix."""

import shutil
import smtplib
import threading

import pytest
from conftest import Farm, scaled

from support import postfix
from support.milter_doors import Doors, PolicyClient
from support.ports import free_port
from support.run_directory import new_run_directory
from support.user_directory import YamlDirectory
from support.waiting import wait_until


def a_directory(file):
    users = YamlDirectory(file)
    users.add_server("store1", "127.0.0.1:1")
    users.add_partition("store1/mail1")
    users.add_user("ann@example.org", "store1/mail1")
    users.add_user("gone@example.org", "store1/mail1", state="disabled")
    return users


@pytest.fixture(scope="module")
def doors():
    here = new_run_directory("policy")
    users = a_directory(here / "users.yaml")
    users.write()
    with Doors(here / "doors", users) as running:
        yield running
    shutil.rmtree(here, ignore_errors=True)


@pytest.mark.parametrize("state, recipient, action", [
    ("RCPT", "ann@example.org", "DUNNO"),
    ("RCPT", "Ann+x@Example.org", "DUNNO"),
    ("RCPT", "nobody@example.org", "550 5.1.1 no such user here"),
    ("RCPT", "gone@example.org", "550 5.2.1 this mailbox is disabled"),
    ("RCPT", "x@elsewhere.example", "DUNNO"),
    ("RCPT", "not an address", "DUNNO"),
    ("RCPT", "", "DUNNO"),
    ("END-OF-MESSAGE", "nobody@example.org", "550 5.1.1 no such user here"),
    ("END-OF-MESSAGE", "", "DUNNO"),
    ("VRFY", "nobody@example.org", "550 5.1.1 no such user here"),
    ("CONNECT", "", "DUNNO"),
    ("MAIL", "", "DUNNO"),
    ("DATA", "nobody@example.org", "DUNNO"),
])
def test_by_hand(doors, state, recipient, action):
    assert doors.action(state, recipient=recipient) == action


def test_two_thousand_short_connections(doors):
    for _ in range(2000):
        with PolicyClient(path=doors.policy_socket) as client:
            assert client.ask(recipient="nobody@example.org").startswith("550 5.1.1")
    wait_until(lambda: doors.open_descriptors() < 100, "the daemon has closed them all", 10)


def test_thousands_of_connections_are_kept_and_used_again(doors):
    clients = [PolicyClient(path=doors.policy_socket) for _ in range(scaled(2500))]
    try:
        for recipient, action in (("ann@example.org", "DUNNO"), ("gone@example.org", "550 5.2.1")):
            for client in clients:
                client.send(client.request(recipient=recipient))
            assert {client.answer()[:9] for client in clients} == {action}
    finally:
        for client in clients:
            client.close()


def test_pipelined_requests_are_answered_in_order(doors):
    names = ["ann", "nobody", "gone"]
    with PolicyClient(path=doors.policy_socket) as client:
        stream = b"".join(client.request(recipient=f"{names[number % 3]}@example.org")
                          for number in range(5000))
        sender = threading.Thread(target=client.send, args=(stream,))
        sender.start()
        answers = [client.answer()[:9] for _ in range(5000)]
        sender.join()
    assert answers == [("DUNNO", "550 5.1.1", "550 5.2.1")[number % 3] for number in range(5000)]


def test_octet_by_octet(doors):
    with PolicyClient(port=doors.policy_port) as client:
        for octet in client.request(recipient="nobody@example.org", future="yes=no"):
            client.send(bytes([octet]))
        assert client.answer() == "550 5.1.1 no such user here"


NO_REQUESTS = (b"EHLO client.example\r\nMAIL FROM:<>\r\n", b"\n", b"request=junk\n\n",
               b"a=" + b"x" * 9000, b"a=b\n" * 300, b"request=\0\n",
               (b"x=" + b"y" * 8000 + b"\n") * 9)


@pytest.mark.parametrize("octets", NO_REQUESTS)
def test_what_is_no_request_is_not_let_through(doors, octets):
    port = doors.policy_port
    with PolicyClient(port=port) as other, PolicyClient(port=port) as client:
        client.send(client.request(recipient="ann@example.org") + octets)
        assert client.answer() == "DUNNO"
        assert client.answer() == "451 4.3.0 the policy request cannot be read; try again later"
        assert client.is_closed()
        assert other.ask(recipient="ann@example.org") == "DUNNO"


def test_a_stop_answers_what_was_asked(here):
    users = a_directory(here / "users.yaml")
    users.write()
    doors = Doors(here / "doors", users).start()
    idle, half = PolicyClient(path=doors.policy_socket), PolicyClient(path=doors.policy_socket)
    assert idle.ask(recipient="ann@example.org") == "DUNNO"
    request = half.request(recipient="nobody@example.org")
    half.send(request[:30])
    doors.terminate()
    assert idle.is_closed()
    half.send(request[30:])
    assert half.answer().startswith("550 5.1.1")
    assert half.is_closed()
    assert doors.wait_for_end() == 0


def test_rules_and_rates_are_those_of_the_settings_and_reloaded(here):
    users = a_directory(here / "users.yaml")
    users.write()
    with Doors(here / "doors", users, settings={"rate": {"recipients": 2}}) as doors:
        with PolicyClient(port=doors.policy_port) as kept:
            for _ in range(3):
                assert kept.ask(recipient="ann@example.org", instance="1.1") == "DUNNO"
            assert kept.ask("END-OF-MESSAGE", recipient="ann@example.org", instance="1.1",
                            recipient_count="1") == "DUNNO"
            assert kept.ask(recipient="ann@example.org", instance="1.2") == "DUNNO"
            assert kept.ask(recipient="ann@example.org", instance="1.3").startswith("450 4.7.1")
            assert kept.ask(recipient="ann@example.org", sender="else@x", instance="1.4") == "DUNNO"
            doors.settings["rate"]["recipients"] = 0
            doors.settings["verdicts"] = {"unknown_user": "try_later"}
            doors.reload()
            assert kept.ask(recipient="ann@example.org", instance="1.5") == "DUNNO"
            assert kept.ask(recipient="nobody@example.org", instance="1.5").startswith("450 4.1.1")


# ---- behind Postfix ----

class House:
    """A farm whose users have quotas, the doors, and a Postfix with homeward-policy.cf."""

    def __init__(self, here, settings=None):
        self.farm = Farm(here / "farm", stores=1, partitions=1, users=4)
        self.farm.add_user("gone@example.org", "store1/mail1", state="disabled")
        self.farm.add_user("small@example.org", "store1/mail1", quota="20 KiB")
        self.mta = postfix.PrivatePostfix(here / "postfix", free_port(), self.farm.bridge.lmtp_unix,
                                          fragments=("homeward-policy.cf",), chrooted=True)
        self.mta.write_configuration()
        self.doors = Doors(here / "doors", self.farm.users, sockets=self.mta.doors,
                           settings=settings)

    def __enter__(self):
        self.farm.start()
        self.doors.start()
        self.mta.start()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.doors.last_lines(40), self.farm.log_ends())
        self.mta.stop()
        self.doors.stop()
        self.farm.stop()

    def said(self, *recipients, text="hello", options=(), sender="sender@example.net"):
        """What each RCPT is answered, and the message where one was accepted."""
        with smtplib.SMTP("127.0.0.1", self.mta.smtp_port, timeout=120) as client:
            client.ehlo("client.example.org")
            client.mail(sender, options)
            answers = [client.rcpt(recipient) for recipient in recipients]
            if any(code == 250 for code, _ in answers):
                answers.append(client.data(f"Subject: one\r\n\r\n{text}\r\n"))
        return [f"{code} {words.decode()}" for code, words in answers]

    def count(self, mailbox):
        return len(self.farm.messages(mailbox))


@pytest.fixture
def house(here):
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)
    with House(here) as running:
        yield running


def codes(answers):
    return [answer[:9] for answer in answers]


def test_verdicts_at_rcpt(house):
    answers = house.said("u1@example.org", "U2+lists@example.org", "nobody@example.org",
                         "gone@example.org")
    assert codes(answers) == ["250 2.1.5"] * 2 + ["550 5.1.1", "550 5.2.1", "250 2.0.0"], answers
    assert "no such user here" in answers[2]
    house.mta.wait_until_empty(60)
    assert house.count("u1@example.org") == house.count("u2@example.org") == 1


def lines(octets):
    """About so many octets of text."""
    return ("x" * 70 + "\r\n") * (octets // 72)


def test_a_full_mailbox_at_rcpt_and_at_the_end_of_the_message(house):
    """The store counts; the doors hear of it and say so before the message is taken."""
    user, taken = "small@example.org", ["250 2.1.5", "250 2.0.0"]
    # 18 of 20 KiB: more than nine tenths, from where a store tells about a mailbox.
    assert codes(house.said(user, text=lines(18600))) == taken
    house.mta.wait_until_empty(60)
    wait_until(lambda: house.doors.action(recipient=user, size="9000").startswith("452 4.2.2"),
               "the doors know how full it is", 30)
    assert codes(house.said(user, options=["SIZE=9000"])) == ["452 4.2.2"]
    assert codes(house.said(user, text=lines(4000))) == ["250 2.1.5", "452 4.2.2"]
    assert codes(house.said(user, text="short")) == taken
    # With several recipients Postfix does not say whom it asks about; the store has the last word.
    assert codes(house.said(user, "u1@example.org", text="short")) == ["250 2.1.5", *taken]
    house.mta.wait_until_empty(60)
    assert house.count(user) == 3


def test_a_sender_over_its_rate(here):
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)
    with House(here, {"rate": {"recipients": 4}}) as house:
        answers = codes(house.said("u1@example.org", "u2@example.org", "u3@example.org"))
        assert answers == ["250 2.1.5"] * 3 + ["250 2.0.0"], "counted once, not again at the end"
        assert codes(house.said("u1@example.org", "u2@example.org")) == [
            "250 2.1.5", "450 4.7.1", "250 2.0.0"]
        assert codes(house.said("u1@example.org", sender="else@example.net"))[0] == "250 2.1.5"


def test_the_door_is_closed(house):
    assert codes(house.said("u1@example.org")) == ["250 2.1.5", "250 2.0.0"]
    house.doors.stop()
    for recipient in ("u1@example.org", "nobody@example.org"):
        assert codes(house.said(recipient)) == ["451 4.3.0"]
    house.doors.start()
    assert codes(house.said("u1@example.org")) == ["250 2.1.5", "250 2.0.0"]
    house.doors.kill()
    assert codes(house.said("u1@example.org")) == ["451 4.3.0"]
    house.doors.start()
    assert codes(house.said("nobody@example.org")) == ["550 5.1.1"]
    house.mta.wait_until_empty(60, flush=True)
    assert house.count("u1@example.org") == 2
    assert "status=bounced" not in house.mta.log_text()


def test_a_door_closed_between_rcpt_and_the_end_of_the_message(house):
    """Nothing is accepted that was not judged to the end; the sender keeps it."""
    with smtplib.SMTP("127.0.0.1", house.mta.smtp_port, timeout=120) as client:
        client.ehlo("client.example.org")
        client.mail("sender@example.net")
        assert client.rcpt("u1@example.org")[0] == 250
        house.doors.stop()
        code, words = client.data("Subject: one\r\n\r\nhello\r\n")
    assert code == 451, words
    assert house.mta.queue_size() == 0 and house.count("u1@example.org") == 0


def test_a_store_that_is_down(here):
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)
    with House(here, {"verdicts": {"store_down": "try_later"}}) as house:
        assert codes(house.said("u1@example.org"))[0] == "250 2.1.5"
        house.farm.stores[0].stop()
        wait_until(lambda: house.doors.action(recipient="u1@example.org").startswith("451"),
                   "the doors have noticed", 30)
        answers = codes(house.said("u1@example.org", "nobody@example.org"))
        assert answers == ["451 4.3.0", "550 5.1.1"]
        house.farm.stores[0].start()
        wait_until(lambda: house.doors.action(recipient="u1@example.org") == "DUNNO", "again", 30)
        assert codes(house.said("u1@example.org"))[0] == "250 2.1.5"
