# SPDX-License-Identifier: GPL-2.0-only
"""The whole report, on raw results with known figures."""

import itertools
import json
import pathlib
import re
import subprocess
import sys
import types

import pytest

from bench.report import plan, report
from bench.report.facts import frame, instrument, read
from bench.report.judgement import controls
from bench.report.rendering import documents, markdown, origin, page, short, tables, trust
from bench.report.rendering.instrument import rows_of
from bench.report.tests import pages, synthetic
from check import tapfile


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Write the report of a results folder; returns all its pages, the front page first."""
    return pages.maker(monkeypatch, tmp_path)


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    synthetic.campaign(folder)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """All pages of a campaign as it is."""
    folder = tmp_path_factory.mktemp("plain")
    synthetic.campaign(folder / "results")
    with pytest.MonkeyPatch.context() as patch:
        return pages.maker(patch, folder)(folder / "results")


def rows(text, title):
    """Rows of the first table under a title, as {(model, arm): [cells]}."""
    lines = text.split(title, 1)[1].split("| model |", 1)[1].split("\n")[2:]
    table = ([cell.strip() for cell in line.strip("|").split("|")]
             for line in itertools.takewhile(lambda line: line.startswith("|"), lines))
    return {(model, arm): cells for model, arm, *cells in table}


TAKEN = "### Kernel instructions imposed on the isolated CPU, per drain"


@pytest.mark.parametrize("title, cell, cells", [
    (TAKEN, ("rt", "unpatched"), ["502", "501 .. 503", "–", "–", "3"]),
    (TAKEN, ("rt", "qpw0"), ["1,004", "1,002 .. 1,006", "+502", "+501 .. +503", "3, 3 pairs"]),
    (TAKEN, ("rt", "none"), ["502", "501 .. 503", "0", "all equal", "3, 3 pairs"]),
    (TAKEN, ("lazy", "qpw1"), ["0", "all equal", "−802", "−803 .. −801", "3, 3 pairs"]),
    ("### Work items run on the isolated CPU, per drain", ("rt", "qpw1"),
     ["0", "all equal; none in 30 drains: below 0.1 (95 %)", "−1 (−100 %)", "all equal", "3, 3 pairs"]),
    ("### Work items run on the isolated CPU, per drain", ("rt", "qpw0"),
     ["1", "all equal", "0 (0 %)", "all equal", "3, 3 pairs"]),
    ("### Longest stretch with interrupts off on the isolated CPU, storm", ("rt", "none"),
     ["900", "all equal", "0", "all equal", "3, 3 pairs"]),
    ("### All kernel instructions on the isolated CPU per fill, quiet phase", ("rt", "none"),
     ["10", "all equal", "0", "all equal", "3, 3 pairs"])])
def test_median_interval_difference(plain, title, cell, cells):
    assert rows(plain, title)[cell] == cells


@pytest.mark.parametrize("said", [
    "| rt | none | `__schedule` (3) |", "| idle | – | 2 | 2 | 2 |", "| qpw1 | qpw | `qpw=1` |", "| none | none | – |",
    "\n## Hot paths in cycles (lab: cycles)\n\nIt was not run (`make cycles`).",
    "\n## A door on two cores (lab: door)\n\nIt was not run (`make door`).",
    "5 of 7 strategies have no good boot here: `task_work`, `deferred_wq`, `gate`, `spinlock`, `bypass`",
    "A/A, other seeds, rt (not run)",
    "No verdicts that depend on them are given", "3 seeds per arm are too few",
    "\n\nNothing was decided after the first of these boots: ",
    "virtual: the first of these boots began at 2026-01-01T00:00:00Z, the last at 2026-01-01T00:00:00Z."])
def test_what_stands_on_the_pages(plain, said):
    assert said in plain and "| must |" not in plain


@pytest.mark.parametrize("told, said", [
    ((1, 2, 1), "is kept. 1 of 3 boots took more than one. That"),
    ((1, None, None), "is kept. 0 of 1 boots took more than one. Of 2 older boots it is not known how many they took."),
    ((None, None), "is kept. Of 2 older boots it is not known how many they took. That")])
def test_boots_that_took_more_than_one_try_are_counted(told, said):
    boots = [types.SimpleNamespace(manifest={} if one is None else {"tries": one}) for one in told]
    assert said in origin.tries(boots)


@pytest.mark.parametrize("after, said", [
    ((), "Nothing was decided after the first of these boots: the campaign has the hash of [METHOD.md]"),
    (("this", "that"), "Decided after these boots, and so in no METHOD.md before them: this; that.\n")])
def test_what_was_decided_after_the_boots_is_listed_or_nothing_was(monkeypatch, after, said):
    monkeypatch.setattr(plan, "AFTER", after)
    assert page.decided_after().startswith(said)


def first(text):
    """What is missing, of which the report says so first."""
    return text.split("## What is missing\n\n")[1].split("\n## ")[0]


def in_short(text):
    """What the page begins with, as (first row's cells by arm, all of it)."""
    part = text.split("## In short (lab: virtual, PREEMPT_RT)\n\n")[1].split("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.split("\n") if line[:1] == "|"]
    return {arm: cells for arm, *cells in lines[2:]}, part


@pytest.fixture
def every_arm(tmp_path):
    """Twelve seeds of all arms: qpw1 takes nothing of the owner, task_work a little, most others the same.

    deferred_eager_run takes as little per drain, but much where nobody asks; of deferred_lazy nobody can tell.
    """
    folder = tmp_path / "every"
    for arm in frame.ARMS:
        for seed in range(1, 13):
            cost = {"qpw1": 0, "deferred_eager_run": 0, "task_work": 900,
                    "deferred_lazy": 5000 + 3000 * (-1) ** seed}.get(arm, 5000 + seed)
            made = synthetic.counts(cost, quiet=90000 if arm in ("none", "deferred_eager_run") else 1000)
            synthetic.boot(folder, "rt", arm, seed, counts=made)
    return folder


def test_the_page_begins_with_an_answer(make, every_arm):
    text = make(every_arm)
    table, part = in_short(text)
    for one, other in itertools.pairwise(("Which arm for whom?", "What is missing", "Primary contrasts")):
        assert text.index(f"## {one}") < text.index(f"## {other}")
    assert text.index("## What is missing") < text.index("## In short")
    assert list(table) == ["unpatched", "none", "qpw0", "qpw1", "task_work", "deferred_lazy", "deferred_eager",
                           "deferred_eager_run", "deferred_lazy_run", "gate", "spinlock", "bypass", "*margin*"]
    assert table["unpatched"] == ["0", "5,006", "10", "511", "2", "1", "40", "704", "54.5", "59", "–"]
    assert table["qpw1"] == ["0", "0 (−5,006)", "10 (=)", "10 (−501)", "0 (−2)", "0 (−1)", "40 (=)", "704 (=)",
                             "54.5 (posted)", "59 (posted)", "0.5"]
    assert table["task_work"][1:5] == ["900 (−4,106)", "10 (=)", "100 (−411)", "2 (=)"]
    assert table["none"][1:4] == ["5,006 (=)", "900 (+890)", "1,401 (+890)"]
    assert "asks for 20 drains a guest second, in both phases the owner touches 200 pages a guest second" in part
    assert "unpatched | 0 | 5,006 | 10 |" in part and "The short table, lazy" not in text
    assert table["deferred_lazy"][1].endswith("?)") and "?" not in "".join(table["deferred_lazy_run"])
    assert ("While drains are requested, the isolated CPU executes least in the kernel under qpw1 (10 per fill); "
            "within the margin of that: task_work.") in part
    quiet = part.split("Where nobody asks for a drain, ")[1].split(". While")[0]
    assert quiet.startswith("the isolated CPU executes least in the kernel under unpatched (10 per fill)")
    assert "deferred_lazy_run" in quiet and "none" not in quiet
    assert "where nobody asks) by: qpw1. These sentences are no verdicts." in part
    # A share stands beside what is more than the margin, here alone.
    assert rows(text, TAKEN)["rt", "qpw1"][2] == "−5,006 (−100 %)"
    assert "- rt: deferred_eager_run 5.63 (5.62 .. 5.63); here" in text.split("**Which is cheaper hangs on")[1]


@pytest.mark.parametrize("arm, lacks", [("qpw1", "rt-qpw1 (11 of 12)"), ("none", "rt-none (11 of 12)")])
def test_without_all_boots_nothing_is_said_in_short(make, every_arm, arm, lacks):
    (every_arm / f"virtual/rt-{arm}/seed-003/counts.jsonl").write_text("garbage")
    table, part = in_short(make(every_arm))
    assert not table and part == f"**Boots are missing, so nothing is said in short**: {lacks}.\n"


@pytest.mark.parametrize("fail", [
    lambda folder: synthetic.dose(folder, response=lambda amount, seed: seed),
    lambda folder: synthetic.instrument(folder, "plugin", ("7 user", ["8"]))], ids=["dose", "instrument"])
def test_a_failed_control_is_said_before_the_answer(make, every_arm, fail):
    doubt = "**A control failed, or boots that must be alike are not, and verdicts are withdrawn: read what is missing"
    assert doubt not in in_short(make(every_arm))[1]
    fail(every_arm)
    assert in_short(make(every_arm))[1].startswith(doubt)


def test_twelve_seeds_are_enough(make, tmp_path):
    synthetic.campaign(tmp_path / "many", range(1, 13))
    text = make(tmp_path / "many")
    assert "too few" not in text
    assert rows(text, TAKEN)["rt", "unpatched"][:2] == ["506", "503 .. 510"]


def test_a_cell_with_too_few_boots_is_named(make, tmp_path):
    synthetic.campaign(tmp_path / "many", range(1, 13))
    (tmp_path / "many/virtual/rt-qpw1/seed-003/counts.jsonl").write_text("garbage")
    assert "- Fewer than 12 good boots: virtual rt-qpw1 (11). No verdict is about these.\n" in make(tmp_path / "many")


@pytest.mark.parametrize("verdict", ["hang", "panic", "guest-failure", "boot-failure", "build-failure", "lab-failure"])
def test_a_failed_boot_is_counted_and_enters_nothing(make, results, verdict):
    before = rows(whole := make(results), TAKEN)
    assert "excluded" not in first(whole)
    synthetic.boot(results, "rt", "none", 9, verdict=verdict)
    text = make(results)
    assert rows(text, TAKEN) == before
    assert f"virtual/rt-none seed 9: {verdict}: as planned" in text
    assert f"- **1 of 25 boots are excluded**: virtual/rt-none seed 9 ({verdict})." in first(text)
    assert verdict in text.split("| lab | model | arm |")[1].split("\n")[0]


def test_excluded_boots_of_all_kinds_are_named_first(make, results):
    synthetic.extra(results, "hotpath-plain", verdict="hang")
    synthetic.dose(results, doses=(0,), boots=2)
    (results / "virtual/rt-unpatched/dose-0-002/counts.jsonl").write_text("garbage")
    assert ("- **2 of 27 boots are excluded**: virtual/rt-unpatched dose-0-002 (unreadable), virtual/rt-none "
            "hotpath-plain (hang).") in first(make(results))


def test_an_unreadable_boot_is_counted_and_leaves_its_pair(make, results):
    (results / "virtual/rt-none/seed-002/counts.jsonl").write_text("garbage")
    text = make(results)
    assert "virtual/rt-none seed 2: unreadable: counts.jsonl" in text
    assert rows(text, TAKEN)["rt", "none"][-1] == "2, 2 pairs"


def test_a_seed_that_unpatched_lacks_is_in_the_median_alone(make, results):
    synthetic.boot(results, "rt", "qpw0", 4, per_drain=1008)
    table = rows(make(results), TAKEN)
    assert table["rt", "qpw0"] == ["1,005", "1,002 .. 1,008", "+502", "+501 .. +503", "4, 3 pairs"]


def test_a_boot_without_figures_is_unreadable(make, results):
    path = results / "virtual/rt-none/seed-001/guest.jsonl"
    objects = [line for line in synthetic.guest() if "stats" not in line] + [{"stats": ["lru 1 requests x"]}]
    path.write_text(synthetic.lines(objects, crc=True))
    assert "rt-none seed 1: unreadable: a figure cannot be made" in make(results)


def test_headings_go_down_by_one_level(plain):
    levels = [len(line.split(" ")[0]) for line in plain.split("\n") if re.match("#+ ", line)]
    assert levels[:2] == [1, 2] and 3 in levels
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))
    assert plain.index("What is missing") < plain.index("## Boots")


