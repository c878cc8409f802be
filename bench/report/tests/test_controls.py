# SPDX-License-Identifier: GPL-2.0-only
"""check-controls: each control is broken on purpose; the report says so first, and withdraws what depends on it."""

import itertools
import pathlib
import re
import shutil

import pytest

from bench.report import plan
from bench.report.facts import frame, instrument, windows
from bench.report.judgement import controls, sameness
from bench.report.rendering import origin, page, trust, words
from bench.report.rendering.words import failures
from bench.report.tests import pages, synthetic

PLANNED = plan.SETTINGS
SETTINGS = ("cpus-4", "metronome-24")
# Contrasts: under rt what is imposed, and none's fill; a fill under lazy; under rt the requester's, and a storm's fill.
IMPOSED, FACADE, OFF, ASKING, WHOLE = 1, 5, 7, 12, 14


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A campaign whose controls hold."""
    results = tmp_path_factory.mktemp("held") / "results"
    synthetic.trusted(results, SETTINGS)
    return results


@pytest.fixture(autouse=True)
def few_settings(monkeypatch):
    """Two settings do for the report; all would take too long."""
    monkeypatch.setattr(plan, "SETTINGS", SETTINGS)


@pytest.fixture
def results(held, tmp_path):
    """A copy of it, to be broken."""
    return pathlib.Path(shutil.copytree(held, tmp_path / "results"))


@pytest.fixture
def text(monkeypatch, tmp_path):
    """Makes the report of a folder."""
    return pages.maker(monkeypatch, tmp_path)


def gone(results, what):
    """Remove boots of controls."""
    for path in (results / "virtual").glob(what):
        shutil.rmtree(path)


def verdict(report_text, number):
    """The verdict on a primary contrast."""
    row = next(line for line in report_text.split("\n") if line.startswith(f"| {number} |"))
    return row.rstrip("| ").rpartition(" | ")[2]


def first_said(report_text):
    """The first thing that the report says after its title."""
    return report_text.split("## What is missing\n\n")[1].split("\n")[0]


def test_controls_that_hold_give_verdicts(held, text):
    made = text(held)
    assert "control failed" not in made and "not run" not in first_said(made)
    assert verdict(made, IMPOSED) == "**better**; under 2 other settings as well"
    assert {verdict(made, number) for number in (OFF, ASKING)} == {
        "**equivalent**; under 2 other settings as well"}
    assert verdict(made, 2) == "**not testable here (needs boots of rt-task_work)**"
    assert verdict(made, "–").startswith("**not testable here (needs ")
    assert failures(held) == []


def test_the_table_says_whom_its_metric_favours(held, text):
    below = text(held).split("| 14 |")[1].split("\n\n")[1]
    assert below.startswith('**"Imposed" favours by definition') and "Contrasts 10, 11, 13, 14 count all" in below


@pytest.mark.parametrize("rebuilt, said, named", [
    ({}, "6 of 92 comparisons alarm (6.5 %, limit 5 %); none could alarm by chance.**", "other seeds"),
    ({"rt": -400, "lazy": 3000}, "9 of 92",
     "kernel instructions imposed on the isolated CPU (neutral rebuild, lazy: +3,001 per drain)")])
def test_a_kernel_that_differs_from_itself_withdraws_all(results, text, rebuilt, said, named):
    for model in synthetic.COSTS:
        synthetic.aa(results, model, more=3000)
    for model, more in rebuilt.items():
        synthetic.rebuilt(results, model, more=more)
    made = text(results)
    assert first_said(made).startswith(f"- **A control failed: A/A: {said}") and named in made
    assert verdict(made, IMPOSED) == "**withdrawn: A/A failed; A/A, other seeds, alarms on this metric**"
    assert {verdict(made, number) for number in (OFF, ASKING)} == {"**withdrawn: A/A failed**"}


EVERY = {IMPOSED, OFF, ASKING, FACADE}


@pytest.mark.parametrize("boot, key, value, said, withdrawn", [
    ("rt-qpw0/seed-002", "image_sha256", "other", "kernel image (virtual, rt, qpw: 2 kinds)", {IMPOSED, ASKING}),
    ("rt-rebuilt/seed-002", "image_sha256", "other", "kernel image (virtual, rt, rebuilt: 2 kinds)",
     {IMPOSED, ASKING, FACADE}),
    ("lazy-none/seed-002", "common_config_sha256", "other",
     "kernel options but for the facade's own (virtual, lazy: 2 kinds)", {OFF}),
    ("rt-unpatched/aa-014", "plugin_sha256", "other", "counting plugin (virtual: 2 kinds)", EVERY),
    # What a kind, an arm or a seed sets is no such thing: held has settings, doses, arms and seeds.
    ("rt-qpw0/seed-002", "cpus", 4, "cpus (virtual: 2 kinds)", EVERY),
    ("lazy-unpatched/sensitivity-metronome-24-002", "icount_shift", 1, "icount_shift (virtual: 2 kinds)", EVERY),
    ("rt-unpatched/aa-014", "by_instruction", True, "by_instruction (virtual: 2 kinds)", EVERY),
    ("rt-unpatched/sensitivity-cpus-4-002", "workload", {"requests": 9, "seed": 2}, "requests (virtual: 2 kinds)",
     EVERY),
    ("rt-unpatched/dose-1000-002", "workload", {"requests": 10, "seed": 2, "dose": 1000, "pad": 1},
     "pad (virtual: 2 kinds)", EVERY),
    ("rt-none/seed-002", "cmdline", "nohz_full=1 quiet bench.seed=2", "kernel parameters (virtual: 2 kinds)", EVERY),
    ("rt-qpw1/seed-002", "cmdline", "nohz_full=1 bench.seed=2 qpw=0",
     "kernel parameters of the strategy (virtual, qpw1: 2 kinds)", {IMPOSED, ASKING}),
])
def test_boots_that_are_not_alike_withdraw_what_they_reach(results, text, boot, key, value, said, withdrawn):
    synthetic.alter(results / "virtual" / boot, **{key: value})
    made = text(results)
    assert first_said(made).startswith(f"- **Not all boots are alike: {said}.**")
    assert withdrawn == {number for number in EVERY
                         if verdict(made, number) == f"**withdrawn: boots not alike in {said}**"}


def test_sources_that_changed_are_said_first_and_withdraw_nothing(results, text):
    def now(boots):
        return {f"{boot.model}-{boot.manifest['kernel']}": boot.manifest["source_sha256"] for boot in boots
                } | {"lazy-qpw": "other"}
    made = text(results, now=now)
    assert first_said(made).startswith("- **Kernel sources have changed since these results, those of lazy-qpw.**")
    assert "2 of 14 primary contrasts are about such kernels" in first_said(made)
    assert ("**Kernels have changed since they were measured in page faults beside cyclictest, hot paths and the "
            "timeline: lazy-qpw.**") in made.partition("\n## ")[0]
    assert verdict(made, OFF) == "**equivalent**; under 2 other settings as well; sources have changed since"
    assert verdict(made, ASKING) == "**equivalent**; under 2 other settings as well"


AGAIN = "were made again with them, and gave the same bytes (`make again`)."


def test_only_cells_all_of_whose_boots_were_the_same_are_vouched_for(tmp_path):
    for arm in ("none", "qpw1"):
        synthetic.boot(tmp_path, arm=arm)
    cells, found = [("rt-none", "rt-none"), ("rt-qpw1", "rt-qpw")], [("virtual", "rt-none", "rt-none", "other"),
                                                                     ("virtual", "rt-qpw1", "rt-qpw", "other")]
    assert instrument.made_again(tmp_path, tmp_path) == {}
    synthetic.newer(tmp_path, *cells, boots=3)
    assert instrument.made_again(tmp_path, tmp_path) == dict.fromkeys(found, 3)
    synthetic.boot(tmp_path, arm="qpw1", seed=2)  # it was of other boots than these
    assert instrument.made_again(tmp_path, tmp_path) == {found[0]: 3}
    for told in ({"boots": 3, "same": 2}, {"boots": 0}):
        synthetic.newer(tmp_path, *cells, **told)
        assert instrument.made_again(tmp_path, tmp_path) == {}
    for torn in ("[", "[]", "{}", '{"cells": [{"boots": 1, "same": 1}]}'):
        (tmp_path / "instrument" / "newer-kernels.json").write_text(torn)
        assert instrument.made_again(tmp_path, tmp_path) == {}


def test_what_newer_kernels_leave_as_it_was_is_not_stale(results, text):
    """And the pages say of how many boots that was seen."""
    def now(boots):
        return pages.unchanged(boots) | {"lazy-qpw": "other"}

    cells = ("lazy-qpw0", "lazy-qpw"), ("lazy-qpw1", "lazy-qpw")
    synthetic.newer(results, cells[1], boots=1)
    made = text(results, now=now)
    assert verdict(made, OFF).endswith("; sources have changed since")
    assert "1 of 14 primary contrasts are about such kernels" in first_said(made)
    assert ("**Kernels have changed since they were measured in page faults beside cyclictest, hot paths and the "
            "timeline: lazy-qpw.**\n\nKernel sources have changed since; 1 boot of each other cell that this reaches "
            "was made again with them,") in made.partition("\n## ")[0]
    synthetic.newer(results, *cells, boots=3)
    made = text(results, now=now)
    assert "have changed since these results" not in made and "have changed since they were measured" not in made
    assert verdict(made, OFF) == "**equivalent**; under 2 other settings as well"
    said = f"Kernel sources have changed since; 3 boots of each cell that this reaches {AGAIN}"
    assert said in made.partition("\n## ")[0] and made.count(said) == 3
    assert "Kernel sources have not changed since this run." not in made


def test_workloads_on_kernels_that_have_changed_are_named():
    boots = [windows.Boot(name, "rt", arm, {"kernel": kernel, "source_sha256": "then"}) for name, arm, kernel in (
        ("spin", "qpw1", "qpw"), ("spin", "unpatched", "unpatched"), ("mpi", "qpw1", "qpw-full"))]
    now = {"rt-qpw": "now", "rt-unpatched": "then", "rt-qpw-full": "then"}
    aged = sameness.changed_workloads(boots, now)
    assert aged == {"spin": ["rt-qpw"]}
    assert page.stale_part((), aged) == "**Kernels have changed since they were measured in spin: rt-qpw.**\n"
    assert page.stale_part((), {}) == ""
    again = {("workloads/spin", "rt-qpw1", "rt-qpw", "now"): 2}
    assert sameness.changed_workloads(boots, now, again) == {}
    assert origin.as_before(boots, now, again) == (
        f"Kernel sources have changed since; 2 boots of each cell that this reaches {AGAIN}\n")
    for other in (("virtual", "rt-qpw1", "rt-qpw", "now"), ("workloads/spin", "rt-qpw1", "rt-qpw", "then"),
                  ("workloads/spin", "rt-qpw1", "rt-qpw-full", "now")):
        assert sameness.changed_workloads(boots, now, {other: 2}) == aged
        assert origin.as_before(boots, now, {other: 2}) == ""
    assert origin.as_before(boots, now | {"rt-qpw": "then"}, again) == ""  # nothing has changed


def test_an_instrument_that_fails_a_check_withdraws_all(results, text):
    synthetic.instrument(results, "plugin", ("7 user", ["8"], "known count"))
    made = text(results)
    assert first_said(made) == "- **A control failed: the instrument: not known count: 7 user.**"
    assert {verdict(made, number) for number in EVERY} == {"**withdrawn: the instrument failed**"}


def test_an_alarm_on_one_metric_withdraws_that_alone(results, text):
    synthetic.rebuilt(results, more=3000)
    made = text(results)
    assert "control failed" not in made
    assert first_said(made).startswith("- **2 of 14 verdicts are withdrawn**")
    assert {verdict(made, number) for number in (IMPOSED, WHOLE)} == {
        "**withdrawn: A/A, neutral rebuild, alarms on this metric**"}
    table = made.split("### Kernel instructions imposed on the isolated CPU, per drain")[1].split("| model")[0]
    assert "equal to itself** to the margin here (neutral rebuild, rt: alarm)." in table
    assert "**In 89 of 92 comparisons the kernel is shown equivalent to itself**" in made
    assert verdict(made, ASKING).startswith("**equivalent**")


def test_the_rate_of_p_and_what_could_alarm_are_shown(results, text):
    synthetic.rebuilt(results, more=300)
    for seed in range(plan.STRATA + 1, plan.STRATA + 13):
        synthetic.boot(results, "lazy", "unpatched", seed, kind="aa",
                       per_drain=synthetic.COSTS["lazy"] + synthetic.MATTERS + 2000 * (seed % 2))
    made = text(results)
    assert "Of p < 0.05 alone there are 6 in 12 (50.0 %); chance makes 5 %. 3 of 92 comparisons could alarm" in made


def test_other_seeds_are_paired_by_what_they_draw(tmp_path):
    """What order and turns do must not hide what other seeds do."""
    for kind, more in (("drain", 0), ("aa", 2000)):
        for seed in range(1, 13):
            synthetic.boot(tmp_path, "rt", "unpatched", seed + plan.STRATA * (kind == "aa"), kind=kind,
                           per_drain=1000 + more + 9000 * (seed % 2) + 300 * seed + (kind == "aa") * seed)
    one, = (one for one in controls.compare_all(synthetic.runs(tmp_path))
            if one.metric.key == "owner/imposed")
    assert one.alarm and one.p < 0.001 and not one.could


def test_the_rate_among_those_that_could_alarm():
    metric = plan.METRICS[0]
    found = [controls.Compared(controls.Control.REBUILD, "rt", metric, 0, 0.01, False, alarm, blunt) for alarm, blunt in
             [(True, 2000), (False, 2000), (True, 10)] + [(False, 10)] * 57]
    assert controls.rate(found).held
    assert words.reason(controls.rate(found).found) == (
        "2 of 60 comparisons alarm (3.3 %, limit 5 %); of the 2 that could alarm by chance, 1 (50.0 %; of so few the "
        "rate may be 1.3 to 99 %)")


def test_what_is_significant_but_within_the_margin_is_no_alarm(results, text):
    synthetic.rebuilt(results, more=300)
    assert verdict(text(results), IMPOSED).startswith("**better**")


@pytest.mark.parametrize("response, said", [
    (lambda amount, seed: synthetic.PRICE + seed, "slope 0.0000"),
    (lambda amount, seed: int(1.2 * amount) + seed, "slope 1.2000"),
    (lambda amount, seed: amount + 3000 * seed, "limit of detection 11,"),
], ids=["not delivered", "counted too often", "too much noise"])
def test_a_dose_that_is_not_answered_withdraws_instructions(results, text, response, said):
    synthetic.dose(results, response=response)
    made = text(results)
    assert first_said(made).startswith("- **A control failed: dose and response, rt: ") and said in first_said(made)
    assert {verdict(made, number) for number in (IMPOSED, WHOLE)} == {"**withdrawn: dose and response failed**"}
    # The other model's; a quiet one, in which no dose can show; not the isolated CPU's.
    assert all(verdict(made, number).startswith("**equivalent**") for number in (OFF, FACADE, ASKING))
    assert "1 of 14 verdicts are withdrawn" not in first_said(made) and "verdicts are withdrawn" in made
    assert failures(results)[0].startswith("virtual: dose and response, rt: slope")


def test_what_a_boot_with_drains_would_show_is_told_too(held, text):
    """Imposed on unpatched are 5,000 and the seed, 1 to 12: s is the root of 13."""
    made = text(held)
    assert "limit of detection 3.85 instructions without drains (at most 1,000); 6 of 6 doses" in made
    assert re.search(r"With drains a single boot of unpatched would tell .*\b11\.9 on rt instructions per drain", made)


@pytest.mark.parametrize("what, control, says", [
    ("unpatched/aa-*", "A/A, other seeds", "not run"), ("unpatched/aa-01[3-8]", "A/A, other seeds", "6 of 12 boots"),
    ("rebuilt", "A/A, neutral rebuild", "not run"), ("unpatched/dose-*", "dose and response", "not run"),
    ("unpatched/dose-10000-004", "dose and response", "slope 1.0000 .* 6 of 6 doses, 23 of 24 boots"),
    ("unpatched/dose-20000-*", "dose and response", "slope 1.0000 .* 5 of 6 doses, 20 of 24 boots")])
def test_a_control_that_was_not_run_in_full_gives_no_verdict(results, text, what, control, says):
    gone(results, f"rt-{what}")
    made = text(results)
    assert re.search(rf"{control}, rt \({says}\)", first_said(made))
    lacks = f"**none: not run in full: {control}**"
    assert {number for number in EVERY if verdict(made, number) == lacks} == (
        {IMPOSED} if control == "dose and response" else EVERY - {OFF})
    assert verdict(made, OFF).startswith("**equivalent**")


def test_a_failed_boot_of_a_control_is_counted_as_missing(results, text):
    path = results / "virtual/rt-unpatched/aa-015"
    (path / "counts.jsonl").write_text("garbage")
    made = text(results)
    assert "A/A, other seeds, rt (11 of 12 boots)" in first_said(made)
    assert "virtual/rt-unpatched aa-015: unreadable: counts.jsonl" in made


def test_a_verdict_that_a_setting_contradicts_is_withdrawn(results, text):
    synthetic.sensitivity(results, "cpus-4", {"unpatched": 500, "qpw1": 9000})
    made = text(results)
    assert verdict(made, IMPOSED) == "**withdrawn: not so under cpus-4 (+8,500)**"
    assert re.search(r"\| sensitivity \| \*\*failed\*\* \| (\d+) of (\d+) verdicts hold under all settings; withdrawn: "
                     r"contrast 1\b", made)
    assert verdict(made, ASKING).startswith("**equivalent**; under 2 other settings")


@pytest.mark.parametrize("what, number, said", [
    ("lazy-*/sensitivity-*", OFF, ""), ("lazy-qpw0/sensitivity-cpus-4-*", OFF, "; lacks cpus-4"),
    ("rt-unpatched/sensitivity-metronome-24-002", ASKING, "; lacks metronome-24")])
def test_a_contrast_whose_settings_were_not_all_run_gets_no_verdict(results, text, what, number, said):
    gone(results, what)
    made = text(results)
    assert verdict(made, number) == f"**none: sensitivity not run in full**{said}"
    assert "not run, or not with boots enough: sensitivity (" in first_said(made)
    assert verdict(made, ASKING if number == OFF else OFF).startswith("**equivalent**")


def told(report_text, begin):
    """A line of the part on sensitivity, after how it begins."""
    part = report_text.split("### Sensitivity: what moves")[1].split("<details>")[0]
    return next(line.removeprefix(begin) for line in part.split("\n") if line.startswith(begin))


@pytest.mark.parametrize("by", [{1: 9000, 2: 0, 3: 0}, {1: 4000, 2: 4000, 3: -4000}], ids=["median", "sign"])
def test_what_neither_moves_nor_is_shown_to_stay_is_told_apart(results, text, by):
    for seed, more in by.items():
        synthetic.boot(results, "rt", "unpatched", seed, kind="sensitivity", setting="cpus-4",
                       per_drain=synthetic.COSTS["rt"] + synthetic.MATTERS + seed + more)
    made = text(results)
    imposed = "kernel instructions imposed on the isolated CPU"
    assert imposed in told(made, "Cannot tell") and imposed not in told(made, "Shown not to move")
    assert "context switches on the isolated CPU" in told(made, "Shown not to move")


def test_a_metric_that_moves_is_labelled(results, text):
    synthetic.sensitivity(results, "metronome-24", {"unpatched": 9000, "qpw1": 0})
    made = text(results)
    assert verdict(made, IMPOSED).endswith("the metric itself moves with metronome-24")
    assert "- kernel instructions imposed on the isolated CPU: metronome-24" in made
    assert "kernel instructions imposed" not in told(made, "Shown not to move") + told(made, "Cannot tell")
    assert told(made, "Cannot tell, being neither: ") == "none."
    assert "**Moves with the lab** (metronome-24): compare arms within this table alone." in made
    table = made.split("### Replicates")[1].split("<details>")[0]
    # Figures grow with the seed here, so that those of a setting's three seeds lie below all others.
    assert "kernel instructions imposed on the isolated CPU (6)" in table and "| 18 of 184 |" in table
    named = next(line for line in made.split("\n") if line.startswith("- metronome-24: kernel instructions imposed"))
    assert "rt-unpatched" in named


@pytest.mark.parametrize("setting, base", [("no-ballast", "metronome-24"), ("storm-first", "quiet-first")])
def test_a_setting_is_compared_with_what_it_can_be(results, monkeypatch, setting, base):
    """A seed that draws the order which is set shows no change: 0 on one of three would hide what storm first does."""
    synthetic.sensitivity(results, base, {"unpatched": 9000})
    synthetic.sensitivity(results, setting, {"unpatched": 9001})
    monkeypatch.setattr(plan, "SETTINGS", PLANNED)
    runs = synthetic.runs(results)
    changes = controls.changes(runs)
    assert changes[setting]["rt", "unpatched", "owner/imposed"].median == 1
    assert controls.moved(runs, changes).get("owner/imposed") == ({base: False} if base in PLANNED else None)


def set_order(results, setting, drawn, cost):
    """The order set for three seeds of unpatched, which draw these; cost: by seed."""
    for seed, first in drawn.items():
        for kind, of, price, order in (("drain", "", 1000, first),
                                       ("sensitivity", setting, cost[seed], setting == "storm-first")):
            synthetic.boot(results, "rt", "unpatched", seed, kind=kind, setting=of, per_drain=price,
                           guest=[{"storm_first": order}, *synthetic.guest(False)])


@pytest.mark.parametrize("setting, changes", [("quiet-first", [500, 2000]), ("storm-first", [9000])])
def test_an_order_that_the_seed_draws_anyway_is_a_null(tmp_path, text, setting, changes):
    """And never a setting of its own that could move something."""
    results = tmp_path / "results"
    set_order(results, setting, {1: False, 2: True, 3: False}, {1: 1500, 2: 10000, 3: 3000})
    runs = synthetic.runs(results)
    assert list(controls.repeats(runs)["owner/imposed"]) == changes
    synthetic.sensitivity(results, "cpus-4", {"unpatched": 1000})
    made = text(results)
    null = made.split("### Sensitivity: what moves")[1].split("The same where nothing was changed")[1]
    row = next(line for line in null.split("\n")
               if line.startswith("| kernel instructions imposed"))
    beyond = sum(change > 1000 for change in changes)
    assert row == (f"| kernel instructions imposed on the isolated CPU, per drain | "
                   f"{sum(changes) / len(changes):,.0f} | {max(changes):,} | 1,000 | {beyond} of {len(changes)} |")


def test_quiet_first_is_run_and_not_judged(results, text):
    assert "quiet-first" not in PLANNED and "quiet-first" in plan.SETS
    synthetic.sensitivity(results, "quiet-first", {"unpatched": 9000, "qpw1": 0})
    made = text(results)
    assert verdict(made, IMPOSED) == "**better**; under 2 other settings as well"
    assert "quiet-first |" not in made.split("## Boots")[0]


def test_seeds_that_do_not_cover_a_setting_are_said_not_to(tmp_path):
    """Usual boots put 3 metrics of 23 outside, those that show what is imposed, at either end; a setting shows more."""
    for seed in range(1, 13):
        synthetic.boot(tmp_path, "rt", "unpatched", seed, per_drain=500 + seed)
    synthetic.sensitivity(tmp_path, "phase-500", {"unpatched": 506})
    runs = synthetic.runs(tmp_path)
    assert controls.replicates(runs)[1] == [3, *[0] * 8, 3]
    assert "No setting puts more outside than the most that usual boots do (3)." in trust.replicates(runs)
    synthetic.sensitivity(tmp_path, "metronome-24", {"unpatched": 0})
    runs = synthetic.runs(tmp_path)
    outside, _ = controls.replicates(runs)[0]["metronome-24"]
    assert outside.to_numpy().sum() > 3
    assert "**Seeds do not cover metronome-24**" in trust.replicates(runs)


@pytest.mark.parametrize("usual, few, out", [
    ([1, 5], [6, 7, 2], (True, True)), ([1, 5], [1, 5, 9], (False, True)), ([], [1], (False, False))])
def test_outside_of_a_range(usual, few, out):
    usual, few = (frame.cells(synthetic.figures(("none", "drain", "", {
        seed: {"owner/imposed": value} for seed, value in enumerate(values)} or {0: {}}))) for values in (usual, few))
    assert tuple(table["owner/imposed"].item() for table in controls.outside(usual, few)) == out


@pytest.mark.parametrize("usual, there, says", [
    ({}, {"unpatched": 9000, "qpw1": 0}, r"better \| 1,000 \| −5,006 \| −5,002 \| −9,002"),
    ({}, {"unpatched": 0, "qpw1": 9000}, r"withdrawn \| 1,000 \| −5,006 \| −5,002 \| \*\*\+9,002\*\*"),
    ({seed: 3600 + 80 * seed for seed in range(1, 13)}, {}, r"inconclusive \| 1,000 \| −.*"),
    ({seed: 3600 + 80 * seed for seed in range(1, 13)}, {"unpatched": 0, "qpw1": 9000},
     r"inconclusive \| 1,000 \| −.* \| \*\*\+9,002\*\*")])
def test_a_contrast_is_shown_under_each_setting(results, text, usual, there, says):
    """One that goes far to the other side is bold, whatever its verdict; nearly the margin less is not as much more.

    What is inconclusive has no verdict with which a setting could disagree.
    """
    for seed, cost in usual.items():
        synthetic.boot(results, "rt", "qpw1", seed, per_drain=cost)
    synthetic.sensitivity(results, "metronome-24", there)
    table = text(results).split("### Sensitivity: do the verdicts hold?")[1].split("\n### ")[0]
    assert re.search(rf"^\| 1 \| rt: qpw1 − unpatched \| .* \| {says} \|$", table, re.MULTILINE)


def test_differences_that_cross_the_margin_under_a_setting_are_told(results, text):
    """First where they are read; what moves in both arms alike is no such thing, nor what moves to one side further."""
    def listed(made):
        return made.split("**Differences between arms move as well.**")[1].split("\n\n")[1]

    synthetic.sensitivity(results, "metronome-24", {"unpatched": 20000, "none": 20000, "qpw0": 40000, "qpw1": 0})
    runs = synthetic.runs(results)
    assert "owner/imposed" in controls.moved(runs, controls.changes(runs)) and not controls.turned(runs)
    assert listed(text(results)) == "- none"
    synthetic.sensitivity(results, "metronome-24", {"unpatched": 200, "none": 200, "qpw0": 400, "qpw1": 0})
    synthetic.sensitivity(results, "cpus-4", {"unpatched": 5000, "none": 5000, "qpw0": 10000, "qpw1": 9000})
    found = controls.turned(synthetic.runs(results))
    assert found["owner/imposed", "rt", "qpw1"] == [controls.Turned("cpus-4", -5006.5, 4000, False),
                                                    controls.Turned("metronome-24", -5006.5, -202, False)]
    made = text(results)
    line, = (line for line in listed(made).split("\n") if line.startswith("- kernel instructions imposed"))
    assert "rt-qpw1 (cpus-4: −5,006 → +4,000; metronome-24: −5,006 → −202)" in line
    assert "**Whether they differ from unpatched hangs on the lab** for rt-qpw0 (metronome-24); rt-qpw1 " in made


@pytest.mark.parametrize("here, alike, by_itself, told", [
    (4040, 0, 0, []), (5000, 0, 0, [False]), (5000, 0, 900, [False]), (5000, 0, 2000, [True]),
    (5000, 3000, 0, [False])])
def test_a_step_across_the_margin_is_told_if_it_is_wider(tmp_path, here, alike, by_itself, told):
    """From 1,040 less to 960 less nothing has happened; and what boots do of which nothing was set, no setting did.

    alike: in both arms, so that their difference has nothing of it.
    """
    for seed, (arm, cost) in itertools.product((1, 2, 3), {"unpatched": 5000, "qpw1": 3960}.items()):
        synthetic.boot(tmp_path, "rt", arm, seed, per_drain=cost + seed,
                       guest=[{"storm_first": seed == 1}, *synthetic.guest(arm != "unpatched")])
    synthetic.sensitivity(tmp_path, "cpus-4", {"unpatched": 5000, "qpw1": here})
    for setting in plan.ORDERS:
        synthetic.sensitivity(tmp_path, setting, {"unpatched": 5000 + alike, "qpw1": 3960 + alike + by_itself})
    found = controls.turned(synthetic.runs(tmp_path))
    assert [one.null for one in found.get(("owner/imposed", "rt", "qpw1"), ())] == told


def test_the_dose_is_shown_in_each_metric_in_which_it_shows(held):
    """Ten fills a drain: a tenth of it in each; the limit of detection is in what was injected."""
    runs = synthetic.runs(held)
    table = trust.dose_lines(runs)
    rows = [line.strip("| ").split(" | ") for line in table.split("\n") if re.match(r"\| .* \| (rt|lazy) \|", line)]
    assert [row[0] for row in rows[::2]] == [f"{metric.name}, {metric.unit}" for metric in plan.METRICS if metric.dose]
    assert [row[1:3] for row in rows] == [["lazy", "1"], ["rt", "1"], ["lazy", "1"], ["rt", "1"],
                                          ["lazy", "0.1"], ["rt", "0.1"]]
    for row in rows:
        assert row[3] == f"{float(row[2]):.4f}" and float(row[5]) == pytest.approx(3.85, rel=0.01)
    assert "**Contrasts 4, 5, 6, 7, 8, 9, 12 have no dose control**" in table
    dosed = [(model, kind) == ("rt", "dose") for model, _, kind, *_ in runs.index]
    runs.loc[dosed, "irqs_off/storm"] = 900 + runs.index[dosed].get_level_values("setting").astype(int)
    assert ("kernel's own longest: 900 without and 900 with 20,000 on lazy; 900 without and 20,900 with 20,000 on rt."
            in trust.dose_lines(runs))


def test_what_only_rearranges_is_a_replicate(tmp_path):
    for seed in range(9, 13):  # seeds that no setting ran
        synthetic.boot(tmp_path, "rt", "unpatched", seed)
    for setting in PLANNED:
        synthetic.sensitivity(tmp_path, setting, {"unpatched": 500})
    table = trust.replicates(synthetic.runs(tmp_path))
    assert {setting for setting in PLANNED if f"| {setting} | " in table} == {
        *PLANNED} - {"shift-2", "no-ballast", "cpus-4"}


def test_few_boots_can_fail_but_not_hold(tmp_path):
    """So that real boots can be tried: two doses, two seeds."""
    synthetic.boot(tmp_path)
    synthetic.dose(tmp_path, doses=(0, 5000))
    assert failures(tmp_path) == []
    found = controls.read_labs(tmp_path)["virtual"].outcomes
    assert [outcome.held for outcome in found if outcome.control == controls.Control.DOSE] == [None]
    synthetic.aa(tmp_path, boots=1)
    synthetic.rebuilt(tmp_path, boots=1, more=9000)
    assert controls.read_labs(tmp_path)["virtual"].compared == []
    synthetic.boot(tmp_path, seed=2)
    synthetic.aa(tmp_path, "lazy", boots=2)
    assert not any(outcome.held for outcome in controls.read_labs(tmp_path)["virtual"].outcomes)
    synthetic.dose(tmp_path, "lazy", doses=(0, 5000), response=lambda amount, seed: seed)
    synthetic.boot(tmp_path, "lazy")
    assert [line.partition(": slope")[0] for line in failures(tmp_path)] == [
        "virtual: dose and response, lazy"]


def test_what_another_lab_has_gives_no_verdict(tmp_path, text):
    for seed in range(1, 13):
        synthetic.boot(tmp_path / "results", "rt", "unpatched", seed, lab="kvm")
    made = text(tmp_path / "results")
    assert "Primary contrasts" not in made and f"Nothing was run in the {plan.JUDGED_LAB} lab" in made
