# SPDX-License-Identifier: GPL-2.0-only
"""A page for each workload of bench/workloads: verdicts, and all figures of all its boots."""

import collections
import importlib

from bench import arms, workloads
from bench.report import plan
from bench.report.facts import evidence, frame
from bench.report.judgement import stats
from bench.report.rendering import documents, markdown, words

HEAD = """\
{says}. [What it does]({folder}/README.md); [how it was decided](bench/workloads/METHOD.md). A boot gives one number per
figure; a cell is the median over boots and, in parentheses, the least and the most of a boot where they differ.
"""


def without_verdicts():
    """A line on arms that every workload runs though the method judges them not; none if there are none."""
    late = [arm for arm in arms.names() if arms.fact(arm, "COMPARED") and not arms.fact(arm, "VERDICT")]
    return [f"The method was fixed before {' and '.join(late)} could be measured, so that there are figures, but no "
            f"verdicts, for {'them' if len(late) > 1 else 'it'}.\n"] if late else []


def verdict(one):
    """A verdict in a word, with what is lacking."""
    return f"**{one.verdict}**" + (f" ({'; '.join(map(words.reason, one.reasons))})" if one.reasons else "")


def change(one):
    """The difference with its interval."""
    if one.change is None:
        return "–"
    interval = "" if one.change.exact else f" ({markdown.interval(one.change, markdown.signed)})"
    return markdown.signed(one.change.median) + interval


def verdicts_table(judged):
    """A row per contrast."""
    return markdown.table(["figure", "arms", "answer", ">difference", ">margin ±"], [
        [f"{one.figure.name}, {one.figure.unit}", f"{one.model}: {one.arm} − {plan.BASE}", verdict(one), change(one),
         markdown.number(one.figure.margin)] for one in judged])


def grid(judged):
    """Page one's table: a row per figure and model, an arm per column; none if nothing was run."""
    if not any(one.change for one in judged):
        return ""
    shown = list(dict.fromkeys(one.arm for one in judged))
    rows = collections.defaultdict(dict)
    for one in judged:
        if one.change:
            rows[one.figure, one.model][one.arm] = f"{one.verdict}, {markdown.signed(one.change.median)}"
    return "\n".join(("## Verdicts on the workloads\n",
                      f"Against {plan.BASE}, less is better; the difference is the median over pairs of boots. Its "
                      "interval stands on the workload's page.\n",
                      markdown.table(["question: is it less?", "model", *shown], [
                          [f"{figure.name}, {figure.unit} (margin {markdown.number(figure.margin)})", model,
                           *(found.get(arm, "–") for arm in shown)] for (figure, model), found in rows.items()])))


def cell(values):
    """A figure of one arm over its boots."""
    if values.empty:
        return "–"
    least, most = values.min(), values.max()
    spread = "" if least == most else f" ({markdown.number(least)} .. {markdown.number(most)})"
    return markdown.number(stats.estimate(values).median) + spread


def table(rows, shown):
    """Labels and figures down, arms across, for one model and setting. rows: boots; shown: {figure: title}."""
    columns = frame.in_order(set(rows.index.get_level_values("arm")))
    lines = []
    for label in sorted(set(rows.index.get_level_values("label"))):
        here = frame.pick(rows, label=label)
        lines += [[label, title, *(cell(frame.pick(here, arm=arm)[key].dropna()) for arm in columns)]
                  for key, title in shown.items() if key in here and here[key].notna().any()]
    return markdown.table(["window", "figure", *(f">{arm}" for arm in columns)], lines)


def boots_line(found):
    """How many boots there are, of what."""
    counted = collections.Counter(found.index.droplevel("label").unique().get_level_values("setting"))
    return ", ".join(f"{name}: {count}" for name, count in sorted(counted.items()))


def excluded(boots):
    """A line on boots that enter no figure, counted and named with their reasons; none if there are none."""
    bad = boots[boots["verdict"] != "ok"] if not boots.empty else boots
    if bad.empty:
        return []
    named = [f"{one.model}-{one.arm} {one.folder.name} ({one.why})" for one in bad.itertuples()]
    return [f"**{len(bad)} of {len(boots)} boots enter no figure**: {'; '.join(named)}.\n"]


def own_parts(known, name, folder):
    """What a workload's page.py adds: parts(results, name of the folder of figures, the folder)."""
    if not (workloads.ROOT / workloads.FOLDER / name / "page.py").exists():
        return []
    own = importlib.import_module(f"bench.workloads.{name}.page")
    return list(own.parts(known.results, documents.FIGURES, folder))


def page(known, name, judged, folder):
    """The parts of a workload's page; none if it was not run. judged: of all workloads; folder: for figures."""
    found = evidence.figures_of(known.results, name)
    if found.empty:
        return []
    found, about = frame.pick(found, workload=name), workloads.about(name)
    shown = importlib.import_module(f"bench.workloads.{name}.figures").SHOWN
    mine = [one for one in judged if one.figure.workload == name]
    parts = [f"## Workload {name}: {about['says']}\n",
             HEAD.format(says=f"Its user looks at {about['metric']}", folder=workloads.FOLDER / name),
             f"Boots by setting: {boots_line(found)}.\n",
             *excluded(evidence.tables_of(known.results, name).boots)]
    if mine:
        parts += [f"### Verdicts on {name}\n", verdicts_table(mine), *without_verdicts()]
    parts += own_parts(known, name, folder)
    for setting in [one for one in about["settings"] if one in found.index.get_level_values("setting")]:
        for model in sorted(set(frame.pick(found, setting=setting).index.get_level_values("model"))):
            rows = frame.pick(found, setting=setting, model=model)
            parts += [f"### {name}, {setting}, {model}\n", table(rows, shown)]
    return parts