@pytest.mark.parametrize("values, text", [
    ((-3, 0, 4), "≈0"), ((-300, 0, 4000), "0?"), ((0, 0, 0), "0"), ((5, 6, 7), "6"), ((-3, 0, 4000), "0?")])
def test_near_zero_is_what_lies_within_the_margin(values, text):
    boots = {seed: {"owner/imposed": value} for seed, value in enumerate(values)}
    rows = frame.cells(synthetic.figures(("unpatched", "drain", "", boots)))
    assert short.cell(rows, "rt", "unpatched", "owner/imposed") == text


def test_labs_are_never_mixed(make, results):
    for seed in (1, 2, 3):
        synthetic.boot(results, "rt", "unpatched", seed, lab="kvm", per_drain=9000)
    text = make(results)
    for lab, imposed in (("kvm", "9,000"), ("virtual", "502")):
        table = rows(text.split(f"\n## What a drain takes from the isolated CPU (lab: {lab})", 1)[1], TAKEN)
        assert table["rt", "unpatched"][0] == imposed
    assert "kvm-noise.svg" in text and "virtual-noise.svg" in text
    assert all("(lab: " in line for line in text.split("\n") if line.startswith("## ")
               and line[3:] not in ("Which arm for whom?", "The arms beside each other (PREEMPT_RT)",
                                "The debate's claims", "What became of each claim", "What is missing",
                                "All figures", "Boots", "Words", "How to read this", "What was compared",
                                "What each variant is to maintain (counted in the sources)"))


