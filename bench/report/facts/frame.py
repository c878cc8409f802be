# SPDX-License-Identifier: GPL-2.0-only
"""One table of all figures: a row per boot, a column per figure."""

import numpy
import pandas

from bench import arms
from bench.report.facts import read
from bench.report.plan import BY_KEY

INDEX = ("lab", "model", "arm", "kind", "setting", "workload", "seed")
CELL = ["model", "arm"]
# In the order of the design, without the lab's controls; others follow.
ARMS = tuple(arm for arm in arms.names() if not arms.fact(arm, "CONTROL"))


def of(boots):
    """The figures of the boots that ended well, as metrics.boots() made them; NaN where a boot has no such figure."""
    good = [boot for boot in boots if boot.verdict == "ok"]
    index = pandas.MultiIndex.from_frame(
        pandas.DataFrame([[getattr(boot, level) for level in INDEX] for boot in good], columns=INDEX))
    columns = dict.fromkeys(key for figures in (BY_KEY, *(boot.figures for boot in good)) for key in figures)
    return pandas.DataFrame([boot.figures for boot in good], index, list(columns), float).sort_index()


def pick(rows, **levels):
    """The rows, or of a column the values, with these values in the index, which then lacks these levels."""
    here = numpy.logical_and.reduce([rows.index.get_level_values(level) == value for level, value in levels.items()])
    return rows[here].droplevel(list(levels))


def labs(rows, workload=read.WORKLOAD):
    """{lab: its rows of one workload, by model, arm, kind, setting and seed}, imported ones last."""
    return {lab: pick(rows, lab=lab, workload=workload)
            for lab in sorted(rows.index.unique("lab"), key=lambda lab: (lab.startswith("imported-"), lab))}


def cells(runs, kind="drain", setting=""):
    """A lab's rows of one kind of boots, by model, arm and seed."""
    return pick(runs, kind=kind, setting=setting)


def column(rows, model, arm, key, *kind):
    """One figure of one cell, by seed, only of boots that have it; rows: cells, or with a kind and setting all runs."""
    values = rows.get(key, pandas.Series(numpy.nan, rows.index))
    return pick(values, model=model, arm=arm, **dict(zip(("kind", "setting"), kind, strict=False))).dropna()


def models(rows):
    return sorted(rows.index.unique("model"))


def all_arms(rows):
    return in_order(rows.index.unique("arm"))


def names(rows):
    """(model, arm) of all cells, in the order of tables."""
    return sorted({cell[:2] for cell in rows.index}, key=lambda cell: (cell[0], all_arms(rows).index(cell[1])))


def boots(rows):
    """How many boots each cell has."""
    return rows.groupby(level=CELL).size()


def in_order(found):
    """Names of arms, the known ones first."""
    return [arm for arm in ARMS if arm in found] + sorted(set(found).difference(ARMS))
