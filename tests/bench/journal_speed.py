#!/usr/bin/python3
"""How fast stored files mail durably, compared with the least code that does the same.

Contestants: strict (file, fsync, rename, fsync of the directory; bare, in one process), group
(group-commit journal that also files; bare), stored (over loopback, with its default settings:
the journal), stored-late and stored-strict (sync_mode). Each runs alone on a fresh file system,
3/5/17 KB messages to 20 mailboxes, in interleaved rounds; after each run of stored the judge
compares the Maildirs with what was acknowledged. Prints medians, and whether the figures that
Homeward promises were reached; asserts nothing. All figures: build/bench/journal-speed.json.

    HOMEWARD_BIN=build/release/bin tests/bench/journal_speed.py [--quick]      (as root)

Large messages, 20 of 100 MB at once, and the memory stored needs for them: --large.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contestants import NAMES, Course, run_contestant, run_stored  # noqa: E402
from fresh_volume import FreshVolume  # noqa: E402
from support.homeward import merged  # noqa: E402
from support.loop_volume import why_not  # noqa: E402
from support.run_directory import TREE, new_run_directory  # noqa: E402

# What Homeward promises: at least so many times the strict recipe, by number of connections.
TIMES_STRICT = {12: 1.3, 64: 2.0}
PART_OF_GROUP = 0.5
LARGE_COUNT, LARGE_SIZE = 20, 100 << 20
LARGE_MEMORY = 256 << 20


def a_setting(text):
    """KEY.KEY=VALUE as a dict of dicts; VALUE as in YAML, as far as JSON can read it."""
    path, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("write KEY=VALUE")
    try:
        value = json.loads(value)
    except ValueError:
        pass
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def read_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    listed = lambda kind: lambda text: [kind(part) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--quick", action="store_true", help="one short round, for a first look")
    parser.add_argument("--types", type=listed(str), default=["ext4", "xfs"])
    parser.add_argument("--clients", type=listed(int), default=[12, 64])
    parser.add_argument("--contestants", type=listed(str), default=["strict", "group", "stored"],
                        help=f"of {','.join(NAMES)}")
    parser.add_argument("--repeats", type=int, help="default 5, quick 1")
    parser.add_argument("--seconds", type=float, help="that count; default 8, quick 3")
    parser.add_argument("--warm-up", type=float, help="seconds; default 2, quick 1")
    parser.add_argument("--set", type=a_setting, action="append", default=[], dest="settings",
                        metavar="KEY=VALUE", help="a setting of stored, e.g. threads.filing=32")
    parser.add_argument("--perf", action="store_true", help="perf record of stored, to build/bench")
    parser.add_argument("--large", action="store_true", help="large messages and memory instead")
    options = parser.parse_args(arguments)
    if unknown := set(options.contestants) - set(NAMES):
        parser.error(f"no contestant is called {', '.join(unknown)}")
    for name, quick, full in (("repeats", 1, 5), ("seconds", 3.0, 8.0), ("warm_up", 1.0, 2.0)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    settings = {}
    for one in options.settings:
        settings = merged(settings, one)
    options.settings = settings
    return options


def measure(options, course, volume):
    """All runs: one dict each, with its type, clients and contestant."""
    print(f"{options.repeats} times {options.seconds:g} s after {options.warm_up:g} s of warm-up")
    runs = []
    for repeat in range(options.repeats):
        for kind in options.types:
            for clients in options.clients:
                for name in options.contestants:
                    with volume.fresh(kind) as path:
                        figures = run_contestant(course, name, path, clients)
                    runs.append({"type": kind, "clients": clients, "contestant": name} | figures)
                    print(f"  {repeat + 1}/{options.repeats} {kind:4} {clients:3} {name:13} "
                          f"{figures['messages_per_second']:8.0f} messages/s  "
                          f"p99 {figures['p99_us'] / 1000:7.2f} ms", flush=True)
                    if figures["problems"] or figures["errors"]:
                        print(f"  PROBLEM: {figures['errors'] or ''} {figures['verdict']}")
    return runs


def medians(runs):
    """(type, clients, contestant) -> median of each figure."""
    groups = {}
    for run in runs:
        groups.setdefault((run["type"], run["clients"], run["contestant"]), []).append(run)
    return {key: {figure: statistics.median(run[figure] for run in of_key)
                  for figure, value in of_key[0].items()
                  if isinstance(value, (int, float)) and figure != "clients"}
            for key, of_key in groups.items()}


def print_table(table):
    print("\n| volume | clients | contestant | messages/s | p50 ms | p99 ms | CPU us | load CPU us "
          "| machine CPU us | x strict | x group |")
    print("| --- " * 11 + "|")
    for (kind, clients, name), of in table.items():
        rate = of["messages_per_second"]
        ratios = [f"{rate / other['messages_per_second']:.2f}"
                  if (other := table.get((kind, clients, bare))) and other["messages_per_second"]
                  else "" for bare in ("strict", "group")]
        load = f"{of['load_us_per_message']:.0f}" if "load_us_per_message" in of else ""
        print(f"| {kind} | {clients} | {name} | {rate:,.0f} | {of['p50_us'] / 1000:.2f} | "
              f"{of['p99_us'] / 1000:.2f} | {of['cpu_us_per_message']:.0f} | {load} | "
              f"{of['machine_us_per_message']:.0f} | {ratios[0]} | {ratios[1]} |")
    print("\nMedians. CPU: of the contestant per message, for stored without the load generator "
          "(load CPU);\nmachine CPU: all of the machine, kernel threads included.")


def statements(table):
    """(what, reached) for each promise that was measured."""
    result = []
    for (kind, clients, name), of in table.items():
        if name != "stored":
            continue
        where = f"{kind}, {clients} connections"
        strict, group = (table.get((kind, clients, bare)) for bare in ("strict", "group"))
        rate = of["messages_per_second"]
        if strict and clients in TIMES_STRICT:
            times, wanted = rate / strict["messages_per_second"], TIMES_STRICT[clients]
            result.append((f"{where}: {times:.2f} times the strict recipe (promised {wanted})",
                           times >= wanted))
        if group:
            part = rate / group["messages_per_second"]
            result.append((f"{where}: {part:.0%} of the bare group-commit writer (promised "
                           f"{PART_OF_GROUP:.0%})", part >= PART_OF_GROUP))
        if strict:
            result.append((f"{where}: p99 {of['p99_us'] / 1000:.2f} ms, strict recipe "
                           f"{strict['p99_us'] / 1000:.2f} ms (promised less)",
                           of["p99_us"] < strict["p99_us"]))
    return result


def measure_large(options, course, volume):
    """Many large messages at the same time, on the first type: the memory of stored."""
    settings = merged({"limits": {"message_size": "128 MiB"}, "times": {"commit": "2m"}},
                      options.settings)
    load = ["--connections", LARGE_COUNT, "--messages", LARGE_COUNT, "--sizes", LARGE_SIZE,
            "--warm-up", 0, "--seconds", 600]
    with volume.fresh(options.types[0]) as path:
        figures = run_stored(course, settings, path, load, "large")
    memory = figures["largest_memory"]
    print(f"{figures['messages']} of {LARGE_COUNT} messages of {LARGE_SIZE >> 20} MB at once in "
          f"{figures['seconds']:.1f} s; {figures['verdict']}")
    return [figures], [(f"{LARGE_COUNT} messages of {LARGE_SIZE >> 20} MB: stored needs "
                        f"{memory / (1 << 20):.0f} MB (promised less than {LARGE_MEMORY >> 20})",
                        memory < LARGE_MEMORY)]


def machine():
    memory = Path("/proc/meminfo").read_text().split("\n")[0].split()[1]
    return (f"{os.cpu_count()} processors, {int(memory) >> 20} GiB memory, Linux "
            f"{platform.release()}, load {os.getloadavg()[0]:.1f} before")


def main():
    options = read_options(sys.argv[1:])
    for kind in options.types:
        if reason := why_not(kind):
            print(f"journal_speed: skipped: {reason}")
            return
    results = TREE / "build" / "bench"
    results.mkdir(parents=True, exist_ok=True)
    directory = new_run_directory("bench")
    about = machine()
    print(about)
    mebibytes = 8192 if options.large else max(2048, int(512 * (options.seconds + options.warm_up)))
    try:
        with FreshVolume(directory, mebibytes) as volume:
            course = Course(options, directory, results)
            if options.large:
                runs, reached = measure_large(options, course, volume)
            else:
                runs = measure(options, course, volume)
                table = medians(runs)
                print_table(table)
                reached = statements(table)
    finally:
        shutil.rmtree(directory)
    print()
    for what, is_reached in reached:
        print(f"{'yes' if is_reached else 'NO '}  {what}")
    problems = sum(run["problems"] + sum(run["errors"].values()) for run in runs)
    print(f"{'yes' if problems == 0 else 'NO '}  every acknowledged message once, whole, in its "
          f"Maildir alone: {problems} problems in {len(runs)} runs")
    file = results / ("large.json" if options.large else "journal-speed.json")
    file.write_text(json.dumps({"machine": about, "options": vars(options), "runs": runs,
                                "statements": reached}, indent=1) + "\n")
    print(f"all figures: {file.relative_to(TREE)}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
