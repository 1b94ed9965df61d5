"""The look-up server of homeward-milter: by hand, behind real MTAs, and away."""

import shutil
import smtplib
import threading

import pytest
from conftest import Farm, make_mta, scaled

from support import postfix, sendmail
from support.milter_doors import Doors, LookupClient, netstring
from support.ports import free_port
from support.run_directory import new_run_directory
from support.user_directory import YamlDirectory
from support.waiting import wait_until

CATCH_ALL = [{"domain": "caught.example", "mailbox": "rest@example.org"}]
ADDRESSES = {"addresses": {"catch_all": CATCH_ALL}}


def a_directory(file):
    users = YamlDirectory(file)
    users.add_server("store1", "store1.example:2400")
    users.add_server("nfs")
    users.add_partition("store1/mail1")
    users.add_partition("nfs/old", kind="path", path="/mnt/old")
    for mailbox in ("ann@example.org", "rest@example.org", '"two words"@example.org'):
        users.add_user(mailbox, "store1/mail1")
    users.add_user("gone@example.org", "store1/mail1", state="disabled")
    users.add_user("old@example.org", "nfs/old")
    return users


@pytest.fixture(scope="module")
def doors():
    here = new_run_directory("lookup")
    users = a_directory(here / "users.yaml")
    users.write()
    settings = ADDRESSES | {"lookup": {"path_transport": "", "connections": 3000}}
    with Doors(here / "doors", users, settings=settings) as running:
        running.users = users
        yield running
    shutil.rmtree(here, ignore_errors=True)


@pytest.mark.parametrize("table, key, answer", [
    ("mailbox", "ann@example.org", "OK ann@example.org"),
    ("mailbox", "Ann+x@Example.ORG", "OK ann@example.org"),
    ("mailbox", "ann", "OK ann@example.org"),
    ("mailbox", '"two words"@example.org', 'OK "two words"@example.org'),
    ("mailbox", "typo@caught.example", "OK rest@example.org"),
    ("mailbox", "typo@example.org", "NOTFOUND "),
    ("mailbox", "gone@example.org", "NOTFOUND "),
    ("mailbox", "not an address", "NOTFOUND "),
    ("transport", "ann+x@example.org", "OK homeward:unix:homeward/lmtp.sock"),
    ("transport", "old@example.org", "NOTFOUND "),
    ("transport", "*", "NOTFOUND "),
    ("transport", "somebody@elsewhere.example", "NOTFOUND "),
    ("home", "ann@example.org", "OK store1/mail1"),
    ("home", "old@example.org", "OK nfs/old"),
    ("host", "ann@example.org", "OK store1.example"),
    ("host", "old@example.org", "NOTFOUND "),
    ("domain", "example.org", "OK example.org"),
    ("domain", "Caught.example", "OK caught.example"),
    ("domain", "elsewhere.example", "NOTFOUND "),
    ("nonsense", "ann@example.org", 'TEMP there is no map "nonsense"; known are mailbox, '
                                    "transport, home, host, domain"),
])
def test_by_hand(doors, table, key, answer):
    assert doors.ask(table, key) == answer


def test_five_thousand_pipelined_are_answered_in_order(doors):
    asked = [f"ann+{number}@example.org" if number % 3 else f"no{number}@example.org"
             for number in range(5000)]
    with LookupClient(path=doors.lookup_socket) as client:
        stream = b"".join(netstring(f"mailbox {key}") for key in asked)
        sender = threading.Thread(target=client.send, args=(stream,))
        sender.start()
        answers = [client.answer() for _ in asked]
        sender.join()
    assert answers == ["OK ann@example.org" if number % 3 else "NOTFOUND "
                       for number in range(5000)]


def test_a_client_that_never_reads_costs_little(doors):
    before = doors.resident_memory()
    with LookupClient(path=doors.lookup_socket, timeout=3) as client:
        with pytest.raises(TimeoutError):
            client.send(netstring("mailbox ann@example.org") * 2_000_000)
        assert doors.ask("mailbox", "ann@example.org") == "OK ann@example.org"
        assert doors.resident_memory() - before < 8 << 20


