# SPDX-License-Identifier: GPL-2.0-only
"""What RESULTS.md begins with: a row per arm, and sentences that follow from it by the rules in plan.py."""

import statistics

import pandas

from bench.report import plan
from bench.report.facts import frame
from bench.report.judgement import contrasts, controls, rules, stats
from bench.report.judgement.rules import Mark
from bench.report.rendering import markdown, tables


def short_of(rows):
    """Arms that have not as many good boots as a verdict takes, with what they have."""
    count = frame.boots(rows)
    return [f"{plan.SHORT_MODEL}-{arm} ({found} of {plan.BOOTS})" for arm in frame.ARMS
            if (found := count.get((plan.SHORT_MODEL, arm), 0)) < plan.BOOTS]


def rates(boots):
    """Requests and fills a second, of the boots' own words."""
    def rate(phase, key):
        found = (boot.guest["phases"][phase] for boot in boots)
        return markdown.number(statistics.median(1e9 * here[key] / here["length_ns"] for here in found))

    return (f"In the storm the requester asks for {rate('storm', 'requests')} drains a guest second, in both phases "
            f"the owner touches {rate('quiet', 'fills')} pages a guest second (fills): these rates of the workload "
            "decide what weighs more, a price per drain or one per fill.\n")


def cell(rows, model, arm, key, found=tables.NOTHING):
    """A median; in parentheses its difference to unpatched, and whether that is sure to matter, or not to."""
    here = stats.estimate(frame.column(rows, model, arm, key))
    text = markdown.number(here and here.median)
    if here and here.low <= 0 <= here.high and not here.exact:
        text = "≈0" if key in plan.BY_KEY and here.within(plan.BY_KEY[key].margin) else f"{text}?"
    mark = rules.mark(rows, model, arm, key)
    if mark in (None, Mark.POSTED):
        return f"{text} (posted)" if mark else text
    change = markdown.signed(rules.change_of(rows, arm, key, model=model).median)
    differs = {Mark.WITHIN: "=", Mark.BEYOND: change, Mark.OPEN: f"{change}?"}[mark]
    turned = any(not one.null for one in found.turned.get((key, model, arm), ()))
    return f"{text} ({differs}{'§' if turned else ''})"


def least(rows, key, when):
    """Which arm has least of a figure, in a sentence."""
    metric, found = plan.BY_KEY[key], rules.least(rows, key)
    if not found:
        return f"{when}: no boot counted {metric.name}."
    best, value, near = found
    return (f"{when}, the isolated CPU executes least in the kernel under {best} ({markdown.number(value)} "
            f"{metric.unit}); within the margin of that: {', '.join(near) or 'no other'}.")


def nothing(rows):
    """Which arms impose nothing on user mode, in a sentence."""
    names = [plan.BY_KEY[key].name.replace(" the isolated CPU", " it") for key in plan.SHORT_NOTHING]
    arms = [arm for arm in frame.ARMS if rules.imposes_nothing(rows, arm)]
    return (f"On user mode of the isolated CPU no more than the margins is imposed ({'; '.join(names)}: per drain and, "
            f"against unpatched, where nobody asks) by: {', '.join(arms) or 'none'}. These sentences are no verdicts.")


WORDS = """\
*Interruptions of user mode*: how often the isolated CPU left user mode for what its task did not ask for. *Imposed*:
kernel instructions of the isolated CPU outside of its tasks' own system calls and faults: of other tasks, and of all
interrupts. cyclictest's own timer is in both phases, so that it cancels out per drain. More:
[how to read this](#how-to-read-this).
"""


def withdrawn(verdicts, model, arm, key):
    """Was a verdict on this difference withdrawn?"""
    return any(one.verdict == contrasts.Verdict.WITHDRAWN and one.contrast.key == key
               and (one.contrast.model, one.contrast.arm, one.contrast.base) == (model, arm, plan.BASE)
               for one in verdicts)


