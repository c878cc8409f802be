# SPDX-License-Identifier: GPL-2.0-only
"""What the triggers' page of the report has besides its figures: the table trigger x arm, and what no arm removes."""

from bench.report import plan
from bench.report.facts import frame, windows
from bench.report.rendering import markdown
from bench.workloads.triggers import figures

ABOUT = """\
How often the owner leaves user mode unasked for one trigger, which another CPU fires; medians over boots. The setting
stands after the trigger. In **bold**: fewer than under {base}, by more than {least}.
"""
LEAST = 0.1  # one more or less in ten triggers, as in METHOD.md
OUTCOMES = {"gone": "Some arm leaves the owner alone", "fewer": "Some arm disturbs it less",
            "same": "No arm changes anything", "never": "Nobody is disturbed"}


def outcome(row):
    """What the best arm makes of a trigger: one of OUTCOMES. row: interruptions by arm, the base's among them."""
    then, now = row[plan.BASE], row.drop(plan.BASE).min()
    if then <= LEAST:
        return "never"
    return "gone" if now <= LEAST else "fewer" if now < then - LEAST else "same"


def cells(row, arms):
    """The numbers of a trigger, arm by arm."""
    for arm in arms:
        text = markdown.number(row[arm])
        yield f"**{text}**" if row[arm] < row[plan.BASE] - LEAST else text


def named(setting, label):
    return f"{label} ({setting})"


def disturbed(of_boots, model):
    """The table of one model, and what became of its triggers."""
    table = figures.by_arm(of_boots).xs(model, level="model")
    arms = frame.in_order(set(table.columns))
    of = {key: outcome(row) for key, row in table.iterrows()}
    said = [f"- {says}: {', '.join(named(*key) for key in of if of[key] == one)}."
            for one, says in OUTCOMES.items() if one in of.values()]
    rows = [[named(*key), *cells(row, arms)] for key, row in table.iterrows()]
    return "\n".join([*said, "", markdown.table(["trigger", *(f">{arm}" for arm in arms)], rows)])


def failing(of_boots, model):
    """Triggers that succeed less often under some arm than under the base, as a table; "" if there are none."""
    table = figures.by_arm(of_boots).xs(model, level="model")
    arms = frame.in_order(set(table.columns))
    worse = table[table.drop(columns=plan.BASE).min(axis=1) < table[plan.BASE]]
    return "" if worse.empty else markdown.table(["trigger", *(f">{arm}" for arm in arms)], [
        [named(*key), *(markdown.number(row[arm]) for arm in arms)] for key, row in worse.iterrows()])


def parts(results, _name, _folder):
    """The parts of a page. results: the folder of unpacked results."""
    found = figures.of(windows.tables(results, "triggers"))
    for model in sorted(set(found.index.get_level_values("model"))):
        yield f"### What still disturbs an isolated CPU, {model}\n\n{ABOUT.format(base=plan.BASE, least=LEAST)}"
        yield disturbed(found["interruptions"], model)
        if worse := failing(found["succeeded"].dropna(), model):
            yield f"Share of triggers that succeeded, where an arm has fewer than {plan.BASE}:\n"
            yield worse
