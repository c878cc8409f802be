# SPDX-License-Identifier: GPL-2.0-only
"""Single figures by name, for claims and answers: a few words say which.

  hotpath MODEL ARM OPERATION COLUMN CPUS   instructions ("kernel"), locked ones ("atomics") or switches that one
                                            operation usually takes on CPUs "isolated", "housekeeping", "not isolated"
  faults MODEL ARM KEY                      median over boots of a figure of the first campaign (metrics.py)
  load WORKLOAD SETTING MODEL ARM LABEL FIGURE   the same of windows of a label in a workload of bench/workloads
  verdict MODEL ARM KEY                     1: better, 0: equivalent, -1: worse, against the unpatched kernel
  contract ARM STATE                        0: a request leaves an owner in that state (kunit/contract.h) alone, and
                                            finds nothing or drains elsewhere; 1: it disturbs the owner's CPU, or is
                                            posted, as kunit's suites have checked
  mutant NUMBER                             how many tests a planted bug of kunit/mutants turns red, as make mutants
                                            checks
  locks MODEL INTERRUPTS HOLDER KEY         of lock_holds.py: who waits how often and how long while "requester" or
                                            "owner" holds the owner's lock; interrupts: none, or a storm
  size VARIANT WHAT                         lines of C, with what variants share that track isolated CPUs, or that
                                            bring locks; hooks: lines added to existing files, in clients too; defects;
                                            "shared" and calls or locks

A word with blanks stands in quotes. A figure that is not there raises Missing, whose text says what makes it.
"""

import functools
import importlib
import json
import math
import pathlib
import shlex

from bench import lock_holds, workloads
from bench.report import plan
from bench.report.facts import frame, hotpaths, sizes, strategies, windows
from kunit import contract

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERDICTS = {"better": 1, "equivalent": 0, "worse": -1}


class Missing(Exception):
    """A figure is not there; the text says what is missing and which command makes it."""


class Evidence:
    """The figures of one state of results/.

    results: the folder of what is unpacked; runs: frame.labs() of the judged lab, or None; verdicts: of contrasts.
    """

    def __init__(self, results, runs, verdicts=()):
        self.results, self.runs = pathlib.Path(results), runs
        self.verdicts = {(one.contrast.model, one.contrast.arm, one.contrast.key): str(one.verdict)
                         for one in verdicts if one.contrast.base == plan.BASE}

    def number(self, words):
        """The figure that some words name; Missing without it, ValueError if they name none."""
        source, *rest = shlex.split(words)
        sources = {"hotpath": self.hotpath, "faults": self.faults, "load": self.load, "verdict": self.verdict,
                   "contract": self.contract, "mutant": self.mutant, "locks": self.locks,
                   "size": self.size}
        if source not in sources:
            raise ValueError(f"{words!r}: unknown source {source!r}; known: {', '.join(sources)}")
        try:
            return sources[source](*rest)
        except TypeError as error:
            raise ValueError(f"{words!r}: {error}") from None

    @functools.cached_property
    def paths(self):
        return hotpaths.read_lab(self.results / plan.JUDGED_LAB)[0]

    def hotpath(self, model, arm, operation, column, cpus="isolated"):
        """What one operation usually takes."""
        try:
            return getattr(self.paths[model, arm][cpus, operation], column)
        except KeyError:
            raise Missing(f"{operation} of {model}-{arm} was not counted (make campaign ONLY=hotpath)") from None

    def faults(self, model, arm, key):
        """A median of the first campaign."""
        values = [] if self.runs is None else frame.column(frame.cells(self.runs), model, arm, key)
        if not len(values):
            raise Missing(f"{key} of {model}-{arm} was not measured (make campaign ONLY=drain)")
        return float(values.median())

    def load(self, workload, setting, model, arm, label, figure):
        """A median over boots of a workload."""
        values = self.boots_of(workload, setting, model, arm, label, figure)
        return float(values.median())

    def boots_of(self, workload, setting, model, arm, label, figure):
        """That figure of each boot, by seed."""
        found = figures_of(self.results, workload)
        if found.empty:
            raise Missing(f"{workload} was not run (make campaign WORKLOAD={workload})")
        wanted = {"model": model, "arm": arm, "setting": setting, "label": label}
        if figure not in found or not (rows := frame.pick(found, **wanted)[figure].dropna()).size:
            raise Missing(f"{workload} has no {figure} of {model}-{arm}, {setting}, {label} "
                          f"(make campaign WORKLOAD={workload})")
        return rows.droplevel("workload")

    def verdict(self, model, arm, key):
        """A verdict as a number."""
        word = self.verdicts.get((model, arm, key), "none")
        if word not in VERDICTS:
            raise Missing(f"the verdict on {key} of {model}-{arm} is {word}")
        return VERDICTS[word]

    def contract(self, arm, state):
        """Does a request disturb an owner that stays in a state, or leave it for later?

        Whoever waits until the owner moves on (FOR_OWNER) loses patience and disturbs one that does not.
        """
        cells = {name: cells for path in contract.headers() for name, cells in contract.read(path)}
        as_upstream = next(iter(cells))  # the facade with nothing behind it comes first, and does what the base does
        _, where, waits, told, _ = cells[as_upstream if arm == plan.BASE else arm][state]
        return int((where == "ON_ITS_CPU" and waits != "FOR_NOTHING") or waits == "FOR_OWNER" or told == "POSTED")

    def mutant(self, number):
        """How many tests a planted bug must turn red."""
        found = sorted((ROOT / "kunit/mutants").glob(f"{number}-*.patch"))
        if not found:
            raise Missing(f"there is no kunit/mutants/{number}-*.patch")
        return sum(len(line.split()[1:]) for line in found[0].read_text(encoding="utf-8").splitlines()
                   if line.startswith("Reddens:"))

    def locks(self, model, interrupts, holder, key):
        """A figure of who holds the owner's lock."""
        try:
            kept = json.loads((ROOT / lock_holds.KEPT).read_text(encoding="utf-8"))
            row, = [row for row in kept["rows"] if (row["kernel"].partition("-")[0], row["interrupts"], row["holder"])
                    == (model, interrupts, holder)]
            return row[key] or 0
        except (OSError, KeyError, ValueError) as error:
            raise Missing("who holds the owner's lock was not measured (make lock-holds)") from error

    def size(self, name, what):
        """What a variant is to maintain; what all share of it."""
        if name == "shared":
            return sizes.shared()[what]
        found, shared = sizes.of(name), sizes.shared()
        tracks, locks = (name in strategies.with_file(file) for file in ("variant.h", "locks.h"))
        return {"lines": found["lines"] + tracks * shared["tracked"] + locks * shared["spin"],
                "hooks": found["patched"][1] + tracks * shared["calls"] + locks * shared["locks"],
                "defects": len(found["defects"])}[what]


@functools.cache
def tables_of(results, workload):
    """windows.Tables of a workload, read once."""
    return windows.tables(results, workload)


@functools.cache
def figures_of(results, workload):
    """The figures of all boots of a workload, as its figures.py makes them: a row per boot and label."""
    if workload not in workloads.names():
        raise Missing(f"there is no workload {workload} yet; there are {', '.join(workloads.names())}")
    found = tables_of(results, workload)
    if found.windows.empty:
        return found.windows
    return importlib.import_module(f"bench.workloads.{workload}.figures").of(found)


def show(value):
    """Is it a number that a page can show?"""
    return value is not None and not math.isnan(value)
