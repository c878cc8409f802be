# SPDX-License-Identifier: GPL-2.0-only
"""stats.py against known answers and simulated coverage."""

import numpy
import pandas
import pytest
import scipy.stats
import statsmodels.stats.power
from statsmodels.stats.weightstats import ttost_paired

from bench.report import plan
from bench.report.judgement import coverage, stats


@pytest.mark.parametrize("values, expected", [
    ([9, 1, 5], {"median": 5}),
    ([1, 2, 3, 10], {"median": 2.5}),
    ([7], {"median": 7, "low": 7, "high": 7, "coverage": 0, "exact": False}),
    ([4, 9, 6], {"low": 4, "high": 9, "coverage": 0.75, "n": 3}),  # minimum to maximum
    ([5, 5, 5], {"low": 5, "median": 5, "high": 5, "exact": True}),
    ([0] * 11 + [9], {"low": 0, "high": 0, "exact": False}),  # all equal is not what the interval alone says
])
def test_an_estimate(values, expected):
    assert {name: getattr(stats.estimate(values), name) for name in expected} == expected


@pytest.mark.parametrize("n, k", [(2, 1), (5, 1), (6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6), (100, 40)])
def test_order_statistics_from_the_tables(n, k):
    assert stats.order_interval(n)[0] == k


@pytest.mark.parametrize("n, stated", [(3, 0.75), (12, 0.9614)])
@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_cauchy"])
def test_coverage_is_what_is_stated(n, stated, draw):
    random, runs = numpy.random.default_rng(1), 20000
    middle = {"normal": 0, "exponential": numpy.log(2), "standard_cauchy": 0}[draw]
    k, coverage = stats.order_interval(n)
    samples = numpy.sort(getattr(random, draw)(size=(runs, n)))
    covered = numpy.mean((samples[:, k - 1] <= middle) & (middle <= samples[:, n - k]))
    assert coverage == pytest.approx(stated, abs=1e-4)
    assert covered == pytest.approx(stated, abs=4 * (stated * (1 - stated) / runs) ** 0.5)


def difference(arm, base):
    return stats.difference(pandas.Series(arm), pandas.Series(base))


@pytest.mark.parametrize("arm, base, expected", [
    ({3: 301, 1: 101, 2: 201}, {1: 100, 2: 200, 3: 300}, (1, 1, 1, 3, True)),
    ({1: 11, 2: 22, 4: 999}, {1: 10, 2: 20, 3: 5}, (1.5, 1, 2, 2, False))])
def test_a_difference_is_paired_by_seed(arm, base, expected):
    """A seed that one arm lacks enters nothing."""
    change = difference(arm, base)
    assert (change.median, change.low, change.high, change.n, change.exact) == expected


def test_no_boot_and_no_seed_in_common_give_no_estimate():
    assert stats.estimate([]) is None and difference({1: 1}, {2: 1}) is None


@pytest.mark.parametrize("arm, base, share", [
    ({1: 250}, {1: 200}, 0.25), ({1: -250}, {1: -200}, -0.25), ({1: 7, 2: 8, 3: 9}, {1: 0, 2: 0, 3: 0}, None)])
def test_relative_keeps_the_sign_and_is_not_said_to_zero(arm, base, share):
    assert stats.relative(difference(arm, base), stats.estimate(base.values())) == share


def test_zero_events_are_a_bound():
    assert stats.zero_bound(300) == 0.01
    assert stats.zero_bound(0) is None


# ---- Tests ----

ONE_TO_TWELVE = list(range(1, 13))


@pytest.mark.parametrize("values, p", [
    (ONE_TO_TWELVE, 2 / 2**12), ([4, 5, 6], 2 / 2**3), ([0] * 12, None),
    # Ties count whatever the order of summation.
    ([0.1] * 6 + [0.2] * 6, 2 / 2**12), ([0.1, -0.1, 0.2, -0.2, 0.3, -0.3], 1)])
def test_sign_flips_are_exact_for_twelve(values, p):
    assert stats.difference_p(values) == p


def test_a_difference_agrees_with_what_is_known():
    """Against scipy's Wilcoxon test, which flips signs of ranks: of differences that are ranks it is the same."""
    values = [1, -2, 3, 4, -5, 6, 7, 8, 9, 10, 11, 12]
    assert stats.difference_p(values) == pytest.approx(scipy.stats.wilcoxon(values, mode="exact").pvalue)


def test_equivalence_agrees_with_the_t_test_where_that_holds():
    values = numpy.random.default_rng(3).normal(0.4, 1, 12)
    assert stats.equivalence_p(values, 1) == pytest.approx(ttost_paired(values, 0 * values, -1, 1)[0], rel=0.3)


@pytest.mark.parametrize("values, margin, p", [
    ([7] * 12, 1, None), ([0] * 11 + [1], 0.5, 13 / 2**12),  # as far out: one sign turned, or none
    ([0] * 11 + [1], 10, 1 / 2**12), ([0, 0, 1], 10, 1 / 2**3)])  # three boots can show nothing
