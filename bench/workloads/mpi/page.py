# SPDX-License-Identifier: GPL-2.0-only
"""What the page of two MPI ranks has besides its figures: from where on an arm loses 1 %, and more nodes."""

import math

from bench import arms
from bench.report.facts import frame, windows
from bench.report.judgement import stats
from bench.report.rendering import markdown
from bench.workloads.mpi import figures, plot

SETTING = "usual"
REQUESTS = 1000  # for drains, per 10^9 user instructions of a rank's CPU
CROSSOVER = """\
At so many *sets* of system calls (an mmap, a page touch, an munmap, a write) per 10⁹ user instructions of its CPU a
rank loses {margin:g} % of its time more than under {reference}; medians over boots. *One set in*: the grain at which a
step with one set loses that. *Never*: it takes no more. *At once*: the drains alone take that much more. *Not told
apart*: the interval of a set's price includes no difference.
"""
NODES = """\
A step waits for the slowest of all nodes. Measured: boots are resampled as nodes, up to a tenth as many as there are
steps. Reckoned: (1 − (1 − p)^N) times what a drain adds to a step, until 95 % of steps are hit; beyond that nothing is
left to lose. It stays below the measured line, which has the dearest of many drains. Each node has a drain in a fifth
of its steps here, far more than a user has; rarer drains move the lines to the right, by that factor in nodes.
"""


def told_apart(dearer):
    """Is a set of calls dearer than the reference's, or cheaper, in all of the interval? dearer: a number per boot."""
    found = stats.estimate(dearer)
    return found.low > 0 or found.high < 0


def row(arm, quiet, drained, dearer):
    """An arm's row. quiet, drained: its crossovers without drains and with REQUESTS."""
    if not told_apart(dearer):
        return [arm, "not told apart", "–", "at once" if drained["sets"] == 0 else "not told apart"]
    sets = ["never" if math.isinf(one["sets"]) else "at once" if one["sets"] == 0 else markdown.number(one["sets"])
            for one in (quiet, drained)]
    return [arm, sets[0], markdown.number(quiet["grain"]) if quiet["grain"] > 0 else "–", sets[1]]


def of_model(tables, model):
    """The boots of a model in SETTING, as windows.Tables."""
    return windows.Tables(*(one[(one["model"] == model) & (one["setting"] == SETTING)]
                            for one in (tables.boots, tables.windows, tables.values)))


def crossovers(tables, reference):
    """A row per arm: sets at which it loses the margin, without drains and with REQUESTS. tables: of one model."""
    quiet, drained = (figures.crossover(tables, reference, requests).groupby("arm").median()
                      for requests in (0, REQUESTS))
    dearer = figures.dearer(tables, reference)["per_set"].groupby("arm")
    return markdown.table(["arm", ">sets, no drains", ">one set in, instructions", f">sets, {REQUESTS:,} drains"],
                          [row(arm, quiet.loc[arm], drained.loc[arm], dearer.get_group(arm))
                           for arm in frame.in_order(set(quiet.index))])


def parts(results, name, folder):
    """The parts of a page. results: the folder of unpacked results; name: of the folder of figures, as pages link it.
    """
    tables, reference = windows.tables(results, figures.NAME), arms.example()
    for model in sorted(set(tables.boots["model"])):
        mine, file = of_model(tables, model), f"mpi-nodes-{model}.svg"
        plot.nodes(folder / file, figures.more_nodes(mine))
        yield f"### From where on an arm loses {figures.MARGIN:g} %, {model}\n"
        yield CROSSOVER.format(margin=figures.MARGIN, reference=reference)
        yield crossovers(mine, reference)
        yield f"### More nodes, {model}\n\n{NODES}"
        yield f"![What drains cost a step of many nodes, {model}]({name}/{file})\n"