def test_two_thousand_short_connections(doors):
    for number in range(2000):
        with LookupClient(path=doors.lookup_socket) as client:
            assert client.ask("mailbox", f"ann+{number}@example.org") == "OK ann@example.org"
    wait_until(lambda: doors.open_descriptors() < 100, "the daemon has closed them all", 10)


def test_thousands_of_connections_stay_open(doors):
    clients = [LookupClient(path=doors.lookup_socket) for _ in range(scaled(2500))]
    try:
        for client in clients:
            client.send(netstring("mailbox ann@example.org"))
        assert {client.answer() for client in clients} == {"OK ann@example.org"}
        assert {client.ask("home", "ann@example.org") for client in clients} == {"OK store1/mail1"}
    finally:
        for client in clients:
            client.close()


NO_REQUESTS = (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"01:a,", b"3:abcd,", b"4097:",
               b"99999999999999999999:", b"\0\xff" * 100)


@pytest.mark.parametrize("octets", NO_REQUESTS)
def test_what_is_no_request_closes_its_connection_only(doors, octets):
    with LookupClient(port=doors.port) as other, LookupClient(port=doors.port) as client:
        client.send(netstring("mailbox ann@example.org") + octets)
        assert client.answer() == "OK ann@example.org"
        assert client.is_closed()
        assert other.ask("mailbox", "ann@example.org") == "OK ann@example.org"
    wait_until(lambda: "a question cannot be read" in doors.last_lines(50), "it is logged")


def test_octet_by_octet(doors):
    with LookupClient(port=doors.port) as client:
        for octet in netstring("mailbox ann@example.org") + netstring("domain example.org"):
            client.send(bytes([octet]))
        assert [client.answer(), client.answer()] == ["OK ann@example.org", "OK example.org"]


def test_a_user_who_is_added_is_found_and_address_rules_are_reloaded(doors):
    assert doors.ask("mailbox", "new@example.net") == "NOTFOUND "
    doors.users.add_user("new@example.net", "store1/mail1")
    doors.users.write()
    wait_until(lambda: doors.ask("mailbox", "new@example.net").startswith("OK"), "it is found")
    wait_until(lambda: doors.ask("domain", "example.net") == "OK example.net", "its domain, too")
    with LookupClient(port=doors.port) as kept:
        assert kept.ask("mailbox", "typo@example.net") == "NOTFOUND "
        doors.settings["addresses"]["catch_all"].append(
            {"domain": "example.net", "mailbox": "new@example.net"})
        doors.reload()
        assert kept.ask("mailbox", "typo@example.net") == "OK new@example.net"


def test_idle_connections_are_closed_and_too_many_refused(here):
    users = a_directory(here / "users.yaml")
    users.write()
    settings = {"lookup": {"idle": "1s", "connections": 3}}
    with Doors(here / "doors", users, settings=settings) as doors:
        with LookupClient(port=doors.port) as client:
            assert client.is_closed()
        with LookupClient(port=doors.port, timeout=60) as client:
            client.send(b"12:mail")
            assert client.is_closed()  # for one who has begun to ask: after 30 s
        clients = [LookupClient(path=doors.lookup_socket) for _ in range(3)]
        assert LookupClient(path=doors.lookup_socket).is_closed()
        wait_until(lambda: "too many connections" in doors.log_text(), "it is logged")
        for client in clients:
            client.close()
        wait_until(lambda: doors.ask("home", "ann@example.org").startswith("OK"), "there is room")


def test_a_stop_answers_what_was_asked_and_leaves_no_socket(here):
    users = a_directory(here / "users.yaml")
    users.write()
    doors = Doors(here / "doors", users).start()
    clients = [LookupClient(path=doors.lookup_socket) for _ in range(50)]
    half = LookupClient(path=doors.lookup_socket)
    half.send(netstring("mailbox ann@example.org")[:10])
    for client in clients:
        assert client.ask("domain", "example.org") == "OK example.org"
    doors.terminate()
    assert all(client.is_closed() for client in clients)
    half.send(netstring("mailbox ann@example.org")[10:])
    assert half.answer() == "OK ann@example.org"
    assert half.is_closed()
    assert doors.wait_for_end() == 0
    assert not doors.lookup_socket.exists() and not doors.policy_socket.exists()


