# SPDX-License-Identifier: GPL-2.0-only
"""Medians over seeds, their intervals, paired differences, and the tests of these.

A boot with its seed is the unit: every function here takes one figure per boot.
Samples within a boot are never pooled.
"""

import dataclasses
import functools
import itertools

import numpy
import scipy.optimize
import scipy.stats
from statsmodels.stats.multitest import multipletests

from bench.report.plan import LEVEL


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median over n boots and the interval between two of their order statistics.

    coverage: the probability that such an interval covers the median of the
    population of seeds, at least (ties raise it). It is 1 - 2 * 0.5**n, and so
    below LEVEL, where even minimum to maximum is too short: up to n = 5.
    exact: all boots, of more than one, gave the same figure.
    """

    median: float
    low: float
    high: float
    coverage: float
    n: int
    exact: bool

    def within(self, margin):
        """Does the whole interval lie within the margin?"""
        return -margin <= self.low and self.high <= margin


@functools.cache
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
    values = sorted(map(float, values))
    if not values:
        return None
    k, coverage = order_interval(len(values), level)
    return Estimate(float(numpy.median(values)), values[k - 1], values[-k], coverage, len(values),
                    len(values) > 1 and values[0] == values[-1])


def paired(arm, base):
    """arm - base of each seed that both have, in order; rounded, as flips() is. One figure, or a table of them."""
    return (arm - base).round(9).dropna(how="all")


def difference(arm, base, level=LEVEL):
    """Estimate of arm - base, paired by seed; None without a seed in common.

    A seed that only one of them has enters nothing; the estimate's n says how many pairs there were.
    """
    return estimate(paired(arm, base), level)


def relative(change, base):
    """A difference as a share of the size of the base's median; None if that is zero."""
    return change.median / abs(base.median) if change and base and base.median else None


def zero_bound(trials):
    """Upper 95 % bound of the rate of an event that was not seen in so many trials."""
    return 3 / trials if trials else None


def share_interval(found, of, level=LEVEL):
    """(low, high) of a share of which so many were found (Clopper and Pearson)."""
    interval = scipy.stats.binomtest(found, of).proportion_ci(level, "exact")
    return float(interval.low), float(interval.high)


# ---- Tests ----
#
# All take figures of boots, never samples within one. Where all figures are equal there is nothing to test: None.

EXACT = 13  # of so many pairs all sign flips are tried, of more RESAMPLES and none turned
RESAMPLES = 10**6 - 1
BLOCK = 10**5  # sign flips at a time: all of them would take 100 MB and more


@functools.cache
def signs(n):
    """Sign flips of n values, a row each; first none."""
    if n <= EXACT:
        return numpy.array(list(itertools.product((1, -1), repeat=n)))
    drawn = numpy.random.default_rng(0).choice(numpy.array((1, -1), numpy.int8), (RESAMPLES, n))
    return numpy.vstack([numpy.ones((1, n), numpy.int8), drawn])


def flips(values):
    """Means of values that scatter symmetrically around 0, by flipping signs, their own first; rounded, so that what is
    equal but for the order of summation ties."""
    turned = signs(len(values))
    sums = [turned[first:first + BLOCK] @ values for first in range(0, len(turned), BLOCK)]
    return numpy.round(numpy.concatenate(sums) / len(values), 9)


def difference_p(differences):
    """Two-sided p of paired differences; None if they are all equal."""
    if len(set(differences)) < 2:
        return None
    means = numpy.abs(flips(numpy.asarray(differences, float)))
    return float(numpy.mean(means >= means[0]))


def equivalence_p(differences, margin):
    """p of two one-sided tests: paired differences lie between -margin and margin; None if they are all equal."""
    if len(set(differences)) < 2:
        return None
    values = numpy.asarray(differences, float)
    return max(float(numpy.mean(means >= means[0])) for means in (flips(values + margin), flips(margin - values)))


def holm(found):
    """{name: p} adjusted by Holm's method; a p that is None is of no test, counts as 1, and stays None."""
    adjusted = multipletests([1 if p is None else p for p in found.values()], method="holm")[1] if found else ()
    return {name: None if found[name] is None else float(p) for name, p in zip(found, adjusted, strict=True)}


def detectable(differences, tests, alpha=0.05, power=0.8):
    """The smallest mean difference that as many pairs show with this power, if it were the first of Holm's tests.

    None for fewer than three pairs, or so few that no sign flips are so rare, and 0 where all are equal.
    """
    size = effect(len(differences), alpha / tests, power) if len(differences) > 2 else None
    return None if size is None else float(size * numpy.std(differences, ddof=1))


@functools.cache
def effect(n, alpha, power, runs=4000):
    """Mean of n normal differences, in their standard deviations, at which sign flips show it with this power.

    Simulated, since a t test of so few and so small an alpha promises a tenth too much. None if no n pairs can.
    """
    turned = signs(n)[:10**4]  # all of up to 13 pairs
    if 2 / len(turned) > alpha:
        return None
    parts = numpy.array_split(numpy.random.default_rng(0).standard_normal((runs, n)), 20)  # else 370 MB

    def share(mean):
        sums = ((part + mean) @ turned.T for part in parts)
        return numpy.mean([p for part in sums for p in
                           (numpy.abs(part) >= numpy.abs(part[:, :1]) - 1e-9).mean(axis=1) <= alpha])

    return float(scipy.optimize.bisect(lambda mean: share(mean) - power, 0, 10, xtol=0.005))


def blunt_margin(error, freedom, alpha=0.05):
    """From this margin on, what is significant by chance is equivalent as well; by t, for a standard error.

    Significant is what lies so far from 0, not equivalent what lies so little within the margin.
    """
    return float(error * (scipy.stats.t.ppf(1 - alpha / 2, freedom) + scipy.stats.t.ppf(1 - alpha, freedom)))


def error_of(differences):
    """(standard error of the mean, degrees of freedom) of paired differences."""
    return numpy.std(differences, ddof=1) / len(differences) ** 0.5, len(differences) - 1


@dataclasses.dataclass(frozen=True)
class Line:
    """A straight line through the (x, y) of several seeds, and how far it can be trusted.

    slope, intercept: means over seeds, of each the line by least squares. slope_low, slope_high: 95 % interval of that
    mean, by Student's t over seeds. detect: the least x that tells itself from 0 in one y, 3.3 standard deviations of
    the rest by the slope. n: points.
    """

    slope: float
    slope_low: float
    slope_high: float
    intercept: float
    intercept_error: float
    detect: float
    n: int


def line(groups, level=LEVEL):
    """Line through {seed: [(x, y)]}; None if fewer than two seeds have two x."""
    fits = [scipy.stats.linregress(*numpy.array(points, float).T) for points in groups.values()
            if len({x for x, _ in points}) > 1]
    if len(fits) < 2:
        return None
    slopes, intercepts = [fit.slope for fit in fits], [fit.intercept for fit in fits]
    slope, intercept = float(numpy.mean(slopes)), float(numpy.mean(intercepts))
    (slope_error, free), (intercept_error, _) = error_of(slopes), error_of(intercepts)
    wide = scipy.stats.t.ppf((1 + level) / 2, free)
    x, y = numpy.array([point for points in groups.values() for point in points], float).T
    rest = numpy.sqrt(numpy.sum((y - intercept - slope * x) ** 2) / (len(x) - 2))
    return Line(slope, float(slope - wide * slope_error), float(slope + wide * slope_error),
                intercept, float(wide * intercept_error),
                float(3.3 * rest / slope) if slope > 0 else float("inf"), len(x))
