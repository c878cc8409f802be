# SPDX-License-Identifier: GPL-2.0-only
"""stats.py against known answers and simulated coverage."""

import numpy
import pytest
import stats


def test_median_odd_and_even():
    assert stats.estimate([9, 1, 5]).median == 5
    assert stats.estimate([1, 2, 3, 10]).median == 2.5


def test_no_boot_gives_no_estimate():
    assert stats.estimate([]) is None


def test_one_boot_covers_nothing():
    one = stats.estimate([7])
    assert (one.median, one.low, one.high, one.coverage) == (7, 7, 7, 0)
    assert not one.exact


def test_three_seeds_are_minimum_to_maximum_at_75_percent():
    three = stats.estimate([4, 9, 6])
    assert (three.low, three.high, three.coverage, three.n) == (4, 9, 0.75, 3)


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


def test_difference_is_paired_by_seed():
    base = {1: 100, 2: 200, 3: 300}
    arm = {3: 301, 1: 101, 2: 201}
    change = stats.difference(arm, base)
    assert (change.median, change.low, change.high, change.n) == (1, 1, 1, 3)
    assert change.exact


def test_seed_missing_in_one_arm_enters_nothing():
    change = stats.difference({1: 11, 2: 22, 4: 999}, {1: 10, 2: 20, 3: 5})
    assert (change.median, change.n) == (1.5, 2)


def test_no_seed_in_common():
    assert stats.difference({1: 1}, {2: 1}) is None


def test_all_equal():
    same = stats.estimate([5, 5, 5])
    assert same.exact and (same.low, same.median, same.high) == (5, 5, 5)


def test_relative():
    base = stats.estimate([200, 200, 200])
    assert stats.relative(stats.difference({1: 250}, {1: 200}), base) == 0.25


def test_relative_to_a_negative_baseline_keeps_its_sign():
    assert stats.relative(stats.difference({1: -250}, {1: -200}), stats.estimate([-200])) == -0.25


def test_relative_to_a_zero_baseline_is_not_said():
    base = {1: 0, 2: 0, 3: 0}
    change = stats.difference({1: 7, 2: 8, 3: 9}, base)
    assert change.median == 8
    assert stats.relative(change, stats.estimate(base.values())) is None


def test_zero_events_are_a_bound():
    assert stats.zero_bound(300) == 0.01
    assert stats.zero_bound(0) is None
