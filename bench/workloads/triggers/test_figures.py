# SPDX-License-Identifier: GPL-2.0-only
"""The figures of triggers, on tables small enough to be reckoned by hand."""

import pandas
import pytest

from bench.report import plan
from bench.report.facts import windows
from bench.workloads.triggers import figures, page


def boot(arm, seed=1):
    return {"workload": "triggers", "model": "rt", "arm": arm, "setting": "folios", "seed": seed}


def tables(rows, values=(), silent=()):
    """Tables of rows of the isolated CPU: (arm, seed, label, round, counts).

    silent: (arm, seed, label, round) of windows in which it counted nothing; values: (arm, seed, label, round, name,
    value) besides the completion of each window, 100 times the round.
    """
    counted = [boot(arm, seed) | {"label": label, "round": number, "cpu": 1, "is_isolated": True} | counts
               for arm, seed, label, number, counts in rows]
    # Another CPU's counts are nobody's business here.
    counted += [row | {"cpu": 0, "is_isolated": False, "kernel": 10**6, "from_user/timer": 50} for row in counted]
    known = [row[:4] for row in rows] + list(silent)
    sent = [boot(arm, seed) | {"label": label, "round": number, "name": "completion_ns", "value": 100 * number}
            for arm, seed, label, number in known]
    sent += [boot(arm, seed) | {"label": label, "round": number, "name": name, "value": value}
             for arm, seed, label, number, name, value in values]
    return windows.Tables(pandas.DataFrame(), windows.complete(pandas.DataFrame(counted)), pandas.DataFrame(sent))


def one(frame, arm, label, seed=1):
    return frame.loc[("triggers", "rt", arm, "folios", seed, label)]


TWO_ARMS = tables(
    [("old", 1, "drop", 1, {"from_user/timer": 2, "from_user/call_function": 1, "kernel": 900, "absence": 700}),
     ("old", 1, "drop", 3, {"from_user/timer": 4, "kernel": 300, "absence": 100}),
     ("old", 2, "drop", 1, {"from_user/timer": 9, "kernel": 60}),
     ("new", 1, "drop", 1, {"from_user/page_fault": 7, "kernel": 30}),
     ("new", 1, "flush", 2, {"from_user/call_function": 1, "kernel": 10})],
    values=[("old", 1, "drop", 1, "succeeded", 1), ("old", 1, "drop", 3, "succeeded", 0),
            ("old", 1, "collapse", 0, "skipped", 1)],
    silent=[("old", 1, "quiet", 5), ("new", 1, "drop", 4), ("old", 1, "flush", 1)])


def test_disturbances_are_means_over_windows_of_a_boot():
    found = figures.disturbances(TWO_ARMS)
    drop = one(found, "old", "drop")
    assert (drop["timer"], drop["call_function"], drop["interruptions"]) == (3, 0.5, 3.5)
    assert (drop["kernel"], drop["absence"], drop["completion_ns"], drop["windows"]) == (600, 400, 200, 2)
    assert one(found, "old", "drop", 2)["interruptions"] == 9


def test_a_window_without_counts_is_a_window():
    found = figures.disturbances(TWO_ARMS)
    assert one(found, "old", "quiet")["windows"] == 1
    assert one(found, "old", "quiet")[["interruptions", "kernel"]].tolist() == [0, 0]
    assert one(found, "new", "drop")["kernel"] == 15


def test_what_the_owner_asked_for_is_no_interruption():
    assert one(figures.disturbances(TWO_ARMS), "new", "drop")["interruptions"] == 0


def test_success_is_a_share_and_only_where_it_was_told():
    found = figures.successes(TWO_ARMS)
    assert len(found) == 1
    assert one(found, "old", "drop") == 0.5
    assert pandas.isna(one(figures.of(TWO_ARMS), "new", "flush")["succeeded"])


def test_skipped_triggers_are_listed_and_have_no_window():
    assert figures.skipped(TWO_ARMS)["label"].tolist() == ["collapse"]
    assert "collapse" not in figures.disturbances(TWO_ARMS).index.get_level_values("label")


