#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Simulate how often the report's intervals cover, and its tests err, for the numbers of boots in use.

Prints, for 3, 6 and 12 boots and several shapes of spread over seeds: how often
the interval covers the median; how often the test of a difference, where there
is none, gives p < 0.05, and p below what Holm's method asks of the first of all
tests; how often the equivalence test, where the difference is as large as the
margin, does. Takes 4 minutes and 100 MB.
"""

import argparse

import numpy
import plan
import stats

BOOTS = (3, 6, 12)
ALPHA = plan.ALPHA
FIRST = plan.ALPHA / (2 * len(plan.CONTRASTS))  # of Holm's: the least p of all has to be below
EQUAL_RUNS = 300  # of the slower tests
TEN_TIMES = 12  # so many boots get ten times the runs: what FIRST leaves is rare

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


def below(found, level):
    """Share of p values below a level."""
    return numpy.mean([p is not None and p < level for p in found])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="simulated campaigns each (default: %(default)s)")
    args = parser.parse_args()
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


if __name__ == "__main__":
    main()
