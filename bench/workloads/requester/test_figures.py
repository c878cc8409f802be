# SPDX-License-Identifier: GPL-2.0-only
"""Figures of requests whose counts are known."""

import math

import pandas
import pytest

from bench.report.facts import windows
from bench.workloads.requester import figures

BOOT = {"workload": "requester", "model": "rt", "arm": "a", "setting": "cpus-4"}


def row(cpu, counts, label="user mode", number=0, seed=1):
    return BOOT | {"seed": seed, "label": label, "round": number, "cpu": cpu, "is_isolated": cpu == 1} | counts


def said(label="user mode", number=0, seed=1, **values):
    given = {"completion_ns": 900, "in_time": 1, "met": 1, "found": 7, "left": 0} | values
    return [BOOT | {"seed": seed, "label": label, "round": number, "name": name, "value": value}
            for name, value in given.items() if value is not None]


def tables(rows, *values):
    return windows.Tables(pandas.DataFrame(), windows.complete(pandas.DataFrame(rows)),
                          pandas.DataFrame([line for lines in values for line in lines]))


ASKER = {"kernel": 1000, "user": 300, "cause/requester/syscall": 600, "cause/requester/page_fault": 20,
         "cause/requester/timer": 70, "cause/ballast/reschedule": 310}
KWORKER = {"kernel": 500, "user": 9, "cause/kworker/none": 400, "cause/owner/timer": 100}
IN_CALL = {"kernel": 9000, "cause/owner/syscall": 8000, "cause/owner/page_fault": 300, "cause/kworker/none": 700}


def one(rows, *values, label="user mode"):
    return figures.of(tables(rows, *(values or [said()]))).xs(label, level="label").iloc[0]


def test_who_executed_what():
    found = one([row(0, ASKER), row(1, KWORKER), row(2, IN_CALL)])
    assert found["own"] == 620  # neither the tick nor the switch
    assert found["own_cpu"] == 1000
    assert found["others"] == 500 + 700  # not the owner's own system call
    assert found["chain"] == 620 + 700
    assert found["elapsed"] == 1300


def test_where_no_other_cpu_does_anything():
    found = one([row(0, ASKER)])
    assert found["others"] == 0
    assert found["chain"] == found["own"] == 620


def test_a_boot_s_figure_is_the_median_over_its_requests():
    rows = [row(0, ASKER | {"cause/requester/syscall": own}, number=i) for i, own in enumerate((100, 200, 5000))]
    found = one(rows, *(said(number=i) for i in range(3)))
    assert (found["own"], found["requests"]) == (220, 3)


def test_what_is_added_is_more_than_a_request_that_finds_nothing_in_the_same_boot():
    rows = [row(0, ASKER), row(0, ASKER | {"cause/requester/syscall": 90}, label=figures.BASE),
            row(0, ASKER | {"cause/requester/syscall": 80}, label=figures.BASE, seed=2), row(0, ASKER, seed=3)]
    found = figures.of(tables(rows, said(), said(label=figures.BASE), said(label=figures.BASE, seed=2), said(seed=3)))
    added = found["added"].xs("user mode", level="label").droplevel([0, 1, 2, 3])
    assert added[1] == 600 - 90
    assert math.isnan(added[3])
    assert found["added"].xs(figures.BASE, level="label").tolist() == [0, 0]


def test_a_request_that_does_not_return_has_no_costs_and_counts_as_longer_than_any():
    rows = [row(0, ASKER | {"cause/requester/syscall": own}, number=i) for i, own in enumerate((100, 200, 5000))]
    returned = [said(number=0, completion_ns=50), said(number=1, completion_ns=70)]
    found = one(rows, *returned, said(number=2, completion_ns=None, in_time=0, left=7))
    assert found["own"] == 170  # of two
    assert found["unfinished"] == pytest.approx(1 / 3)
    assert found["completion"] == 70  # of 50, 70 and what is longer
    assert math.isnan(found["longest"])
    assert (found["left"], found["left_items"]) == (pytest.approx(1 / 3), pytest.approx(7 / 3))


def test_none_returns():
    found = one([row(0, ASKER)], said(completion_ns=None, in_time=0, left=7))
    assert all(math.isnan(found[name]) for name in (*figures.COSTS, "completion", "longest"))
    assert (found["unfinished"], found["left"]) == (1, 1)


def test_shares_and_items():
    rows = [row(0, ASKER, number=i) for i in range(4)]
    values = [said(number=i, found=7 * i, left=i, met=i % 2, completion_ns=100 * i) for i in range(4)]
    found = one(rows, *values)
    assert (found["found"], found["left_items"], found["left"], found["met"]) == (10.5, 1.5, 0.75, 0.5)
    assert (found["completion"], found["longest"]) == (150, 300)


def test_boots_are_not_mixed():
    found = figures.of(tables([row(0, ASKER), row(0, ASKER | {"kernel": 4000}, seed=2)], said(), said(seed=2)))
    assert found["own_cpu"].tolist() == [1000, 4000]


def test_all_that_a_page_shows_is_there():
    assert set(figures.SHOWN) <= set(figures.of(tables([row(0, ASKER)], said())))


@pytest.mark.parametrize("rows, values, why", [
    ([], [], "no request"),
    ([row(0, ASKER, label="asleep")], [said(label="asleep")], "unknown label 'asleep'"),
    ([row(0, ASKER), row(0, ASKER, number=1)], [said()], "1 requests"),
    ([row(0, ASKER)], [said(), said(number=1)], "1 requests"),
    ([row(0, ASKER)], [said(left=None)], "1 requests"),
    ([row(0, ASKER)], [said(completion_ns=None)], "1 requests"),
    ([row(1, KWORKER)], [said()], "1 requests"),
])
def test_bad_input(rows, values, why):
    made = windows.Tables(*[pandas.DataFrame()] * 3) if not rows else tables(rows, *values)
    with pytest.raises(ValueError, match=why):
        figures.requests(made)
