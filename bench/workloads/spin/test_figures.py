# SPDX-License-Identifier: GPL-2.0-only
"""figures.py against small tables whose figures are known."""

import math

import pandas
import pytest

from bench.report.facts import windows
from bench.workloads.spin import figures

BOOT = {"workload": "spin", "model": "rt", "arm": "unpatched", "setting": "other", "seed": 701}
ITEMS = {"items_before": 7, "items_after": 0}
MARGINS = figures.MARGINS.values()


def tables(*rounds):
    """Tables of windows: a dict each with label, kernel, what the guest said, and other columns or BOOT's.

    What is in `said` of a window with more than one value of a name is a list. In each window CPU 0 executes much more.
    """
    rows, values = [], []
    for number, one in enumerate(rounds):
        one = {**BOOT, "round": number, **one}
        said = one.pop("said", {} if one["label"] in MARGINS else ITEMS)
        elsewhere = one.pop("elsewhere", {})
        here = {key: one[key] for key in [*windows.INDEX, "label", "round"]}
        rows += [{**one, "is_isolated": True}, {**here, "kernel": 10**6, **elsewhere, "is_isolated": False}]
        values += [{**here, "name": name, "value": value} for name, several in said.items()
                   for value in (several if isinstance(several, list) else [several])]
    return windows.Tables(pandas.DataFrame(), windows.complete(pandas.DataFrame(rows)), pandas.DataFrame(values))


def window(label, kernel=0, **other):
    return {"label": label, "kernel": kernel, **other}


def asked(took, unfinished=0, label="drain", **other):
    """A window with requests that took so many ns."""
    return window(label, said={**ITEMS, "unfinished": unfinished, "completion_ns": took}, **other)


def of(frame, label="drain", **boot):
    """A boot's row of a label."""
    return frame.loc[(*{**BOOT, **boot}.values(), label)].to_dict()


def test_costs_are_means_over_a_label_of_one_boot():
    made = tables(window("drain", 100, **{"from_user/timer": 2, "switches": 2, "works": 1}),
                  window("drain", 300, **{"from_user/timer": 1, "from_user/call_function": 3, "works": 2}),
                  window("quiet", 7), window("drain", 9000, seed=702))
    costs = of(figures.costs(made))
    assert {key: costs[key] for key in ("windows", "kernel", "switches", "works")} == {
        "windows": 2, "kernel": 200, "switches": 1, "works": 1.5}
    assert costs["interruptions"] == 3
    assert (costs["interruptions/timer"], costs["interruptions/call_function"]) == (1.5, 1.5)
    assert costs["interruptions/nmi"] == 0
    assert of(figures.costs(made), "quiet")["kernel"] == 7
    assert of(figures.costs(made), seed=702)["kernel"] == 9000


def test_what_the_owner_asked_for_is_no_interruption():
    made = tables(window("drain", 50, **{"from_user/syscall": 4, "from_user/page_fault": 7}))
    assert of(figures.costs(made))["interruptions"] == 0


def test_absence_is_the_longest():
    made = tables(*(window("drain", 500, absence=absence) for absence in (100, 400, 200)))
    assert of(figures.costs(made))["absence"] == 400


def test_tick_is_what_timer_interrupts_take_from_anybody():
    made = tables(window("drain", 100, **{"cause/owner/timer": 30, "cause/kworker/timer": 5, "cause/kworker/none": 60,
                                          "cause/owner/call_function": 5}), window("drain", 0))
    assert of(figures.costs(made))["tick"] == 17.5


def test_requests_are_counted_and_timed():
    made = tables(asked(20_000), asked(40_000), asked(90_000), window("quiet"))
    assert of(figures.requests(made)) == {"requests": 3, "unfinished": 0, "completion_median": 40,
                                          "completion_max": 90}
    assert "quiet" not in figures.requests(made).index.get_level_values("label")


