# SPDX-License-Identifier: GPL-2.0-only
"""Which verdict is given when, and in which words."""

import pytest

from bench.report import plan
from bench.report.judgement import contrasts, controls, stats
from bench.report.rendering import verdicts, words
from bench.report.tests import synthetic

MARGIN = 10
LITTLE = [-0.5, 0.5, 0.2, -0.2, 0.1, -0.1, 0.3, -0.3, 0.4, -0.4, 0.6, -0.6]
CONTRAST = plan.Contrast("rt", "qpw1", plan.BASE, "fill/quiet", "?", "worse")
SURE = controls.Controls()


def said(differences, margin=MARGIN):
    return contrasts.word(stats.estimate(differences), stats.difference_p(differences),
                          stats.equivalence_p(differences, margin), margin)


@pytest.mark.parametrize("differences, word", [
    ([-100 + x for x in LITTLE], "better"),
    ([100 + x for x in LITTLE], "worse"),
    (LITTLE, "equivalent"),
    ([2 + x for x in LITTLE], "equivalent"),  # differs, within the margin
    ([9.8 + x for x in LITTLE], "inconclusive"),  # differs, perhaps beyond the margin
    ([10.8 + x for x in LITTLE], "worse"),
    ([100 * x for x in LITTLE], "inconclusive"),
    ([0] * 12, "equivalent"),
    ([10] * 12, "equivalent"),
    ([11] * 12, "worse"),
    ([-11] * 12, "better"),
    ([0] * 11 + [1], "equivalent"),
    ([0] * 11 + [1000], "inconclusive"),
])
def test_words(differences, word):
    assert said(differences) == word


def test_a_mean_that_one_boot_makes_is_no_verdict():
    """Sign flips may be moved by a few boots; then the interval of the median stands against a verdict."""
    few = [0] * 6 + [500] * 6
    assert stats.difference_p(few) < plan.ALPHA and said(few) == "inconclusive"


def runs(differences):
    """Boots of the workload, and under each setting the same for the first seeds."""
    kinds = [("drain", "", len(differences)), *(("sensitivity", setting, plan.SENSITIVE_SEEDS)
                                                for setting in plan.SETTINGS)]
    return synthetic.figures(*((arm, kind, setting, {
        seed: {"fill/quiet": 1000 + (arm != plan.BASE) * by} for seed, by in enumerate(differences[:count])})
        for arm in (plan.BASE, "qpw1") for kind, setting, count in kinds))


def judged(differences, found=SURE):
    p, equal = stats.difference_p(differences), stats.equivalence_p(differences, 100)
    return contrasts.judge_one(runs(differences), found, CONTRAST, p, equal)


def test_exact_counts_get_no_p():
    one = judged([500] * 12)
    assert (one.verdict, one.p, verdicts.probability(one, one.p)) == ("worse", None, "exact")


@pytest.mark.parametrize("word, usual, median, yes", [
    ("worse", 1000, 900, True), ("worse", 1000, 501, True), ("worse", 1000, 450, False), ("worse", 1000, -5, False),
    ("worse", 1000, 5000, True), ("better", 1000, 900, False), ("equivalent", 1000, 10, True),
    ("equivalent", 1000, -11, False), ("inconclusive", 1000, -900, True),
    ("worse", 12, 3, True), ("worse", 12, -1, False)])  # within the margin it may keep less
def test_a_setting_must_keep_half_of_the_effect(word, usual, median, yes):
    assert contrasts.agrees(word, stats.estimate([usual + x for x in LITTLE]), median, MARGIN) is yes


def test_too_few_pairs():
    assert verdicts.says(judged([500, 501, 502])) == "none: 3 of 12 pairs"


def test_inconclusive_says_what_its_pairs_detect():
    one = judged([1000 * x for x in LITTLE])
    assert one.verdict == "inconclusive" and "12 pairs detect " in verdicts.note(one)


def open_question(pairs, p, settings=()):
    """What there is to say of these differences, in words."""
    metric = plan.Metric("", "", "", MARGIN, "")
    return list(map(words.reason, contrasts.open_question(pairs, stats.estimate(pairs), p, metric, dict(settings))))


def test_inconclusive_names_settings_that_go_far():
    """None can speak against it; whoever reads it as almost a verdict must see them."""
    pairs = [-9.8 + x for x in LITTLE]
    settings = {name: stats.estimate([value] * 3) for name, value in (("a", -9), ("b", 40), ("c", -30))}
    notes = open_question(pairs, 0.01, settings)
    assert notes[0] == "less, but to which side hangs on the lab"
    assert notes[1].startswith(f"{len(pairs)} pairs detect ") and "more than the margin" not in notes[1]
    assert notes[2] == "beyond the margin under b (+40), c (−30)"
    settings.pop("b")
    notes = open_question(pairs, 0.01, settings)
    assert notes[0] == "less, but whether by more than the margin is open"
    notes = open_question(LITTLE, 0.01)
    assert len(notes) == 1  # whatever p says, of an interval that holds 0 nobody knows the side
    pairs = [100 * x for x in LITTLE]
    note, = open_question(pairs, 0.5)
    assert note.endswith(", more than the margin")


def test_what_is_missing_is_named():
    empty = synthetic.figures(("qpw1", "drain", "", {1: {"fill/quiet": 5}}))
    assert verdicts.says(contrasts.judge_one(empty, SURE, CONTRAST, None, None)) == (
        "not testable here (needs boots of rt-unpatched)")
    other = plan.Contrast("rt", "qpw1", "qpw1", "owner/imposed", "?", "better")
    one = contrasts.judge_one(empty, SURE, other, None, None)
    assert "needs a count of kernel instructions imposed" in verdicts.says(one)


def test_holm_is_over_all_contrasts(monkeypatch):
    monkeypatch.setattr(plan, "CONTRASTS", (CONTRAST,))
    alone = contrasts.judge(runs([500 + x for x in LITTLE]), SURE)[0]
    assert alone.p == pytest.approx(2 * 2 / 2**12)  # of two tests
    monkeypatch.setattr(plan, "CONTRASTS", (CONTRAST,) * 2)
    assert contrasts.judge(runs([500 + x for x in LITTLE]), SURE)[1].verdict == "worse"


def test_what_is_missing_or_exact_stays_in_holm_s_family(monkeypatch):
    monkeypatch.setattr(plan, "CONTRASTS", (CONTRAST, *plan.CONTRASTS[:7], *plan.CONTRASTS[8:]))
    only = contrasts.judge(runs([500 + x for x in LITTLE]), SURE)[0]
    assert only.p == pytest.approx(28 * 2 / 2**12)
