# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts on the primary contrasts: paired tests under Holm, as bench/METHOD.md fixes them."""

import dataclasses
import enum

from bench.report import markdown, plan, stats, tables

STALE = "sources have changed since"


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
    is lacking for one. against: {setting: Estimate} of the settings that speak against it; held: under so many it
    held, of all that there are. stale: its kernels are no longer this tree's. notes: what else to know.
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


def says(one):
    """A verdict with its reasons, as text."""
    if one.verdict == Verdict.UNTESTABLE:
        return f"{one.verdict} (needs {'; '.join(one.reasons)})"
    reasons = [*one.reasons, *([f"not so under {listed(one.against)}"] if one.against else [])]
    return f"{one.verdict}: {'; '.join(reasons)}" if reasons else str(one.verdict)


def answer(one):
    """A verdict in a word; what an untestable one lacks stands with it."""
    return says(one) if one.verdict == Verdict.UNTESTABLE else str(one.verdict)


def note(one):
    """What else is to be known of it, as text."""
    held = [f"under {one.held} other settings as well"] if one.held else []
    return "; ".join([*held, *one.notes, *([STALE] if one.stale else [])])


def differences(runs, contrast, kind="drain", setting=""):
    """arm - base of each seed that both have."""
    return stats.paired(*(runs.column(contrast.model, arm, contrast.key, kind, setting)
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


def listed(changes):
    """Settings with their differences, as text."""
    return ", ".join(f"{setting} ({markdown.signed(change.median)})" for setting, change in changes.items())


def missing(runs, contrast):
    """What a contrast lacks to be tested at all, or ""."""
    for arm in (contrast.arm, contrast.base):
        if not runs.cells().get((contrast.model, arm)):
            return f"boots of {contrast.model}-{arm}"
        if not runs.column(contrast.model, arm, contrast.key):
            return f"a count of {plan.BY_KEY[contrast.key].name} in {contrast.model}-{arm}"
    return ""


def judge_one(runs, controls, contrast, p, equal_p):
    """Judged, with p values already adjusted."""
    one = word_of(runs, controls, contrast, p, equal_p)
    return dataclasses.replace(one, stale=bool(one.change and controls.stale(contrast)))


def word_of(runs, controls, contrast, p, equal_p):
    """Judged, whatever became of the kernels since."""
    if lacks := missing(runs, contrast):
        return Judged(contrast, None, None, None, Verdict.UNTESTABLE, (lacks,))
    pairs, metric = differences(runs, contrast), plan.BY_KEY[contrast.key]
    change = stats.estimate(pairs)
    if len(pairs) < plan.BOOTS:
        return Judged(contrast, change, None, None, Verdict.NONE, (f"{len(pairs)} of {plan.BOOTS} pairs",))
    bad, absent = controls.against(contrast)
    if bad:
        return Judged(contrast, change, p, equal_p, Verdict.WITHDRAWN, tuple(bad))
    if absent:
        return Judged(contrast, change, p, equal_p, Verdict.NONE, (f"not run in full: {'; '.join(absent)}",))
    verdict = word(change, p, equal_p, metric.margin)
    changes = by_setting(runs, contrast)
    against = {setting: one for setting, one in changes.items()
               if one and not agrees(verdict, change, one.median, metric.margin)}
    if against:
        return Judged(contrast, change, p, equal_p, Verdict.WITHDRAWN, against=against)
    short = [setting for setting, one in changes.items() if not one or one.n < plan.SENSITIVE_SEEDS]
    if short:
        return Judged(contrast, change, p, equal_p, Verdict.NONE, ("sensitivity not run in full",),
                      notes=(f"lacks {', '.join(short)}",) if len(short) < len(plan.SETTINGS) else ())
    is_open = verdict == Verdict.INCONCLUSIVE
    notes = open_question(pairs, change, p, metric, changes) if is_open else []
    if settings := controls.moved.get(contrast.key):
        notes.append(f"the metric itself moves with {', '.join(settings)}")
    return Judged(contrast, change, p, equal_p, verdict, held=0 if is_open else len(plan.SETTINGS), notes=tuple(notes))


def open_question(pairs, change, p, metric, changes):
    """What there is to say of an inconclusive difference: notes. No setting can speak against it; some go far."""
    least = stats.detectable(pairs, 2 * len(plan.CONTRASTS), plan.ALPHA)
    notes = [f"{len(pairs)} pairs detect {markdown.number(least)}"
             + (", more than the margin" if least > metric.margin else "")]
    far = {setting: one for setting, one in changes.items() if abs(one.median) > metric.margin}
    if p < plan.ALPHA and change.low * change.high > 0:
        other = any(one.median * change.median < 0 for one in far.values())
        notes.insert(0, f"{'less' if change.median < 0 else 'more'}, but "
                     + ("to which side hangs on the lab" if other else "whether by more than the margin is open"))
    if far:
        notes.append(f"beyond the margin under {listed(far)}")
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


def fills_per_drain(runs, model, arm):
    """At how many fills per drain an arm costs the isolated CPU what unpatched does: one figure per seed of both."""
    fill, drain, usual_fill, usual_drain = (runs.column(model, which, key) for which in (arm, plan.BASE)
                                            for key in ("fill/quiet", "owner/kernel"))
    seeds = fill.keys() & drain.keys() & usual_fill.keys() & usual_drain.keys()
    return [(usual_drain[seed] - drain[seed]) / (fill[seed] - usual_fill[seed]) for seed in sorted(seeds)
            if fill[seed] != usual_fill[seed]]


def break_even(runs, controls):
    """Up to how many fills per drain an arm that is dearer per fill gains by cheaper drains: a line per model."""
    lines = []
    if controls.failed or controls.unlike:
        return ""
    for model in runs.models:
        said = []
        for arm in tables.ARMS:
            fill, drain = (stats.difference(runs.column(model, arm, key), runs.column(model, plan.BASE, key))
                           for key in ("fill/quiet", "owner/kernel"))
            if arm == plan.BASE or not fill or not drain or min(fill.n, drain.n) < plan.BOOTS:
                continue
            if fill.low > plan.BY_KEY["fill/quiet"].margin and drain.high < -plan.BY_KEY["owner/kernel"].margin:
                even = stats.estimate(fills_per_drain(runs, model, arm))
                said.append(f"{arm} {markdown.number(even.median)} ({markdown.interval(even)})")
        done = runs.column(model, plan.BASE, "fills/drain").values()
        if said:
            here = f"; here there are {markdown.number(stats.estimate(done).median)}" if done else ""
            lines.append(f"- {model}: {', '.join(said)}{here}\n")
    if not lines:
        return ""
    return ("**Which is cheaper hangs on the workload**: these arms are dearer than unpatched per fill and cheaper per "
            "drain in all that the isolated CPU executes in the kernel. If fills and drains cost what they cost here, "
            "such an arm is cheaper than unpatched where there are fewer fills per drain than this, and dearer where "
            "there are more (median of the ratio over seeds, its interval; no verdict):\n\n" + "".join(lines))


def settings_table(runs, judged):
    """The contrasts under each setting of the lab: the median difference of those three seeds."""
    def cell(one, change, margin):
        if change is None:
            return "–"
        # The verdict before a setting or a control could withdraw it.
        apart = one.change and (
            (change.median * one.change.median < 0 and abs(change.median) > margin)
            or not agrees(word(one.change, one.p, one.equal_p, margin), one.change, change.median, margin))
        return f"**{markdown.signed(change.median)}**" if apart else markdown.signed(change.median)

    rows = []
    for number, one in enumerate(judged, 1):
        metric = plan.BY_KEY[one.contrast.key]
        rows.append([number, one.contrast.name, metric.name, answer(one),
                     markdown.number(metric.margin),
                     *(cell(one, change, metric.margin)
                       for change in (one.change, *by_setting(runs, one.contrast).values()))])
    return markdown.table([">", "contrast", "metric", "verdict", ">margin ±", ">as usual",
                           *(f">{setting}" for setting in plan.SETTINGS)], rows)


def probability(judged, p):
    """A p value as text."""
    if judged.change is None or (p is None and not judged.change.exact):
        return "–"
    return "exact" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def answers(judged):
    """A row for each contrast that a reader looks for first: question, answer, number."""
    rows = []
    for one in judged:
        metric = plan.BY_KEY[one.contrast.key]
        number = "–" if not one.change else (
            f"{markdown.signed(one.change.median)} ({markdown.interval(one.change, markdown.signed)}), "
            f"margin {markdown.number(metric.margin)}")
        rows.append([markdown.claims(one.contrast.asks), one.contrast.name, f"**{answer(one)}**",
                     f"{number} [{metric.unit}]"])
    return markdown.table(["question", "arms", "answer", "difference in instructions or events"], rows)


def table(judged):
    """The section's table."""
    rows = []
    for number, one in enumerate(judged, 1):
        metric = plan.BY_KEY[one.contrast.key]
        rows.append([number, markdown.claims(one.contrast.asks), one.contrast.name,
                     f"{metric.name}, {metric.unit}",
                     markdown.signed(one.change.median) if one.change else "–",
                     markdown.interval(one.change, markdown.signed), markdown.number(metric.margin),
                     probability(one, one.p), probability(one, one.equal_p),
                     "; ".join(part for part in (f"**{says(one)}**", note(one)) if part)])
    rows += [["–", markdown.claims(question), *["–"] * 7, f"**{Verdict.UNTESTABLE} (needs {needs})**"]
             for question, needs in plan.NOT_TESTABLE]
    return markdown.table([">", "question", "contrast", "metric (less is better)", ">difference", ">interval",
                           ">margin ±", ">p differs", ">p equivalent", "verdict"], rows)