def test_changed_sources_are_named(make, results):
    assert "have not changed" in make(results)
    assert "was not checked" in make(results, lambda boots: None)
    changed = make(results, lambda boots: pages.unchanged(boots) | {"rt-qpw": "other"})
    assert "changed since this run**, those of: rt-qpw." in changed


@pytest.mark.parametrize("key, value, said", [
    ("plugin_sha256", "q", "Not all boots are alike: counting plugin (virtual: 2 kinds).**"),
    ("main_loop_sha256", "m", "Not all boots are alike: guard of QEMU's clock (virtual: 2 kinds).**"),
    ("common_config_sha256", "c-other", "but for the facade's own (virtual, rt: 2 kinds).**"),
    ("image_sha256", "i-other", "kernel image (virtual, rt, qpw: 2 kinds).**"),
    ("common_config_sha256", None, "Not recorded for some boots: kernel options")])
def test_boots_that_are_not_alike_are_named(make, results, plain, key, value, said):
    assert "All boots of a lab have the same guest" in plain
    synthetic.alter(results / "virtual/rt-qpw1/seed-002", **{key: value})
    assert said in make(results)


def test_the_instrument_is_shown(make, results):
    assert "counting plugin: not checked, run `make instrument`" in make(results)
    known, point = read.load(results / "virtual/rt-qpw1/seed-002/manifest.json"), ("7 user", (), "known count")
    synthetic.instrument(results, "plugin", point, ("1.9 times as long", (), "", True), **known)
    text = make(results)
    assert "| counting plugin | 2 of 2 | 1.9 times as long |" in text
    assert "| counting plugin | known count | 1 of 1 | 7 user |" in text
    assert "counting plugin: checked with these boots' plugin, QEMU and guest (`make instrument`)" in text
    failed = ("7 user", ["8"], "known count")
    synthetic.instrument(results, "plugin", failed, **known | {"qemu_version": "0"})
    text = make(results)
    assert "**A control failed: the instrument: not known count: 7 user.**" in text
    assert "| counting plugin | 0 of 1 | **not known count: 7 user** |" in text
    assert "| counting plugin | known count | 0 of 1 | **not 7 user** |" in text
    assert "checked with another QEMU than these boots, run" in text
    synthetic.instrument(results, "plugin", failed, **known | {"main_loop_sha256": "m"})
    assert "checked with another guard of QEMU's clock than these boots, run" in make(results)


