# SPDX-License-Identifier: GPL-2.0-only
"""What the triggers' page of the report has besides its figures: the table trigger x arm, and what no arm removes."""

from bench.report import plan
from bench.report.facts import frame, windows
from bench.report.rendering import markdown
from bench.workloads.triggers import figures

ABOUT = """\
How often the owner leaves user mode unasked for one trigger, which another CPU fires; medians over boots. The setting
stands after the trigger. In **bold**: fewer than under {base}, by {least} or more in any two boots.
"""
LEAST = 1  # once per trigger: where no arm has part in it, arms differ by up to 0.6 in so few rounds (vm.stat_refresh)
NEVER = 0.5
KEY = ["setting", "label", "arm"]
OUTCOMES = {"gone": "Some arm leaves the owner alone", "fewer": "Some arm disturbs it less",
            "same": "No arm changes anything", "never": "Nobody is disturbed"}


def fewer(of_boots, model):
    """{(setting, trigger): the arms under which each boot has so much less than each boot of the base}."""
    boots = of_boots[of_boots.index.get_level_values("model") == model].groupby(KEY)
    most, least = boots.max().unstack("arm"), boots.min().unstack("arm")
    return {key: {arm for arm in most if row[arm] <= least.loc[key, plan.BASE] - LEAST} for key, row in most.iterrows()}


def outcome(row, less):
    """What arms make of a trigger: one of OUTCOMES. row: interruptions by arm; less: the arms that have fewer."""
    if row[plan.BASE] < NEVER:
        return "never"
    return "same" if not less else "gone" if row[list(less)].min() < NEVER else "fewer"


def cells(row, arms, less):
    """The numbers of a trigger, arm by arm."""
    for arm in arms:
        text = markdown.number(row[arm])
        yield f"**{text}**" if arm in less else text


def named(setting, label):
    return f"{label} ({setting})"


def disturbed(of_boots, model):
    """The table of one model, and what became of its triggers."""
    table = figures.by_arm(of_boots).xs(model, level="model")
    arms = frame.in_order(set(table.columns))
    less = fewer(of_boots, model)
    of = {key: outcome(row, less[key]) for key, row in table.iterrows()}
    said = [f"- {says}: {', '.join(named(*key) for key in of if of[key] == one)}."
            for one, says in OUTCOMES.items() if one in of.values()]
    rows = [[named(*key), *cells(row, arms, less[key])] for key, row in table.iterrows()]
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
