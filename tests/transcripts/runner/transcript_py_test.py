"""The Python reader agrees with the format. Run by pytest, and by ctest."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import transcript as t  # noqa: E402

ROOT = pathlib.Path(__file__).parent.parent


def write(folder, text, name="a.t"):
    file = folder / name
    file.write_bytes(text.encode())
    return file


def test_reads_headers_and_steps(tmp_path):
    (tmp_path / "hello.eml").write_bytes(b"Subject: x\n\n.\n")
    got = t.read_transcript(write(tmp_path, "# a  why: RFC 2033 4.2\n"
                                  "rcpt <ann@y> accepted\n"
                                  "store: partition p1\n"
                                  "S: 220 ...\n"
                                  "C: MAIL FROM:<a@x>   -> 250 2.1.0\n"
                                  "C= \\x00\\r\\n\\{3}a\\\\ \n"
                                  "C: <body hello.eml>\n"
                                  "E: timed_out\n"
                                  "M: size=3\n"
                                  "M= a\\n\n"
                                  "S: <closed>\n"
                                  "C: <close>\n"))
    assert got.why == "RFC 2033 4.2"
    assert [h.keyword for h in got.headers] == ["rcpt", "store"]
    assert got.has_events()
    kinds = [step.kind.value for step in got.steps]
    assert kinds == ["server", "client", "server", "client", "client_body", "event", "message",
                     "message", "server_close", "client_close"]
    assert got.steps[1].octets == b"MAIL FROM:<a@x>\r\n"
    assert got.steps[2].pattern == "250 2.1.0 ..."
    assert got.steps[3].octets == b"\0\r\naaa\\ "
    assert got.steps[4].octets == b"Subject: x\r\n\r\n.\r\n"
    assert t.client_octets(got).endswith(b"\r\n\r\n..\r\n.\r\n")
    assert got.steps[7].exact and got.steps[7].octets == b"a\n"


@pytest.mark.parametrize("text, fault", [
    ("", "empty"),
    ("S: 220\n", "the first line"),
    ("# why: x\nC: NOOP\nnoise\n", ":3: "),
    ("# why: x\nC= \\q\n", "unknown escape"),
    ("# why: x\nC= \\x0\n", "hexadecimal"),
    ("# why: x\nC= \\{z}a\n", "repeat"),
    ("# why: x\nC: <body none.eml>\n", "cannot be read"),
])
def test_refuses_what_means_nothing(tmp_path, text, fault):
    with pytest.raises(t.TranscriptError, match=fault):
        t.read_transcript(write(tmp_path, text))


def test_patterns_match_with_gaps():
    assert t.matches("250 2.0.0 ...", "250 2.0.0 <a@b> stored")
    assert t.matches("250 ...", "250")
    assert not t.matches("250 ...x", "250 ab")
    assert not t.matches("250", "250 x")


def test_compare_wants_every_line_and_no_other():
    lines = ["250-mx", "250-PIPELINING", "250-SIZE 5", "250 END", "354 x"]
    assert t.compare(["250 ...", "354 ..."], lines) == ""
    assert t.compare(["250-SIZE 5", "250 END", "354 ..."], lines) == ""
    assert t.compare(["250-NONE", "250 END", "354 ..."], lines)
    assert t.compare(["250 ..."], lines)
    assert t.compare(["250 ...", "354 ...", "250 ..."], lines)


def test_dot_stuffing():
    assert t.dot_stuff(b"") == b".\r\n"
    assert t.dot_stuff(b".a\r\n..\r\nb.") == b"..a\r\n...\r\nb.\r\n.\r\n"


def test_all_transcripts_of_the_tree_are_well_formed():
    assert t.lint([ROOT]) == []
    assert len(t.find_transcripts(ROOT / "lmtp")) >= 40
