# SPDX-License-Identifier: GPL-2.0-only
"""Simulate how often the report's intervals cover, and its tests err, for the numbers of boots in use.

Prints, for 3, 4, 6 and 12 boots and several shapes of spread over seeds: how often
the interval covers the median; how often the test of a difference, where there
is none, gives p < 0.05, and p below what Holm's method asks of the first of all
tests; how often the equivalence test, where the difference is as large as the
margin, does. And for the boots of the dose control, how often the interval of
the slope covers it. Takes 5 minutes and 100 MB.
"""

import argparse
import json
import pathlib

import numpy

from bench.report import plan
from bench.report.judgement import stats

BOOTS = (plan.SENSITIVE_SEEDS, plan.DOSE_SEEDS, 6, plan.BOOTS)
ALPHA = plan.ALPHA
FIRST = plan.ALPHA / (2 * len(plan.CONTRASTS))  # of Holm's: the least p of all has to be below
EQUAL_RUNS = 300  # of the slower tests
TEN_TIMES = plan.BOOTS  # so many boots get ten times the runs: what FIRST leaves is rare

# Shapes around a median and mean of 0, in units of about the spread.
SHAPES = {
    "normal": lambda random, size: random.normal(size=size),
    "two peaks": lambda random, size: random.choice((-1, 1), size) + random.normal(scale=0.2, size=size),
    "heavy tails (t, 2 df)": lambda random, size: random.standard_t(2, size),
    "few values (0 mostly)": lambda random, size: random.choice((-1, 0, 0, 0, 1), size),
    "skewed (exponential)": lambda random, size: random.exponential(size=size),
}
MIDDLE = {"skewed (exponential)": (numpy.log(2), 1)}  # (median, mean) where they are not 0


def simulate(name, boots, runs, seed=1):
    """(coverage, false differences, those by FIRST, false equivalences), as shares."""
    draws = SHAPES[name](numpy.random.default_rng(seed), (runs, boots))
    median, mean = MIDDLE.get(name, (0, 0))
    intervals = [stats.estimate(values) for values in draws]
    covered = numpy.mean([one.low <= median <= one.high for one in intervals])
    different = [stats.difference_p(values - mean) for values in draws]
    equal = [stats.equivalence_p(values - mean + 3, 3) for values in draws[:EQUAL_RUNS]]
    return covered, below(different, ALPHA), below(different, FIRST), below(equal, ALPHA)


def slope(name, runs, seed=1):
    """How often the interval of a slope covers it, with the doses and boots of that control, as a share."""
    draws = SHAPES[name](numpy.random.default_rng(seed), (runs, plan.DOSE_SEEDS, len(plan.DOSES)))
    doses = numpy.array(plan.DOSES)
    lines = [stats.line({seed: list(zip(doses, doses + values, strict=True)) for seed, values in enumerate(boots)})
             for boots in draws]
    return numpy.mean([one.slope_low <= 1 <= one.slope_high for one in lines])


def below(found, level):
    """Share of p values below a level."""
    return numpy.mean([p is not None and p < level for p in found])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="simulated campaigns each (default: %(default)s)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FILE", help="where the report looks for the outcome")
    args = parser.parse_args()
    kept = {"runs": args.runs, "boots": [], "slope": {}}
    print(f"{args.runs} runs each; standard error at 5 %: {100 * (0.05 * 0.95 / args.runs) ** 0.5:.1f} points")
    print(f"{'boots':>5}  {'spread over seeds':<22} {'covered':>8} {'stated':>7} {'false difference':>17} "
          f"{f'p < {FIRST:.4f}':>12} {'false equivalence':>18}")
    for boots in BOOTS:
        stated = stats.order_interval(boots)[1]
        for name in SHAPES:
            runs = args.runs * (10 if boots == TEN_TIMES else 1)
            covered, different, first, equal = simulate(name, boots, runs)
            print(f"{boots:>5}  {name:<22} {covered:>8.1%} {stated:>7.1%} {different:>17.1%} {first:>12.2%} "
                  f"{equal:>18.1%}", flush=True)
            kept["boots"].append([boots, name, covered, stated, different, first, equal])
    for name in SHAPES:
        kept["slope"][name] = slope(name, 10 * args.runs)
        print(f"interval of the slope over {len(plan.DOSES)} doses, {plan.DOSE_SEEDS} boots each, {name}: covered "
              f"{kept['slope'][name]:.1%}, stated {plan.LEVEL:.1%}", flush=True)
    if args.keep:
        args.keep.parent.mkdir(parents=True, exist_ok=True)
        args.keep.write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
