# SPDX-License-Identifier: GPL-2.0-only
"""Run check targets, some at a time; sum their results in the last line.

Each target is run as `make TARGET`; its output goes to build/check/NAME.log,
its result is build/check/NAME.tap (NAME: the target without "check-"). A target
that fails without a failed test point counts as one failed. The exit status is
0 only if nothing failed.

As many run side by side as there are processors, up to four, in the order that
they are given in; but nobody beside one of --alone, and one at a time of a group
of --apart.

When time is up (--within, or SIGTERM), no target is started and what runs is
stopped. Both are listed as not reached, neither passed nor failed; but failures
that a stopped one had seen count. If no target came to its end, that is a failure.
"""

import argparse
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from check import stop, tapfile, times

ROOT = tapfile.ROOT
MEASURED = pathlib.Path(os.environ["CACHE"], "times") if "CACHE" in os.environ else None
SLOTS = min(4, len(os.sched_getaffinity(0)))  # each may use all processors, and up to 2 GB
LOOK = 0.1  # s between two looks at what runs
BEAT = 60  # s between two lines about what runs
# What setup/stage.sh says of a stage that has ended, and of one that runs.
STAGE_DONE = re.compile(r", done in (\d+):(\d\d)$", re.MULTILINE)
STAGE_RUNS = re.compile(r", \d+:\d\d(, longer than .*| of about .*)?$")


def clock(seconds):
    return f"{seconds // 60:.0f}:{int(seconds) % 60:02}"


