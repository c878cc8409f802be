# SPDX-License-Identifier: GPL-2.0-only
"""The figures of `plain`, from tables made by hand."""

import math

import pandas
import pytest

from bench.report.facts import windows
from bench.workloads.plain import figures


def boot(seed=1, arm="a"):
    return {"workload": "plain", "model": "rt", "arm": arm, "setting": "plain", "seed": seed}


def window(label="page fault", number=1, operations=10, seed=1, cpu=1, **counts):
    """One window of the CPU that is measured, and the value that the guest sent of it."""
    where = boot(seed) | {"label": label, "round": number}
    counted = {name.replace("__", "/"): value for name, value in counts.items()}
    return where | {"cpu": cpu, "is_isolated": cpu == 1} | counted, where | {"name": "operations", "value": operations}


def tables(*made):
    rows, values = zip(*made, strict=True)
    return windows.Tables(None, windows.complete(pandas.DataFrame(rows)), pandas.DataFrame(values))


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_own_is_the_median_of_windows_and_leaves_out_who_interrupts():
    found = only(figures.operations(tables(*(
        window(number=number, kernel=own + 500, cause__owner__page_fault=own, cause__owner__timer=400,
               cause__kworker__none=100, atomics=60, atomics__owner__page_fault=50, atomics__owner__timer=10)
        for number, own in enumerate((1000, 1010, 9000))))))
    assert (found.own, found.own_atomics) == (101, 5)
    assert found.kernel == pytest.approx((1500 + 1510 + 9500) / 30)
    assert found.atomics == 6


def test_the_median_of_two_windows_is_one_of_them():
    found = figures.operations(tables(window(number=1, cause__owner__page_fault=100),
                                      window(number=2, cause__owner__page_fault=200)))
    assert only(found).own == 10


def test_system_calls_faults_and_exceptions_are_own_alike():
    found = figures.operations(tables(window(kernel=60, cause__owner__syscall=10, cause__owner__page_fault=20,
                                             cause__owner__exception=30)))
    assert only(found).own == 6


def test_boots_are_never_pooled():
    found = figures.operations(tables(window(seed=1, cause__owner__page_fault=100),
                                      window(seed=2, cause__owner__page_fault=300)))
    assert list(found.own) == [10, 30]
    assert list(found.index.get_level_values("seed")) == [1, 2]


def test_other_cpus_do_not_count():
    mine, value = window(cause__owner__page_fault=100)
    other, _ = window(cpu=0, cause__owner__page_fault=900)
    both = windows.Tables(None, windows.complete(pandas.DataFrame([mine, other])), pandas.DataFrame([value]))
    assert only(figures.operations(both)).own == 10


@pytest.mark.parametrize(("calls", "locks"), [
    ({"calls/folio_lruvec_lock_irqsave": 10}, 1),
    # One lock, entered twice.
    ({"calls/folio_lruvec_lock": 10, "calls/folio_lruvec_lock_irq": 10}, 1),
    ({"calls/folio_lruvec_lock_irq": 10, "calls/folio_lruvec_lock_irqsave": 20}, 3),
    ({"calls/folio_lruvec_lock_irqsave": 10, "calls/shrink_lruvec": 1}, math.nan),
    ({}, math.nan),
])
def test_locks(calls, locks):
    assert only(figures.operations(tables(window(**calls)))).locks == pytest.approx(locks, nan_ok=True)


def test_a_batch_without_locks_takes_none_where_others_have_some():
    found = figures.operations(tables(window(), window("page fault, again", **{"calls/folio_lruvec_lock_irq": 5})))
    assert list(found.locks) == [0, 0.5]


def test_one_window_with_reclaim_leaves_a_boots_locks_unknown():
    taken = {"calls/folio_lruvec_lock_irq": 5}
    reclaimed = taken | {"calls/shrink_lruvec": 1}
    found = figures.operations(tables(window(number=1, **taken), window(number=2, **reclaimed)))
    assert math.isnan(only(found).locks)


def runs(once, twice, number=0, operations=10):
    return (window("stress-ng vm, once", number, operations, cause__owner__syscall=once),
            window("stress-ng vm, twice", number, 2 * operations, cause__owner__syscall=twice))


def test_stressors_leave_start_up_out():
    found = only(figures.stressors(tables(*runs(1300, 1600), *runs(1500, 2000, number=1))))
    assert found.own == (30 + 50) / 2
    assert found.start_up == 1000


def test_stressors_and_batches_keep_apart():
    both = tables(*runs(1300, 1600), window(cause__owner__page_fault=100))
    assert list(figures.stressors(both).index.get_level_values("label")) == ["vm"]
    assert list(figures.operations(both).index.get_level_values("label")) == ["page fault"]


def test_all_figures_of_a_boot_stand_in_one_frame():
    found = figures.of(tables(*runs(1300, 1600), window(cause__owner__page_fault=100, kernel=120)))
    assert list(found.columns) == list(figures.SHOWN)
    assert found.xs("vm", level="label").start_up.item() == 1000
    assert found.xs("page fault", level="label").kernel.item() == 12
    assert math.isnan(found.xs("page fault", level="label").start_up.item())


def test_a_run_without_its_other_half_is_refused():
    with pytest.raises(ValueError, match="twice the operations"):
        figures.stressors(tables(runs(1300, 1600)[0]))


def test_a_run_that_made_another_number_is_refused():
    once, _ = runs(1300, 1600)
    _, twice = runs(1300, 1600, operations=9)
    with pytest.raises(ValueError, match="twice the operations"):
        figures.stressors(tables(once, twice))


@pytest.mark.parametrize("operations", [0, math.nan])
def test_a_batch_of_nothing_is_refused(operations):
    with pytest.raises(ValueError, match="no number of operations"):
        figures.operations(tables(window(operations=operations, kernel=1)))


def test_a_window_whose_number_was_not_sent_is_refused():
    made = tables(window())
    with pytest.raises(ValueError, match="no number of operations"):
        figures.operations(windows.Tables(None, made.windows, made.values.assign(name="something else")))


@pytest.mark.parametrize("function", [figures.operations, figures.stressors])
def test_no_boot_gives_no_row(function):
    assert function(windows.Tables(pandas.DataFrame(), pandas.DataFrame(), pandas.DataFrame())).empty


def test_equal_in_all_boots():
    found = figures.operations(tables(
        window(seed=1, kernel=70, cause__owner__page_fault=50, atomics__owner__page_fault=10),
        window(seed=2, kernel=71, cause__owner__page_fault=50, atomics__owner__page_fault=10)))
    equal = only(figures.equal_in_all_boots(found))
    assert (equal.own, equal.own_atomics, equal.kernel, equal.boots) == (True, True, False, 2)
    # No lock was counted: that is not known to be equal.
    assert not equal.locks


def test_one_boot_shows_no_equality():
    found = figures.equal_in_all_boots(figures.operations(tables(window(cause__owner__page_fault=50))))
    assert not only(found).own
