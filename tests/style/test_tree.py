"""Rules of the tree that a compiler does not check: layers, pure code, formatting, what may be mentioned."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_FOLDERS = ["lib", "sendmail-cf", "milter", "lmtp-bridge", "stored", "admin", "tests"]
RUNGS = {"base": 0, "fs": 1, "config": 1, "mail": 1, "maildir": 2, "directory": 2,
         "store_protocol": 2, "mta_queue": 2, "net": 3, "store_client": 4}
# What admin may know of stored: how a journal lies on disk.
JOURNAL_FORMAT = {f"stored/journal/{name}.hpp" for name in (
    "directory_layout", "file_window", "identity_block", "journal_index", "little_endian",
    "parked_records", "record", "record_codec", "segment_files", "segment_format", "segment_scan")}
STATIONS = ["sendmail-cf", "milter", "lmtp-bridge", "stored", "admin"]
PURE = ["lib/base", "lib/fs", "lib/config", "lib/mail", "lib/maildir", "lib/directory",
        "lib/store_protocol", "lib/mta_queue", "milter/policy", "milter/delegation",
        "milter/lookup", "lmtp-bridge/lmtp",
        "lmtp-bridge/routing", "stored/delivery", "stored/journal"]


def tracked(*suffixes: str) -> list[pathlib.Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    files = [ROOT / name for name in names.stdout.decode().split("\0") if name]
    return [f for f in files if f.is_file() and (not suffixes or f.suffix in suffixes)]


def sources() -> list[pathlib.Path]:
    return [f for f in tracked(".cpp", ".hpp") if f.relative_to(ROOT).parts[0] in CODE_FOLDERS]


def includes(file: pathlib.Path) -> list[str]:
    return re.findall(r'^#include "([^"]+)"', file.read_text(), re.MULTILINE)


def test_a_rung_of_the_ladder_includes_only_lower_rungs():
    wrong = []
    for file in sources():
        parts = file.relative_to(ROOT).parts
        if parts[0] != "lib":
            continue
        for name in includes(file):
            target = name.split("/")
            if target[0] in STATIONS:
                wrong.append(f"{file}: {name}: a library may not know a station")
            elif target[0] == "lib" and target[1] != parts[1] and RUNGS[target[1]] >= RUNGS[parts[1]]:
                wrong.append(f"{file}: {name}: not a lower rung")
    assert wrong == []


def test_stations_do_not_know_each_other():
    """The one exception: homewardctl reads journals."""
    wrong = []
    for file in sources():
        own = file.relative_to(ROOT).parts[0]
        if own in STATIONS:
            wrong += [f"{file}: {name}" for name in includes(file)
                      if name.split("/")[0] in STATIONS and name.split("/")[0] != own
                      and not (own == "admin" and name in JOURNAL_FORMAT)]
    assert wrong == []


def test_pure_code_knows_no_asio_and_no_network():
    wrong = []
    for file in sources():
        folder = str(file.relative_to(ROOT))
        if any(folder.startswith(pure + "/") for pure in PURE):
            text = file.read_text()
            if re.search(r"#include <boost/asio|#include \"lib/(net|store_client)/", text):
                wrong.append(folder)
    assert wrong == []


def test_only_lib_fs_touches_files():
    """The one exception is the door: sockets have paths, too."""
    call = re.compile(r"(?<![\w.>])::(open|openat|openat2|write|pwrite|rename|renameat2?|unlink|"
                      r"linkat|mkdirat?|fsync|fdatasync|syncfs)\(")
    allowed = ("lib/fs/", "lib/net/listener", "tests/")
    wrong = [f"{file.relative_to(ROOT)}: {m.group(0)}" for file in sources()
             if not str(file.relative_to(ROOT)).startswith(allowed)
             for m in call.finditer(file.read_text())]
    assert wrong == []


def test_no_await_where_gcc_12_makes_wrong_code():
    """docs/decisions/0002-coroutines-and-gcc-12.md"""
    bad = re.compile(r"\b(if|switch) \([^;{]*co_await|(&&|\|\||\?)\s*!?\(?co_await")
    wrong = [f"{file.relative_to(ROOT)}: {m.group(0)}" for file in sources()
             for m in bad.finditer(file.read_text())]
    assert wrong == []


def test_tasks_are_started_only_where_somebody_waits_for_them():
    allowed = {"lib/net/task_group.cpp", "lib/store_client/pool.cpp"}
    wrong = [str(file.relative_to(ROOT)) for file in sources()
             if re.search(r"asio::detached\b", file.read_text())
             and not str(file.relative_to(ROOT)).startswith("tests/")
             and str(file.relative_to(ROOT)) not in allowed]
    assert wrong == []


def test_reply_codes_are_named():
    """Numbers of replies stand in lib/mail/reply.hpp only."""
    wrong = [f"{file.relative_to(ROOT)}: {m.group(0)}" for file in sources()
             if not str(file.relative_to(ROOT)).startswith(("lib/mail/reply", "tests/"))
             for m in re.finditer(r"reply_code\{\s*[2-5]\d\d", file.read_text())]
    assert wrong == []


@pytest.mark.parametrize("limit, suffixes", [(700, (".cpp", ".hpp", ".py"))])
def test_files_stay_readable(limit, suffixes):
    long = [f"{f.relative_to(ROOT)}: {n} lines" for f in tracked(*suffixes)
            if (n := len(f.read_text().splitlines())) > limit]
    assert long == []


def test_every_test_file_is_built():
    wrong = []
    for file in sources():
        if file.name.endswith("_test.cpp"):
            cmake = file.parent / "CMakeLists.txt"
            if not cmake.exists() or file.name not in cmake.read_text():
                wrong.append(str(file.relative_to(ROOT)))
    assert wrong == []


def test_code_is_formatted():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None:
        pytest.skip("clang-format is not installed")
    files = [str(f) for f in sources()]
    run = subprocess.run([tool, "--dry-run", *files], capture_output=True, text=True, check=False)
    wrong = sorted({line.split(":")[0] for line in run.stderr.splitlines()
                    if "warning:" in line or "error:" in line})
    assert wrong == [] and run.returncode == 0, run.stderr[:500]


def test_the_tree_speaks_of_itself_alone():
    """No path of one machine, no open promises."""
    words = re.compile(r"(?<!\w)/root/|/work/|bash_jobs|\bTODO\b|\bFIXME\b|\bXXX\b")
    wrong = []
    for file in tracked():
        if file == pathlib.Path(__file__).resolve() or "corpus" in file.parts:
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        wrong += [f"{file.relative_to(ROOT)}: {m.group(0)}" for m in words.finditer(text)]
    assert wrong == []


def test_documents_link_to_files_that_exist():
    wrong = []
    for file in tracked(".md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text()):
            if not (file.parent / target).exists():
                wrong.append(f"{file.relative_to(ROOT)}: {target}")
    assert wrong == []


def test_paths_in_documents_exist():
    """Folders and files of this tree that the pages name in code quotes."""
    named = re.compile(r"`((?:lib|stored|lmtp-bridge|admin|milter|tests|docs|packaging|postfix-conf|"
                       r"sendmail-cf)/[\w./-]*)`")
    wrong = [f"{file.relative_to(ROOT)}: {m.group(1)}" for file in tracked(".md")
             for m in named.finditer(file.read_text()) if not (ROOT / m.group(1)).exists()]
    assert wrong == []


def test_generated_documents_are_up_to_date(tmp_path):
    """Manual pages and example settings come from the programs (packaging/generate-documents)."""
    binaries = pathlib.Path(os.environ.get("HOMEWARD_BIN", ROOT / "build/dev/bin"))
    if not (binaries / "homewardctl").exists():
        pytest.skip(f"the programs are not built in {binaries}")
    subprocess.run([ROOT / "packaging/generate-documents", binaries, tmp_path], check=True)
    wrong = []
    for fresh in sorted(tmp_path.rglob("*")):
        kept = ROOT / fresh.relative_to(tmp_path)
        if fresh.is_file() and (not kept.exists() or kept.read_text() != fresh.read_text()):
            wrong.append(str(kept.relative_to(ROOT)))
    assert wrong == [], "run packaging/generate-documents"


def test_manual_pages_are_clean():
    tool = shutil.which("mandoc")
    if tool is None:
        pytest.skip("mandoc is not installed")
    pages = sorted((ROOT / "docs/man").glob("*.[58]"))
    assert pages
    run = subprocess.run([tool, "-Tlint", "-Wwarning", *pages], capture_output=True, text=True, check=False)
    assert run.stdout == ""


def test_example_settings_are_good(tmp_path):
    """Checked by the programs themselves."""
    binaries = pathlib.Path(os.environ.get("HOMEWARD_BIN", ROOT / "build/dev/bin"))
    if not (binaries / "stored").exists():
        pytest.skip(f"the programs are not built in {binaries}")
    for program, example in (("stored", "stored"), ("homeward-bridge", "bridge"),
                             ("homeward-milter", "milter")):
        for name in (f"{example}.yaml", f"{example}.all-settings.yaml"):
            run = subprocess.run([binaries / program, "--check-config", "--config",
                                  ROOT / "packaging/examples" / name], capture_output=True, text=True,
                                 check=False)
            assert run.returncode == 0, run.stdout + run.stderr


def test_units_leave_little_to_an_attacker():
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in (ROOT / "packaging/systemd").glob("*.service"):
        run = subprocess.run([tool, "security", "--offline=true", "--threshold=20", unit],
                             capture_output=True, text=True, check=False)
        if "Unknown option" in run.stderr or "unrecognized option" in run.stderr:
            pytest.skip("this systemd-analyze cannot look at files")
        assert run.returncode == 0, run.stdout[-500:] + run.stderr
