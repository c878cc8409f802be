# SPDX-License-Identifier: GPL-2.0-only
"""Write and read TAP files (Test Anything Protocol 14): how checks report.

A check makes one file build/check/<name>.tap; run.py sums them.
"""

import dataclasses
import pathlib

import tap.parser  # python3-tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build/check"


class Writer:
    """A check's TAP file; use it with `with`, which writes the plan at the end.

    A check that dies half-way leaves a file without a plan, and that counts
    as a failure.
    """

    def __init__(self, name, folder=RESULTS):
        self.path = pathlib.Path(folder) / f"{name}.tap"
        self.points = self.failed = 0

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("w", encoding="utf-8")
        self._line("TAP version 14")
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self._line(f"1..{self.points}")
        self.file.close()

    def point(self, name, complaints=()):
        """One test point: it passes if there are no complaints (lines of text)."""
        complaints = list(complaints)
        self.points += 1
        self.failed += bool(complaints)
        self._line(f"{'not ok' if complaints else 'ok'} {self.points} - {name}")
        for complaint in complaints:
            for line in str(complaint).splitlines():
                self._line(f"# {line}")
                print(f"{name}: {line}", flush=True)

    def skip(self, name, reason):
        """One test point that could not be tried; reason: why, in a few words."""
        self.points += 1
        self._line(f"ok {self.points} - {name} # SKIP {reason}")

    def _line(self, text):
        print(text, file=self.file, flush=True)


@dataclasses.dataclass
class Total:
    """Counts of test points and, for each one failed or skipped, a line of text."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = dataclasses.field(default_factory=list)

    def fail(self, note):
        """Count one failure that no test point stands for."""
        self.failed += 1
        self.notes.append(f"not ok {note}")

    def __add__(self, other):
        return Total(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.notes + other.notes,
        )

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def points(path):
    """(name, whether it passed) of each test point of a TAP file; the name of a skipped one says so, and why."""
    return [(line.description.lstrip("- ") + (f" (**skipped**: {line.directive.reason})" if line.skip else ""), line.ok)
            for line in tap.parser.Parser().parse_file(str(path)) if line.category == "test"]


def read(path, whole=True):
    """Sum one TAP file; the note of a failure is its point's name and first complaint.

    Only top-level points count (a subtest counts through its parent). A plan
    that does not match, a "Bail out!" and a missing plan are a failure each.
    TODO is no excuse: "not ok" is a failure whatever follows it. Not whole: its
    check was stopped, and nothing but failures counts.
    """
    total, planned, unexplained = Total(), None, False
    for line in tap.parser.Parser().parse_file(str(path)):
        if line.category == "plan":
            planned = line.expected_tests
        elif line.category == "diagnostic" and unexplained:
            total.notes[-1] += f": {line.text.lstrip('# ')[:200]}"
        elif line.category == "bail":
            total.fail(f"gave up: {line.reason}")
        elif line.category == "test" and not line.ok:
            total.fail(line.description.lstrip("- "))
        elif line.category == "test" and line.skip:
            total.skipped += 1
            total.notes.append(f"skipped {line.description.lstrip('- ')} ({line.directive.reason})")
        elif line.category == "test":
            total.passed += 1
        unexplained = line.category == "test" and not line.ok
    if not whole:
        return Total(failed=total.failed, notes=[note for note in total.notes if note.startswith("not ok")])
    points = total.passed + total.failed + total.skipped
    if planned is None:
        total.fail("ended early: its TAP file has no plan")
    elif planned != points and not any("gave up" in note for note in total.notes):
        total.fail(f"planned {planned} points, made {points}")
    return total
