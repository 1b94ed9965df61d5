"""The harness proves itself: real Postfix and sendmail against a scripted LMTP sink."""

import os
import shutil
import stat
import subprocess

import pytest

from . import postfix, sendmail
from .debian_packages import PackageUnavailable, unpack
from .fake_lmtp import HANG_UP, FakeLmtp
from .maildir_ledger import Ledger, content_digest, judge, read_ledger
from .ports import free_port
from .postfix import PrivatePostfix
from .process import is_alive
from .run_directory import is_safe_for_servers, new_run_directory
from .sendmail import ALIASES_FIRST, REPLACE_LOCAL, PrivateSendmail
from .smtp_sender import Message, SmtpSender, compose, paper_mix
from .waiting import wait_until

_MTAS = {"postfix": (postfix, PrivatePostfix), "sendmail": (sendmail, PrivateSendmail)}

USERS = [f"user{number}@example.org" for number in range(20)]


@pytest.fixture
def directory():
    path = new_run_directory("harness")
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=["postfix", "sendmail"])
def make_mta(request, directory):
    return lambda lmtp, **options: _mta(request.param, directory, lmtp, **options)


def _mta(name, directory, lmtp, **options):
    module, kind = _MTAS[name]
    reason = module.can_run()
    if reason:
        pytest.skip(reason)
    try:
        return kind(directory / name, free_port(), lmtp, **options)
    except PackageUnavailable as error:
        pytest.skip(str(error))


def _send(mta, ledger_path, messages, connections=4):
    ledger = Ledger(ledger_path)
    totals = SmtpSender(mta.smtp_port, ledger, connections).send(messages)
    ledger.close()
    return totals


def _received(sink, ledger_path):
    """{(id, recipient): times} of what the sink took; content is checked on the way."""
    entries = read_ledger(ledger_path)
    times = {}
    for transaction in sink.transactions:
        identity, digest = content_digest(transaction.octets)
        assert digest == entries[identity].sha256, f"message {identity} changed on its way"
        for address, reply in zip(transaction.recipients, transaction.replies):
            if reply.startswith("2"):
                times[identity, address] = times.get((identity, address), 0) + 1
    return times


def _owed(ledger_path):
    return {(identity, address): 1 for identity, entry in read_ledger(ledger_path).items()
            for address in entry.owed()}


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_every_message_arrives_once_and_unchanged(make_mta, directory, transport):
    port = free_port()
    sink = FakeLmtp(directory / "lmtp.sock") if transport == "unix" else FakeLmtp(port=port)
    lmtp = f"unix:{sink.path}" if transport == "unix" else f"inet:127.0.0.1:{port}"
    ledger = directory / "ledger"
    with make_mta(lmtp) as mta, sink:
        totals = _send(mta, ledger, paper_mix(60, USERS, recipients=(1, 20)))
        mta.wait_until_empty()
    assert totals.accepted == len(_owed(ledger)) and totals.refused == totals.unknown == 0
    assert _received(sink, ledger) == _owed(ledger)


def test_recipients_of_a_message_share_one_transaction(make_mta, directory):
    with make_mta(f"unix:{directory}/lmtp.sock") as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        users = [f"user{number}@example.org" for number in range(100)]
        _send(mta, directory / "ledger", paper_mix(1, users, recipients=(100, 100)))
        mta.wait_until_empty()
    assert [len(transaction.recipients) for transaction in sink.transactions] == [100]


def test_a_deferred_recipient_stays_in_the_queue_and_flush_delivers_it(make_mta, directory):
    full = {USERS[3], USERS[4]}
    with make_mta(f"unix:{directory}/lmtp.sock") as mta:
        sink = FakeLmtp(directory / "lmtp.sock", on_rcpt=lambda address: (
            "451 4.3.0 partition is away" if address == USERS[3] else "250 2.1.5 known"))
        sink.on_message = lambda _, address: (
            "452 4.2.2 mailbox full" if address in full else "250 2.0.0 stored")
        ledger = directory / "ledger"
        with sink:
            _send(mta, ledger, paper_mix(1, USERS[:6], recipients=(6, 6)))
            wait_until(lambda: len(sink.recipients()) == 4, "the other four are delivered")
            assert mta.queue_size() == 1
            sink.on_rcpt = lambda address: "250 2.1.5 known"
            full.clear()
            mta.wait_until_empty(flush=True)
    assert _received(sink, ledger) == _owed(ledger)
    # The repeat is byte for byte the same, Received line included.
    assert len({transaction.octets for transaction in sink.transactions}) == 1


