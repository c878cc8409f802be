# SPDX-License-Identifier: GPL-2.0-only
"""The map as SVG files: one of a model, one of what a lock costs all CPUs."""

import matplotlib

from bench.report.rendering import plots
from bench.workloads.map import figures

matplotlib.use("svg")

import matplotlib.lines
import matplotlib.patches
import matplotlib.pyplot as plt
import matplotlib.ticker
import pandas

NOBODY = {"facecolor": "white", "edgecolor": "#999999", "hatch": "...."}
NO_DATA = {"facecolor": "white", "edgecolor": "#999999", "hatch": "////"}
LIGHT = 0.4  # of colours, so that what is drawn on them can be read
DASHES = ("-", "--", ":")
LEVELS = (1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7)


def colours(arms):
    """{arm: colour}, the same on all figures."""
    return {arm: plots.COLOURS[number % len(plots.COLOURS)] for number, arm in enumerate(figures.compared())
            if arm in arms}


def plain(axis):
    """Logarithmic axes whose numbers are written out."""
    for side, rates in zip((axis.xaxis, axis.yaxis), figures.asked(), strict=True):
        side.set_minor_locator(matplotlib.ticker.NullLocator())
        side.set_major_locator(matplotlib.ticker.FixedLocator(rates))
        side.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))


def grid(rows, column):
    """A column of a surface as a matrix, fills by drains."""
    return rows.pivot(index="fills", columns="drains", values=column)


def ground(axis, rows, shown):
    """Which arm wins where, as colour; dotted where none does, hatched where nothing was measured."""
    winner, known = grid(rows, "winner"), grid(rows, "measured").to_numpy(bool)
    for arm, colour in shown.items():
        area(axis, winner, known & (winner == arm).to_numpy(), colors=[colour], alpha=LIGHT)
    for look, where in ((NOBODY, known & (winner == "").to_numpy()), (NO_DATA, ~known)):
        drawn = area(axis, winner, where, colors=[look["facecolor"]], hatches=[look["hatch"]])
        drawn.collections[0].set_edgecolor(look["edgecolor"])
        drawn.collections[0].set_linewidth(0)


def area(axis, places, where, **look):
    """Fill what is True in a matrix; places has its rows and columns."""
    return axis.contourf(places.columns, places.index, where.astype(float), levels=[0.5, 1.5], **look)


def by_how_much(axis, rows):
    """Lines of equal gap to the second arm, where one wins, in thousands of instructions a second."""
    gap = grid(rows, "gap").where(grid(rows, "winner") != "")
    levels = [level for level in LEVELS if (gap < level).any(axis=None) and (gap > level).any(axis=None)]
    if levels:
        lines = axis.contour(gap.columns, gap.index, gap, levels=levels, colors="black", linewidths=0.6)
        axis.clabel(lines, fmt=lambda value: f"{value / 1000:,.0f}k", fontsize=8)


def measured(axis, found):
    """The points that all arms have: full if they are in the fit, open if they were held out."""
    arms = found[found["drains"] > 0].groupby(["drains", "fills"])["arm"].nunique()
    for pair in arms.index[arms == len(figures.compared())]:
        axis.plot(*pair, "o", color="black", markersize=6, clip_on=False, zorder=5,
                  markerfacecolor="white" if pair in figures.HELD_OUT else "black")


def surface(path, model, maps, found):
    """Which arm takes least from the isolated CPU where, and by how much less than the second.

    model: what the figure is called; maps: {title: figures.surface()}, a panel each; found: figures.points() of that
    model.
    """
    shown = colours({winner for rows in maps.values() for winner in rows["winner"]} - {""})
    figure, axes = plots.panels(len(maps), 4.4)
    for axis, (title, rows) in zip(axes[0], maps.items(), strict=True):
        axis.set(xscale="log", yscale="log", title=title, xlabel="drains a second")
        ground(axis, rows, shown)
        by_how_much(axis, rows)
        measured(axis, found)
        plain(axis)
        axis.grid(visible=False)
    axes[0][0].set_ylabel("fills a second")
    handles = list(legend(shown, pandas.concat(maps.values())))
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=3, fontsize=8)
    plots.save(figure, path, f"{model}: which arm takes least from the isolated CPU, by drains and fills")


def legend(shown, rows):
    """What colours, lines and points mean; what is nowhere is not named."""
    yield from (matplotlib.patches.Patch(color=colour, alpha=LIGHT, label=f"{arm} takes least")
                for arm, colour in shown.items())
    if (rows["measured"] & (rows["winner"] == "")).any():
        yield matplotlib.patches.Patch(**NOBODY, label="no winner: the error exceeds the gap")
    if not rows["measured"].all():
        yield matplotlib.patches.Patch(**NO_DATA, label="no data")
    yield matplotlib.lines.Line2D([], [], color="black", linewidth=0.6,
                                  label="thousand instructions a second to the second arm")
    for label, face in (("measured, and fitted", "black"), ("measured, held out", "white")):
        yield matplotlib.lines.Line2D([], [], color="black", marker="o", linestyle="", markerfacecolor=face,
                                      label=label)


def lock(path, title, rows):
    """From how many drains on an arm pays for what it costs all CPUs: a line for each rate of fills.

    rows: figures.pays() of an arm.
    """
    figure, axis = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    for number, (fills, here) in enumerate(rows.groupby("fills")):
        axis.plot(here["drains"], here["operations"].where(here["operations"] > 0), linestyle=DASHES[number % 3],
                  color=plots.COLOURS[1], label=f"{fills:,} fills a second")
    axis.set(xscale="log", yscale="log", title=title, xlabel="drains a second",
             ylabel="cached pages a second, all CPUs")
    axis.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axis.xaxis.set_major_locator(matplotlib.ticker.FixedLocator(figures.asked()[0]))
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    if not (rows["operations"] > 0).any():
        axis.set_ylim(1, 10)
        axis.annotate("saves nothing here", (0.5, 0.5), xycoords="axes fraction", ha="center")
    axis.legend(title="below its line it pays", fontsize=8, title_fontsize=8)
    plots.save(figure, path, f"{title}: cached pages a second for which it pays, by drains")