def test_what_was_checked_with_other_boots_vouches_for_none(make, results):
    """Of another kernel of the same cell, or of boots that have come since; that they are made again as well."""
    known, point = read.load(results / "virtual/rt-qpw1/seed-002/manifest.json"), ("9 a", (), "boots")
    now, vouches = {instrument.DIGEST: instrument.digest(results)}, (
        "checked with these boots' plugin, QEMU and guest (`make again`)")
    for told, said in ((now, vouches), (now | {"arm": "rebuilt", "image_sha256": "x"}, vouches),
                       (now | {"image_sha256": "x"}, "checked with another kernel than these boots, run"),
                       ({}, "of other boots than these, run")):  # which boots it was about is not known
        synthetic.instrument(results, "again", point, **known | told)
        assert f"made again: {said}" in make(results)
    synthetic.instrument(results, "again", point, **known | now)
    synthetic.boot(results, "rt", "qpw1", 9)
    said = "made again: of other boots than these, run `make again`"
    before, after = make(results).split("### The instrument")
    assert said in first(before) and f"**all boots, {said}**" in after
    synthetic.instrument(results, "again", ("9 a # SKIP not begun", (), "boots"), **known | {
        instrument.DIGEST: instrument.digest(results)})
    assert "**all boots, made again: 1 of its points skipped, run `make again`**" in make(results)


