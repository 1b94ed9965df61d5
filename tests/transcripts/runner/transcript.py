"""Conversations as files, for runners written in Python.

The format is described in tests/transcripts/README.md; transcript.cpp reads the same files.
As a program:

    transcript.py --lint FOLDER...          says what is wrong with the transcripts below FOLDER
    transcript.py --seeds FOLDER TARGET     writes the client side of each as a fuzzing seed
"""

import argparse
import dataclasses
import enum
import hashlib
import pathlib
import re
import sys


class Kind(enum.Enum):
    CLIENT = "client"              # send `octets`
    CLIENT_BODY = "client_body"    # send `octets` as a message; the runner encodes it
    CLIENT_CLOSE = "client_close"  # close the connection
    SERVER = "server"              # one line of the server, matching `pattern`
    SERVER_CLOSE = "server_close"  # the server has closed the connection
    EVENT = "event"                # `text`: something that no octet says
    MESSAGE = "message"            # `text`: facts of the next message; `octets` if `exact`


@dataclasses.dataclass
class Step:
    kind: Kind
    line: int
    octets: bytes = b""
    pattern: str = ""
    text: str = ""
    exact: bool = False


@dataclasses.dataclass
class Header:
    keyword: str
    rest: str
    line: int


@dataclasses.dataclass
class Transcript:
    file: pathlib.Path
    why: str
    headers: list
    steps: list

    def has_events(self):
        """True if a runner that can only send and receive cannot play it."""
        return any(step.kind is Kind.EVENT for step in self.steps)


class TranscriptError(Exception):
    """Says `file:line: what is wrong`."""


ONLY_A_CODE = re.compile(r"(?:\d+(?: +[\d.]*)?|(?:\+OK|-ERR)(?: +\[[^\]]*\])?)\s*\Z")
CONTINUATION = re.compile(r"\d\d\d-")


class _Reader:
    def __init__(self, file):
        self.file = pathlib.Path(file)
        self.line = 0
        self.result = Transcript(self.file, "", [], [])

    def fail(self, what):
        raise TranscriptError(f"{self.file}:{self.line}: {what}")

    def read(self):
        text = self.file.read_bytes().decode("utf-8")
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        for one in lines:
            self.line += 1
            self.take(one)
        if self.line == 0:
            self.fail("the file is empty")
        return self.result

    def take(self, one):
        if self.line == 1:
            if not one.startswith("#") or "why:" not in one:
                self.fail("the first line must be a comment with 'why:'")
            self.result.why = one.split("why:", 1)[1].strip(" ")
            return
        if not one.strip(" ") or one.startswith("#"):
            return
        if len(one) >= 2 and one[0] in "CSEM" and one[1] in ":=":
            rest = one[3:] if one[2:3] == " " else one[2:]
            self.take_step(one[0], one[1] == "=", rest)
        elif not self.result.steps:
            keyword, _, rest = one.partition(" ")
            self.result.headers.append(Header(keyword.rstrip(":"), rest.strip(" "), self.line))
        else:
            self.fail("a line must begin with C: S: E: or M:")

    def add(self, kind, **members):
        self.result.steps.append(Step(kind, self.line, **members))

    def take_step(self, who, escaped, text):
        if who == "C":
            self.take_client(escaped, text)
        elif who == "S":
            self.take_server(text)
        elif who == "E":
            self.add(Kind.EVENT, text=text.strip(" "))
        elif escaped:
            self.add(Kind.MESSAGE, octets=self.unescape(text), exact=True)
        else:
            self.add(Kind.MESSAGE, text=text.strip(" "))

    def take_client(self, escaped, text):
        text, arrow, answer = text.rpartition(" -> ")
        if arrow:
            text = text.rstrip(" ")
        else:
            text, answer = answer, ""
        if escaped:
            self.add(Kind.CLIENT, octets=self.unescape(text))
        elif text == "<close>":
            self.add(Kind.CLIENT_CLOSE)
        elif text.startswith("<body ") and text.endswith(">"):
            name = text[6:-1]
            try:
                message = (self.file.parent / name).read_bytes()
            except OSError as error:
                self.fail(f"{name} cannot be read: {error}")
            self.add(Kind.CLIENT_BODY, octets=message.replace(b"\n", b"\r\n"), text=name)
        else:
            self.add(Kind.CLIENT, octets=text.encode() + b"\r\n")
        if answer.strip(" "):
            self.take_server(answer.strip(" "))

    def take_server(self, text):
        if text == "<closed>":
            self.add(Kind.SERVER_CLOSE)
        elif ONLY_A_CODE.match(text.strip(" ")):
            self.add(Kind.SERVER, pattern=text.strip(" ") + " ...")
        else:
            self.add(Kind.SERVER, pattern=text)

    def unescape(self, text):
        data = text.encode()
        out = bytearray()
        at = 0

        def octet(at):
            if data[at:at + 1] != b"\\":
                return data[at:at + 1], at + 1
            kind = data[at + 1:at + 2]
            simple = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
            if kind in simple:
                return simple[kind], at + 2
            if kind == b"x":
                digits = data[at + 2:at + 4]
                if not re.fullmatch(rb"[0-9a-fA-F]{2}", digits):
                    self.fail("\\x needs two hexadecimal digits")
                return bytes([int(digits, 16)]), at + 4
            return self.fail("unknown escape" if kind else "a backslash at the end")

        while at < len(data):
            count = 1
            if data[at:at + 2] == b"\\{":
                found = re.match(rb"\\\{(\d+)\}(?=.)", data[at:], re.DOTALL)
                if not found:
                    self.fail("\\{N} needs a number and an octet to repeat")
                count = int(found.group(1))
                at += found.end()
            one, at = octet(at)
            out += one * count
        return bytes(out)