def test_mail_waits_while_nobody_listens(make_mta, directory):
    ledger = directory / "ledger"
    with make_mta(f"unix:{directory}/lmtp.sock") as mta:
        _send(mta, ledger, paper_mix(3, USERS, recipients=(1, 5)))
        wait_until(lambda: mta.queue_size() == 3, "three messages are queued")
        mta.reload()
        assert mta.queue_size() == 3
        with FakeLmtp(directory / "lmtp.sock") as sink:
            mta.wait_until_empty(flush=True)
    assert _received(sink, ledger) == _owed(ledger)


def test_a_connection_that_drops_before_the_replies_is_tried_again(make_mta, directory):
    ledger = directory / "ledger"
    sink = FakeLmtp(directory / "lmtp.sock")
    sink.on_message = lambda *_: HANG_UP if not sink.transactions else "250 2.0.0 stored"
    with make_mta(f"unix:{directory}/lmtp.sock") as mta, sink:
        _send(mta, ledger, paper_mix(1, USERS, recipients=(5, 5)))
        wait_until(lambda: len(sink.transactions) == 1, "the first attempt")
        mta.wait_until_empty(flush=True)
    assert _received(sink, ledger) == _owed(ledger)
    assert len({transaction.octets for transaction in sink.transactions}) == 1


def test_long_lines_dots_and_eight_bit_text_arrive_octet_for_octet(make_mta, directory):
    octets = compose("1.odd", "sender@example.org", 500)
    octets += b"x" * 5000 + "\r\n..\r\n.\u00e4\u00f6\r\n".encode() + b"\xe9\xff latin one\r\n"
    ledger = directory / "ledger"
    with make_mta(f"unix:{directory}/lmtp.sock") as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        _send(mta, ledger, [Message("1.odd", "", (USERS[0],), octets)])
        mta.wait_until_empty()
    assert sink.transactions[0].sender == ""
    assert _received(sink, ledger) == {("1.odd", USERS[0]): 1}


def test_addresses_reach_the_bridge_as_they_were_sent(make_mta, directory):
    odd = ("ann+lists@example.org", '"ann lee"@example.org', "Ann.Lee@example.org")
    octets = compose("1.odd", "sender@example.org", 500)
    with make_mta(f"unix:{directory}/lmtp.sock") as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        _send(mta, directory / "ledger", [Message("1.odd", "s@example.org", odd, octets)])
        mta.wait_until_empty()
    assert sorted(sink.recipients()) == sorted(odd)


def test_a_refused_recipient_bounces_and_foreign_senders_get_nothing_from_us(make_mta, directory):
    senders = ("s@example.org", "s@elsewhere.test")
    sink = FakeLmtp(directory / "lmtp.sock", on_rcpt=lambda address: (
        "550 5.1.1 no such user" if address == USERS[1] else "250 2.1.5 known"))
    with make_mta(f"unix:{directory}/lmtp.sock") as mta, sink:
        messages = [Message(f"1.{number}", sender, tuple(USERS[:2]),
                            compose(f"1.{number}", sender, 500))
                    for number, sender in enumerate(senders)]
        _send(mta, directory / "ledger", messages, connections=1)
        wait_until(lambda: len(sink.transactions) == 3, "two messages and one bounce")
        mta.wait_until_empty()
    envelopes = sorted((transaction.sender, *transaction.recipients)
                       for transaction in sink.transactions)
    assert envelopes == [("", "s@example.org"), ("s@elsewhere.test", USERS[0]),
                         ("s@example.org", USERS[0])]


def test_mail_for_other_domains_is_refused(make_mta, directory):
    octets = compose("1.out", "sender@example.org", 500)
    message = Message("1.out", "s@elsewhere.test", ("ann@elsewhere.test",), octets)
    with make_mta(f"unix:{directory}/lmtp.sock") as mta:
        totals = _send(mta, directory / "ledger", [message])
        assert (totals.accepted, totals.refused, mta.queue_size()) == (0, 1, 0)