def test_boots_of_other_kinds_must_be_alike_as_well(make, results):
    path = synthetic.hotpaths(results, "none", [(10, 100, 1, 0)]) / "manifest.json"
    assert "All boots of a lab have the same guest" in make(results)
    path.write_text(path.read_text().replace('"initramfs_sha256": "r"', '"initramfs_sha256": "s"'))
    assert "guest programs (virtual: 2 kinds)" in make(results)
    assert "those of: rt-none." in make(results, lambda boots: pages.unchanged(boots) | {"rt-none": "other"})


def test_hot_paths_have_a_table(make, results):
    synthetic.hotpaths(results, "unpatched", [(10, 100, 1, 0)], functions=[("f", 100)])
    synthetic.hotpaths(results, "none", [(10, 100, 1, 0)], functions=[("f", 100)])
    synthetic.hotpaths(results, "qpw0", [(10, 103, 2, 0)], functions=[("f", 101), ("g", 2)])
    synthetic.hotpaths(results, "qpw1", [(1, 100, 1, 0)] * 11)
    text = make(results)
    assert "| fault | 100 (1) | 0 | +3 (+1) | – |" in text
    assert "none in 1 of 1 figures; qpw0 in 0 of 1 figures" in text
    assert "- rt qpw0, fault: +3: g +2, f +1" in text
    assert "rt-qpw1/hotpath-isolated: counts.jsonl: no tenth of the repetitions of 'fault' took the same" in text


def test_page_one_shows_one_drain_after_the_arms(make, results, tmp_path):
    assert "timeline.svg" not in make(results)
    synthetic.anatomy(results, "qpw1")
    text = make(results)
    assert text.index("## The arms beside each other") < text.index("](results/figures/timeline.svg)")
    assert text.index("](results/figures/timeline.svg)") < text.index("## The debate's claims")
    assert (tmp_path / "out/results/figures/timeline.svg").exists()


def test_timelines_are_shown_and_missing_ones_named(make, results, tmp_path):
    synthetic.anatomy(results, "none")
    synthetic.anatomy(results, "qpw1", lost=3)
    text = make(results)
    assert "(../figures/anatomy-rt-none.svg)" in text
    assert (tmp_path / "out/results/figures/anatomy-rt-none.txt").exists()
    assert "rt-qpw1: no timeline: guest.jsonl: the trace of scene 'user mode' does not cover it" in text


