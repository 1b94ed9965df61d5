"""homeward-milter as a daemon: thousands of connections, stop and reload under load, broken peers."""

import fcntl
import os
import socket
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

from support import waiting
from support.homeward import BRIDGE_USER, account, program
from support.milter import CONTINUE, INSERT_HEADER, Milter, MilterClient, said
from support.process import run
from support.user_directory import SqliteDirectory, YamlDirectory

NOBODY_STEPS = 0x2 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200  # helo, body, headers, eoh, unknown, data
RCPT_REJ = 0x800
ADD_HEADERS, SET_MACROS = 0x01, 0x100


def users_in(directory):
    directory.add_server("store1", "127.0.0.1:1")  # nobody answers there
    directory.add_partition("store1/mail1")
    for number in range(10):
        directory.add_user(f"u{number}@example.org", "store1/mail1")
    directory.write()
    return directory


@pytest.fixture
def milter(here):
    with Milter(here / "milter", users_in(YamlDirectory(here / "users.yaml"))) as running:
        yield running


def client_of(milter):
    return MilterClient(milter.socket)


def whole_message(client, recipient="u1@example.org"):
    """One message on an open connection; returns all answers that were not "go on"."""
    answers = [client.mail(), client.rcpt(recipient)]
    if said(answers[-1]):
        client.abort()
    else:
        answers.append(client.end()[1])
    return [packet for packet in answers if packet[0] != CONTINUE]


def read_to_the_end(connection):
    connection.settimeout(60)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:  # it did not want to read what we had to say
        pass


def test_it_asks_only_for_what_it_needs(milter):
    with client_of(milter) as client:
        actions, steps = client.negotiate()
        assert actions == ADD_HEADERS | SET_MACROS
        assert steps == NOBODY_STEPS
        assert not steps & RCPT_REJ


def test_an_old_mta(milter):
    """Of 2002: it cannot leave out what came later, and macros cannot be asked for."""
    with client_of(milter) as client:
        actions, steps = client.negotiate(actions=0x3F, steps=0x7F)
        assert actions == ADD_HEADERS
        assert steps == NOBODY_STEPS & 0x7F
        assert client.connect()[0] == CONTINUE
        client.mail()
        assert said(client.rcpt("nobody@example.org")) == "550 5.1.1"
        assert client.rcpt("u1@example.org")[0] == CONTINUE
        changes, last = client.end()
        assert [command for command, _ in changes] == [INSERT_HEADER] and last[0] == CONTINUE


def test_many_messages_on_one_connection(milter):
    with client_of(milter).open() as client:
        for number in range(100):
            client.mail(f"s{number}@example.net")
            assert said(client.rcpt("nobody@example.org")) == "550 5.1.1"
            assert client.rcpt(f"u{number % 10}@example.org")[0] == CONTINUE
            changes, last = client.end()
            assert last[0] == CONTINUE
            (command, data), = changes
            assert command == INSERT_HEADER
            assert data[4:].split(b"\0")[:2] == \
                [b"X-Homeward-Route", b"mx1.example.org; store1/mail1 (1 recipient)"]


def test_an_abort_leaves_nothing(milter):
    with client_of(milter).open() as client:
        client.mail()
        assert client.rcpt("u1@example.org")[0] == CONTINUE
        client.abort()
        client.mail()
        assert client.rcpt("other@example.net")[0] == CONTINUE
        assert client.end() == ([], (CONTINUE, b""))


@pytest.mark.parametrize("packet", [
    b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x01Z", b"\0\0\0\x02M", b"GET / HTTP/1.0\r\n\r\n",
    struct.pack("!I", 2) + b"R\0", struct.pack("!I", 5) + b"M<a>\0" + struct.pack("!I", 2) + b"R<",
], ids=range(8))
def test_a_broken_peer_harms_nobody(milter, packet):
    with socket.socket(socket.AF_UNIX) as broken:
        broken.connect(str(milter.socket))
        broken.sendall(packet)
        broken.shutdown(socket.SHUT_WR)
        read_to_the_end(broken)
    with client_of(milter).open() as client:
        assert whole_message(client) == []
    assert milter.running


def test_what_libmilter_says_is_in_our_log(milter):
    """It would go to syslog, where nobody may listen."""
    with socket.socket(socket.AF_UNIX) as broken:
        broken.connect(str(milter.socket))
        broken.sendall(struct.pack("!I", 13) + b"O" + struct.pack("!III", 1, 0, 0))
        read_to_the_end(broken)
    waiting.wait_until(lambda: "libmilter says=" in milter.log_text(), "libmilter is heard")


