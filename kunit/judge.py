# SPDX-License-Identifier: GPL-2.0-only
"""Judge consoles of KUnit runs with the kernel's own kunit.py; write one TAP file.

python3 -m kunit.judge --name NAME CONSOLE...   writes build/check/NAME.tap
python3 -m kunit.judge --name NAME --says LINE CONSOLE...   the same, where no suite but a program ran, which says so
python3 -m kunit.judge --failed CONSOLE         prints the names of failed cases

A test point per case, and one more per console: that the kernel reported
nothing about itself (lockdep, sleeping in atomic context, ...). kunit.py comes
from build/source. Exit status 1 if a case failed.
"""

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from check import tapfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KUNIT = ROOT / "build/source/tools/testing/kunit/kunit.py"
# That a handler of NMIs "took too long" says that the emulator's host was busy: the suite sends some (kunit/holdup.c).
REPORT = re.compile(r"\b(WARNING|BUG|INFO|UBSAN|KASAN|KCSAN)\b:(?! NMI handler \(\w+\) took too long)"
                    r"|Kernel panic|Oops:|possible recursive locking|cannot be preloaded")
# Without an init the kernel cannot go on after the suite, where it is not told to halt.
AFTER_THE_SUITE = re.compile(r"No working init found")
# From here on CPUs that have been stopped are still sent interrupts, as by the console's thread on PREEMPT_RT.
END_OF_THE_SUITE = re.compile(r"reboot: (Restarting system|System halted)")


def cases(console):
    """(name, status) of each case of a console; status: PASS, SKIP, or another word for a failure."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        # kunit.py goes to its tree first, hence the absolute path; it fails when a case failed.
        subprocess.run([KUNIT, "parse", f"--json={out.name}",
                        pathlib.Path(console).resolve()], stdout=subprocess.DEVNULL, check=False)
        text = pathlib.Path(out.name).read_text(encoding="utf-8")
    return list(walk(json.loads(text), "")) if text else []


def walk(node, prefix):
    """The cases below a group of kunit.py's JSON."""
    for case in node.get("test_cases", []):
        yield prefix + case["name"], case["status"]
    for group in node.get("sub_groups", []):
        yield from walk(group, prefix)


def reports(console):
    """Lines in which the kernel complains about itself, or QEMU's loader."""
    lines = pathlib.Path(console).read_text(encoding="utf-8", errors="replace").splitlines()
    lines = itertools.takewhile(lambda line: not END_OF_THE_SUITE.search(line), lines)
    return [line for line in lines if REPORT.search(line) and not AFTER_THE_SUITE.search(line)]


def reasons(console):
    """The reason that each skipped case gave, by its name."""
    text = pathlib.Path(console).read_text(encoding="utf-8", errors="replace")
    return dict(re.findall(r"ok \d+ (\S+) # SKIP (.*)", text))


def judge_suite(tap, name, console):
    """The points of a suite."""
    why = reasons(console)
    found = cases(console)
    if not found:
        tap.point(f"{name}: the suite ran", ["no test result in the console"])
    for case, status in found:
        if status == "SKIP":
            tap.skip(f"{name}: {case}", why.get(case, "no reason given").strip())
        else:
            tap.point(f"{name}: {case}", [] if status == "PASS" else [f"{status}, see {console}"])


def judge(tap, console, says):
    """All points of one console; says: the line by which a program tells that all was well, or None for the suite."""
    name = pathlib.Path(console).stem
    if says:
        lines = pathlib.Path(console).read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in lines if line.startswith(says.split()[0])] or [*lines, "nothing"]
        tap.point(f"{name}: {says}", [] if says in lines else [f"it said {said[-1]!r}, see {console}"])
    else:
        judge_suite(tap, name, console)
    tap.point(f"{name}: the kernel complained of nothing", reports(console))
    if pathlib.Path(f"{console}.int3").exists():
        tap.skip(f"{name}: its first run", "QEMU met a breakpoint of text patching that was gone already")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", help="name of the TAP file")
    parser.add_argument("--failed", action="store_true", help="only print the failed cases")
    parser.add_argument("--says", help="the line of a console by which a program tells that all was well")
    parser.add_argument("console", nargs="+")
    args = parser.parse_args()

    if args.failed:
        for console in args.console:
            for case, status in cases(console):
                if status not in ("PASS", "SKIP"):
                    print(case)
            if reports(console):
                print("complaint")
        return 0
    with tapfile.Writer(args.name) as tap:
        for console in args.console:
            judge(tap, console, args.says)
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