def test_the_plugin_is_held_against_the_guest(make, results):
    assert ("the same in 0 of 48 phases; the plugin less the guest: −100 in 16 phases of seed 1 (workload); "
            "−100 in 16 phases of seed 2 (workload)") in make(results)
    path = results / "virtual/rt-qpw1/seed-002/guest.jsonl"
    whole = path.read_text().splitlines()[:-1]
    path.write_text(synthetic.lines([*map(json.loads, whole), {"drawn": {"first_fill_ns": 17138}}], crc=True))
    assert "of seed 2 (workload, first fill 17 µs into a phase)" in make(results)


def test_what_was_simulated_of_intervals_and_tests_is_shown(make, results):
    assert "Not simulated: run `make coverage`." in make(results)
    kept = {"runs": 50, "boots": [[12, "normal", 0.95, 0.961, 0.04, 0.001, 0.06],
                                   [12, "skewed", 0.97, 0.961, 0.09, 0, 0]],
            "slope": {"normal": 0.94, "skewed": 0.96}}
    (results / "instrument").mkdir()
    (results / "instrument/coverage.json").write_text(json.dumps(kept))
    assert ("intervals cover in 95.0 to 97.0 % (stated: at least 96.1 %), and a test at 5 % errs in 0.0 to 9.0 %, "
            "most where the spread is skewed." in make(results))
    assert "slope covers in 94.0 to 96.0 % (stated: 95 %)" in make(results)
    for damaged in ("{", "{}", "[]", '{"runs": 1, "boots": [], "slope": {}}',
                    '{"runs": 1, "boots": [[12]], "slope": {}}'):
        (results / "instrument/coverage.json").write_text(damaged)
        assert "run `make coverage` again." in trust.errors(results)


def test_what_the_instrument_has_kept_may_be_damaged(make, results):
    """Neither is it taken for whole, nor does the report end with a traceback."""
    folder = results / "instrument"
    folder.mkdir()
    (folder / "plugin.tap").write_text("TAP version 14\nok 1 - a\n1..1\n")
    assert "counting plugin: what was kept cannot be read (plugin.json: " in make(results)
    assert instrument.failed(results) == []
    (folder / "plugin.tap").write_text("TAP version 14\nok 1 - a\n")
    assert instrument.failed(results) == ["all of plugin.tap there"]
    (folder / "plugin.tap").write_bytes(b"TAP \xff")
    assert instrument.failed(results) == ["all of plugin.tap there"] and "cannot be read" in make(results)


def test_what_the_instrument_has_skipped_is_not_held(tmp_path):
    with tapfile.Writer("again", tmp_path) as tap:
        tap.point("9 a", kind="boots")
        tap.skip("8 b", "not begun within 5 minutes", "boots")
    assert rows_of(tap.path, "again") == (
        ["again", "1 of 2", "boots: 8 b (**skipped**: not begun within 5 minutes)"],
        [["again", "boots", "1 of 2", "9 a; 8 b (**skipped**: not begun within 5 minutes)"]])


def test_links_between_pages_lead_somewhere(make, results, every_arm, tmp_path):
    """To a page, and if they name a heading, to one that it has; all else is in this repository."""
    for number, folder in enumerate((results, every_arm)):
        make(folder, name=str(number))
        out, seen = tmp_path / str(number), 0
        for path in (out / documents.FRONT, *(out / documents.FOLDER).glob("*.md")):
            for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
                name, _, heading = link.partition("#")
                target = (path.parent / name).resolve() if name else path
                seen += bool(heading)
                if target.suffix == ".md" and target.exists():
                    titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
                    marks = [*map(documents.anchor, titles), *re.findall(r'<a id="([^"]+)">', target.read_text())]
                    assert not heading or heading in marks, f"{path.name}: {link}"
                else:
                    here = report.ROOT / target.relative_to(out)
                    assert "figures/" in link or here.exists(), f"{path.name}: {link}"
        assert seen
    assert documents.anchor("In short (lab: virtual, PREEMPT_RT)") == "in-short-lab-virtual-preempt_rt"


