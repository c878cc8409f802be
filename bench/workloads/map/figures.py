# SPDX-License-Identifier: GPL-2.0-only
"""The map's figures: what was measured, what theory makes of it, and how far that is wrong.

All rates and costs are per second of the guest. A cost is kernel instructions of the isolated CPU.
"""

import dataclasses
import itertools

import numpy
import pandas

from bench import arms, workloads
from bench.report.facts import windows
from bench.workloads.map import theory

WORKLOAD = "map"
POINT = ["model", "arm", "drains", "fills"]
# Not used in the fit, but to see how far it is wrong: of each rate of fills, and of each rate of drains, one.
HELD_OUT = ((50, 10000), (200, 2000), (1000, 100))
TERMS = ("fill", "visit", "restart", "taken")
COUNTED = ("fresh", "found", "items")  # by the guest
LEAVES = 0.5  # of the items that theory expects, an arm that leaves them to a requester has at least


def asked():
    """The rates that the workload's file names: ([drains], [fills]), ascending, without the control of no drains."""
    said = workloads.about(WORKLOAD)
    settings = [workloads.parameters(WORKLOAD, setting) for setting in said["settings"]]
    drains = {int(rate) for one in settings for rate in str(one["drains"]).split(",")}
    return sorted(drains - {0}), sorted({one["fills"] for one in settings})


def compared():
    """The arms that are compared, in the order of pages."""
    return [name for name in arms.names() if arms.fact(name, "COMPARED")]


# ---- What was measured ----


def points(tables):
    """A row per boot and rate of drains: one number each.

    tables: windows.Tables of this workload. Columns: windows.INDEX; drains, fills: rates that were asked for;
    kernel: the cost; visits: half the context switches; ticks: timer interrupts; fresh, found: drains that come after
    a fill since the last one, that find something cached; items: what they find. All per second. What the guest has
    said nothing of is left out.
    """
    if tables.windows.empty or tables.values.empty:
        return pandas.DataFrame(columns=[*windows.INDEX, "drains", "fills", "kernel", "visits", "ticks", *COUNTED])
    key = [*windows.INDEX, "label", "round"]
    said = tables.values.pivot_table(index=key, columns="name", values="value")
    counted = tables.windows[tables.windows["is_isolated"]].set_index(key)
    both = counted.join(said.reindex(columns=["length_ns", "drains", "fills", *COUNTED]), how="inner")
    both = both.dropna(subset=["length_ns", "drains", "fills"])
    timers = both.reindex(columns=["from_user/timer", "from_kernel/timer"]).fillna(0).sum(axis=1)
    found = pandas.DataFrame({"drains": both["drains"], "fills": both["fills"], "kernel": both["kernel"],
                              "visits": both["switches"] / 2, "ticks": timers, **both[list(COUNTED)]})
    found = found.div(both["length_ns"] / 1e9, axis=0).round({"drains": 0, "fills": 0})
    return found.astype({"drains": int, "fills": int}).reset_index().drop(columns=["label", "round"])


def missing(found, models):
    """Points that no boot has: [(model, arm, drains, fills)], of these models, verdict arms and all rates."""
    drains, fills = asked()
    have = set(found[POINT].itertuples(index=False, name=None))
    return [point for point in itertools.product(models, compared(), [0, *drains], fills) if point not in have]


def corners(drains, fills):
    """The measured points around a point of the map: one, two or four (drains, fills).

    A search along logarithms ends a rounding error beside the map's edge: what is outside counts as its edge.
    """
    inside = [min(max(here, rates[0]), rates[-1]) for rates, here in zip(asked(), (drains, fills), strict=True)]
    return list(itertools.product(*(sorted({max(rate for rate in rates if rate <= here),
                                            min(rate for rate in rates if rate >= here)})
                                    for rates, here in zip(asked(), inside, strict=True))))


# ---- What theory makes of it ----


def is_held_out(found):
    """A boolean per row."""
    pairs = zip(found["drains"], found["fills"], strict=True)
    return pandas.Series([pair in HELD_OUT for pair in pairs], found.index, dtype=bool)


def visited(rows):
    """Which of theory.VISITS an arm's measured visits are nearest to."""
    def far(form):
        expected = theory.VISITS[form](rows["drains"], rows["fills"])
        return ((expected - rows["visits"]).abs() / (expected + rows["visits"] + 1)).mean()
    return min(theory.VISITS, key=far)


def is_taken(rows):
    """Do requesters find, and take, about what theory says that nobody else has moved?"""
    asked_for = rows[rows["drains"] > 0]
    expected = theory.taken(asked_for["drains"].to_numpy(float), asked_for["fills"].to_numpy(float)).sum()
    return asked_for["items"].sum() > LEAVES * expected


def terms_of(when, takes):
    """The terms of an arm's cost."""
    if when == "never":
        return ("fill", "taken") if takes else ("fill",)
    return ("fill", "restart") if when == "in each fill" else ("fill", "visit", "restart")


