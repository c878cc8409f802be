# SPDX-License-Identifier: GPL-2.0-only
"""The figures: SVG files on an opaque white ground, the same bytes for the same data."""

import io
import itertools
import re

import matplotlib

from bench.report.facts.frame import CELL
from bench.report.rendering import markdown

matplotlib.use("svg")

import matplotlib.pyplot as plt
import matplotlib.ticker
import numpy
import pandas

# Okabe and Ito's colours, which colour-blind readers can tell apart, in the
# order in which arms appear; line styles repeat the distinction without colour.
COLOURS = ("#000000", "#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c6d31", "#7f7f7f")
STYLES = ("-", "--", "-", "-.", "-", "--", ":", "-.", "--")

matplotlib.rcParams.update({
    "svg.hashsalt": "pcpu-drain",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.edgecolor": "white",
    "legend.framealpha": 1,
})


def save(figure, path, title):
    """Write a figure; title is what a screen reader says."""
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None, "Title": title})
    plt.close(figure)
    licence = "<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
    text = re.sub(r"(<\?xml[^>]*>\n)", rf"\1{licence}", out.getvalue(), count=1)
    path.write_text("".join(line.rstrip() + "\n" for line in text.splitlines()))


def panels(count, height):
    """One panel per preemption model, side by side, with the same axes."""
    return plt.subplots(1, count, figsize=(5.2 * count, height), sharex=True, sharey=True, squeeze=False,
                        layout="constrained")


def ccdf(path, titles, arms, quiet, histograms, legend):
    """Latency against the share of wake-ups that were later: for each arm the median over boots; in grey quiet phases.

    titles: {model: what its panel is called}, in order.
    histograms: {(model, arm): [(histogram, overflow), ...]}, an entry per boot,
    latencies in guest us; quiet: likewise. legend: {(model, arm): text}.
    """
    figure, axes = panels(len(titles), 4.8)
    for axis, model in zip(axes[0], titles, strict=True):
        for arm in arms:
            curve(axis, quiet.get((model, arm)), color="#bbbbbb", linewidth=1)
        for arm, colour, dashes in zip(arms, itertools.cycle(COLOURS), itertools.cycle(STYLES), strict=False):
            curve(axis, histograms.get((model, arm)), color=colour, linestyle=dashes, linewidth=1.2, alpha=0.85,
                  label=f"{arm}: {legend.get((model, arm), 'no boots')}")
        axis.plot([], [], color="#bbbbbb", linewidth=1, label="all arms, quiet phase")
        axis.set(xscale="log", yscale="log", xlabel="latency x [guest µs]", title=titles[model])
        axis.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncol=2, fontsize=8, title_fontsize=8,
                    title="under drains: p99 / max, median over boots")
    axes[0][0].set_ylabel("share of wake-ups later than x, median over boots")
    save(figure, path, "cyclictest latency under drains")


def curve(axis, boots, **line):
    """The median over boots of the share of wake-ups later than each latency."""
    if not boots:
        return
    later = []
    for histogram, overflow in boots:
        seen = pandas.Series(histogram).sort_index().cumsum()
        later.append(1 - seen / (seen.iloc[-1] + overflow))  # overflow: beyond the last latency, so always later
    middle = pandas.concat(later, axis="columns").sort_index().ffill().fillna(1).median(axis="columns")
    # A latency of 0 us has no place on a logarithmic axis, nor has a share of 0.
    axis.step(numpy.maximum(middle.index, 0.5), numpy.where(middle > 0, middle, numpy.nan), where="post", **line)


MAIN = 0.02  # the share of the biggest bar that a cause must make up anywhere, to have a colour
OWN = "less work in the owner's own faults and system calls"


def noise(path, titles, arms, rows):
    """Kernel instructions imposed on the isolated CPU per drain: bars by cause, a dot per boot.

    titles: as for ccdf(); rows: cells. Bars are means over boots, which add up as medians would not.
    """
    imposed = rows.filter(regex="^imposed/").rename(columns=lambda key: key.partition("/")[2])
    means = imposed.groupby(level=CELL).mean()
    size = means.abs().max().sort_index().sort_values(ascending=False, kind="stable")
    causes = size.index[size > MAIN * size.max()]
    own, totals = rows["owner/own"].groupby(level=CELL).mean(), imposed.sum(axis="columns")
    figure, axes = panels(len(titles), 1.9 + 0.42 * len(arms))
    for axis, model in zip(axes[0], titles, strict=True):
        for place, arm in enumerate(arms):
            if (model, arm) in means.index:
                bars(axis, place, means.loc[(model, arm)], causes)
                axis.barh(place, own[model, arm], height=0.62, label=OWN, color="white",
                          edgecolor="#777777", hatch="////", linewidth=0.6)
                dots(axis, place, totals[model, arm])
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(yticks=range(len(arms)), yticklabels=arms, title=titles[model], xlabel="kernel instructions per drain")
        axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6))
        axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
        axis.margins(x=0.15)
        axis.grid(axis="y", visible=False)
    axes[0][0].invert_yaxis()
    handles, labels = axes[0][0].get_legend_handles_labels()
    found = dict(zip(labels, handles, strict=True))
    figure.legend(found.values(), found.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncol=3, fontsize=8)
    save(figure, path, "kernel instructions imposed on the isolated CPU per drain")


def dots(axis, place, totals):
    """A circle per boot, and the median in figures beside the last."""
    axis.plot(totals, [place] * len(totals), "o", color="black", markerfacecolor="white", markersize=4,
              markeredgewidth=0.6)
    axis.annotate(f"{numpy.median(totals):,.0f}", (max(*totals, 0), place), xytext=(8, 0), textcoords="offset points",
                  va="center", fontsize=9)


def bars(axis, place, causes, shown):
    """One bar, stacked by cause: what adds to the right of 0, what is saved to the left."""
    ends = {True: 0, False: 0}
    parts = {**causes[shown], "other": causes.drop(shown).sum()}
    for number, (cause, value) in enumerate(parts.items()):
        colour = "#bbbbbb" if cause == "other" else COLOURS[1:][number % (len(COLOURS) - 1)]
        axis.barh(place, value, left=ends[value >= 0], height=0.62, color=colour, label=markdown.cause(cause),
                  linewidth=0)
        ends[value >= 0] += value


def dose(path, points, lines):
    """Measured against injected instructions: a circle a boot, and the line through them.

    points: {model: controls.doses()}; lines: {model: stats.Line or None}.
    """
    figure, axes = panels(len(points), 3.6)
    for axis, (model, found) in zip(axes[0], points.items(), strict=True):
        axis.plot(found["injected"], found["measured"], "o", color=COLOURS[1], markerfacecolor="white", markersize=5)
        if fit := lines[model]:
            ends = found["injected"].agg(["min", "max"]).to_numpy()
            axis.plot(ends, fit.intercept + fit.slope * ends, color=COLOURS[3], linewidth=1,
                      label=f"slope {fit.slope:.4f}, intercept {fit.intercept:,.0f}")
            axis.legend(loc="upper left", fontsize=8)
        axis.set(title=model, xlabel="instructions injected per request")
        axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axes[0][0].set_ylabel("kernel instructions measured")
    save(figure, path, "measured against injected instructions per request")
