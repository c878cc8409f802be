# SPDX-License-Identifier: GPL-2.0-only
"""Write and read TAP files (Test Anything Protocol 14): how checks report.

A check makes one file build/check/<name>.tap; run.py sums them.
"""

import dataclasses
import json
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

    def point(self, name, complaints=(), kind="", measured=False):
        """One test point: it passes if there are no complaints (lines of text).

        kind: what it is one of; measured: its name tells a figure that was measured.
        """
        complaints = list(complaints)
        self.failed += bool(complaints)
        name = self._point("not ok" if complaints else "ok", name, kind, measured)
        for complaint in complaints:
            for line in str(complaint).splitlines():
                self._line(f"# {line}")
                print(f"{name}: {line}", flush=True)

    def skip(self, name, reason, kind=""):
        """One test point that could not be tried; reason: why, in a few words."""
        self._point("ok", name, kind, end=f" # SKIP {reason}")

    def _point(self, result, name, kind, measured=False, end=""):
        """Write a point, and in a YAML block what reads it need not guess; return its name with its kind."""
        self.points += 1
        name = f"{kind}: {name}" if kind else name
        self._line(f"{result} {self.points} - {name}{end}")
        about = {key: value for key, value in (("kind", kind), ("measured", measured)) if value}
        for line in ("---", *(f"{key}: {json.dumps(value)}" for key, value in about.items()), "...") if about else ():
            self._line(f"  {line}")
        return name

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


@dataclasses.dataclass(frozen=True)
class Point:
    """A test point. skipped: why, or None if it was not; kind, measured: as for Writer.point()."""

    name: str
    passed: bool
    skipped: str | None = None
    kind: str = ""
    measured: bool = False

    @property
    def whole(self):
        """Its name with its kind."""
        return f"{self.kind}: {self.name}" if self.kind else self.name


def points(path):
    """[Point] of a TAP file."""
    return [Point(line.description.lstrip("- ").removeprefix(f"{about.get('kind')}: "), line.ok,
                  line.directive.reason if line.skip else None, **about)
            for line in tap.parser.Parser().parse_file(str(path)) if line.category == "test"
            for about in [line.yaml_block or {}]]


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
