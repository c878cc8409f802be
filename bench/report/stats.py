# SPDX-License-Identifier: GPL-2.0-only
"""Medians over seeds, their intervals, and paired differences.

A boot with its seed is the unit: every function here takes one figure per boot.
Samples within a boot are never pooled.
"""

import dataclasses

import numpy
import scipy.stats

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median over n boots and the interval between two of their order statistics.

    coverage: the probability that such an interval covers the median of the
    population of seeds, at least (ties raise it). It is 1 - 2 * 0.5**n, and so
    below LEVEL, where even minimum to maximum is too short: up to n = 5.
    """

    median: float
    low: float
    high: float
    coverage: float
    n: int

    @property
    def exact(self):
        """True if all boots gave the same figure."""
        return self.low == self.high and self.n > 1


def order_interval(n, level=LEVEL):
    """Which order statistics bound the median of n values.

    Returns (k, coverage): the interval goes from the k-th smallest to the k-th
    largest value (k from 1), the shortest with coverage of at least level, else
    minimum to maximum with what that covers.
    """
    below = scipy.stats.binom(n, 0.5).cdf
    k = 1
    while 1 - 2 * below(k) >= level:
        k += 1
    return k, float(1 - 2 * below(k - 1))


def estimate(values, level=LEVEL):
    """Estimate of the median of one figure per boot; None without any."""
    values = sorted(values)
    if not values:
        return None
    k, coverage = order_interval(len(values), level)
    return Estimate(float(numpy.median(values)), values[k - 1], values[-k], coverage, len(values))


def difference(arm, base, level=LEVEL):
    """Estimate of arm - base, paired by seed; None without a seed in common.

    arm, base: dicts from seed to figure. A seed that only one of them has
    enters nothing; the estimate's n says how many pairs there were.
    """
    return estimate([arm[seed] - base[seed] for seed in sorted(arm.keys() & base.keys())], level)


def relative(change, base):
    """A difference as a share of the size of the base's median; None if that is zero."""
    return change.median / abs(base.median) if change and base and base.median else None


def zero_bound(trials):
    """Upper 95 % bound of the rate of an event that was not seen in so many trials."""
    return 3 / trials if trials else None