def test_both_run_at_once_and_change_nothing_outside_their_directories(directory):
    before = _outside_state()
    ledgers = {}
    with FakeLmtp(directory / "lmtp.sock") as sink:
        lmtp = f"unix:{sink.path}"
        with _mta("postfix", directory, lmtp) as one, _mta("sendmail", directory, lmtp) as two:
            for seed, mta in enumerate((one, two)):
                ledgers[seed] = directory / f"ledger{seed}"
                _send(mta, ledgers[seed], paper_mix(20, USERS, seed=seed, recipients=(1, 20)))
            one.wait_until_empty()
            two.wait_until_empty()
            pids = (one.pid, two.pid)
    both = {**_owed(ledgers[0]), **_owed(ledgers[1])}
    (directory / "all").write_text("".join(path.read_text() for path in ledgers.values()))
    assert _received(sink, directory / "all") == both
    assert not any(is_alive(pid) for pid in pids)
    assert _outside_state() == before


def _outside_state():
    """Everything a mail server might touch on the host, with sizes and times."""
    places = ["/etc/postfix", "/etc/mail", "/etc/aliases", "/etc/passwd", "/etc/group",
              "/etc/hosts", "/var/spool", "/var/lib/postfix", "/var/lib/sendmail", "/run/sendmail", "/var/mail"]
    unpacked = [unpack(name) for name in ("postfix", "sendmail-bin", "sendmail-cf")]
    listing = subprocess.run(
        ["find", *places, *unpacked, "-printf", "%p %y %m %U %G %s %T@\n"],
        capture_output=True, text=True).stdout
    return sorted(listing.splitlines())


def test_sendmail_applies_aliases_first(directory):
    with _mta("sendmail", directory, f"unix:{directory}/lmtp.sock", layout=ALIASES_FIRST,
              aliases={"team": "ann, bob+work"}) as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        octets = compose("1.team", "sender@example.org", 500)
        to = ("team@example.org", "carl@example.org")
        _send(mta, directory / "ledger", [Message("1.team", "s@example.org", to, octets)])
        mta.wait_until_empty()
    assert len(sink.transactions) == 1
    expected = ["ann@example.org", "bob+work@example.org", "carl@example.org"]
    assert sorted(sink.recipients()) == expected


def test_sendmail_with_the_local_mailer_replaced_sends_bare_local_parts(directory):
    with _mta("sendmail", directory, f"unix:{directory}/lmtp.sock", layout=REPLACE_LOCAL,
              aliases={"team": "ann, bob+work"}) as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        octets = compose("1.team", "sender@example.org", 500)
        _send(mta, directory / "ledger",
              [Message("1.team", "s@example.org", ("team@example.org",), octets)])
        mta.wait_until_empty()
    assert len(sink.transactions) == 1 and sorted(sink.recipients()) == ["ann", "bob+work"]


def test_sendmail_hands_over_listed_users_only(directory):
    users = directory / "users"
    users.write_text("mail\n")
    with _mta("sendmail", directory, f"unix:{directory}/lmtp.sock", layout=ALIASES_FIRST,
              extra=f"define(`HOMEWARD_USERS_FILE', `{users}')dnl\n",
              aliases={"team": "mail, games"}) as mta:
        assert "mailer homeward, host any, user mail@" in mta.address_test("mail@example.org")
        assert "user mail+box@example.org" in mta.address_test("mail+box@example.org")
        assert "mailer local, user games" in mta.address_test("games@example.org")
        both = mta.address_test("team@example.org")
        assert "mailer homeward" in both and "mailer local, user games" in both


def test_the_lines_of_the_manual_fit_debian_s_own_sendmail_mc(directory):
    mta = _mta("sendmail", directory, f"unix:{directory}/lmtp.sock")
    mta.write_configuration()
    for name in ("dialup.m4", "provider.m4"):  # made empty by the package's installation
        (directory / name).touch()
    stock = (directory / "sendmail/cf/debian/sendmail.mc").read_text()
    before, after = _documented_lines()
    anchor = "MAILER_DEFINITIONS\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n"
    assert anchor in stock
    edited = stock.replace(anchor, before + anchor + after)
    built = [_built(text, directory) for text in (stock, edited)]
    added = [line for line in built[1] if line not in built[0]]
    removed = [line for line in built[0] if line not in built[1] and "built by" not in line]
    assert any(line.startswith("Mhomeward,") for line in added)
    assert any(line == "O Timeout.datafinal=180s" for line in added)
    assert removed == ["O ConnectionCacheSize=2", "O ConnectionCacheTimeout=5m",
                       "O HostStatusDirectory=/var/lib/sendmail/host_status",
                       "#O Timeout.datafinal=1h"]


