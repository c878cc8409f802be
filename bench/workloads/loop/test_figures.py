# SPDX-License-Identifier: GPL-2.0-only
"""figures.py against small tables whose figures are known."""

import pandas
import pytest

from bench.report.facts import windows
from bench.workloads.loop import figures

BOOT = {"workload": "loop", "model": "rt", "arm": "unpatched", "setting": "usual", "seed": 701}


def tables(*cycles):
    """Tables of cycles: a dict each, with label, kernel, the guest's values (`said`), and other columns or BOOT's."""
    rows, values = [], []
    for number, cycle in enumerate(cycles):
        cycle = {**BOOT, "round": number, **cycle}
        said = cycle.pop("said", {"cycle_ns": 50_000})
        here = {key: cycle[key] for key in [*windows.INDEX, "label", "round"]}
        rows += [{**cycle, "is_isolated": True}, {**here, "kernel": 10**6, "is_isolated": False}]
        values += [{**here, "name": name, "value": value} for name, value in said.items()]
    return windows.Tables(pandas.DataFrame(), windows.complete(pandas.DataFrame(rows)), pandas.DataFrame(values))


def cycle(label, kernel, **other):
    return {"label": label, "kernel": kernel, **other}


def inside(kernel, after, cycle_ns=50_000, **other):
    return cycle("drained inside", kernel, said={"cycle_ns": cycle_ns, "drain_after_ns": after}, **other)


def outside(kernel, before, **other):
    return cycle("drained outside", kernel, said={"cycle_ns": 50_000, "drain_before_ns": before}, **other)


def of(frame, label, **boot):
    """A boot's row of a label."""
    return frame.loc[(*{**BOOT, **boot}.values(), label)].to_dict()


def test_costs_are_of_one_label_of_one_boot():
    made = tables(*(cycle("quiet", kernel) for kernel in (100, 100, 400)), cycle("undrained", 7),
                  cycle("quiet", 900, seed=702))
    costs = figures.costs(made)
    assert of(costs, "quiet") == {"cycles": 3, "missed": 0, "mean": 200, "median": 100, "p99": 400, "longest": 400}
    assert of(costs, "quiet", seed=702)["longest"] == 900
    assert of(costs, "undrained")["mean"] == 7


def test_p99_is_a_cycle_that_occurred():
    made = tables(*(cycle("quiet", kernel) for kernel in range(1, 201)))
    assert of(figures.costs(made), "quiet")["p99"] == 199


@pytest.mark.parametrize("made, counts", [
    (inside(1, after=0), True), (inside(1, after=49_999), True), (inside(1, after=50_000), False),
    (outside(1, before=250_000), True), (outside(1, before=249_999), False), (outside(1, before=0), False),
], ids=["begins with it", "just before its end", "at its end", "long before", "too late to be over", "within it"])
def test_drains_that_came_elsewhere_do_not_count(made, counts):
    costs = of(figures.costs(tables(made)), made["label"])
    assert (costs["cycles"], costs["missed"]) == ((1, 0) if counts else (0, 1))
    assert (costs["mean"] == 1) == counts


def test_a_missed_drain_is_in_no_figure():
    made = tables(inside(500, after=10, **{"switches": 1}), inside(9000, after=60_000, **{"switches": 3}))
    assert of(figures.costs(made), "drained inside")["mean"] == 500
    assert of(figures.events(made), "drained inside")["switches"] == 1


def test_added_is_taken_from_quiet_cycles_of_the_same_boot():
    made = tables(cycle("quiet", 100), cycle("undrained", 1), inside(350, after=1), outside(90, before=10**6),
                  cycle("quiet", 1000, seed=702), inside(1600, after=1, seed=702), inside(5, after=1, seed=703))
    added = figures.added(made)
    assert of(added, "drained inside")["mean"] == 250
    assert of(added, "drained outside")["longest"] == -10
    assert of(added, "drained inside", seed=702)["median"] == 600
    assert len(added) == 3


def test_events_are_means_per_cycle_by_kind():
    made = tables(
        cycle("quiet", 1, **{"switches": 1, "calls/rtlock_slowlock_locked": 2, "calls/folio_lruvec_lock_irq": 1}),
        cycle("quiet", 1, **{"switches": 4, "works": 1, "calls/queued_spin_lock_slowpath": 1, "calls/__flush_work": 1,
                             "calls/folio_lruvec_lock_irqsave": 2, "from_user/irq_work": 1, "from_user/timer": 1,
                             "from_kernel/timer": 2}))
    assert of(figures.events(made), "quiet") == {"switches": 2.5, "lock_waits": 1.5, "work_waits": 0.5, "works": 0.5,
                                                 "lruvec_locks": 1.5, "ticks": 1.5, "user_interruptions": 1}


def test_functions_that_a_kernel_lacks_are_called_0_times():
    assert of(figures.events(tables(cycle("quiet", 1))), "quiet")["lock_waits"] == 0


def test_per_call_is_paired_by_seed():
    made = tables(*(cycle("undrained", kernel, setting=setting, seed=seed) for setting, kernel, seed in (
        ("calls-0", 1000, 701), ("usual", 1400, 701), ("calls-16", 4200, 701),
        ("calls-0", 2000, 702), ("calls-16", 2016, 702))), cycle("quiet", 10**6, setting="calls-16"))
    per_call = figures.per_call(made)
    assert per_call.loc["loop", "rt", "unpatched", 701][["usual", "calls-16"]].tolist() == [100, 200]
    other = per_call.loc["loop", "rt", "unpatched", 702]
    assert other["calls-16"] == 1 and pandas.isna(other["usual"])


def test_per_call_compares_nothing_else_that_is_other():
    made = tables(*(cycle("undrained", 1, setting=setting) for setting in ("calls-0", "calls-1", "other", "cpus-4")))
    assert set(figures.per_call(made)) == {"usual", "calls-1", "calls-16"}


@pytest.mark.parametrize("said", [{}, {"drain_after_ns": 5}, {"cycle_ns": 5}], ids=["nothing", "no end", "no drain"])
def test_a_cycle_of_which_the_guest_said_too_little(said):
    made = tables(inside(1, after=1), cycle("drained inside", 1, said=said))
    with pytest.raises(ValueError, match="1 cycles of which the guest said nothing"):
        figures.costs(made)


def test_a_label_that_nobody_knows():
    with pytest.raises(ValueError, match="unknown label"):
        figures.seen(tables(cycle("calm", 1)))


@pytest.mark.parametrize("figure", [figures.costs, figures.added, figures.events, figures.per_call])
def test_no_boots_no_figures(figure):
    with pytest.raises(ValueError, match="no cycle of any boot"):
        figure(windows.Tables(pandas.DataFrame(), pandas.DataFrame(), pandas.DataFrame()))
