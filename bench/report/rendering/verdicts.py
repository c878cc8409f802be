# SPDX-License-Identifier: GPL-2.0-only
"""The verdicts on the primary contrasts, as the front page and a page of their own have them."""

from bench.report import plan
from bench.report.facts import frame
from bench.report.judgement import contrasts
from bench.report.judgement.contrasts import Verdict, agrees, by_setting, word
from bench.report.rendering import documents, markdown, words

STALE = "sources have changed since"


def reasons(one):
    """Why it is no answer."""
    return "; ".join([*map(words.reason, one.reasons),
                      *([f"not so under {words.settings(one.against)}"] if one.against else [])])


def says(one):
    """A verdict with its reasons, as text."""
    if one.verdict == Verdict.UNTESTABLE:
        return f"{one.verdict} (needs {reasons(one)})"
    return f"{one.verdict}: {reasons(one)}" if one.reasons or one.against else str(one.verdict)


def answer(one):
    """A verdict in a word; what an untestable one lacks stands with it."""
    return says(one) if one.verdict == Verdict.UNTESTABLE else str(one.verdict)


DECISIVE = (Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT)


def plain(one):
    """The answer to a contrast's question: yes or no with the verdict behind it, or the verdict that is none."""
    if one.verdict not in DECISIVE:
        return f"**{answer(one)}**"
    return f"**{'yes' if one.verdict == one.contrast.yes else 'no'}** ({one.verdict})"


def note(one):
    """What else is to be known of it, as text."""
    held = [f"under {one.held} other settings as well"] if one.held else []
    return "; ".join([*held, *map(words.reason, one.notes), *([STALE] if one.stale else [])])


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
        rows.append([markdown.claims(one.contrast.asks), one.contrast.name, plain(one),
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


CONTRASTS = """\
The comparisons that were named before the campaign, in [METHOD.md](bench/METHOD.md), with their margins; paired by
seed. p values are adjusted by Holm's method over all of them; *p equivalent* is that of two one-sided tests against
the margin. Interval: of the median difference. *Detect*: the smallest difference that so many pairs, scattering like
these, show with 80 % power as the first of Holm's tests. *(null)*: moves, but no more than some boot in which
nothing was changed. No other figure of this report is a verdict.
"""


IMPOSED = """\
**"Imposed" favours by definition a strategy in which the owner drains itself**: what the owner does for that counts as
its own. Contrasts {whole} count all that the isolated CPU executes in the kernel in the storm, at this workload's
rates of fills and drains; at others they may turn, those to unpatched as below. Instructions have no price here: what a
lock costs in cycles (C13, C16) stands under *Hot paths in cycles*.
"""


def break_even(runs, controls):
    """Up to how many fills per drain an arm that is dearer per fill gains by cheaper drains: a line per model."""
    lines = []
    for model, found in contrasts.break_even(runs, controls).items():
        said = [f"{arm} {markdown.number(even.median)} ({markdown.interval(even)})" for arm, even in found.items()]
        done = frame.column(runs, model, plan.BASE, "fills/drain", "drain", "").median()
        here = f"; here there are {markdown.number(done)}" if done else ""
        lines.append(f"- {model}: {', '.join(said)}{here}\n")
    if not lines:
        return ""
    return ("**Which is cheaper hangs on the workload**: these arms are dearer than unpatched per fill and cheaper per "
            "drain in all that the isolated CPU executes in the kernel. If fills and drains cost what they cost here, "
            "such an arm is cheaper than unpatched where there are fewer fills per drain than this, and dearer where "
            "there are more (median of the ratio over seeds, its interval; no verdict):\n\n" + "".join(lines))


def part(judged):
    """The primary contrasts."""
    whole = ", ".join(str(number) for number, contrast in enumerate(plan.CONTRASTS, 1) if contrast.key == "fill/storm")
    return "\n".join(part for part in (
        f"## Primary contrasts (lab: {plan.JUDGED_LAB})\n", CONTRASTS, table(judged.verdicts),
        IMPOSED.format(whole=whole), break_even(judged.runs, judged.controls)) if part)


def answers_part(judged):
    """The verdicts as question, answer and number."""
    return "\n".join((
        f"## Verdicts (lab: {plan.JUDGED_LAB})\n",
        "Named before the campaign, less is better. Difference: the median over pairs of boots, and its interval; "
        f"margin: what matters. All that belongs to them: [verdicts]({documents.place('verdicts')}).\n",
        answers(judged.verdicts)))