def _documented_lines():
    """The lines of sendmail-cf/README.md for above and below Debian's MAILER lines."""
    blocks = (sendmail.FRAGMENTS / "README.md").read_text().split("```")[1::2]
    above = next(block for block in blocks if "feature/homeward.m4" in block)
    below = next(block for block in blocks if "mailer/homeward.m4" in block)
    return above.partition("\n")[2], below.partition("\n")[2]


def _built(text, directory):
    for place, real in (("/usr/share/sendmail/cf", directory / "sendmail/cf"),
                        ("/etc/mail/m4", directory),
                        ("/usr/share/homeward/sendmail-cf", sendmail.FRAGMENTS)):
        text = text.replace(place, str(real))
    (directory / "edited.mc").write_text(text)
    built = subprocess.run(["m4", directory / "edited.mc"], capture_output=True, text=True)
    assert built.returncode == 0 and built.stderr == ""
    return built.stdout.splitlines()


def test_sendmail_queueonly_delivers_in_the_queue_run_over_one_connection(directory):
    with _mta("sendmail", directory, f"unix:{directory}/lmtp.sock",
              delivery_mode="queueonly") as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        _send(mta, directory / "ledger", paper_mix(10, USERS, recipients=(1, 3)))
        assert mta.queue_size() == 10 and not sink.transactions
        mta.flush()
        assert mta.queue_size() == 0 and sink.connections == 1
    assert _received(sink, directory / "ledger") == _owed(directory / "ledger")


def test_sendmail_interactive_delivers_before_it_answers(directory):
    with _mta("sendmail", directory, f"unix:{directory}/lmtp.sock",
              delivery_mode="interactive") as mta, FakeLmtp(directory / "lmtp.sock") as sink:
        seen = []
        ledger = Ledger(directory / "ledger")
        sender = SmtpSender(mta.smtp_port, ledger, 1,
                            progress=lambda totals: seen.append(len(sink.transactions)))
        sender.send(paper_mix(5, USERS, recipients=(1, 3)))
    assert seen == [1, 2, 3, 4, 5]


def test_postfix_fragments_equal_the_commands_of_the_manual(directory):
    """docs: what the operator's postconf commands make is what these tests run."""
    mta = _mta("postfix", directory, f"unix:{directory}/lmtp.sock")
    mta.write_configuration()
    service = mta.command("postconf", "-M", "homeward/unix").stdout
    settings = mta.command("postconf", "-n").stdout
    mta.command("postconf", "-MX", "homeward/unix")
    for name in _names_set_by("homeward-main.cf"):
        mta.command("postconf", "-X", name)
    assert "homeward_" not in mta.command("postconf", "-n").stdout
    _run_documented_commands(mta)
    assert mta.command("postconf", "-M", "homeward/unix").stdout == service
    after = mta.command("postconf", "-n").stdout
    assert sorted(after.splitlines()) == sorted(settings.splitlines())


def _names_set_by(fragment):
    lines = (postfix.FRAGMENTS / fragment).read_text().splitlines()
    return [line.partition(" = ")[0] for line in lines if " = " in line and line[0] != "#"]


def _run_documented_commands(mta):
    """The first shell block of postfix-conf/README.md that begins with postconf."""
    text = (postfix.FRAGMENTS / "README.md").read_text()
    block = next(part for part in text.split("```")[1::2] if "postconf -M" in part)
    script = block.partition("\n")[2].replace("/etc/postfix/", f"{mta.config}/")
    subprocess.run(["sh", "-e", "-c", script], env=mta.environment(), check=True,
                   capture_output=True)


# The judge itself.


