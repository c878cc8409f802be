# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts on the workloads of bench/workloads, as their METHOD.md fixes them: each figure of plan.FIGURES, each arm
that gets verdicts against the base, under each preemption model; one family under Holm."""

import dataclasses
import itertools

from bench import arms, workloads
from bench.report import plan
from bench.report.facts import evidence
from bench.report.judgement import contrasts, stats
from bench.report.judgement.contrasts import Verdict
from bench.report.judgement.reasons import Reason, Why
from bench.workloads import plan as figures


@dataclasses.dataclass(frozen=True)
class Judged:
    """A contrast of a workload: figure, model, arm; and what came of it, as contrasts.Judged."""

    figure: figures.Figure
    model: str
    arm: str
    change: stats.Estimate | None
    p: float | None
    equal_p: float | None
    verdict: Verdict
    reasons: tuple = ()


def planned():
    """All contrasts as (figure, model, arm)."""
    judged = [arm for arm in arms.names() if arms.fact(arm, "VERDICT") and arm != plan.BASE]
    return [(figure, model, arm) for figure in figures.FIGURES
            for model, arm in itertools.product(workloads.about(figure.workload)["models"], judged)]


def of_boots(known, figure, model, arm):
    """That figure of each boot of an arm, by seed; evidence.Missing without any."""
    found = known.boots_of(figure.workload, figure.setting, model, arm, figure.label, figure.column)
    if figure.less:
        found = found - known.boots_of(figure.workload, figure.setting, model, arm, figure.less, figure.column)
    return found


def differences(known, figure, model, arm):
    """arm - base of each seed that both have; evidence.Missing if one has no boot."""
    return stats.paired(of_boots(known, figure, model, arm), of_boots(known, figure, model, plan.BASE))


def judge_one(pairs, figure, model, arm, p, equal_p):
    """Judged, with p values already adjusted; pairs: None if a cell has no boot."""
    if pairs is None or pairs.empty:
        return Judged(figure, model, arm, None, None, None, Verdict.UNTESTABLE, (Reason(Why.NO_BOOTS, (model, arm)),))
    change = stats.estimate(pairs)
    if len(pairs) < figures.BOOTS:
        return Judged(figure, model, arm, change, None, None, Verdict.NONE, (Reason(Why.FEW_PAIRS, len(pairs)),))
    return Judged(figure, model, arm, change, p, equal_p, contrasts.word(change, p, equal_p, figure.margin))


def judge(known):
    """[Judged] of all contrasts of the workloads; known: evidence.Evidence."""
    pairs, found = {}, {}
    for one in planned():
        try:
            pairs[one] = differences(known, *one)
        except evidence.Missing:
            pairs[one] = None
        enough = pairs[one] is not None and len(pairs[one]) >= figures.BOOTS
        # Without a test it is in Holm's family all the same.
        found[one, "difference"] = stats.difference_p(pairs[one]) if enough else None
        found[one, "equivalence"] = stats.equivalence_p(pairs[one], one[0].margin) if enough else None
    adjusted = stats.holm(found)
    return [judge_one(pairs[one], *one, adjusted[one, "difference"], adjusted[one, "equivalence"]) for one in pairs]
