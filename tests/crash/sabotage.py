"""The tests must be able to fail: each switch of lib/base/sabotage.hpp breaks one promise, and the
smallest set of tests that should notice has to turn red. Without a switch the same tests are green.

Usage: sabotage.py BUILD-DIRECTORY [JUNIT-FILE]
The build is one with -DHOMEWARD_SABOTAGE=ON. Ends with "sabotage: N of N caught"; exit status 1 when
a switch went unnoticed, or when the tests are red without one. Where the tests of a switch cannot run
(no root, no file system) it is skipped, and says so.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
CRASH = "tests/crash/"


@dataclass
class Check:
    """Tests that know a promise: `pytest` node ids, or a GoogleTest program and its filter."""

    pytest: tuple = ()
    program: str = ""
    filter: str = ""
    scale: str = "1"


# Not by cutting the power, nor by the order of calls: both depend on which thread is faster.
NEVER_OK = Check(pytest=(
    "tests/integration/test_system_calls.py::test_a_failed_sync_is_never_ok[journal]",))
CUTS = Check(pytest=(CRASH + "test_power_cuts.py::test_power_is_cut_again_and_again[ext4-60]",),
             scale="0.2")
FAILED_SYNC = Check(
    pytest=(CRASH + "test_errors.py::test_a_failed_sync_of_the_journal_ends_it[1]",))
BIT_ROT = Check(
    pytest=(CRASH + "test_journal_damage.py::test_damage_below_the_end_stops_the_volume",))
REPEATS = Check(pytest=(CRASH + "test_repeats.py",))
POOL = Check(program="test_store_client", filter="store_client_test.*")
PATHS = Check(program="test_fs", filter="*no_symbolic_link_is_followed*")

# switch: what it breaks, and the checks of which each has to notice.
SWITCHES = {
    "S1": ("+OK before the sync", (NEVER_OK,)),
    "S2": ("a checkpoint without syncfs", (CUTS,)),
    "S3": ("recovery looks at names only", (CUTS,)),
    "S4": ("a failed sync is ignored", (FAILED_SYNC,)),
    "S5": ("a failed sync is tried again on a fresh handle", (FAILED_SYNC,)),
    "S6": ("no checksums", (BIT_ROT,)),
    "S7": ("a connection is reused after a bad reply", (POOL,)),
    "S11": ("deliveries are forgotten at a restart", (REPEATS,)),
    "S12": ("paths are checked as text", (PATHS,)),
}
TESTS_PASSED, TESTS_FAILED, TESTS_DIED, TESTS_SKIPPED = range(4)


def result_of(check, build, switch):
    """(exit status, what was said): TESTS_FAILED only when tests ran and failed."""
    environment = dict(os.environ, HOMEWARD_BIN=str(build / "bin"), HOMEWARD_SABOTAGE=switch,
                       HOMEWARD_TEST_SCALE=check.scale, PYTHONDONTWRITEBYTECODE="1")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        if check.program:
            command = [build / "tests" / check.program, f"--gtest_filter={check.filter}",
                       f"--gtest_output=xml:{report}"]
        else:
            command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "-p",
                       "no:cacheprovider", f"--junitxml={report}", *check.pytest]
        done = subprocess.run([str(word) for word in command], cwd=TREE, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=600)
        return (status_of(report) if report.exists() else TESTS_DIED), done.stdout


def status_of(report):
    """From the report, not from the exit status: a crash is no proof, nor is a skipped test."""
    ran = failed = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("skipped") is not None or case.get("status") == "notrun":
            continue
        if case.find("error") is not None:
            return TESTS_DIED
        ran += 1
        failed += case.find("failure") is not None
    return TESTS_FAILED if failed else TESTS_PASSED if ran else TESTS_SKIPPED


def why(text):
    """The line of a failed test that says what it found."""
    lines = text.splitlines()
    found = [line for line in lines if line.startswith("E  ") and line.strip("E ")]
    found += [line for line in lines if "Failure" in line]
    return (found or lines[-1:] or [""])[0].removeprefix("E").strip()[:150]


def main(build, junit=None):
    suite = ElementTree.Element("testsuite", name="sabotage")
    checks = {id(check): check for _, all_of in SWITCHES.values() for check in all_of}
    healthy = {}
    for number, check in checks.items():
        healthy[number], said = result_of(check, build, "")
        if healthy[number] not in (TESTS_PASSED, TESTS_SKIPPED):
            print(f"red without a switch: {check.pytest or check.filter}\n{said[-3000:]}")
    caught = skipped = 0
    for switch, (breaks, all_of) in SWITCHES.items():
        case = ElementTree.SubElement(suite, "testcase", classname="sabotage",
                                      name=f"{switch} {breaks}")
        if any(healthy[id(check)] == TESTS_SKIPPED for check in all_of):
            skipped += 1
            print(f"{switch:4} skipped: {breaks}: its tests cannot run here")
            ElementTree.SubElement(case, "skipped", message="its tests cannot run here")
            continue
        outcomes = [result_of(check, build, switch) for check in all_of]
        good = all(status == TESTS_FAILED and healthy[id(check)] == TESTS_PASSED
                   for (status, _), check in zip(outcomes, all_of))
        caught += good
        print(f"{switch:4} {'caught' if good else 'NOT CAUGHT'}: {breaks}: {why(outcomes[0][1])}",
              flush=True)
        if not good:
            failure = ElementTree.SubElement(case, "failure", message=f"{switch} went unnoticed")
            failure.text = "\n".join(said[-2000:] for _, said in outcomes)
    print(f"sabotage: {caught} of {len(SWITCHES)} caught, {skipped} skipped")
    if junit:
        ElementTree.ElementTree(suite).write(junit, encoding="utf-8", xml_declaration=True)
    return 0 if caught + skipped == len(SWITCHES) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:3]))
