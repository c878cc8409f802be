# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts on the primary contrasts: paired tests under Holm, as bench/METHOD.md fixes them."""

import dataclasses
import enum
import functools

from bench.report import plan
from bench.report.facts import frame
from bench.report.judgement import stats
from bench.report.judgement.reasons import Reason, Why


class Verdict(enum.StrEnum):
    """What a contrast may come to. The first four are answers; the others come with a reason."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    WITHDRAWN = "withdrawn"
    NONE = "none"
    UNTESTABLE = "not testable here"


@dataclasses.dataclass(frozen=True)
class Judged:
    """A contrast and what came of it.

    p, equal_p: adjusted, None for exact counts and where there is no test. reasons: why there is no answer, or what
    is lacking for one; notes: what else to know. against: {setting: Estimate} of the settings that speak against it;
    held: under so many it held, of all that there are. stale: its kernels are no longer this tree's.
    """

    contrast: plan.Contrast
    change: stats.Estimate | None
    p: float | None
    equal_p: float | None
    verdict: Verdict
    reasons: tuple = ()
    against: dict = dataclasses.field(default_factory=dict)
    held: int = 0
    stale: bool = False
    notes: tuple = ()


def differences(runs, contrast, kind="drain", setting=""):
    """arm - base of each seed that both have."""
    return stats.paired(*(frame.column(runs, contrast.model, arm, contrast.key, kind, setting)
                          for arm in (contrast.arm, contrast.base)))


def word(change, p, equal_p, margin):
    """The Verdict of a test. Without p values, as all differences are equal, the margin decides.

    What differs by no more than the margin is neither better nor worse.
    """
    if p is None:
        return Verdict.EQUIVALENT if abs(change.median) <= margin else side(change)
    if equal_p < plan.ALPHA and change.within(margin):
        return Verdict.EQUIVALENT
    if p < plan.ALPHA and change.low * change.high > 0 and abs(change.median) > margin:
        return side(change)
    return Verdict.INCONCLUSIVE


def side(change):
    """Less is better."""
    return Verdict.BETTER if change.median < 0 else Verdict.WORSE


def agrees(verdict, usual, median, margin):
    """Does a median difference under another setting of the lab still speak for the verdict?

    usual: the Estimate without a setting. Better and worse must stay on their
    side of 0, and within the margin of the usual interval or at least half as large.
    """
    if verdict == Verdict.EQUIVALENT:
        return abs(median) <= margin
    if verdict not in (Verdict.BETTER, Verdict.WORSE):
        return True
    near = usual.low - margin <= median <= usual.high + margin
    same_side = median < 0 if verdict == Verdict.BETTER else median > 0
    return same_side and (near or 2 * abs(median) >= abs(usual.median))


def by_setting(runs, contrast):
    """{setting: Estimate of the difference under it, or None}."""
    return {setting: stats.estimate(differences(runs, contrast, "sensitivity", setting)) for setting in plan.SETTINGS}


def missing(runs, contrast):
    """What a contrast lacks to be tested at all, a Reason or None."""
    rows = frame.cells(runs)
    for cell in ((contrast.model, contrast.arm), (contrast.model, contrast.base)):
        if frame.pick(rows, model=cell[0], arm=cell[1]).empty:
            return Reason(Why.NO_BOOTS, cell)
        if frame.column(rows, *cell, contrast.key).empty:
            return Reason(Why.NO_COUNT, (contrast.key, *cell))
    return None


def judge_one(runs, controls, contrast, p, equal_p):
    """Judged, with p values already adjusted."""
    if lacks := missing(runs, contrast):
        return Judged(contrast, None, None, None, Verdict.UNTESTABLE, (lacks,))
    pairs, metric = differences(runs, contrast), plan.BY_KEY[contrast.key]
    change = stats.estimate(pairs)
    judged = functools.partial(Judged, contrast, change, stale=bool(change and controls.stale(contrast)))
    if len(pairs) < plan.BOOTS:
        return judged(None, None, Verdict.NONE, (Reason(Why.FEW_PAIRS, len(pairs)),))
    bad, absent = controls.against(contrast)
    if bad:
        return judged(p, equal_p, Verdict.WITHDRAWN, tuple(bad))
    if absent:
        return judged(p, equal_p, Verdict.NONE, (Reason(Why.CONTROLS_LACK, absent),))
    verdict = word(change, p, equal_p, metric.margin)
    changes = by_setting(runs, contrast)
    against = {setting: one for setting, one in changes.items()
               if one and not agrees(verdict, change, one.median, metric.margin)}
    if against:
        return judged(p, equal_p, Verdict.WITHDRAWN, against=against)
    short = [setting for setting, one in changes.items() if not one or one.n < plan.SENSITIVE_SEEDS]
    if short:
        return judged(p, equal_p, Verdict.NONE, (Reason(Why.SETTINGS_LACK),),
                      notes=(Reason(Why.LACKS, short),) if len(short) < len(plan.SETTINGS) else ())
    is_open = verdict == Verdict.INCONCLUSIVE
    notes = open_question(pairs, change, p, metric, changes) if is_open else []
    if settings := controls.moved.get(contrast.key):
        notes.append(Reason(Why.MOVES, settings))
    return judged(p, equal_p, verdict, held=0 if is_open else len(plan.SETTINGS), notes=tuple(notes))


def open_question(pairs, change, p, metric, changes):
    """What there is to say of an inconclusive difference: notes. No setting can speak against it; some go far."""
    least = stats.detectable(pairs, 2 * len(plan.CONTRASTS), plan.ALPHA)
    notes = [Reason(Why.DETECTS, (len(pairs), least, metric.margin))]
    far = {setting: one for setting, one in changes.items() if abs(one.median) > metric.margin}
    if p < plan.ALPHA and change.low * change.high > 0:
        other = any(one.median * change.median < 0 for one in far.values())
        notes.insert(0, Reason(Why.LEANS, (change.median, other)))
    if far:
        notes.append(Reason(Why.FAR, far))
    return notes


def judge(runs, controls):
    """[Judged] of all primary contrasts of one lab."""
    found = {}
    for contrast in plan.CONTRASTS:
        # Without a test it is in Holm's family all the same: what is missing makes nothing else significant.
        found[contrast, "difference"] = found[contrast, "equivalence"] = None
        pairs = differences(runs, contrast)
        if len(pairs) >= plan.BOOTS:
            found[contrast, "difference"] = stats.difference_p(pairs)
            found[contrast, "equivalence"] = stats.equivalence_p(pairs, plan.BY_KEY[contrast.key].margin)
    adjusted = stats.holm(found)
    return [judge_one(runs, controls, contrast, adjusted.get((contrast, "difference")),
                      adjusted.get((contrast, "equivalence"))) for contrast in plan.CONTRASTS]


def break_even(runs, controls):
    """{model: {arm: Estimate}}: up to how many fills per drain an arm gains that is dearer only per fill."""
    found, rows = {}, frame.cells(runs)[["fill/quiet", "owner/kernel"]]
    for model, arm in frame.names(rows) if not (controls.failed or controls.unlike) else ():
        change = stats.paired(*(frame.pick(rows, model=model, arm=which) for which in (arm, plan.BASE))).dropna()
        fill, drain = (stats.estimate(change[key]) for key in change)
        if (len(change) >= plan.BOOTS and arm in frame.ARMS and fill.low > plan.BY_KEY["fill/quiet"].margin
                and drain.high < -plan.BY_KEY["owner/kernel"].margin):
            found.setdefault(model, {})[arm] = stats.estimate(-change["owner/kernel"] / change["fill/quiet"])
    return found