def test_the_socket_has_its_mode_and_is_removed_at_the_end(milter):
    assert milter.socket.stat().st_mode & 0o777 == 0o666
    assert milter.stop() == 0
    assert not milter.socket.exists()


def test_a_socket_left_by_a_kill_is_taken_over(milter):
    milter.kill()
    assert milter.socket.exists()
    milter.start()
    with client_of(milter).open() as client:
        assert whole_message(client) == []


def test_a_socket_in_use_is_not_stolen(milter, here):
    second = Milter(here / "second", YamlDirectory(here / "users.yaml"),
                    settings={"milter": {"address": milter.place}})
    second.start(wait=False)
    assert second.wait_for_end() == 1
    assert "another process answers there" in second.log_text()
    with client_of(milter).open() as client:
        assert whole_message(client) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused as root")
def test_root_needs_a_user(here):
    daemon = Milter(here / "milter", users_in(YamlDirectory(here / "users.yaml")))
    del daemon.settings["user"]
    daemon.start(wait=False)
    assert daemon.wait_for_end() == 77
    assert "does not run as root" in daemon.log_text()


class LockedDirectory:
    """Holds all locks of an SQLite file in WAL mode: whoever wants to read waits, and gives up after 10 s."""

    first_lock, locks = 120, 8  # in the file beside it; sqlite.org/walformat.html

    def __init__(self, file):
        # Without a second reader the first one would make that file anew.
        self.reader = sqlite3.connect(file)
        self.reader.execute("SELECT count(*) FROM users").fetchall()
        self.beside = open(f"{file}-shm", "r+b")

    def __enter__(self):
        fcntl.lockf(self.beside, fcntl.LOCK_EX, self.locks, self.first_lock)
        return self

    def __exit__(self, *_):
        self.beside.close()
        self.reader.close()


def test_a_thousand_sessions_while_the_directory_is_locked(here):
    """Verdicts come from memory: all sessions are answered while somebody holds the lock, from its
    first moment until the directory has given up waiting for it."""
    directory = users_in(SqliteDirectory(here / "directory" / "directory.db",
                                         program("homewardctl"), account(BRIDGE_USER)))
    with Milter(here / "milter", directory) as milter:
        with LockedDirectory(directory.file):
            begun = time.monotonic()
            clients = [client_of(milter).open() for _ in range(1000)]
            for client in clients:
                assert client.mail()[0] == CONTINUE
            for number, client in enumerate(clients):
                assert client.rcpt(f"u{number % 10}@example.org")[0] == CONTINUE
            for client in clients:
                assert said(client.rcpt("nobody@example.org")) == "550 5.1.1"
            for client in clients:
                assert client.end()[1][0] == CONTINUE
            print(f"1000 sessions answered {time.monotonic() - begun:.1f} s after the lock was taken")
            waiting.wait_until(lambda: "directory away" in milter.log_text(),
                               lambda: f"the lock is felt: {milter.last_lines()}")
            print(f"the directory gave up after {time.monotonic() - begun:.1f} s")
            assert "directory is back" not in milter.log_text()
            for client in clients:
                assert whole_message(client) == []
        for client in clients:
            client.quit()
            client.close()
        waiting.wait_until(lambda: "directory is back" in milter.log_text(), "the lock is gone")


def test_a_log_that_nobody_reads_delays_nobody(milter):
    """The reader of standard error hangs; what was refused meanwhile is written when it wakes up."""
    milter.stop()
    daemon = subprocess.Popen([program("homeward-milter"), "--config", milter.config],
                              stderr=subprocess.PIPE)
    try:
        waiting.wait_until(milter.socket.exists, "it serves")
        with client_of(milter).open() as client:
            for _ in range(5000):  # a line each, many times what the pipe holds
                client.mail()
                assert said(client.rcpt("nobody@example.org")) == "550 5.1.1"
                client.abort()
            client.quit()
        daemon.terminate()
        log = daemon.communicate(timeout=60)[1].decode()
        assert daemon.returncode == 0
        assert log.count("recipient refused") == 5000
    finally:
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()


