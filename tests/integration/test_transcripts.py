"""Runner 2 of the transcripts: the conversations of tests/transcripts with real processes.

A file whose scene no running daemon can be brought into (events of a driver, limits below what
the settings allow, failures of a store that does not fail) stays with the unit runner;
`why_not` says which and why.
"""

import re
import socket

import pytest
from conftest import Farm, free_port

from support.homeward import Store
from support.run_directory import TREE
from support.scripted_store import ScriptedStore

import sys

sys.path.insert(0, str(TREE / "tests" / "transcripts" / "runner"))

import transcript as transcripts  # noqa: E402
from transcript import Kind  # noqa: E402

FOLDER = TREE / "tests" / "transcripts"

# Outcomes of the LMTP transcripts that a store can say, and how it says them.
OUTCOMES = {"over_quota": "QUOTA", "full": "FULL", "temp": "TEMP", "perm": "PERM",
            "no_user": "NOUSER", "denied": "DENIED", "too_big": "TOOBIG"}


class UnitOnly(Exception):
    """Why a transcript cannot be played with a real process."""


def words(header):
    """The words behind a keyword; a quoted local part stays one word."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|\S)+', header.rest)


class LmtpScene:
    """What the header lines of an LMTP transcript ask of bridge, directory and store."""

    def __init__(self, script):
        self.settings = {}
        self.users = {}
        self.outcomes = {}
        self.default_domain = "x.invalid"
        if script.has_events():
            raise UnitOnly("has events of the driver")
        for header in script.headers:
            self.take(header.keyword, words(header))

    def take(self, keyword, rest):
        match keyword, rest:
            case "rcpt", [address, "accepted"]:
                self.add_user(address.strip("<>") if '"' not in address else address[1:-1])
            case "rcpt", [address, "accepted", "as", mailbox]:
                if "@" not in address:
                    self.default_domain = mailbox.partition("@")[2]
                self.add_user(mailbox)
            case "rcpt", [_, "unknown"]:
                pass
            case "outcome", [mailbox, failure] if failure in OUTCOMES:
                self.outcomes[mailbox] = OUTCOMES[failure]
            case "outcome", [_, "stored"]:
                pass
            case "limit", ["errors", count]:
                self.settings["errors"] = int(count)
            case "setting", ["mailbox_full", "permanent"]:
                self.outcomes.setdefault("", "")
                self.settings["permanent"] = True
            case _:
                raise UnitOnly(f"cannot be arranged: {keyword} {' '.join(rest)}")

    def add_user(self, mailbox):
        if "@" not in mailbox:
            raise UnitOnly(f"a mailbox without a domain: {mailbox}")
        self.users[mailbox] = "store1/mail1"

    def farm(self, here, store_port=None):
        settings = {"hostname": "mx.example",
                    "addresses": {"default_domain": self.default_domain},
                    "limits": {"errors": self.settings.get("errors", 20)},
                    "replies": {"mailbox_full_is_permanent": "permanent" in self.settings}}
        farm = Farm(here / "farm", stores=1, partitions=1, users=0, bridge_settings=settings)
        for mailbox, home in (self.users or {"somebody@else": "store1/mail1"}).items():
            farm.add_user(mailbox, home)
        if store_port is not None:
            farm.stores[0].endpoint = f"127.0.0.1:{store_port}"
        return farm


class StoreScene:
    """What the header lines of a storage transcript ask of stored."""

    def __init__(self, script):
        if script.has_events():
            raise UnitOnly("has events of the driver")
        self.partitions = {}
        missing = set()
        for header in script.headers:
            match header.keyword, words(header):
                case "partition", [name, "no_partition"]:
                    missing.add(name)
                case "partition", [name, "denied"]:
                    self.partitions[name] = {"peers": ["192.0.2.1"]}
                case keyword, rest:
                    raise UnitOnly(f"cannot be arranged: {keyword} {' '.join(rest)}")
        for step in script.steps:
            for name in re.findall(rb"(?im)^prtn +([\w.-]{1,64}) *\r?$", step.octets):
                if name.decode() not in missing:
                    self.partitions.setdefault(name.decode(), {})

    def store(self, here):
        store = Store(here / "store", "store1", partitions=list(self.partitions) or ["mail1"])
        for record in store.settings["partitions"]:
            record |= self.partitions.get(record["name"], {})
        return store


SCENES = {"lmtp": LmtpScene, "store": StoreScene}


def scripts(folder):
    """(playable, {file name: why not}) of a folder's transcripts."""
    playable, why_not = [], {}
    for file in transcripts.find_transcripts(FOLDER / folder):
        script = transcripts.read_transcript(file)
        try:
            SCENES[folder](script)
            playable.append(script)
        except UnitOnly as reason:
            why_not[file.name] = str(reason)
    return playable, why_not


def parameters(folder):
    return [pytest.param(script, id=script.file.stem) for script in scripts(folder)[0]]