def test_equivalence_of_few_values(values, margin, p):
    assert stats.equivalence_p(values, margin) == p
    assert stats.equivalence_p([10] * 6 + [11] * 6, 10) > 0.9


def test_holm():
    assert stats.holm({"a": 0.01, "b": 0.04, "c": None, "d": 0.03}) == pytest.approx(
        {"a": 0.04, "b": 0.09, "d": 0.09, "c": None})
    assert stats.holm({"a": None}) == {"a": None} and stats.holm({}) == {}


@pytest.mark.parametrize("boots", [6, plan.BOOTS])
@pytest.mark.parametrize("shape", ["normal", "few values (0 mostly)"])
def test_errors_are_as_rare_as_stated(shape, boots):
    runs = 150
    covered, different, _, equal = coverage.simulate(shape, boots, runs)
    slack = 4 * (0.05 * 0.95 / runs) ** 0.5
    assert covered > stats.order_interval(boots)[1] - slack
    assert max(different, equal) < 0.05 + slack


def test_the_slope_s_interval_covers_it(monkeypatch):
    assert 0.90 < coverage.slope("normal", 400) < 0.99
    monkeypatch.setattr(scipy.stats.t, "ppf", lambda *_: 1)  # one standard error: 67 %
    assert coverage.slope("normal", 400) < 0.75


def test_the_simulation_sees_a_test_that_errs(monkeypatch):
    monkeypatch.setattr(stats, "difference_p", lambda values: 0.01)
    monkeypatch.setattr(stats, "order_interval", lambda n, level=0: (3, 0.6))
    covered, different, *_ = coverage.simulate("normal", 6, 50)
    assert different == 1 and covered < 0.75


def test_what_is_significant_beyond_the_blunt_margin_is_equivalent():
    """And below it need not be: at half of it, of what is significant nothing is."""
    random, seen = numpy.random.default_rng(1), []
    while len(seen) < 5:
        pairs = random.normal(size=12)
        if 0.02 < stats.difference_p(pairs) < 0.05:
            blunt = stats.blunt_margin(*stats.error_of(pairs))
            seen.append(tuple(stats.equivalence_p(pairs, share * blunt) < 0.05 for share in (1.3, 0.5)))
    assert seen == [(True, False)] * 5


def test_detectable():
    assert stats.detectable([1, 2], 24) is None and stats.detectable([5] * 12, 24) == 0
    assert stats.detectable(ONE_TO_TWELVE, 24) > stats.detectable(ONE_TO_TWELVE, 1) > 0
    assert stats.detectable([1, 2, 3], 1) is None  # no sign flips of three are so rare


@pytest.mark.parametrize("alpha, beyond", [(0.05, 0), (0.05 / 28, 0.16)])
def test_an_effect_is_that_of_sign_flips(alpha, beyond):
    """Near what a t test needs at 0.05; where only the least three of 4096 flips are so rare, more."""
    by_t = statsmodels.stats.power.TTestPower().solve_power(nobs=12, alpha=alpha, power=0.8)
    assert stats.effect(12, alpha, 0.8) == pytest.approx(by_t + beyond, abs=0.03)
    random = numpy.random.default_rng(7)
    seen = [stats.difference_p(random.normal(stats.effect(12, alpha, 0.8), 1, 12)) <= alpha for _ in range(400)]
    assert 0.75 < sum(seen) / len(seen) < 0.85


def test_a_line():
    fit = stats.line({1: [(0, 40), (1000, 1040)], 2: [(0, 42), (1000, 1042)]})
    assert (fit.slope, fit.intercept, fit.n) == (pytest.approx(1), pytest.approx(41), 4)
    assert fit.slope_low == fit.slope_high == pytest.approx(1) and fit.detect == pytest.approx(3.3 * 2**0.5)
    exact = stats.line({seed: [(0, 40), (1000, 1040), (2000, 2040)] for seed in (1, 2)})
    assert exact.slope == pytest.approx(1) and exact.detect == pytest.approx(0, abs=1e-9)


def test_a_line_s_unit_is_the_seed():
    """Two seeds with slopes 1 and 1.1: t with one degree of freedom, however many boots each has."""
    for x in ((0, 1000), (0, 10, 500, 1000)):
        fit = stats.line({1: [(at, at) for at in x], 2: [(at, 1.1 * at) for at in x]})
        assert fit.slope == pytest.approx(1.05) and fit.slope_high - 1.05 == pytest.approx(0.05 * 12.706, rel=1e-4)


@pytest.mark.parametrize("groups", [{}, {1: [(0, 1), (1, 2)]}, {1: [(5, 1)], 2: [(5, 2)], 3: [(5, 3), (5, 4)]}])
def test_no_line(groups):
    assert stats.line(groups) is None


def test_no_response_detects_nothing():
    assert stats.line({seed: [(0, 5), (10, 5), (20, 5)] for seed in (1, 2)}).detect == float("inf")


def test_a_share_of_few_is_hardly_known():
    assert stats.share_interval(0, 20) == (0, pytest.approx(0.168, abs=0.001))
    low, high = stats.share_interval(1, 19)
    assert low < 0.05 < 0.2 < high < 0.3