def how_often(when, drains, fills):
    """{term: how often it happens in a second}."""
    drains, fills = numpy.asarray(drains, float), numpy.asarray(fills, float)
    visits = theory.VISITS[when](drains, fills)
    return {"fill": fills, "visit": visits, "restart": theory.restarts(visits), "taken": theory.taken(drains, fills)}


def fit(rows):
    """One arm's fit, as a dict, or None if there are not more points than terms; rows: points that are in the fit.

    Least squares; a cost that is a sum of events scatters by its root, so that is a row's weight.
    """
    when = visited(rows)
    terms = terms_of(when, when == "never" and is_taken(rows))
    if len(rows[["drains", "fills"]].drop_duplicates()) <= len(terms):
        return None
    often = how_often(when, rows["drains"], rows["fills"])
    design, cost = numpy.column_stack([often[term] for term in terms]), rows["kernel"].to_numpy(float)
    weight = 1 / numpy.sqrt(cost)
    prices, _, rank, _ = numpy.linalg.lstsq(design * weight[:, None], cost * weight, rcond=None)
    if rank < len(terms):
        return None
    off = design @ prices / cost - 1
    return {"when": when, **dict.fromkeys(TERMS, 0.0), **dict(zip(terms, prices, strict=True)),
            "boots": rows["seed"].nunique(), "points": len(rows), "off": float(numpy.sqrt((off ** 2).mean()))}


def fits(found):
    """A row per model and arm (the index): when (of theory.VISITS); what a fill, a visit, a restarted tick and an item
    that is taken cost, in instructions; boots (seeds), points; off: root mean square of how far the fit is from its own
    points, as a share. An arm with too few points is left out. found: points()."""
    rows = {}
    for cell, here in found[~is_held_out(found)].groupby(["model", "arm"]):
        if made := fit(here):
            rows[cell] = made
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis(["model", "arm"]) if rows else pandas.DataFrame(
        columns=["when", *TERMS, "boots", "points", "off"],
        index=pandas.MultiIndex.from_arrays([[], []], names=["model", "arm"]))


def costs(fitted, model, drains, fills):
    """{arm: predicted cost at these rates}; drains, fills: numbers, or arrays of one shape."""
    return {arm: sum(row[term] * often for term, often in how_often(row["when"], drains, fills).items())
            for arm, row in fitted[fitted.index.get_level_values("model") == model].droplevel("model").iterrows()}


# ---- How far it is wrong ----


def held_out(found, fitted):
    """A row per held-out point, model and arm: seeds; measured (median over seeds) and predicted cost; off: predicted
    less measured, as a share of measured."""
    rows = []
    for (model, arm, drains, fills), here in found[is_held_out(found)].groupby(POINT):
        if (model, arm) in fitted.index:
            measured = here["kernel"].median()
            predicted = float(costs(fitted, model, drains, fills)[arm])
            rows.append([model, arm, drains, fills, here["seed"].nunique(), measured, predicted,
                         predicted / measured - 1])
    return pandas.DataFrame(rows, columns=[*POINT, "seeds", "measured", "predicted", "off"])


def errors(found, fitted):
    """How far the predicted difference of two arms is from the measured one at held-out points.

    A row per model, pair of arms (one before other) and held-out point: seeds that both have; error: root mean square
    over seeds of predicted less measured difference, as a share of the lower predicted cost.
    """
    rows = []
    for (model, drains, fills), here in found[is_held_out(found)].groupby(["model", "drains", "fills"]):
        measured = here.pivot_table(index="seed", columns="arm", values="kernel")
        predicted = costs(fitted, model, drains, fills)
        for one, other in itertools.combinations(sorted(set(measured.columns) & set(predicted)), 2):
            off = (predicted[one] - predicted[other] - (measured[one] - measured[other])).dropna()
            if len(off):
                error = float(numpy.sqrt((off ** 2).mean())) / min(predicted[one], predicted[other])
                rows.append([model, one, other, drains, fills, len(off), error])
    return pandas.DataFrame(rows, columns=["model", "one", "other", "drains", "fills", "seeds", "error"])


def curves(wrong, model):
    """{(one, other): ([log fills], [error])} of a model's pairs; NaN where a held-out point is missing.

    wrong: errors().
    """
    places = sorted(HELD_OUT, key=lambda point: point[1])
    logs = numpy.log([fills for _, fills in places])
    return {pair: (logs, here.set_index(["drains", "fills"])["error"].reindex(places).to_numpy())
            for pair, here in wrong[wrong["model"] == model].groupby(["one", "other"])}


# ---- Which arm takes least ----


@dataclasses.dataclass(frozen=True)
class Standing:
    """The order of arms at one point.

    best, second: the arms that take least; gap: how much less the best takes than the second, error: how far that is
    wrong; rivals: arms that the best is not told from, nearest first. Without rivals the best is the winner.
    """

    best: str
    second: str
    gap: float
    error: float
    rivals: tuple

    @property
    def winner(self):
        return "" if self.rivals else self.best


