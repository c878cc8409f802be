# SPDX-License-Identifier: GPL-2.0-only
"""What the map's page of the report has besides its figures: a picture of each model, and how far the fit is wrong."""

from bench import arms
from bench.cycles import section
from bench.report.facts import strategies, windows
from bench.report.rendering import markdown
from bench.workloads.map import figures, plot, prices

STEPS = 41  # of a side of the picture: 81 give a file twice as large, which looks the same
ABOUT = """\
Colour: the arm that takes least from the isolated CPU; lines: how much less than the second, in thousand instructions a
second. Where the error of a difference exceeds the difference, there is no winner. The second panel leaves out the arm
that the first names most often.
"""


def most(rows):
    """The arm that wins at most points of a surface, "" if none does."""
    counted = rows["winner"][rows["winner"] != ""].value_counts()
    return "" if counted.empty else counted.index[0]


def picture(found, model, name, folder):
    """Draw a model's map into folder; returns its part of a page."""
    whole = figures.surface(found, model, steps=STEPS)
    maps = {"all arms": whole}
    if arm := most(whole):
        maps[f"without {arm}"] = figures.surface(found, model, (arm,), STEPS)
    plot.surface(folder / f"map-{model}.svg", model, maps, found[found["model"] == model])
    return f"![Which arm takes least, {model}]({name}/map-{model}.svg)\n"


def locks(fitted, model, results, name, folder):
    """Draw from how many drains on an arm that brings locks pays for them on all CPUs; the parts of a page."""
    cells = section.load(results / "cycles")
    for arm in figures.compared():
        price = prices.lock(cells, model, arm)
        if arms.fact(arm, "KERNEL") not in strategies.with_file("locks.h") or not (price and price.counts):
            continue
        file = f"map-lock-{model}-{arm}.svg"
        plot.lock(folder / file, f"{model}, {arm}", figures.pays(fitted, model, arm, price.cycles))
        yield f"![When the lock of {arm} pays, {model}]({name}/{file})\n"
        yield (f"{arm} adds {price.cycles:.1f} cycles to each cached page on every CPU (lab: cycles). Below a line it "
               "saves the isolated CPU more than that, at one cycle per instruction, which is assumed.\n")


def errors(found, fitted):
    """How far the fit is wrong where it was not fitted, as a table."""
    rows = [[one.model, f"{one.drains:,}", f"{one.fills:,}", one.best, one.second, markdown.number(one.gap),
             markdown.number(one.error), one.winner or "no winner"]
            for one in figures.verdicts(found, fitted).itertuples()]
    return markdown.table(["model", ">drains", ">fills", "least", "second", ">gap", ">error of the gap", "winner"],
                          rows)


def parts(results, name, folder):
    """The parts of a page. results: the folder of unpacked results; name: of the folder of figures, as pages link it.
    """
    found = figures.points(windows.tables(results, figures.WORKLOAD))
    fitted = figures.fits(found)
    yield f"### The map\n\n{ABOUT}"
    for model in sorted(found["model"].unique()):
        yield picture(found, model, name, folder)
        yield from locks(fitted, model, results, name, folder)
    yield "### Held-out points\n\nThese were not fitted. Instructions a second, medians over seeds.\n"
    yield errors(found, fitted)
