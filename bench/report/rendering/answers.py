# SPDX-License-Identifier: GPL-2.0-only
"""Page one: which arm suits whom, and a table of the arms."""

import contextlib

from bench import arms
from bench.report import plan
from bench.report.facts import evidence, strategies
from bench.report.judgement import answers
from bench.report.rendering import markdown

HEAD = """\
An arm suits a user if it takes least, step by step: by the rules in [answers.toml](bench/answers.toml), which were
fixed before the workloads were run, but for MPI's margin. Arms that differ by no more than a margin count as equal.
*Since* has the steps that ruled out an arm, which stands in brackets with its figure.
"""


def names(found):
    """Arms in a sentence; where the base will do, nothing need be changed."""
    if plan.BASE in found:
        rest = [arm for arm in found if arm != plan.BASE]
        return f"**{plan.BASE}**: change nothing" + (f" ({', '.join(rest)} cost nothing here)" if rest else "")
    return " or ".join(f"**{arm}**" for arm in found)


def clause(answer, step):
    """What a step found of the arms that suit, beside those that it ruled out."""
    most = max(step.figures[arm] for arm in answer.arms)
    beside = ", ".join(f"{arm} {markdown.number(step.figures[arm])}" for arm in step.out)
    return step.says.format(markdown.number(most)) + (f" ({beside})" if beside else "")


def why(answer):
    """Why these arms: the steps that ruled out others, or all if none did."""
    return "; ".join(clause(answer, step) for step in [step for step in answer.steps if step.out] or answer.steps)


def of_base(more, base):
    """A difference as a share of the base, in percent."""
    return markdown.minus(f"{100 * more / base:.1f} %")


def costs(answer):
    """What it costs, beside the base; arm by arm, if there are several."""
    said = []
    for says, figures in answer.costs:
        by_arm = []
        for arm in answer.arms:
            more = figures[arm] - figures[plan.BASE]
            share = f", {of_base(more, figures[plan.BASE])}" if figures[plan.BASE] else ""
            by_arm.append(f"{arm} " * (len(answer.arms) > 1) + f"{markdown.signed(more)}{share}")
        said.append(says.format("; ".join(by_arm)))
    return "; ".join(said) or "–"


def row(answer):
    """A row of the table of users."""
    user = answer.user
    if not answer.steps:
        take, since = "not measured yet", "; ".join(answer.missing)
    elif answer.missing:
        take = f"not decided yet; left are {', '.join(answer.arms)}"
        since = f"{why(answer)}. Not looked at yet: {'; '.join(answer.missing)}"
    else:
        take, since = names(answer.arms), why(answer)
    return [f"**{user['name']}**", take, since, costs(answer), user["sure"], user["changes"]]


def users(found):
    """The table of users."""
    return "\n".join(("## Which arm for whom?\n", HEAD, markdown.table(
        ["you have", "take", "since", "it costs", "how sure", "what would change the answer"], map(row, found))))


def bold(found):
    """The first sentences: what each of the users that ask for one is to take."""
    said = [f"**{answer.user['sentence'].format(arms=names(answer.arms).replace('**', ''), why=why(answer))}**"
            for answer in found if "sentence" in answer.user and answer.steps and not answer.missing]
    return " ".join(said) + "\n" if said else ""


def cell(known, column, arm):
    """One figure of an arm; as a difference to the base if the column says so."""
    model = column.get("model", plan.SHORT_MODEL)
    with contextlib.suppress(evidence.Missing):
        value = answers.figure(known, column, model, arm)
        if not column.get("added"):
            return markdown.number(value)
        base = answers.figure(known, column, model, plan.BASE)
        return f"{markdown.signed(value - base)} ({of_base(value - base, base)})" if arm != plan.BASE else \
            f"{markdown.number(base)} in all"
    return "–"


def what_it_is(arm):
    """What an arm is, and what nobody may miss who chooses it."""
    but = strategies.said(arms.fact(arm, "KERNEL")).get("but", {}).get(arm)
    return f"- **{arm}**: {arms.fact(arm, 'SAYS')}" + (f" *But* {but}" if but else "")


def arms_table(known):
    """The table of arms: those that are compared, and what each is."""
    columns, shown = answers.table(), answers.candidates()
    return "\n".join(("## The arms beside each other (PREEMPT_RT)\n", markdown.table(
        ["arm", *(f">{column['head']}" for column in columns)],
        [[f"**{arm}**", *(cell(known, column, arm) for column in columns)] for arm in shown]),
        *map(what_it_is, shown), ""))
