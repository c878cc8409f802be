# SPDX-License-Identifier: GPL-2.0-only
"""A made-up map for the tests: arms whose costs are known."""

import pandas

from bench.report.facts import windows
from bench.workloads.map import figures, theory

# What each made-up arm costs, by term, and when its kworker visits.
MADE = {
    "kworker": ("at each request", {"fill": 7000, "visit": 10000, "restart": 3000}),
    "poster": ("in the next fill", {"fill": 7200, "visit": 9000, "restart": 8000}),
    "taker": ("never", {"fill": 7100, "taken": -300}),
    "returner": ("never", {"fill": 8000}),
}
DRAINS, FILLS = (50, 200, 1000), (100, 2000, 10000)


def stand_in(monkeypatch):
    """Have the map be one of these arms, at these rates."""
    monkeypatch.setattr(figures, "asked", lambda: (list(DRAINS), list(FILLS)))
    monkeypatch.setattr(figures, "compared", lambda: list(MADE))


def cost_of(arm, drains, fills):
    when, terms = MADE[arm]
    often = figures.how_often(when, max(drains, 1e-9), fills)
    return sum(price * float(often[term]) for term, price in terms.items())


def made(models=("rt",), seeds=(1, 2, 3), scatter=0.0):
    """points() of the made-up arms; a seed moves all arms' costs alike, by a share."""
    rows = []
    for model in models:
        for arm, (when, terms) in MADE.items():
            for seed in seeds:
                for fills in FILLS:
                    for drains in (0, *DRAINS):
                        kernel = cost_of(arm, drains, fills) * (1 + scatter * (seed - 2))
                        # Measured, these are near what theory says, not equal.
                        visits = 1.05 * float(theory.VISITS[when](drains, fills)) if drains else 0.0
                        share = 0.95 if "taken" in terms else 0.05
                        items = share * theory.taken(float(drains), float(fills)) if drains else 0
                        rows.append(["map", model, arm, f"fills-{fills}", seed, drains, fills, kernel, visits, 0, 0, 0,
                                     items])
    return pandas.DataFrame(rows, columns=[*windows.INDEX, "drains", "fills", "kernel", "visits", "ticks",
                                           *figures.COUNTED])
