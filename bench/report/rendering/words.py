# SPDX-License-Identifier: GPL-2.0-only
"""What judgement gives as data, in words: reasons, controls, boots that are not alike."""

from bench.report import plan
from bench.report.judgement import stats
from bench.report.judgement.controls import KINDS_OF_AA, read_labs
from bench.report.judgement.reasons import Why
from bench.report.rendering import markdown


def control(which):
    """A control's name; both kinds of A/A say that they are of it."""
    return f"A/A, {which}" if which in KINDS_OF_AA else str(which)


def outcome(one):
    """The name of what a control gave, with its model if it has one."""
    return f"{control(one.control)}, {one.model}" if one.model else control(one.control)


def group(one):
    """Boots that are not alike."""
    return f"{one.name} ({', '.join(one.place)}: {len(one.values)} kinds)"


def settings(changes):
    """Settings with their differences."""
    return ", ".join(f"{setting} ({markdown.signed(change.median)})" for setting, change in changes.items())


def moving(where):
    """The settings with which a figure moves, marked if by no more than what moves by itself."""
    return ", ".join(f"{setting} (null)" if null else setting for setting, null in where.items())


def leans(about):
    median, other_side = about
    return (f"{'less' if median < 0 else 'more'}, but "
            + ("to which side hangs on the lab" if other_side else "whether by more than the margin is open"))


def detects(about):
    pairs, least, margin = about
    return f"{pairs} pairs detect {markdown.number(least)}" + (", more than the margin" if least > margin else "")


def dose(about):
    fit, doses = about
    low, high = plan.SLOPE
    detect = f"{markdown.number(fit.detect)} instructions" if fit.detect < float("inf") else "none: no response"
    return (f"slope {fit.slope:.4f} ({fit.slope_low:.4f} .. {fit.slope_high:.4f}, to lie in {low} .. {high}), "
            f"intercept {markdown.number(fit.intercept)} ± {markdown.number(fit.intercept_error)}, limit of "
            f"detection {detect} without drains (at most {plan.DETECT:,}); {doses} of "
            f"{len(plan.DOSES)} doses, {fit.n} of {len(plan.DOSES) * plan.DOSE_SEEDS} boots")


def rate(about):
    alarms, compared, heard, sharp = about
    text = (f"{alarms} of {compared} comparisons alarm ({100 * alarms / compared:.1f} %, limit "
            f"{100 * plan.ALPHA:g} %)")
    if not sharp:
        return f"{text}; none could alarm by chance"
    low, high = stats.share_interval(heard, sharp)
    return (f"{text}; of the {sharp} that could alarm by chance, {heard} ({100 * heard / sharp:.1f} %; of so "
            f"few the rate may be {100 * low:.1f} to {100 * high:.0f} %)")


WORDS = {
    Why.NO_BOOTS: lambda cell: f"boots of {'-'.join(cell)}",
    Why.NO_COUNT: lambda about: f"a count of {plan.BY_KEY[about[0]].name} in {'-'.join(about[1:])}",
    Why.FEW_PAIRS: lambda pairs: f"{pairs} of {plan.BOOTS} pairs",
    Why.NOT_ALIKE: lambda one: f"boots not alike in {group(one)}",
    Why.CONTROL_FAILED: lambda which: f"{control(which)} failed",
    Why.ALARMS: lambda kind: f"{control(kind)}, alarms on this metric",
    Why.CONTROLS_LACK: lambda those: f"not run in full: {'; '.join(map(control, those))}",
    Why.SETTINGS_LACK: lambda _: "sensitivity not run in full",
    Why.LACKS: lambda those: f"lacks {', '.join(those)}",
    Why.DETECTS: detects,
    Why.LEANS: leans,
    Why.FAR: lambda changes: f"beyond the margin under {settings(changes)}",
    Why.MOVES: lambda where: f"the metric itself moves with {moving(where)}",
    Why.NOT_RUN: lambda _: "not run",
    Why.FEW_BOOTS: lambda about: "{} of {} boots".format(*about),
    Why.DOSE_RUN: lambda boots: f"{boots} boots",
    Why.DOSE: dose,
    Why.RATE: rate,
    Why.FAULTS: lambda faults: f"not {'; not '.join(faults)}",
    Why.UNCHECKED: lambda _: "not checked",
    Why.TORN: lambda error: f"what was kept cannot be read ({error})",
    Why.OTHER_PROGRAMS: lambda names: f"checked with another {' and '.join(names)} than these boots",
    Why.OTHER_BOOTS: lambda _: "of other boots than these",
    Why.SKIPPED: lambda points: f"{points} of its points skipped",
}


def reason(one):
    """A Reason in words."""
    return WORDS[one.why](one.about)


def failures(results):
    """One line for each control of the results in a folder that failed."""
    return [f"{lab}: {outcome(one)}: {reason(one.found)}" for lab, found in read_labs(results).items()
            for one in found.failed]