def test_the_front_page_is_short(make, every_arm, tmp_path):
    synthetic.anatomy(every_arm, "qpw1")
    make(every_arm)
    assert (tmp_path / "out" / documents.FRONT).stat().st_size < 15000


def test_only_a_rebuilt_kernel_is_no_campaign(make, tmp_path):
    synthetic.rebuilt(tmp_path / "results")
    assert "## At a glance" not in make(tmp_path / "results")


def test_a_difference_that_hangs_on_the_lab_is_marked():
    rows = frame.cells(synthetic.figures(*(
        (arm, "drain", "", {seed: {"owner/imposed": value + seed} for seed in range(12)})
        for arm, value in (("unpatched", 9000), ("none", 9000), ("qpw1", 20), ("qpw0", 9000)))))
    found = controls.Controls(turned={
        ("owner/imposed", "rt", arm): [controls.Turned("cpus-4", 0, 9000, null) for null in nulls]
        for arm, nulls in (("none", [True, False]), ("qpw1", [False]), ("qpw0", [True]))})
    assert [short.cell(rows, "rt", arm, "owner/imposed", found) for arm in ("unpatched", "none", "qpw1", "qpw0")] == [
        "9,006", "9,006 (=§)", "25.5 (−8,980§)", "9,006 (=)"]
    assert short.cell(rows, "rt", "qpw1", "owner/imposed") == "25.5 (−8,980)"
    table = tables.metric_table(rows, tables.Metric("owner/imposed", "imposed", ""), found)
    assert "**Whether they differ from unpatched hangs on the lab** for rt-none (cpus-4); rt-qpw1 (cpus-4)." in table
    text = trust.differences_turned(found)
    assert ("- kernel instructions imposed on the isolated CPU, margin ±1,000: rt-none (cpus-4: 0 → +9,000), rt-qpw1 "
            "(cpus-4: 0 → +9,000)\n\n2 more change by no more than in some boot in which" in text)
    rows = frame.cells(synthetic.figures(*((arm, "drain", "", {1: {"items/posted": posted}})
                                           for arm, posted in (("a", 8), ("b", 0)))))
    assert controls.posts(rows, "rt", "a") and not controls.posts(rows, "rt", "b")


@pytest.mark.parametrize("without, said", [(20, True), (300, False)])
def test_what_ballast_makes_of_a_request_is_told(without, said):
    """On the seeds that were run with and without, compared as the setting is; blamed on it only if it is most."""
    runs = synthetic.figures(*(
        ("unpatched", *kind, {seed: {"request/completion": value} for seed in seeds}) for kind, value, seeds in (
            (("drain", ""), 7, range(12)), (("sensitivity", "metronome-24"), 400, range(3)),
            (("sensitivity", "no-ballast"), without, range(2)))))
    text = short.without_ballast(runs)
    assert text.startswith(f"On 2 seeds, all else equal, unpatched's requests return after {without} guest µs without ")
    assert "and after 400 with it" in text and ("most of that time" in text) == said
    assert "Settings were tried with unpatched on rt; the other arms were not tested." in short.legend(runs)
    runs = runs.drop("sensitivity", level="kind")
    assert short.without_ballast(runs) == "" and "†" not in short.legend(runs)


@pytest.mark.parametrize("cpus, shift, first, early", [
    (2, 0, 56999, True), (2, 0, 57000, False), (4, 0, 170999, True), (4, 0, 171000, False), (2, 2, 227999, True),
    (2, 2, 228000, False)])
def test_how_early_a_touch_may_be_missed(cpus, shift, first, early):
    """Before init has woken and made the mark: a turn for each other CPU, and as long as instructions are."""
    boot = types.SimpleNamespace(manifest={"cpus": cpus, "icount_shift": shift}, verdict="ok", counts=True,
                                 kind="drain", lab="virtual", seed=5, figures={"quiet/entry/page_fault": 9},
                                 guest={"phases": {"quiet": {"fills": 10}}, "drawn": {"first_fill_ns": first}})
    assert ("first mark is made when init has woken" in trust.plugin([boot])) == early


