# SPDX-License-Identifier: GPL-2.0-only
"""The plan's tables, as bench/METHOD.md has them. As a command: print them."""

import itertools

from bench.report import plan
from bench.report.facts import strategies
from bench.report.rendering import markdown


def metrics_table():
    """The metrics with their margins, as METHOD.md has them."""
    alike = itertools.groupby(plan.METRICS, lambda metric: (metric.unit, metric.margin, metric.why))
    return markdown.table(["metric (less is better)", "unit", ">margin ±", "why this margin"],
                          [["; ".join(metric.name for metric in group), unit, markdown.number(margin), why]
                           for (unit, margin, why), group in alike])


def contrasts_table():
    """The primary contrasts that METHOD.md numbers, by metric, as it has them."""
    rows = {}
    numbered = sum("number" in one for one in strategies.contrasts())
    for number, contrast in enumerate(plan.CONTRASTS[:numbered], 1):
        rows.setdefault(contrast.key, []).append(f"{number} {contrast.name}: {contrast.asks}")
    return markdown.table(["metric", "contrasts, and what each asks"],
                          [[f"{plan.BY_KEY[key].name}, {plan.BY_KEY[key].unit}", "<br>".join(asked)]
                           for key, asked in rows.items()])


if __name__ == "__main__":
    print(metrics_table(), contrasts_table(), sep="\n")