def share_of(known, one, other, fills):
    """How far the difference of two arms' costs is wrong at a rate of fills, as a share; NaN if that is not known.

    known: curves(). Between held-out points it is interpolated by the logarithm of fills.
    """
    curve = known.get(tuple(sorted((one, other))))
    return float(numpy.interp(numpy.log(fills), *curve)) if curve else numpy.nan


def error_of(known, cost, one, other, fills):
    """The same in instructions; cost: {arm: what the map says}."""
    return share_of(known, one, other, fills) * min(cost[one], cost[other])


def standing(cost, known, fills, by_map=None):
    """Which arm takes least. cost: {arm: a cost}, two or more; known: curves(); fills: where on the map; by_map: the
    part of cost that the map has predicted, if not all."""
    order = sorted(cost, key=cost.get)
    best = order[0]
    gaps = {arm: (cost[arm] - cost[best], error_of(known, by_map or cost, best, arm, fills)) for arm in order[1:]}
    rivals = tuple(arm for arm, (gap, error) in gaps.items() if not gap > error)
    return Standing(best, order[1], *gaps[order[1]], rivals)


def verdicts(found, fitted):
    """At held-out points, the arms that were measured to take least: a row per point and model.

    best, second, gap: by the medians of what was measured; error: how far the predicted difference of these two is
    from that; winner: best, or "" where the error exceeds the gap or another arm was predicted to be best.
    """
    rows = []
    for (model, drains, fills), here in held_out(found, fitted).groupby(["model", "drains", "fills"]):
        if len(here) > 1:
            here = here.set_index("arm").sort_values("measured")
            (best, second), gap = here.index[:2], here["measured"].diff().iloc[1]
            error = abs(here["predicted"].diff().iloc[1] - gap)
            holds = error < gap and here["predicted"].idxmin() == best
            rows.append([model, drains, fills, best, second, gap, error, best if holds else ""])
    return pandas.DataFrame(rows, columns=["model", "drains", "fills", "best", "second", "gap", "error", "winner"])


def evenly(rates, steps):
    """Rates from the least to the largest, both included, even by logarithm."""
    found = numpy.geomspace(rates[0], rates[-1], steps)
    found[[0, -1]] = rates[0], rates[-1]  # exactly
    return found


def surface(found, model, without=(), steps=81):
    """The map of a model: a row per point of a grid that is even by logarithm.

    drains, fills; best, second, gap, error, winner: as of Standing; best_cost; measured: whether all verdict arms were
    measured at the points around, and the error is known; else best, second and winner are "". without: arms that are
    left out.
    """
    fitted, wanted = fits(found), [arm for arm in compared() if arm not in without]
    known = curves(errors(found, fitted), model)
    absent = {point[2:] for point in missing(found, [model]) if point[1] not in without}
    places = numpy.array(list(itertools.product(*(evenly(rates, steps) for rates in asked()))))
    cost = {arm: values for arm, values in costs(fitted, model, *places.T).items() if arm in wanted}
    pairs, rows = list(itertools.combinations(wanted, 2)), []
    for number, (drains, fills) in enumerate(places):
        if (len(cost) < len(wanted) or absent & {*corners(drains, fills)}
                or any(numpy.isnan(share_of(known, *pair, fills)) for pair in pairs)):
            rows.append([drains, fills, "", "", numpy.nan, numpy.nan, "", numpy.nan, False])
            continue
        here = {arm: values[number] for arm, values in cost.items()}
        at = standing(here, known, fills)
        rows.append([drains, fills, at.best, at.second, at.gap, at.error, at.winner, here[at.best], True])
    return pandas.DataFrame(rows, columns=["drains", "fills", "best", "second", "gap", "error", "winner", "best_cost",
                                           "measured"])


def pays(fitted, model, arm, cycles, per_instruction=1.0, steps=41):
    """From how many drains on an arm pays for what it costs all CPUs: a row per rate of fills and of drains.

    cycles: what it adds to a cached operation, on any CPU (prices.lock()); per_instruction: cycles of a kernel
    instruction, which nobody measured here. saved: what the arm takes less from the isolated CPU than the best other
    arm, in instructions per second; operations: saved * per_instruction / cycles, so many cached operations per second
    of all CPUs together use that up; 0 where nothing is saved.
    """
    rows = []
    for fills in asked()[1]:
        for drains in evenly(asked()[0], steps):
            cost = costs(fitted, model, drains, fills)
            saved = float(min(cost[other] for other in cost if other != arm) - cost[arm])
            rows.append([fills, drains, saved, max(0.0, saved * per_instruction / cycles)])
    return pandas.DataFrame(rows, columns=["fills", "drains", "saved", "operations"])


# ---- For the workload's page ----

SHOWN = {"kernel": "kernel instructions per second", "visits": "visits by a kworker per second",
         "ticks": "timer interrupts per second", "found": "drains per second that find something",
         "items": "items that they find per second"}


def of(tables):
    """points(), a row per boot and label, which is the rate of drains; the rate of fills is the setting's."""
    found = points(tables)
    found["label"] = found["drains"].map("{:04} drains per second".format)
    return found.set_index([*windows.INDEX, "label"])[list(SHOWN)].astype(float)