def table(rows, judged, model):
    """A row per arm, first those that verdicts are about, and one with the margins."""
    asked = {arm for contrast in plan.CONTRASTS for arm in (contrast.arm, contrast.base)}
    head = [f">{name}" + (" †" if key in judged.controls.moved else "") for key, name in plan.SHORT]
    margins = [f"±{markdown.number(plan.BY_KEY[key].margin)}" if key in plan.BY_KEY else "–" for key, _ in plan.SHORT]
    here = frame.names(rows)
    return markdown.table(["arm", *head], [
        *([arm, *(cell(rows, model, arm, key, judged.controls)
                  + (" ‡" if withdrawn(judged.verdicts, model, arm, key) else "") for key, _ in plan.SHORT)]
          for arm in sorted(frame.ARMS, key=lambda arm: arm not in asked) if (model, arm) in here),
        ["*margin*", *margins]])


LEGEND = """\
Medians over boots. 0: exactly, in all boots; ≈0: the interval holds 0 and lies within the margin; a median with "?": it
holds 0 and is wider, so that not even the sign is known. In parentheses the difference to unpatched: a number if its
whole interval lies beyond the margin, "=" if all of it lies within, with "?" if neither. Below 0: the storm had less of
it than the quiet phase; what is imposed without drains is in no figure per drain, but in those per fill. (posted): such
a request returns before its items are drained, so that its time is not compared.
{settings}
"""


def legend(runs):
    """How to read the tables."""
    by_model = {}
    for model, arm in controls.sensitive(runs):
        by_model.setdefault(model, []).append(arm)
    tried = "; ".join(f"{', '.join(frame.in_order(arms))} on {model}" for model, arms in by_model.items())
    return LEGEND.format(settings="" if not tried else (
        "†: figures move with the lab, compare arms only; §: the difference itself is another under some setting of "
        "the lab: gone, there only then, or to the other side ([which](#sensitivity-what-moves-with-the-lab)). "
        f"Settings were tried with {tried}; the other arms were not tested."))


def without_ballast(runs):
    """How long unpatched's requests take if their own CPU is idle, in a sentence; nothing if that was not run."""
    setting = "no-ballast"
    both = pandas.concat([frame.column(runs, plan.SHORT_MODEL, plan.BASE, "request/completion", *kind)
                          for kind in (("sensitivity", setting), controls.compared_with(setting))], axis=1).dropna()
    if both.empty:
        return ""
    without, with_it = both.median()
    return (f"On {len(both)} seeds, all else equal, {plan.BASE}'s requests return after {markdown.number(without)} "
            f"guest µs without ballast on the housekeeping CPU, and after {markdown.number(with_it)} with it"
            + (": most of that time, and so of the differences to it, hangs on that CPU's load (not traced), not on "
               "the isolated one" if without < with_it / 2 else "") + ".\n")


def part(rows, boots, judged, doubtful):
    """The section; rows: cells of the lab that verdicts are about; boots: its boots of the workload; judged: page.Lab;
    doubtful: did a control or a check of the instrument fail, or are boots unlike?"""
    title = f"## In short (lab: {plan.JUDGED_LAB}, PREEMPT_RT)\n"
    if lacking := short_of(rows):
        return f"{title}\n**Boots are missing, so nothing is said in short**: {', '.join(lacking)}.\n"
    doubt = ("**A control failed, or boots that must be alike are not, and verdicts are withdrawn: read what is "
             "missing first.** ‡: the verdict on this difference was withdrawn.\n"
             if doubtful else "")
    here = [boot for boot in boots if boot.verdict == "ok" and boot.model == plan.SHORT_MODEL]
    return "\n".join(text for text in (
        title, doubt, rates(here), table(rows, judged, plan.SHORT_MODEL), legend(judged.runs),
        without_ballast(judged.runs),
        WORDS, " ".join([*(least(rows, key, when) for key, when in plan.SHORT_LEAST), nothing(rows)]) + "\n",
    ) if text)


def other_models(rows, judged):
    """The same table for the other preemption models."""
    return "\n".join(f"## The short table, {model} (lab: {plan.JUDGED_LAB})\n\n{table(rows, judged, model)}"
                     for model in frame.models(rows) if model != plan.SHORT_MODEL)
