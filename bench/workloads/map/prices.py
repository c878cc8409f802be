# SPDX-License-Identifier: GPL-2.0-only
"""What an arm costs besides the map: per system call (lab: virtual), per cached page on all CPUs (lab: cycles)."""

import dataclasses

from bench import arms
from bench.cycles import section
from bench.report.facts import hotpaths, strategies
from bench.report.plan import BASE

CALL = ("isolated", "getppid")  # one entry and exit, on the isolated CPU
CACHED = "folio_add_lru_vma"  # what a page fault calls to cache its page
APART = 1.0  # cycles that two ranges over link orders must be more apart, else no difference counts (bench/cycles)
FINER = 0.01  # than the lab's clock


def calls(results, model, judged):
    """{arm: kernel instructions that it adds to a system call, to what unpatched takes}, of arms that were measured.

    results: the folder of unpacked results.
    """
    took = {}
    for arm in {BASE, *judged}:
        paths, _ = hotpaths.read_cell(sorted((results / "virtual" / f"{model}-{arm}").glob("hotpath-*")))
        if CALL in paths:
            took[arm] = paths[CALL].kernel
    return {arm: kernel - took[BASE] for arm, kernel in took.items()} if BASE in took else {}


@dataclasses.dataclass(frozen=True)
class Lock:
    """What an arm adds to a cached operation on a CPU that is not isolated, in cycles; counts: more than the lab errs.
    """

    cycles: float
    counts: bool


def cell_of(arm):
    """The cells of the cycles lab that stand for an arm on CPUs that are not isolated; "" if none does."""
    kernel = arms.fact(arm, "KERNEL")
    here = [one for name, one in strategies.cycles() if name == kernel and "same" in one]
    of_arm = [one["arm"] for one in here if one["same"] == [arm, "isolated"]]  # the same on all CPUs
    beside = [one["arm"] for one in here if one["same"][1] == "housekeeping"]
    return next(iter(of_arm + beside), "")


def lock(cells, model, arm):
    """The Lock of an arm, or None if it was not measured; cells: section.load().

    Ten operations between two fences are looked at: a long loop hides what the core overlaps.
    """
    if arm == BASE:
        return Lock(0.0, False)
    cell = cell_of(arm)
    if not {(model, BASE), (model, cell)} <= cells.keys():
        return None

    def figure(run):
        return section.alone(run, CACHED)
    here, low, _ = section.estimate(cells[model, cell], figure)
    there, _, high = section.estimate(cells[model, BASE], figure)
    noisy = CACHED in section.noisy(cells, model, section.alone)
    return Lock(here - there, not noisy and low - high > APART + FINER)