@pytest.fixture
def filed(tmp_path):
    """A ledger of one message owed to two users of a partition, and its file, linked."""
    octets = compose("1.judge", "sender@example.org", 3000)
    ledger = Ledger(tmp_path / "ledger")
    ledger.offered(octets, ["ann@example.org", "bob@example.org", "carl@example.org"])
    ledger.answered("1.judge", {"ann@example.org": ("accepted", "250 ok"),
                                "bob@example.org": ("accepted", "250 ok"),
                                "carl@example.org": ("refused", "550 no")})
    text = b"Return-Path: <s@example.org>\n" + octets.replace(b"\r\n", b"\n")
    partition = tmp_path / "mail1"
    name = f"1.M1.host,S={len(text)},W={len(text) + text.count(bytes([10]))}"
    first = _maildir(partition, "ann") / "new" / name
    first.write_bytes(text)
    second = _maildir(partition, "bob") / "new" / name
    os.link(first, second)
    return tmp_path, first, second


def _maildir(partition, user):
    home = partition / "example.org" / user / "Maildir"
    for folder in ("new", "cur", "tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return home


def _verdict(tmp_path, **options):
    return judge(tmp_path / "ledger", [tmp_path / "mail1", tmp_path / "mail2"], **options)


def test_the_judge_finds_nothing_wrong_with_good_mail(filed):
    verdict = _verdict(filed[0])
    assert verdict.clean and verdict.summary() == "sent 2, stored 2, lost 0, duplicated 0"
    assert verdict.unlinked() == [] and verdict.files() == 1
    assert verdict.per_mailbox == {"ann@example.org": 1, "bob@example.org": 1}


def test_the_judge_sees_a_lost_message(filed):
    filed[2].unlink()
    verdict = _verdict(filed[0])
    assert len(verdict.lost) == 1 and "bob@example.org" in verdict.lost[0]
    assert not verdict.clean and verdict.stored == 1


@pytest.mark.parametrize("damage", [lambda text: text[:-1], lambda text: text + b"\n",
                                    lambda text: text.replace(b"Subject", b"Subjekt")])
def test_the_judge_sees_a_torn_message(filed, damage):
    filed[1].write_bytes(damage(filed[1].read_bytes()))
    verdict = _verdict(filed[0])
    assert len(verdict.torn) == 2 and not verdict.clean


def test_the_judge_sees_duplicates_also_on_another_partition(filed):
    shutil.copy(filed[1], filed[1].parents[1] / "cur" / "2.other:2,S")
    shutil.copy(filed[1], _maildir(filed[0] / "mail2", "bob") / "new" / "3.other")
    verdict = _verdict(filed[0], home_of=lambda mailbox: filed[0] / "mail1")
    assert len(verdict.duplicated) == 2 and len(verdict.misplaced) == 1
    assert verdict.unlinked() == [(str(filed[0] / "mail1"), "1.judge", 2)]


def test_the_judge_sees_mail_in_a_stranger_s_mailbox(filed):
    shutil.copy(filed[1], _maildir(filed[0] / "mail1", "eve") / "new" / "1.x")
    shutil.copy(filed[1], _maildir(filed[0] / "mail1", "carl") / "new" / "1.x")
    verdict = _verdict(filed[0])
    assert len(verdict.alien) == 1 and "eve" in verdict.alien[0]
    assert len(verdict.refused_but_stored) == 1 and "carl" in verdict.refused_but_stored[0]


def test_the_judge_sees_wrong_sizes_strangers_and_leftovers(filed):
    wrong = filed[1].name.replace("S=", "S=1")
    filed[1].rename(filed[1].with_name(wrong))
    home = filed[2].parents[1]
    (home / "new" / "9.bounce").write_bytes(b"Subject: no id\n\nX-Homeward-Id: 1.judge\n")
    (home / "tmp" / "half").write_bytes(b"half")
    verdict = _verdict(filed[0])
    assert len(verdict.wrong_size) == len(verdict.foreign) == len(verdict.unfinished) == 1


def test_a_cut_ledger_leaves_the_outcome_unknown(filed):
    ledger = filed[0] / "ledger"
    ledger.write_text("".join(ledger.read_text().splitlines(True)[:1]) + '{"answered": "1.ju')
    verdict = _verdict(filed[0])
    assert verdict.unknown_outcome == 3 and not verdict.lost and verdict.sent == 0


def test_run_directories_are_fit_for_servers(directory):
    assert is_safe_for_servers(directory)
    open_to_all = directory / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777 | stat.S_ISVTX)
    assert not is_safe_for_servers(open_to_all)