class Load:
    """Connections that send one message after the other until they are told to stop."""

    def __init__(self, milter, connections=20):
        self.milter = milter
        self.wrong = []
        self.messages = 0
        self.refused = 0
        self.running = True
        self.threads = [threading.Thread(target=self._run) for _ in range(connections)]

    def _run(self):
        while self.running:
            try:
                client = client_of(self.milter)
            except OSError:  # nobody listens: the MTA says 451
                self.refused += 1
                time.sleep(0.01)
                continue
            try:
                with client:
                    client.open()
                    for _ in range(5):
                        self.wrong += whole_message(client)
                        self.messages += 1
                    client.quit()
            except (OSError, TypeError, AssertionError) as lost:
                self.wrong.append(repr(lost))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        waiting.wait_until(lambda: self.messages > 100 or self.wrong, "the load runs")
        return self

    def __exit__(self, *_):
        self.running = False
        for thread in self.threads:
            thread.join()

    def goes_on(self):
        now = self.messages
        waiting.wait_until(lambda: self.messages > now + 100 or self.wrong, "the load goes on")


def test_reload_under_load(milter):
    with Load(milter) as load:
        for number in range(10):
            milter.settings["log_level"] = ("info", "debug")[number % 2]
            assert "settings reloaded" in milter.reload()
            load.goes_on()
    assert load.wrong == [] and load.refused == 0


def test_a_bad_settings_file_changes_nothing(milter):
    good = dict(milter.settings)
    milter.settings["verdicts"] = {"unknown_user": "shout"}
    assert "settings not reloaded" in milter.reload()
    with client_of(milter).open() as client:
        client.mail()
        assert said(client.rcpt("nobody@example.org")) == "550 5.1.1"
    milter.settings = good
    assert "settings reloaded" in milter.reload()


def test_sessions_that_are_open_end_well(milter):
    """A stop waits for messages that have begun; the place is free for the next at once."""
    with client_of(milter).open() as begun, client_of(milter).open() as idle:
        begun.mail()
        milter.terminate()
        waiting.wait_until(lambda: not milter.socket.exists(), "the place is free")
        successor = Milter(milter.directory, YamlDirectory(milter.settings["directory"]["file"]),
                           name="successor", settings={"milter": {"address": milter.place}})
        successor.start()
        assert begun.rcpt("u1@example.org")[0] == CONTINUE
        changes, last = begun.end()
        assert changes[0][0] == INSERT_HEADER and last[0] == CONTINUE
        begun.quit()
        assert whole_message(idle) == []
        idle.quit()
        assert milter.wait_for_end() == 0
        with client_of(successor).open() as client:
            assert whole_message(client) == []
        assert successor.stop() == 0


def test_stop_under_load_without_a_failed_session(milter):
    """Five times: the old one stops, a new one is there, and no session that was open breaks."""
    with Load(milter) as load:
        for _ in range(5):
            old = milter.process
            milter.terminate()
            waiting.wait_until(lambda: not milter.socket.exists(), "the place is free")
            milter.process = type(old)(old.arguments, milter.log, directory=milter.directory)
            milter.start()
            waiting.wait_until(lambda: not old.running, "the old one ends", 60)
            assert old.exit_status == 0
            load.goes_on()
    assert load.wrong == []


def test_a_socket_that_is_passed_to_it(milter, here):
    """As systemd does: connections made while nobody runs wait, and none is refused."""
    milter.stop()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(milter.socket))
    listening.listen(200)
    os.chmod(milter.socket, 0o666)
    descriptor = listening.fileno()
    starter = ("import os, sys\n"
               f"os.dup2({descriptor}, 3)\n"
               "os.set_inheritable(3, True)\n"
               "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()),"
               " LISTEN_FDNAMES='milter')\n"
               "os.execv(sys.argv[1], sys.argv[1:])\n")

    def launch():
        log = open(milter.log, "ab")
        return subprocess.Popen(["/usr/bin/python3", "-c", starter, program("homeward-milter"),
                                 "--config", milter.config], pass_fds=[descriptor], stderr=log)

    first = launch()
    try:
        with Load(milter) as load:
            for _ in range(3):
                first.terminate()
                assert first.wait(60) == 0
                first = launch()
                load.goes_on()
        assert load.wrong == [] and load.refused == 0
        assert "passed by the service manager" in milter.log_text()
    finally:
        first.terminate()
        first.wait(60)
        listening.close()


def test_print_and_check_config(milter):
    printed = run([program("homeward-milter"), "--config", milter.config, "--print-config"]).stdout
    assert "unknown_user: refuse" in printed
    checked = run([program("homeward-milter"), "--config", milter.config, "--check-config"])
    assert checked.stderr == ""
