"""Adds up JUnit files: prints each failure and each skip with its reason, then one line of totals.

Usage: count_results.py DIRECTORY [BROKEN-PART ...]
A part that did not even start counts as one failure. Exit status 1 if anything failed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def reason_of(element: ElementTree.Element) -> str:
    """The first line that says why, from the message or the test's own output."""
    message = element.get("message") or ""
    text = (element.text or "").strip()
    return (message or text).strip().splitlines()[0] if (message or text).strip() else "no reason given"


def skip_reason(case: ElementTree.Element, skipped: ElementTree.Element) -> str:
    """ctest keeps the reason of a GoogleTest skip in the test's output."""
    output = case.findtext("system-out") or ""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if "Skipped" in line and number + 1 < len(lines) and not line.startswith("["):
            return lines[number + 1].strip()
    return reason_of(skipped)


def main(directory: str, broken: list[str]) -> int:
    passed = skipped = 0
    failures = [f"{part}: could not run" for part in broken]
    skips = []
    for file in sorted(pathlib.Path(directory).glob("*.xml")):
        for case in ElementTree.parse(file).getroot().iter("testcase"):
            name = f"{file.stem}: {case.get('classname', '')} {case.get('name', '')}"
            failure = case.find("failure")
            if failure is None:
                failure = case.find("error")
            skip = case.find("skipped")
            if failure is not None:
                failures.append(f"{name}: {reason_of(failure)}")
            elif skip is not None or case.get("status") == "notrun":
                skips.append(f"{name}: {skip_reason(case, skip if skip is not None else case)}")
                skipped += 1
            else:
                passed += 1
    for line in skips:
        print(f"skipped  {line}")
    for line in failures:
        print(f"FAILED   {line}")
    print(f"{passed} passed, {len(failures)} failed, {skipped} skipped")
    return 1 if failures or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