def test_without_a_directory_everything_is_later(here):
    users = a_directory(here / "users.yaml")
    settings = {"domains": ["named.example"]}
    doors = Doors(here / "doors", users, settings=settings)
    doors.start(wait=False)
    wait_until(lambda: "directory away" in doors.log_text(), "it has looked for the directory")
    try:
        for table in ("mailbox", "transport", "home", "host", "domain"):
            assert doors.ask(table, "ann@example.org").startswith("TEMP the user directory is not")
        assert doors.ask("transport", "*") == "NOTFOUND "
        assert doors.ask("domain", "named.example") == "OK named.example"
        users.write()
        wait_until(lambda: doors.ask("mailbox", "ann@example.org").startswith("OK"), "it has come")
        users.file.unlink()
        assert doors.ask("mailbox", "ann@example.org").startswith("OK"), "what was known stays"
    finally:
        doors.stop()


# ---- behind real MTAs ----

def said(mta, *recipients, sender="sender@example.net", text="hello"):
    """What each RCPT is answered, and the message where one was accepted."""
    with smtplib.SMTP("127.0.0.1", mta.smtp_port, timeout=120) as client:
        client.ehlo("client.example.org")
        client.mail(sender)
        answers = [client.rcpt(recipient) for recipient in recipients]
        if any(code == 250 for code, _ in answers):
            answers.append(client.data(f"Subject: {text}\r\n\r\n{text}\r\n"))
    return [f"{code} {words.decode()}" for code, words in answers]


def small_farm(here):
    farm = Farm(here / "farm", stores=2, partitions=1, users=4,
                bridge_settings={"addresses": {"catch_all": CATCH_ALL}})
    farm.add_user("rest@example.org", "store1/mail1")
    farm.add_user("gone@example.org", "store1/mail1", state="disabled")
    return farm


def counts(farm, *users):
    return [len(farm.messages(f"{user}@example.org")) for user in users]


@pytest.fixture
def behind_postfix(here):
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)
    with small_farm(here) as farm:
        mta = postfix.PrivatePostfix(here / "postfix", free_port(), farm.bridge.lmtp_unix,
                                     domains=(), fragments=("homeward-lookup.cf",), chrooted=True)
        mta.write_configuration()
        transport = f"homeward:{farm.bridge.lmtp_unix}"
        mta.settings |= {"virtual_transport": transport,
                         "virtual_mailbox_domains": "example.org, caught.example"}
        settings = ADDRESSES | {"lookup": {"transport": transport, "path_transport": transport}}
        with Doors(here / "doors", farm.users, sockets=mta.doors, settings=settings) as doors, mta:
            yield farm, doors, mta


def test_postfix_asks_for_domains_mailboxes_and_transports(behind_postfix):
    farm, doors, mta = behind_postfix
    table = "socketmap:unix:homeward/lookup.sock"
    mta.settings |= {"virtual_mailbox_domains": f"{table}:domain",
                     "transport_maps": f"{table}:transport",
                     "virtual_transport": "error:the transport map was not asked"}
    mta.write_configuration()
    mta.reload()
    answers = said(mta, "u1@example.org", "U2+lists@Example.org", "typo@caught.example",
                   "nobody@example.org", "gone@example.org", "x@elsewhere.example")
    codes = [answer[:9] for answer in answers]
    assert codes == ["250 2.1.5"] * 3 + ["550 5.1.1"] * 2 + ["554 5.7.1", "250 2.0.0"], answers
    mta.wait_until_empty(60)
    assert counts(farm, "u1", "u2", "rest", "gone") == [1, 1, 1, 0]
    table = f"socketmap:unix:{doors.lookup_socket}"
    for name, key, value in (("mailbox", "u1+x@example.org", "u1@example.org"),
                             ("transport", "u1@example.org", f"homeward:{farm.bridge.lmtp_unix}"),
                             ("home", "u1@example.org", "store1/mail1"),
                             ("domain", "caught.example", "caught.example")):
        assert mta.command("postmap", "-q", key, f"{table}:{name}").stdout.strip() == value
    assert mta.command("postmap", "-q", "nobody@example.org", f"{table}:mailbox",
                       check=False).returncode == 1


