"""packaging/dovecot/dovecot.conf read by a real Dovecot."""

import os
import shutil
import socket

import pytest

from . import dovecot
from .debian_packages import PackageUnavailable
from .dovecot import PrivateDovecot
from .ports import free_port
from .run_directory import new_run_directory
from .smtp_sender import compose
from .waiting import wait_until

UID = GID = 8


@pytest.fixture
def directory():
    path = new_run_directory("dovecot")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(directory):
    reason = dovecot.can_run()
    if reason:
        pytest.skip(reason)
    home = directory / "mail1" / "example.org" / "ann"
    _make_maildir(home / "Maildir")
    private = PrivateDovecot(directory / "dovecot", free_port(), {"ann@example.org": home})
    try:
        private.start()
    except PackageUnavailable as error:
        pytest.skip(str(error))
    private.maildir = home / "Maildir"
    yield private
    private.stop()


def _make_maildir(maildir):
    for folder in ("new", "cur", "tmp"):
        (maildir / folder).mkdir(parents=True)
    for folder in (maildir.parent, maildir, *maildir.iterdir()):
        os.chown(folder, UID, GID)
        folder.chmod(0o700)


def _deliver(maildir, number):
    """File a message the way `stored` does; returns what IMAP must give back."""
    octets = compose(f"1.{number}", "sender@example.org", 3000)
    octets = f"Return-Path: <sender{number}@example.org>\r\n".encode() + octets
    text = octets.replace(b"\r\n", b"\n")
    name = f"{1000 + number}.key{number}.mx,S={len(text)},W={len(octets)}"
    (maildir / "tmp" / name).write_bytes(text)
    os.chown(maildir / "tmp" / name, UID, GID)
    (maildir / "tmp" / name).rename(maildir / "new" / name)
    return octets


def test_mail_is_read_octet_for_octet_in_order(server):
    sent = [_deliver(server.maildir, number) for number in range(5)]
    assert server.messages("ann@example.org") == sent
    assert server.messages("ANN@Example.ORG") == sent


def test_sizes_come_from_the_name(server):
    sent = _deliver(server.maildir, 1)
    connection = server.login("ann@example.org")
    connection.select("INBOX")
    _, (answer,) = connection.fetch("1", "(RFC822.SIZE)")
    connection.logout()
    assert f"RFC822.SIZE {len(sent)}".encode() in answer


def test_seen_mail_moves_to_cur_and_keeps_its_name(server):
    _deliver(server.maildir, 1)
    connection = server.login("ann@example.org")
    connection.select("INBOX")
    connection.store("1", "+FLAGS", "\\Seen")
    connection.logout()
    (file,) = (server.maildir / "cur").iterdir()
    assert file.name.endswith(":2,S") and ",S=" in file.name and ",W=" in file.name
    assert file.stat().st_uid == UID


def test_an_idle_reader_hears_of_new_mail(server):
    connection = server.login("ann@example.org")
    connection.select("INBOX")
    connection.send(b"a IDLE\r\n")
    heard = [connection.readline()]
    _deliver(server.maildir, 1)
    connection.sock.settimeout(30)
    try:
        wait_until(lambda: b"* 1 EXISTS\r\n" in heard or heard.append(connection.readline()),
                   "the reader hears of the message")
    except socket.timeout:
        pytest.fail(f"nothing within 30 s, only {heard}")
    finally:
        connection.shutdown()


def test_a_wrong_password_is_refused(server):
    server.password = "wrong"
    with pytest.raises(Exception, match="AUTHENTICATIONFAILED"):
        server.login("ann@example.org")


def test_the_configuration_has_no_warnings(server):
    server.messages("ann@example.org")
    complaints = [line for line in server.log_text().splitlines()
                  if "Warning" in line or "Error" in line or "Fatal" in line]
    assert complaints == []
