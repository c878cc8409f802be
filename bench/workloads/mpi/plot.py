# SPDX-License-Identifier: GPL-2.0-only
"""What drains cost a step that waits for the slowest of many nodes, as an SVG file."""

import matplotlib

from bench.report.facts import frame
from bench.report.rendering import plots
from bench.workloads.mpi import figures

matplotlib.use("svg")

import matplotlib.pyplot as plt
import matplotlib.ticker

LINES = {("measured", "independent"): {"linestyle": "-", "marker": "o", "markersize": 3},
         ("reckoned", "independent"): {"linestyle": "--"}, ("measured", "none"): {"linestyle": ":"}}
SAYS = "solid: measured; dashed: reckoned; dotted: measured, no drains"


def nodes(path, rows):
    """Draw the rows of figures.more_nodes() of one model and setting: a panel with calls and one without."""
    arms = frame.in_order(set(rows["arm"]))
    figure, axes = plt.subplots(1, len(figures.WORK), figsize=(9, 3.6), sharey=True, layout="constrained")
    for axis, (work, title) in zip(axes, figures.WORK.items(), strict=True):
        for number, arm in enumerate(arms):
            for (how, drains), look in LINES.items():
                line = rows[(rows[["arm", "work", "how", "drains"]] == [arm, work, how, drains]).all(axis=1)]
                axis.plot(line["nodes"], line["percent"], color=plots.COLOURS[number % len(plots.COLOURS)],
                          label=arm if how == "measured" and drains == "independent" else None, **look)
        axis.set(xscale="log", xlabel="nodes of two ranks", title=title)
        axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axes[0].set_ylabel("% of a quantum, over the mean quiet step")
    axes[0].legend(frameon=False, fontsize=8, title=SAYS, title_fontsize=7)
    plots.save(figure, path, "what drains cost a step, by nodes: no more than the slowest of them")
