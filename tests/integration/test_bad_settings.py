"""A faulty settings file stops the start and names file, line and meaning.

bad-settings/<daemon>-<what>.yaml: the first line is `# expect: TEXT`; the daemon must say
`FILE:TEXT` and nothing else about the file.
"""

from pathlib import Path

import pytest

from support.homeward import program
from support.process import run

FILES = sorted((Path(__file__).parent / "bad-settings").glob("*.yaml"))
EXIT_CONFIG = 78  # sysexits.h; systemd prints CONFIG


def daemon_of(file):
    return {"stored": "stored", "bridge": "homeward-bridge"}[file.name.partition("-")[0]]


@pytest.mark.parametrize("daemon", ["stored", "homeward-bridge"])
def test_there_are_twenty_for_each_daemon(daemon):
    assert sum(daemon_of(file) == daemon for file in FILES) >= 20


@pytest.mark.parametrize("options", [[], ["--check-config"], ["--print-config"]],
                         ids=["start", "check", "print"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_stops_the_start(file, options):
    first = file.read_bytes().partition(b"\n")[0].decode()
    expected = f"{file}:{first.removeprefix('# expect: ')}"
    done = run([program(daemon_of(file)), "--config", file, *options], check=False, seconds=20)
    said = done.stderr.splitlines()
    assert done.returncode == EXIT_CONFIG, done
    assert [line for line in said if line.startswith(str(file))] == [expected]
    assert "1 problem with the settings; nothing was started" in said[-1]


@pytest.mark.parametrize("daemon", ["stored", "homeward-bridge"])
def test_a_missing_file_is_named(daemon):
    done = run([program(daemon), "--config", "/nonexistent/settings.yaml"], check=False)
    assert done.returncode == EXIT_CONFIG
    assert "/nonexistent/settings.yaml" in done.stderr
    assert "No such file" in done.stderr


@pytest.mark.parametrize("daemon", ["stored", "homeward-bridge"])
def test_the_example_is_good_and_shows_the_defaults(daemon, here):
    example = run([program(daemon), "--example-config"]).stdout
    file = here / "example.yaml"
    file.write_text(example)
    run([program(daemon), "--config", file, "--check-config"])
    printed = run([program(daemon), "--config", file, "--print-config"]).stdout
    again = here / "again.yaml"
    again.write_text(printed)
    assert run([program(daemon), "--config", again, "--print-config"]).stdout == printed


@pytest.mark.parametrize("daemon", ["stored", "homeward-bridge"])
@pytest.mark.parametrize("page", ["program", "settings"])
def test_manual_pages_have_no_fault(daemon, page, here):
    text = run([program(daemon), f"--manual={page}"]).stdout
    assert text.startswith((".TH", "'\\\" t\n.TH", ".\\\""))
    assert ".SH" in text
