# SPDX-License-Identifier: GPL-2.0-only
"""Can the lab be trusted? What its controls gave, for RESULTS.md."""

import statistics

import contrasts
import controls
import markdown
import plan
import plots
import stats

HELD = {True: "held", False: "**failed**", None: "not run in full"}
KINDS = {"seed": "workload", "aa": "A/A", "dose": "dose and response", "sensitivity": "sensitivity"}


def first(found, judged):
    """What must be said before anything else: controls that failed or were not run, as lines of a list."""
    withdrawn = sum(one.verdict.startswith("withdrawn") for one in judged)
    lines = []
    if found.unlike:
        lines.append(f"- **Not all boots are alike: {'; '.join(group.says for group in found.unlike)}.** Verdicts that "
                     "depend on these are withdrawn. Run `make results` again.")
    lines += [f"- **A control failed: {outcome.name}: {outcome.says}.**" for outcome in found.failed]
    if withdrawn:
        lines.append(f"- **{withdrawn} of {len(judged)} verdicts are withdrawn**, those that depend on boots that "
                     "are not alike, on a control that failed, on a metric that alarms, or on a setting of the lab.")
    short = [f"{outcome.name} ({outcome.says})" for outcome in found.outcomes if outcome.held is None]
    if short:
        lines.append(f"- Controls that were not run, or not with boots enough: {'; '.join(short)}. No verdicts that "
                     "depend on them are given.")
    stale = sum(contrasts.STALE in one.note for one in judged)
    if found.changed:
        lines.append(f"- **Kernel sources have changed since these results, those of {', '.join(found.changed)}.** "
                     f"What stands here is true of the kernels measured; {stale} of {len(judged)} primary contrasts "
                     f'are about such kernels and say "{contrasts.STALE}".')
    return lines


def outcomes_table(found):
    """A row per control."""
    return markdown.table(["control", "", "what it gave"],
                          [[outcome.name, HELD[outcome.held], outcome.says] for outcome in found.outcomes])


# ---- A/A ----


def alarms(found):
    """The comparisons of a kernel with itself: which alarmed, and all of them."""
    if not found.compared:
        return ""
    rows = [[one.kind, one.model, one.metric.name, one.metric.unit, markdown.signed(one.change),
             markdown.number(one.metric.margin), "all equal" if one.p is None else f"{one.p:.3f}",
             "**alarm**" if one.alarm else ""] for one in found.compared]
    named = [f"{one.metric.name} ({one.kind}, {one.model}: {markdown.signed(one.change)} {one.metric.unit})"
             for one in found.compared if one.alarm]
    tested = [one for one in found.compared if one.p is not None]
    seen, could = sum(one.p < plan.ALPHA for one in tested), sum(one.could for one in found.compared)
    share = f" ({100 * seen / len(tested):.1f} %)" if tested else ""
    head = ["against", "model", "metric", "unit", ">difference", ">margin ±", ">p", ""]
    return ("### A/A: the same kernel twice\n\n"
            f"Alarms: {'; '.join(named) or 'none'}. An alarm: p < {plan.ALPHA}, and not equivalent within the margin."
            "\n\n"
            f"Of p < {plan.ALPHA} alone there are {seen} in {len(tested)}{share}; chance makes {100 * plan.ALPHA:g} %. "
            f"{could} of {len(rows)} comparisons could alarm by chance: in the others figures scatter so little beside "
            "the margin that what is significant by chance is equivalent as well.\n\n"
            f"<details><summary>All {len(rows)} comparisons</summary>\n\n{markdown.table(head, rows)}\n</details>\n")


# ---- Dose and response ----


def dose_part(points, folder, figures, lab):
    """The figure of measured against injected instructions, and a table; points: {model: [(dose, response)]}."""
    if not any(points.values()):
        return ""
    plots.dose(folder / f"{lab}-dose.svg", {model: found for model, found in points.items() if found},
               {model: stats.line(found) for model, found in points.items()})
    rows = []
    for model, found in points.items():
        for dose in sorted({amount for amount, _ in found}):
            middle = stats.estimate([value for amount, value in found if amount == dose])
            rows.append([model, f"{dose:,}", f"{middle.median:,.1f}",
                         markdown.interval(middle, lambda value: f"{value:,.1f}"), middle.n])
    head = ["model", ">injected", ">measured", ">interval", ">boots"]
    return ("### Dose and response\n\nInstructions injected into the isolated CPU per request, in an interrupt at "
            "random times, against those that are measured as imposed on it. At dose 0 stands the price of the "
            f"interrupt itself.\n\n![Measured against injected instructions]({figures}/{lab}-dose.svg)\n\n"
            f"*Measured against injected kernel instructions per request, {lab} lab. A circle a boot; line: least "
            f"squares.*\n\n{markdown.table(head, rows)}")


# ---- Sensitivity and replicates ----


def cell_change(change, metric):
    """What a setting changes, bold if more than matters."""
    if change is None:
        return "–"
    text = markdown.signed(change.median)
    return f"**{text}**" if controls.moves(change, metric) else text