class Check:
    """A target that was started."""

    def __init__(self, title, target, folder, expected=None, alone=False, apart=()):
        name = target.removeprefix("check-")
        self.title, self.target, self.expected, self.alone, self.apart = title, target, expected, alone, apart
        self.log, self.tap = folder / f"{name}.log", folder / f"{name}.tap"

    def start(self, make):
        self.tap.parent.mkdir(parents=True, exist_ok=True)
        self.tap.unlink(missing_ok=True)
        self.begin = self.beat = time.monotonic()
        self.cpu = 0
        with self.log.open("w") as out:
            self.process = subprocess.Popen([make, "--no-print-directory", self.target], cwd=ROOT,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def ended(self):
        """Has it ended? Then the seconds of CPU time that it took are known."""
        number, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if number:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu = usage.ru_utime + usage.ru_stime
        return number > 0

    def lines(self):
        """What it has put out; "no output" if that is nothing."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines or ["no output"]

    def last_error(self):
        """The line that says best why it ended: the last that is not make's."""
        lines = self.lines()
        own = [line for line in lines if not line.startswith("make")]
        return (own or lines)[-1][:200]

    def prepared(self):
        """Seconds that were spent on stages which it shares with others, such as kernels."""
        done = STAGE_DONE.findall(self.log.read_text(errors="replace"))
        return sum(int(minutes) * 60 + int(seconds) for minutes, seconds in done)

    def seconds(self):
        """Seconds that it has taken, by itself."""
        return max(0, time.monotonic() - self.begin - self.prepared())

    def total(self):
        """The result, once it has ended."""
        total = tapfile.read(self.tap) if self.tap.exists() else tapfile.Total()
        code = self.process.returncode
        if code and not total.failed:
            total.fail(f"ended with status {code}: {self.last_error()}")
        elif not code and not self.tap.exists():
            total.fail("left no TAP file")
        return total

    def failures(self):
        """The result of one that was stopped."""
        return tapfile.read(self.tap, whole=False) if self.tap.exists() else tapfile.Total()

    def say(self):
        """From time to time: how long it has run, and what it put out last."""
        if time.monotonic() - self.beat < BEAT:
            return
        self.beat = time.monotonic()
        last, late = self.lines()[-1][:100], ""
        if self.expected and self.seconds() > self.expected and not STAGE_RUNS.search(last):
            late = f", longer than the {clock(self.expected)} expected"
        print(f"{self.title}, {clock(time.monotonic() - self.begin)}{late}: {last}", flush=True)

    def show(self, total, how):
        """Say how it ended: a line, and one more per failure or skip."""
        print(f"{self.title}: {total} ({how})")
        for note in total.notes:
            print(f"      {note}")
        if total.failed:
            print(f"      see {os.path.relpath(self.log, ROOT)}")
        sys.stdout.flush()


class Limit:
    """When time is up, by time.monotonic()."""

    def __init__(self, args):
        self.minutes, self.end = args.within, math.inf
        if args.within:
            gone = float(pathlib.Path("/proc/uptime").read_text().split()[0]) - args.since if args.since else 0
            self.end = time.monotonic() + 60 * args.within - gone
        signal.signal(signal.SIGTERM, self.now)

    def now(self, *_):
        self.end = 0

    def reached(self):
        return time.monotonic() >= self.end

    def __str__(self):
        return f"within {self.minutes:g} minutes" if self.minutes else "before it was told to stop"


def ordered(args):
    """The targets in their order. Each commit begins the second part elsewhere: 0.618 of the way round from where the
    one before began, so that whatever number of commits lies between two runs, a few of them come to all."""
    begin = int(len(args.then) * (args.turn * 0.618034 % 1))
    return args.target + args.then[begin:] + args.then[:begin]


def may_start(check, running):
    """May a check start beside those that run?"""
    return not running or (len(running) < SLOTS and not check.alone
                           and not any(other.alone or check.target in other.apart for other in running))


def next_of(waiting, running):
    """Take the next check that may start from those that wait, or None. Nobody overtakes one that wants to be alone."""
    for check in waiting:
        if may_start(check, running):
            waiting.remove(check)
            return check
        if check.alone:
            break
    return None


def run_all(checks, make, limit, kept):
    """Run checks until time is up; return the sum, and those that did not come to their end."""
    total, begin, waiting, running = tapfile.Total(), time.monotonic(), list(checks), []
    while (waiting or running) and not limit.reached():
        while check := next_of(waiting, running):
            hint = f", takes about {clock(check.expected)}" if check.expected else ""
            print(f"{check.title} ... ({clock(time.monotonic() - begin)} so far{hint})", flush=True)
            check.start(make)
            running.append(check)
        time.sleep(LOOK)
        for check in running:
            check.say()
        for check in [check for check in running if check.ended()]:
            running.remove(check)
            part, seconds, prepared = check.total(), check.seconds(), check.prepared()
            if not part.failed:
                kept.keep(check.target, seconds)
            check.show(part, f"{seconds:.0f} s{f', and {prepared} s for what it needs' if prepared else ''}, "
                             f"{check.cpu:.0f} s of CPU")
            total += part
    return total, running, waiting


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", default="make", help="the make to call (default: %(default)s)")
    parser.add_argument("--results", type=pathlib.Path, default=tapfile.RESULTS, help="folder of .tap and .log files")
    parser.add_argument("--within", type=float, metavar="MINUTES", help="when time is up (default: never)")
    parser.add_argument("--since", type=float, metavar="UPTIME",
                        help="the machine's uptime in s that these minutes are counted from (default: now)")
    parser.add_argument("--patience", type=float, default=10, metavar="S",
                        help="what is told to end is killed after so long (default: %(default)s)")
    parser.add_argument("--turn", type=int, default=0, metavar="N",
                        help="number of commits; each has the targets of --then begin with another")
    parser.add_argument("--then", nargs="*", default=[], metavar="target", help="further targets, in turns")
    parser.add_argument("--alone", nargs="*", default=[], metavar="target", help="who wants all processors")
    parser.add_argument("--apart", nargs="*", default=[], metavar="'target ...'", help="who shares what one may use")
    parser.add_argument("target", nargs="*", help="a make target that writes a TAP file")
    args = parser.parse_args()

    limit, kept, targets = Limit(args), times.Times(MEASURED), ordered(args)
    checks = [Check(f"[{number}/{len(targets)}] {target}", target, args.results, kept.expected(target),
                    target in args.alone, " ".join(group for group in args.apart if target in group.split()).split())
              for number, target in enumerate(targets, 1)]
    minutes = sum((check.expected or 0) / (1 if check.alone else SLOTS) for check in checks) / 60
    print(f"{len(checks)} checks, about {minutes:.0f} minutes and what they need", flush=True)
    stop.adopt()
    try:
        total, running, waiting = run_all(checks, args.make, limit, kept)
    finally:
        stop.stop_all(args.patience)
    for check in running:
        part = check.failures()
        check.show(part, f"stopped after {check.seconds():.0f} s")
        total += part
    if missed := running + waiting:
        print(f"{len(missed)} checks were not reached {limit}, and have neither passed nor failed:")
        for check in missed:
            print(f"      {check.target}{', stopped' if check in running else ''}")
    if len(missed) == len(checks):
        total.fail("no check came to its end")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("check: interrupted; nothing is summed")