def test_unfinished_requests_have_no_completion():
    made = tables(asked([], unfinished=1), asked(30_000), asked([], unfinished=1, label="drain of an empty cache"))
    assert of(figures.requests(made)) == {"requests": 2, "unfinished": 1, "completion_median": 30,
                                          "completion_max": 30}
    never = of(figures.requests(made), "drain of an empty cache")
    assert (never["requests"], never["unfinished"]) == (1, 1)
    assert math.isnan(never["completion_median"]) and math.isnan(never["completion_max"])


def test_requests_at_once_are_each_counted():
    made = tables(asked([10_000, 20_000, 60_000], unfinished=2, label="requests at once"))
    assert of(figures.requests(made), "requests at once") == {
        "requests": 5, "unfinished": 2, "completion_median": 20, "completion_max": 60}


def test_items_are_means():
    made = tables(window("drain", said={"items_before": 7, "items_after": 7}),
                  window("drain", said={"items_before": 6, "items_after": 0}))
    assert of(figures.items(made)) == {"items_before": 6.5, "items_after": 3.5}


def test_margins_stand_beside_the_drain():
    made = tables(window("drain", 900), window("before a drain", 4), window("before a drain", 0),
                  window("late after a drain", 10))
    assert of(figures.margins(made)) == {"before": 2, "late": 10}
    assert set(figures.costs(made).index.get_level_values("label")) == {"drain"}


def test_a_boot_without_margins_has_none():
    made = tables(window("drain", 900), window("drain", seed=702), window("late after a drain", 10, seed=702))
    assert all(math.isnan(value) for value in of(figures.margins(made)).values())
    assert of(figures.margins(made), seed=702)["late"] == 10


def test_vmstat_looks_on_any_cpu_and_folds_on_one():
    made = tables(window("long quiet", elsewhere={"calls/vmstat_shepherd": 2, "calls/vmstat_update": 9}),
                  window("long quiet", **{"calls/vmstat_shepherd": 1, "calls/vmstat_update": 1}))
    assert of(figures.vmstat(made), "long quiet") == {"shepherds": 1.5, "folds": 0.5}


def test_without_any_call_vmstat_did_nothing():
    assert of(figures.vmstat(tables(window("drain")))) == {"shepherds": 0, "folds": 0}


def test_per_drain_is_drain_less_quiet_of_the_same_boot():
    made = tables(window("drain", 1000, **{"from_user/timer": 3}), window("quiet", 100, **{"from_user/timer": 1}),
                  window("drain", 500, seed=702), window("quiet", 500, seed=702), window("drain", 9, seed=703))
    found = figures.per_drain(made)
    assert found["kernel"].to_list() == [900, 0]
    assert found["interruptions"].to_list() == [2, 0]


def test_of_has_all_that_is_shown():
    made = tables(asked(20_000, kernel=5), window("quiet"), window("late after a drain"))
    found = figures.of(made)
    assert found.index.names == [*windows.INDEX, "label"]
    assert set(figures.SHOWN) <= set(found.columns)
    assert len(found) == 2
    assert of(found)["requests"] == 1
    assert math.isnan(of(found, "quiet")["requests"])


def test_of_works_without_a_request():
    assert of(figures.of(tables(window("quiet", 3))), "quiet")["kernel"] == 3


@pytest.mark.parametrize("made, why", [
    (windows.Tables(pandas.DataFrame(), pandas.DataFrame(), pandas.DataFrame()), "no window"),
    (tables(window("storm")), "unknown label 'storm'"),
    (tables(window("drain", said={"items_before": 7})), "windows without items_after"),
    (tables(window("drain"), window("drain", said={})), "windows without items_before"),
    (tables(window("drain", said={})), "windows without items_before"),
], ids=["nothing", "a label of something else", "half told", "one not told", "nothing told"])
def test_bad_tables_are_refused(made, why):
    with pytest.raises(ValueError, match=why):
        figures.of(made)


def test_without_the_measured_cpu_there_is_no_figure():
    made = tables(window("drain"))
    elsewhere = windows.Tables(made.boots, made.windows.assign(is_isolated=False), made.values)
    with pytest.raises(ValueError, match="no window"):
        figures.of(elsewhere)