def read_transcript(file):
    """The transcript in `file`; raises TranscriptError."""
    return _Reader(file).read()


def find_transcripts(folder):
    """All files below `folder` whose name ends in .t, sorted."""
    return sorted(pathlib.Path(folder).rglob("*.t"))


def matches(pattern, line):
    """Whether `line` (text without CR LF) is what `pattern` says; `...` matches any text."""
    if pattern.endswith(" ...") and pattern[:-4] == line:
        return True
    parts = [re.escape(part) for part in pattern.split("...")]
    return re.fullmatch(".*".join(parts), line, re.DOTALL) is not None


def skip_continuations(pattern, lines, at=0):
    """The index of the line that `pattern` has to match: a pattern also stands for the
    continuation lines (`250-...`) before it that no pattern named."""
    while (at < len(lines) and not matches(pattern, lines[at])
           and CONTINUATION.match(lines[at]) and lines[at][:3] == pattern[:3]):
        at += 1
    return at


def compare(patterns, lines):
    """Why `lines` of the server are not what `patterns` say; an empty text if they are."""
    at = 0
    for pattern in patterns:
        at = skip_continuations(pattern, lines, at)
        if at == len(lines):
            return f"expected `{pattern}`, but the server said no more"
        if not matches(pattern, lines[at]):
            return f"expected `{pattern}`, got `{lines[at]}`"
        at += 1
    return f"not expected: `{lines[at]}`" if at < len(lines) else ""


def dot_stuff(message):
    """`message` (with CR LF) as an LMTP client sends it behind DATA, the end included."""
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    stuffed = re.sub(rb"(\A|\r\n)\.", rb"\1..", message)
    return stuffed + b".\r\n"


def client_octets(transcript):
    """Everything that the client sends, in one piece."""
    out = b""
    for step in transcript.steps:
        if step.kind is Kind.CLIENT:
            out += step.octets
        elif step.kind is Kind.CLIENT_BODY:
            out += dot_stuff(step.octets)
    return out


def lint(folders):
    """The faults of all transcripts below `folders`, as lines of text."""
    faults = []
    for folder in folders:
        for file in find_transcripts(folder):
            try:
                transcript = read_transcript(file)
            except (TranscriptError, UnicodeDecodeError) as error:
                faults.append(str(error))
                continue
            if not transcript.why:
                faults.append(f"{file}:1: nothing behind 'why:'")
            if not any(step.kind is Kind.SERVER for step in transcript.steps):
                faults.append(f"{file}:1: nothing is expected of the server")
    return faults


def write_seeds(folder, target):
    """One file for each transcript: two octets that steer the fuzz target, then the stream."""
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    for file in find_transcripts(folder):
        octets = b"\0\0" + client_octets(read_transcript(file))
        if len(octets) < 8192:
            name = hashlib.sha256(octets).hexdigest()[:16]
            (target / f"{file.stem}-{name}").write_bytes(octets)


def main():
    parser = argparse.ArgumentParser(description="Checks transcripts, or makes seeds of them.")
    parser.add_argument("--lint", nargs="+", metavar="FOLDER")
    parser.add_argument("--seeds", nargs=2, metavar=("FOLDER", "TARGET"))
    arguments = parser.parse_args()
    if arguments.seeds:
        write_seeds(*arguments.seeds)
    faults = lint(arguments.lint or [])
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
