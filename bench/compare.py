# SPDX-License-Identifier: GPL-2.0-only
"""Compare the arms of one lab's folder, such as build/results/imported-host1, in a terminal.

For each metric: each arm's median over boots; its difference to unpatched,
paired by seed, with the interval over seeds; how many pairs there are. The same
figures as in the report, without a verdict.

Exit status: 0 if there was something to compare, 2 if not.
"""

import argparse
import pathlib

from bench import boot
from bench.report import plan
from bench.report.facts import frame, metrics, read
from bench.report.judgement import stats
from bench.report.rendering import markdown


def cells(boots):
    """The figures of one lab's boots of the workload, by model, arm and seed."""
    for one in boots:
        one.figures = metrics.measure(one) if one.verdict == "ok" else {}
    return next((frame.cells(runs) for runs in frame.labs(frame.of(boots)).values()), None)


def line(rows, model, arm, metric):
    """One arm's figure, and its difference to unpatched."""
    values, base = (frame.column(rows, model, which, metric.key) for which in (arm, plan.BASE))
    middle = stats.estimate(values)
    change = stats.difference(values, base) if arm != plan.BASE else None
    text = f"    {model}-{arm:<20}{markdown.number(middle.median):>12}  (boots: {middle.n})"
    if change:
        interval = markdown.interval(change, markdown.signed)
        text += f"  {markdown.signed(change.median):>10} ({interval}; pairs: {change.n})"
    return text


def comparison(rows):
    """All that is compared, as lines."""
    for metric in plan.METRICS:
        here = [cell for cell in frame.names(rows) if len(frame.column(rows, *cell, metric.key))]
        if here:
            yield f"{metric.name} [{metric.unit}]; a difference up to {markdown.number(metric.margin)} does not matter"
            yield from (line(rows, *cell, metric) for cell in here)


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="a lab's folder of raw results")
    parser.error = boot.fail
    folder = parser.parse_args().folder.resolve()
    boots = [read.read_boot(path) for path in sorted(folder.glob("*-*/*")) if path.is_dir()]
    boots = [one for one in boots if one.kind == "drain"]
    rows = cells(boots)
    if not boots:
        boot.fail(f"{folder}: no boots in it; a lab's folder has files such as rt-unpatched/seed-603/manifest.json")
    if rows is None:
        boot.fail(f"{folder}: none of {len(boots)} boots is good; the first: {boots[0].verdict}: {boots[0].why}")
    for one in boots:
        if one.verdict != "ok":
            print(f"left out: {one.path.parent.name}/{one.path.name}: {one.verdict}: {one.why}")
    print("\n".join(comparison(rows)))


if __name__ == "__main__":
    main()