@pytest.mark.parametrize("folder", SCENES)
def test_most_transcripts_are_played(folder):
    playable, why_not = scripts(folder)
    print("\n".join(f"unit only: {folder}/{name}: {why}" for name, why in why_not.items()))
    assert len(playable) > len(why_not)


@pytest.mark.parametrize("script", parameters("lmtp"))
def test_lmtp(here, script):
    scene = LmtpScene(script)
    if scene.outcomes:
        port = free_port()
        with ScriptedStore(port, on_result=lambda message, to: scene.outcomes.get(to)):
            with scene.farm(here, port) as farm:
                play(script, farm.bridge.port)
        return
    with scene.farm(here) as farm:
        play(script, farm.bridge.port)
        compare_messages(script, farm.partitions)


@pytest.mark.parametrize("script", parameters("store"))
def test_store(here, script):
    store = StoreScene(script).store(here)
    with store:
        play(script, store.port)
        compare_messages(script, store.paths.values())


def play(script, port):
    """Line by line, as a person would at telnet. All that the server says must be expected."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = connection.makefile("rb")
        closed = False
        for step in script.steps:
            where = f"{script.file.name}:{step.line}"
            if step.kind is Kind.CLIENT:
                send(connection, step.octets)
            elif step.kind is Kind.CLIENT_BODY:
                lmtp = script.file.parent.name == "lmtp"
                send(connection, transcripts.dot_stuff(step.octets) if lmtp else step.octets)
            elif step.kind is Kind.SERVER:
                expect(lines, step.pattern, where)
            elif step.kind is Kind.SERVER_CLOSE:
                assert rest_of(lines) == b"", where
                closed = True
            elif step.kind is Kind.CLIENT_CLOSE:
                closed = True
                break
        if not closed:
            connection.shutdown(socket.SHUT_WR)
            assert rest_of(lines) == b"", f"{script.file.name}: more than expected"


def send(connection, octets):
    try:
        connection.sendall(octets)
    except ConnectionError:
        pass  # the server has closed; what it said before is compared


def expect(lines, pattern, where):
    while True:
        line = lines.readline().decode("utf-8", "replace").rstrip("\r\n")
        if transcripts.matches(pattern, line) or transcripts.matches(pattern, as_scripted(line)):
            return
        continuation = transcripts.CONTINUATION.match(line) and line[:3] == pattern[:3]
        assert continuation, f"{where}: expected `{pattern}`, got `{line}`"


def as_scripted(line):
    """What a real store says and the session of the unit runner does not."""
    line = re.sub(r"SERVER=homeward/\S+", "SERVER=homeward/test", line)
    line = re.sub(r" as \S+ on store1/", " as NAME on store1/", line)
    return line.replace(" repeat=yes]", "]")


def rest_of(lines):
    try:
        return lines.read()
    except ConnectionError:
        return b""


def compare_messages(script, partitions):
    """What lies in the Maildirs against the M lines: senders, numbers of recipients, octets."""
    expected = expected_messages(script)
    if expected is None:
        return
    found = sorted(found_messages(partitions))
    if len(found) < len(expected):  # the same octets again are the same delivery
        expected = [facts for number, facts in enumerate(expected)
                    if facts not in expected[:number]]
    assert len(found) == len(expected), found
    for (links, sender, octets), facts in zip(found, sorted(expected, key=sort_key)):
        if "recipients" in facts:
            assert links == len(recipients_of(facts))
        if "sender" in facts:
            assert sender == facts["sender"]
        if "octets" in facts:
            assert octets == facts["octets"].replace(b"\r\n", b"\n")


def recipients_of(facts):
    """The distinct mailboxes. A source route has commas itself; "x@y,@a,@b:c" is two."""
    return set(re.split(r",(?=@a)|,(?!@)", facts.get("recipients", "")))


def sort_key(facts):
    return len(recipients_of(facts)), facts.get("sender", ""), facts.get("octets", b"").replace(b"\r\n", b"\n")


def expected_messages(script):
    """A dict of facts for each message, None when the transcript does not say."""
    messages = []
    said = False
    for step in script.steps:
        if step.kind is Kind.MESSAGE:
            said = True
            if step.exact:
                messages[-1]["octets"] = step.octets
            elif step.text != "none":
                messages.append(dict(pair.split("=", 1) for pair in split_pairs(step.text)))
    messages = [facts for facts in messages if facts.get("discarded", "no") == "no"]
    return messages if said else None


def split_pairs(text):
    return re.findall(r'\w+=(?:"(?:[^"\\]|\\.)*"|\S)*', text)


def found_messages(partitions):
    """(number of mailboxes, sender, octets) of every distinct file in the Maildirs."""
    seen = {}
    for partition in partitions:
        for file in partition.rglob("new/*"):
            status = file.stat()
            seen[status.st_ino] = (status.st_nlink, *without_trace(file.read_bytes()))
    return list(seen.values())


def without_trace(octets):
    first, _, rest = octets.partition(b"\n")
    sender = first.removeprefix(b"Return-Path: ").decode()
    if rest.startswith(b"Delivered-To: "):
        rest = rest.partition(b"\n")[2]
    return sender, rest