def test_postfix_while_the_look_up_server_is_away(behind_postfix):
    farm, doors, mta = behind_postfix
    assert said(mta, "u1@example.org")[0].startswith("250")
    mta.wait_until_empty(60)
    doors.stop()
    for recipient in ("u1@example.org", "nobody@example.org"):
        answers = said(mta, recipient)
        assert answers[0].startswith("451 4.3.0"), answers
    assert mta.queue_size() == 0
    doors.start()
    wait_until(lambda: said(mta, "u1@example.org")[0].startswith("250"), "mail is taken again", 30)
    mta.wait_until_empty(60, flush=True)
    assert counts(farm, "u1") == [2]
    assert "status=bounced" not in mta.log_text()


def test_postfix_while_the_directory_was_never_read(here):
    reason = postfix.can_run()
    if reason:
        pytest.skip(reason)
    mta = postfix.PrivatePostfix(here / "postfix", free_port(), "unix:unused", domains=(),
                                 fragments=("homeward-lookup.cf",), chrooted=True)
    mta.write_configuration()
    doors = Doors(here / "doors", YamlDirectory(here / "none.yaml"), sockets=mta.doors)
    doors.start(wait=False)
    try:
        wait_until(lambda: "directory away" in doors.log_text(), "it has looked for the directory")
        with mta:
            for recipient in ("u1@example.org", "nobody@example.org"):
                assert said(mta, recipient)[0].startswith("451 4.3.0")
            assert "look-up map=mailbox" in doors.log_text()
            assert mta.queue_size() == 0
    finally:
        doors.stop()


@pytest.fixture
def farm_and_doors(here):
    reason = sendmail.can_run()
    if reason:
        pytest.skip(reason)
    with small_farm(here) as farm:
        with Doors(here / "doors", farm.users, settings=ADDRESSES) as doors:
            yield farm, doors, here


def test_sendmail_routes_by_rule_0(farm_and_doors):
    farm, doors, here = farm_and_doors
    domains = ("example.org", "caught.example")
    with make_mta("sendmail", here / "mta", farm.bridge.lmtp_unix, layout=sendmail.DIRECTORY,
                  domains=domains, lookup=f"unix:{doors.lookup_socket}") as mta:
        answers = said(mta, "u1@example.org", "U2+lists@Example.org", "typo@caught.example",
                       "nobody@example.org", "gone@example.org")
        codes = [answer[:9] for answer in answers]
        assert codes == ["250 2.1.5"] * 3 + ["550 5.1.1", "550 5.1.1", "250 2.0.0"], answers
        mta.wait_until_empty(60, flush=True)
        assert counts(farm, "u1", "u2", "rest", "gone") == [1, 1, 1, 0]
        doors.stop()
        for recipient in ("u1@example.org", "nobody@example.org"):
            answers = said(mta, recipient)
            assert answers[0].startswith("451 4.3.0"), answers
        assert mta.queue_size() == 0
        doors.start()
        assert said(mta, "u1@example.org")[0].startswith("250")
        mta.wait_until_empty(60, flush=True)
    assert counts(farm, "u1") == [2]


def test_sendmail_asks_at_rcpt(farm_and_doors):
    farm, doors, here = farm_and_doors
    with make_mta("sendmail", here / "mta", farm.bridge.lmtp_unix, layout=sendmail.REPLACE_LOCAL,
                  aliases={"team": "u1,u2"}, lookup=f"unix:{doors.lookup_socket}") as mta:
        answers = said(mta, "team@example.org", "u3+x@example.org", "nobody@example.org",
                       "gone@example.org")
        codes = [answer[:9] for answer in answers]
        assert codes == ["250 2.1.5"] * 2 + ["550 5.1.1", "550 5.1.1", "250 2.0.0"], answers
        mta.wait_until_empty(60, flush=True)
        assert counts(farm, "u1", "u2", "u3") == [1, 1, 1]
        doors.stop()
        for recipient in ("u1@example.org", "nobody@example.org"):
            assert said(mta, recipient)[0].startswith("451 4.3.0")
        assert mta.queue_size() == 0