def test_the_cycles_lab_speaks_for_itself(make, results, monkeypatch):
    (results / "cycles/rt-none").mkdir(parents=True)
    monkeypatch.setattr(page.section, "section", lambda folder, lab: [f"all of {folder.name}, {lab.name}"])
    assert "\n## Hot paths in cycles (lab: cycles)\n\nall of cycles, virtual" in make(results)


def test_the_door_s_lab_speaks_for_itself(make, results):
    (results / "instrument").mkdir(parents=True, exist_ok=True)
    (results / "instrument/door.json").write_text("{}")
    assert "door.json: not whole: KeyError: 'rows'; run `make door` again." in make(results)


def test_same_input_same_bytes(make, results, tmp_path):
    make(results, name="a", figures=True)
    make(results, name="b", figures=True)
    further = {f"results/report/{name}.md" for name in documents.TITLES if
               name not in ("anatomy", "hotpaths", "workload")}
    assert report.files(tmp_path / "a") == {"RESULTS.md", "results/figures/virtual-ccdf.svg",
                                            "results/figures/virtual-noise.svg", *further}
    assert report.differences(tmp_path / "a", tmp_path / "b") == []


def test_figures_are_opaque_and_carry_no_date(make, results, tmp_path):
    make(results, figures=True)
    for path in (tmp_path / "out/results/figures").glob("*.svg"):
        text = path.read_text()
        assert "SPDX-License-Identifier" in text and "<dc:date>" not in text
        assert "fill: #ffffff" in text.split("</g>")[0]


def call(root, *args):
    return subprocess.run([sys.executable, "-m", "bench.report.report", "--root", root, "--boots", root / "results",
                           *args], capture_output=True, text=True, check=False)


def test_check_passes_after_report_and_fails_after_a_change(results):
    root = results.parent
    assert call(root).returncode == 0
    assert call(root, "--check").returncode == 0

    text = root / "results/report/drain.md"
    text.write_text(text.read_text().replace("502", "501", 1))
    done = call(root, "--check")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "drain.md" in done.stderr and "make report" in done.stderr

    assert call(root).returncode == 0
    synthetic.boot(results, "rt", "none", 8)
    assert call(root, "--check").returncode == 1


@pytest.mark.parametrize("damage", [pathlib.Path.unlink, lambda path: path.write_text("<svg/>")])
def test_check_sees_a_figure_that_is_missing_or_other(results, damage):
    call(results.parent)
    damage(results / "figures/virtual-ccdf.svg")
    done = call(results.parent, "--check")
    assert done.returncode == 1 and "virtual-ccdf.svg" in done.stderr


def test_a_figure_that_is_no_longer_made_goes(results):
    call(results.parent)
    old = results / "figures/old.svg"
    old.write_text("")
    assert call(results.parent, "--check").stderr == (
        "report: not what results/ gives now: results/figures/old.svg; run make report and commit them\n")
    call(results.parent)
    assert not old.exists()


def test_no_results_is_neither_good_nor_bad(tmp_path):
    done = call(tmp_path, "--check")
    assert done.returncode == 3 and "make results" in done.stderr
    assert not (tmp_path / "RESULTS.md").exists()


@pytest.mark.parametrize("value, text", [
    (None, "–"), (0, "0"), (-0.0, "0"), (16396, "16,396"), (-16396.4, "−16,396"), (0.0123, "0.0123"), (2.5, "2.5"),
    (99.96, "100"), (0.00001, "1e−05"), (-0.3, "−0.3"), (12, "12")])
def test_numbers(value, text):
    assert markdown.number(value) == text


def test_arms_in_the_order_of_the_design():
    found = {"zeta", "task_work", "qpw1", "none", "deferred_lazy", "unpatched", "qpw0"}
    assert frame.in_order(found) == ["unpatched", "none", "qpw0", "qpw1", "task_work", "deferred_lazy", "zeta"]
