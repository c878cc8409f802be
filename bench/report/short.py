# SPDX-License-Identifier: GPL-2.0-only
"""What RESULTS.md begins with: a row per arm, and sentences that follow from it by the rules in plan.py."""

import statistics

import markdown
import plan
import stats
import tables

VERDICTS = "verdicts: primary contrasts, below"


def short_of(figures):
    """Arms that have not as many good boots as a verdict takes, with what they have."""
    boots = {arm: len(figures.cells.get((plan.SHORT_MODEL, arm), ())) for arm in tables.ARMS}
    return [f"{plan.SHORT_MODEL}-{arm} ({count} of {plan.BOOTS})" for arm, count in boots.items()
            if count < plan.BOOTS]


def rates(boots):
    """Requests and fills a second, of the boots' own words."""
    def rate(phase, key):
        found = (boot.guest["phases"][phase] for boot in boots)
        return markdown.number(statistics.median(1e9 * here[key] / here["length_ns"] for here in found))

    return (f"In the storm the requester asks for {rate('storm', 'requests')} drains a second, in both phases the "
            f"owner touches {rate('quiet', 'fills')} pages a second (fills): these rates of the workload decide what "
            "weighs more, a price per drain or one per fill.\n")


def cell(figures, arm, key):
    """A median; in parentheses its difference to unpatched beyond the margin, else "="."""
    values = figures.column(plan.SHORT_MODEL, arm, key)
    text = figures.median(plan.SHORT_MODEL, arm, key)
    change = stats.difference(values, figures.column(plan.SHORT_MODEL, plan.BASE, key))
    if arm == plan.BASE or change is None or key not in plan.BY_KEY:
        return text
    return text + (f" ({markdown.signed(change.median)})" if abs(change.median) > plan.BY_KEY[key].margin else " (=)")


def medians(figures, key):
    """{arm: median} of the arms that have the figure."""
    found = {arm: stats.estimate(figures.column(plan.SHORT_MODEL, arm, key).values()) for arm in tables.ARMS}
    return {arm: one.median for arm, one in found.items() if one}


def least(figures, key, when):
    """Which arm has least of a figure, in a sentence."""
    metric, found = plan.BY_KEY[key], medians(figures, key)
    best = min(found, key=found.get)
    near = [arm for arm, value in found.items() if arm != best and value - found[best] <= metric.margin]
    return (f"{when}, the isolated CPU executes least in the kernel under {best} ({markdown.number(found[best])} "
            f"{metric.unit}); within the margin of that: {', '.join(near) or 'no other'} ({VERDICTS}).")


def nothing(figures):
    """Which arms impose nothing on user mode, in a sentence."""
    names = [plan.BY_KEY[key].name.replace(" the isolated CPU", " it") for key in plan.SHORT_NOTHING]
    arms = [arm for arm in tables.ARMS
            if all(medians(figures, key).get(arm, float("inf")) <= plan.BY_KEY[key].margin
                   for key in plan.SHORT_NOTHING)]
    return (f"On user mode of the isolated CPU, beyond the margins per drain ({'; '.join(names)}), nothing is imposed "
            f"by: {', '.join(arms) or 'no arm'} ({VERDICTS}).")


def part(figures, boots, controls):
    """The section; figures: of the lab that verdicts are about; boots: its boots of the workload; its Controls."""
    title = f"## In short (lab: {plan.JUDGED_LAB}, PREEMPT_RT)\n"
    if lacking := short_of(figures):
        return f"{title}\n**Boots are missing, so nothing is said in short**: {', '.join(lacking)}.\n"
    doubt = ("**A control failed, or boots that must be alike are not: read what is missing first.**\n"
             if controls.failed or controls.unlike else "")
    here = [boot for boot in boots if boot.verdict == "ok" and boot.model == plan.SHORT_MODEL]
    rows = [[arm, *(cell(figures, arm, key) for key, _ in plan.SHORT)] for arm in tables.ARMS]
    return "\n".join(text for text in (
        title, doubt, rates(here),
        markdown.table(["arm", *(f">{name}" for _, name in plan.SHORT)], rows),
        "Medians over boots; in parentheses the difference to unpatched where it is beyond the metric's margin, else "
        "=. No margin: as a number alone.\n",
        " ".join([*(least(figures, key, when) for key, when in plan.SHORT_LEAST), nothing(figures)]) + "\n",
    ) if text)