def test_a_table_has_medians_over_boots():
    table = figures.by_arm(figures.disturbances(TWO_ARMS)["interruptions"])
    assert table.loc[("rt", "folios", "drop")].to_dict() == {"new": 0, "old": 6.25}
    assert pandas.isna(table.loc[("rt", "folios", "quiet"), "new"])
    count = figures.boots(figures.disturbances(TWO_ARMS)["interruptions"])
    assert count.loc[("rt", "folios", "drop")].to_dict() == {"new": 1, "old": 2}
    assert count.loc[("rt", "folios", "quiet")].to_dict() == {"new": 0, "old": 1}


def test_what_is_removed_is_relative_to_an_arm_that_is_disturbed():
    interruptions = figures.disturbances(TWO_ARMS)["interruptions"]
    found = figures.removed(interruptions, "old")
    assert found.loc[("rt", "folios", "drop")].to_dict() == {"new": 1, "old": 0}
    assert pandas.isna(found.loc[("rt", "folios", "flush"), "new"])
    with pytest.raises(ValueError, match="no boot of nobody"):
        figures.removed(interruptions, "nobody")


def test_what_all_leave_is_the_least_of_the_arms():
    both = tables([("old", 1, "ipi", 1, {"from_user/call_function": 4}),
                   ("new", 1, "ipi", 1, {"from_user/call_function": 2}),
                   ("old", 1, "drop", 1, {"from_user/timer": 1}), ("old", 1, "only", 1, {"from_user/timer": 1})],
                  silent=[("new", 1, "drop", 1)])
    interruptions = figures.disturbances(both)["interruptions"]
    assert figures.left_by_all(interruptions, ["old", "new"]).to_dict() == {("rt", "folios", "ipi"): 2}
    with pytest.raises(ValueError, match="no boot of third"):
        figures.left_by_all(interruptions, ["old", "third"])


def test_windows_that_do_not_fit_are_refused():
    row = ("old", 1, "drop", 1, {"kernel": 1})
    with pytest.raises(ValueError, match="twice"):
        figures.disturbances(tables([row], silent=[row[:4]]))
    good = tables([row, ("old", 1, "drop", 2, {"kernel": 1})])
    unknown = windows.Tables(good.boots, good.windows, good.values[good.values["round"] == 1])
    with pytest.raises(ValueError, match="did not send"):
        figures.disturbances(unknown)
    with pytest.raises(ValueError, match="no windows"):
        figures.disturbances(windows.Tables(pandas.DataFrame(), pandas.DataFrame(), pandas.DataFrame()))


def interruptions(*values):
    """A Series of boots: interruptions by one trigger, under the base and under arms that nobody knows."""
    rows = [("triggers", "rt", arm, "folios", 1, "drop")
            for arm in (plan.BASE, *(f"arm{number}" for number in range(1, len(values))))]
    return pandas.Series(values, index=pandas.MultiIndex.from_tuples(rows, names=figures.KEY), dtype=float)


@pytest.mark.parametrize("values, outcome", [
    ((3, 0, 3), "gone"), ((3, 1, 3), "fewer"), ((3, 3, 4), "same"), ((3.6, 3, 3), "same"),
    ((0.2, 0, 0), "never")])
def test_the_page_says_what_the_best_arm_makes_of_a_trigger(values, outcome):
    said, _, table = page.disturbed(interruptions(*values), "rt").partition("\n\n")
    assert said == f"- {page.OUTCOMES[outcome]}: drop (folios)."
    assert ("**0**" in table) == (outcome == "gone")


def test_the_page_has_what_fails_more_often_and_nothing_else():
    assert page.failing(interruptions(1, 1), "rt") == ""
    assert "| drop (folios) | 1 | 0.5 |" in page.failing(interruptions(1, 0.5), "rt")


def test_two_arms_are_told_apart_by_all_their_boots():
    one, other = interruptions(14, 9), interruptions(12, 12).rename({1: 2}, level="seed")
    assert page.disturbed(pandas.concat([one, other]), "rt").startswith(f"- {page.OUTCOMES['same']}: drop")
    assert page.disturbed(one, "rt").startswith(f"- {page.OUTCOMES['fewer']}: drop")
