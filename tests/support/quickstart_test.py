"""./quickstart itself, at a size of a few seconds, with programs that are built already."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from . import postfix, quickstart_kept, sendmail
from .homeward import program
from .process import run
from .quickstart import Quickstart, _options
from .quickstart_hints import preparation, sections
from .run_directory import TREE
from .waiting import wait_until

_RUNNABLE = {"postfix": postfix.can_run, "sendmail": sendmail.can_run, "none": lambda: None}


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    before = _run_directories()
    assert not quickstart_kept.directory(), "a kept quickstart is running; ./quickstart --stop"
    yield
    assert _run_directories() == before


def _run_directories():
    places = (TREE / "build" / "run", Path("/var/lib/homeward-run"))
    return {path for place in places for path in place.glob("quickstart-*")}


def _environment():
    return dict(os.environ, HOMEWARD_BIN=str(program("stored").parent))


def _quickstart(*arguments):
    return subprocess.run([TREE / "quickstart", *arguments], env=_environment(), text=True,
                          capture_output=True, timeout=300, check=False)


@pytest.fixture(params=_RUNNABLE)
def mta(request):
    if reason := _RUNNABLE[request.param]():
        pytest.skip(reason)
    return request.param


def test_every_message_is_found_once_and_one_is_traced(mta):
    done = _quickstart("--mta", mta, "--messages", "200", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sent 200, stored 200, lost 0, duplicated 0\n" in done.stdout
    counts = re.findall(r"user\d\d@example\.org +(\d+) +\d+", done.stdout)
    assert len(counts) == 20 and sum(map(int, counts)) == 200
    stations = re.findall(r"^  [\d:. ]{12} ([A-Za-z-]+): ", done.stdout, re.M)
    of_mta = [] if mta == "none" else ["MTA", "MTA"]
    assert stations == [*of_mta, "homeward-bridge", "stored", "Maildir"]


@pytest.mark.parametrize("damage, found", [
    (lambda file: file.unlink(), "stored 49, lost 1, duplicated 0"),
    (lambda file: file.with_name("1.again").write_bytes(file.read_bytes()),
     "stored 50, lost 0, duplicated 1"),
])
def test_a_lost_or_doubled_message_is_noticed(capsys, damage, found):
    one = Quickstart(_options(["--mta", "none", "--messages", "50"]))
    send = one.send

    def send_and_damage():
        totals = send()
        damage(next(iter(one.farm.messages(one.messages[0].recipients[0]))))
        return totals

    one.send = send_and_damage
    try:
        assert not one.run()
    finally:
        one.clean_up(remove=True)
    assert f"sent 50, {found}" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cleans_up(number):
    # What runs in the background of a script has SIGINT ignored, and its children too.
    def not_ignored():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    child = subprocess.Popen([TREE / "quickstart", "--mta", "none", "--messages", "30000"],
                             env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, start_new_session=True, preexec_fn=not_ignored)
    text = ""
    while "[4/5]" not in text:
        text += child.stdout.readline()
    directory = re.search(r"start, in (\S+)", text).group(1)
    child.send_signal(number)
    text += child.communicate(timeout=60)[0]
    assert child.returncode == 130, text
    assert not Path(directory).exists()
    assert quickstart_kept.processes(directory) == []


def test_what_is_kept_does_what_the_hints_promise(mta):
    one = Quickstart(_options(["--mta", mta, "--messages", "20", "--keep"]))
    try:
        assert one.run()
        shown = {title: [_shell(preparation(one), command) for command in commands]
                 for title, commands in sections(one)}
        store = one.farm.stores[-1]
    finally:
        quickstart_kept.keep(one.directory)
        stopped = quickstart_kept.stop()
        one.clean_up(remove=True)
    answers = {title.partition(";")[0].partition(" ")[0]: texts for title, texts in shown.items()}
    assert "Is anybody home?" in answers["Read"][0]
    assert answers["Talk"][0].count("+OK") == 7 and "STORED" in answers["Talk"][0]
    assert stopped == 0 and not one.directory.exists()
    if mta != "none":
        before, _, queue, _, after = answers["Stop"]
        assert int(after) == int(before) + 1
        assert queue.strip() and "empty" not in queue
    assert not store.running


def _shell(first, command):
    """What a person gets to see who pastes the command into a terminal."""
    done = subprocess.run(["/bin/bash", "-c", f"{first}\n{command}"], text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@pytest.mark.parametrize("arguments, words", [
    (["--mta", "exim"], "--mta is postfix, sendmail or none"),
    (["--messages", "many"], "--messages needs a number"),
    (["--messages=0"], "--messages needs a number"),
    (["--clients"], "--clients needs a value"),
    (["--fast"], "there is no option --fast"),
])
def test_a_wrong_option_is_refused_before_any_work(arguments, words):
    done = _quickstart(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


def test_help_needs_nothing():
    done = _quickstart("--help")
    assert done.returncode == 0 and "--keep" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("name, settings", [("stored", "stored"), ("homeward-bridge", "bridge")])
def test_example_settings_are_good(name, settings):
    file = TREE / "packaging" / "examples" / f"{settings}.yaml"
    assert "good" in run([program(name), "--config", file, "--check-config"]).stdout