def spread(runs, model, arm, key):
    """(median, least, most) over the workload's seeds."""
    values = runs.column(model, arm, key).values()
    return (stats.estimate(values).median, min(values), max(values)) if values else None


def sensitivity(runs, found):
    """What moves with the lab: headline metrics by arm and setting."""
    settings = [setting for setting in runs.settings("sensitivity") if setting in plan.SETTINGS]
    if not settings:
        return ""
    rows = []
    for key in plan.HEADLINE:
        metric = plan.BY_KEY[key]
        for model, arm in controls.sensitive(runs):
            base = spread(runs, model, arm, key)
            rows.append([f"{metric.name}, {metric.unit}", model, arm, markdown.number(base and base[0]),
                         markdown.number(metric.margin),
                         *(cell_change(controls.changes(runs, model, arm, key, setting), metric)
                           for setting in settings)])
    stay = controls.stay(runs)
    still = [metric.name for metric in plan.METRICS if metric.key in stay]
    open_ = [metric.name for metric in plan.METRICS if metric.key not in stay and metric.key not in found.moved]
    moved = [f"- {plan.BY_KEY[key].name}: {', '.join(where)}\n" for key, where in found.moved.items()]
    head = ["metric", "model", "arm", ">as usual", ">margin ±", *(f">{setting}" for setting in settings)]
    against = "".join(f" {setting} is compared with {other}." for setting, other in plan.AGAINST.items())
    return ("### Sensitivity: what moves with the lab\n\nA metric moves if a setting of the lab changes some arm's "
            "figure by more than the margin, to the same side on all paired seeds. Compare these between arms in one "
            "table, never between settings:\n\n" + ("".join(moved) or "- none\n")
            + f"\nShown not to move, as in all arms and settings the whole interval lies within the margin: "
            f"{'; '.join(still) or 'none'}.\n\nCannot tell, being neither: {'; '.join(open_) or 'none'}.\n\n"
            f"<details><summary>Changes by setting, median over paired seeds; bold: it moves.{against}</summary>\n\n"
            + markdown.table(head, rows) + "\n</details>\n" + null(runs))


def null(runs):
    """How far the same metrics move when nothing was changed; nothing without boots that tell."""
    rows = []
    for key in plan.HEADLINE:
        metric, changes = plan.BY_KEY[key], [abs(change) for change in controls.repeats(runs, key)]
        if changes:
            rows.append([f"{metric.name}, {metric.unit}", markdown.number(statistics.median(changes)),
                         markdown.number(max(changes)), markdown.number(metric.margin),
                         f"{sum(change > metric.margin for change in changes)} of {len(changes)}"])
    if not rows:
        return ""
    return ("\nThe same where nothing was changed: boots in which a parameter sets the order of the phases that their "
            "seed draws anyway, against that seed's usual boots. A single boot may move as far as this by its command "
            "line alone.\n\n" + markdown.table(["metric", ">median change", ">largest", ">margin ±", ">beyond it"],
                                                rows))


def replicates(runs):
    """Do seeds vary the figures as much as settings that only rearrange events in time?"""
    settings = [setting for setting in runs.settings("sensitivity") if setting.startswith(plan.REARRANGES)]
    rows = []
    for setting in settings:
        inside, outside = 0, []
        for model, arm in controls.sensitive(runs):
            for metric in plan.METRICS:
                base = spread(runs, model, arm, metric.key)
                here = stats.estimate(runs.column(model, arm, metric.key, "sensitivity", setting).values())
                if base and here and base[1] <= here.median <= base[2]:
                    inside += 1
                elif base and here:
                    outside.append(f"{metric.name} ({model}-{arm})")
        if inside or outside:
            rows.append([setting, f"{inside} of {inside + len(outside)}", "; ".join(outside) or "–"])
    if not rows:
        return ""
    return ("### Replicates: do seeds stand for other phases and turns?\n\nFigures (all metrics and arms above) whose "
            "median under a setting that only rearranges events in time lies within the range over the workload's "
            "seeds.\n\n"
            + markdown.table(["setting", ">within the range", "outside"], rows))


# ---- The counting plugin ----


def plugin(boots):
    """The plugin's counts against what the guest counted itself, in all boots."""
    apart = {}
    for boot in boots:
        if boot.verdict == "ok" and boot.counts and boot.lab == plan.JUDGED_LAB:
            for phase, found in boot.guest["phases"].items():
                by = int(boot.figures[f"{phase}/entry/page_fault"]) - found["fills"]
                apart[by] = apart.get(by, 0) + 1
    if not apart:
        return ""
    others = "; ".join(f"{markdown.signed(by)} in {count}" for by, count in sorted(apart.items()) if by)
    others = f"; the plugin less the guest: {others}" if others else ""
    return ("\nIn all boots: page faults that the plugin counted on the isolated CPU, against pages that the guest "
            f"says its owner touched: the same in {apart.get(0, 0)} of {sum(apart.values())} phases{others}. "
            "[bench/README.md](bench/README.md) says how it errs.\n")
