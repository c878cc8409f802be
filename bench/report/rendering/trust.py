# SPDX-License-Identifier: GPL-2.0-only
"""Can the lab be trusted? What its controls gave, for RESULTS.md."""

import collections
import itertools

from bench.report import plan
from bench.report.facts import frame, read
from bench.report.judgement import contrasts, controls, stats
from bench.report.judgement.contrasts import Verdict
from bench.report.rendering import documents, markdown, plots, tables, verdicts, words
from bench.report.rendering.origin import KINDS

HELD = {True: "held", False: "**failed**", None: "not run in full"}


def first(found, judged):
    """What must be said before anything else: controls that failed or were not run, as lines of a list."""
    withdrawn = [f"{number}, {verdicts.reasons(one)}" for number, one in enumerate(judged, 1)
                 if one.verdict == Verdict.WITHDRAWN]
    lines = []
    if found.unlike:
        lines.append(f"- **Not all boots are alike: {'; '.join(map(words.group, found.unlike))}.** Verdicts that "
                     "depend on these are withdrawn. Run `make results` again.")
    lines += [f"- **A control failed: {words.outcome(one)}: {words.reason(one.found)}.**" for one in found.failed]
    if withdrawn:
        lines.append(f"- **{len(withdrawn)} of {len(judged)} verdicts are withdrawn**: of contrast "
                     f"{'; of contrast '.join(withdrawn)}.")
    short = [f"{words.outcome(one)} ({words.reason(one.found)})" for one in found.outcomes if one.held is None]
    if short:
        lines.append(f"- Controls that were not run, or not with boots enough: {'; '.join(short)}. No verdicts that "
                     "depend on them are given.")
    stale = sum(one.stale for one in judged)
    if found.changed:
        lines.append(f"- **Kernel sources have changed since these results, those of {', '.join(found.changed)}.** "
                     f"What stands here is true of the kernels measured; {stale} of {len(judged)} primary contrasts "
                     f'are about such kernels and say "{verdicts.STALE}".')
    return lines


def sensitivity_row(judged):
    """Of the verdicts that no other control has taken: how many hold under all settings; none without such."""
    tried = [one for one in judged if one.against or one.held]
    fell = [str(number) for number, one in enumerate(judged, 1) if one.against]
    if not tried:
        return []
    says = f"{len(tried) - len(fell)} of {len(tried)} verdicts hold under all settings"
    untried = sum(one.verdict == Verdict.INCONCLUSIVE for one in judged)
    says += f"; {untried} are inconclusive, and have nothing that could fall" if untried else ""
    return [["sensitivity", HELD[not fell], says + (f"; withdrawn: contrast {', '.join(fell)}" if fell else "")]]


def outcomes_table(found, judged):
    """A row per control; judged: the verdicts, each of which is held to sensitivity by itself."""
    return markdown.table(["control", "", "what it gave"],
                          [[words.outcome(one), HELD[one.held], words.reason(one.found)] for one in found.outcomes]
                          + sensitivity_row(judged))


def resolution(runs):
    """What one boot and what all pairs can see of the metric that the dose is about, where there are drains."""
    metric, alone, together = plan.BY_KEY["owner/imposed"], [], []
    rows = frame.cells(runs)
    for model in frame.models(rows):
        values = frame.column(rows, model, plan.BASE, metric.key)
        pairs = controls.twice(runs, controls.Control.REBUILD, model)[metric.key].dropna()
        least = stats.detectable(pairs, 2 * len(plan.CONTRASTS), plan.ALPHA)
        if least is not None and len(values) > 2:
            alone.append(f"{markdown.number(3.3 * values.std())} on {model}")
            together.append(f"{markdown.number(least)} on {model} ({len(pairs)} pairs)")
    if not together:
        return ""
    return (f"With drains a single boot of {plan.BASE} would tell {' and '.join(alone)} instructions per drain from "
            "0 (3.3 standard deviations of its usual boots). No verdict is about one boot: the smallest difference "
            "that pairs of a kernel and its neutral rebuild detect with 80 % power, as the first of Holm's tests, is "
            f"{' and '.join(together)}; the margin is {markdown.number(metric.margin)}. Where an arm's pairs scatter "
            "more, it is larger: it stands with each contrast that is inconclusive.\n")


# ---- A/A ----


def alarms(found):
    """The comparisons of a kernel with itself: which alarmed, and all of them."""
    if not found.compared:
        return ""
    rows = [[one.kind, one.model, one.metric.name, one.metric.unit, markdown.signed(one.change),
             markdown.number(one.metric.margin), "all equal" if one.p is None else f"{one.p:.3f}",
             "**alarm**" if one.alarm else "equivalent" if one.same else "?"] for one in found.compared]
    named = [f"{one.metric.name} ({one.kind}, {one.model}: {markdown.signed(one.change)} {one.metric.unit})"
             for one in found.compared if one.alarm]
    tested = [one for one in found.compared if one.p is not None]
    seen, could = sum(one.p < plan.ALPHA for one in tested), sum(one.could for one in found.compared)
    share = f" ({100 * seen / len(tested):.1f} %)" if tested else ""
    shown = sum(one.same for one in found.compared)
    blurred = "; ".join(f"{name} (in {count})" for name, count in collections.Counter(
        one.metric.name for one in found.compared if not one.same).items())
    head = ["against", "model", "metric", "unit", ">difference", ">margin ±", ">p", ""]
    return ("### A/A: the same kernel twice\n\n"
            f"Alarms: {'; '.join(named) or 'none'}. An alarm: p < {plan.ALPHA}, and not equivalent within the margin."
            "\n\n"
            f"**In {shown} of {len(rows)} comparisons the kernel is shown equivalent to itself**, by what a verdict "
            f"asks for (unadjusted). Of the others {len(named)} alarm{'s' * (len(named) == 1)}; that the rest does not "
            "says only that nothing is grossly wrong. With so many boots these metrics do not show a kernel equal to "
            f"itself to the margin: {blurred or 'none'}.\n\n"
            f"Of p < {plan.ALPHA} alone there are {seen} in {len(tested)}{share}; chance makes {100 * plan.ALPHA:g} %. "
            f"{could} of {len(rows)} comparisons could alarm by chance: in the others figures scatter so little beside "
            "the margin that what is significant by chance is equivalent as well. Many metrics speak of the same "
            "events, so what chance makes comes in groups.\n\n"
            + markdown.folded(f"All {len(rows)} comparisons (?: neither alarm nor equivalent)",
                              markdown.table(head, rows)))


# ---- Dose and response ----


def dose_lines(runs):
    """How the dose shows in each metric in which it shows: a table."""
    rows, hidden, models = [], [], frame.models(frame.cells(runs))
    for metric, model in itertools.product((metric for metric in plan.METRICS if metric.dose), models):
        fit = controls.dose_line(runs, model, metric.key)
        fills = frame.column(runs, model, plan.BASE, "fills/drain", "drain", "").median()
        if fit and fills:
            due = 1 if metric.unit == "per drain" else 1 / fills
            rows.append([f"{metric.name}, {metric.unit}", model, f"{due:g}", f"{fit.slope:.4f}",
                         f"{fit.slope_low:.4f} .. {fit.slope_high:.4f}", markdown.number(fit.detect),
                         markdown.number(metric.margin)])
    for model in models:
        by_dose = controls.doses(runs, model, "irqs_off/storm").groupby("injected")["measured"].median()
        if len(by_dose) > 1:
            hidden.append(f"{markdown.number(by_dose.iloc[0])} without and {markdown.number(by_dose.iloc[-1])} with "
                          f"{by_dose.index[-1]:,} on {model}")
    hidden = (" The longest stretch with interrupts off shows a dose only where that is longer than the kernel's own "
              f"longest: {'; '.join(hidden)}." if hidden else "")
    without = ", ".join(str(number) for number, contrast in enumerate(plan.CONTRASTS, 1)
                        if not plan.BY_KEY[contrast.key].dose)
    return ("In the other metrics in which it must show the same boots give this; a single boot tells the figure from "
            "that without a dose from the limit of detection on. Slope: the mean over seeds of their own lines, with "
            "its interval over seeds. The control is judged by the first alone.\n\n"
            + markdown.table(["metric", "model", ">slope due", ">slope", ">interval", ">limit of detection [injected]",
                              ">margin ±"], rows)
            + f"\n**Contrasts {without} have no dose control**: nothing was injected into the quiet phase, into the "
            f"requester or as events.{hidden}\n") if rows else ""


def dose_part(runs, folder, lab):
    """The figure of measured against injected instructions, and tables."""
    points = {model: found for model in frame.models(frame.cells(runs)) if len(found := controls.doses(runs, model))}
    if not points:
        return ""
    plots.dose(folder / f"{lab}-dose.svg", points, {model: controls.dose_line(runs, model) for model in points})
    rows = [[model, f"{dose:,}", f"{middle.median:,.1f}", markdown.interval(middle, "{:,.1f}".format), middle.n]
            for model, found in points.items() for dose, values in found.groupby("injected")["measured"]
            for middle in [stats.estimate(values)]]
    head = ["model", ">injected", ">measured", ">interval", ">boots"]
    return ("### Dose and response\n\nInstructions injected into the isolated CPU per request, in an interrupt at "
            "random times, against those that are measured as imposed on it. At dose 0 stands the price of the "
            f"interrupt itself.\n\n![Measured against injected instructions]({documents.FIGURES}/{lab}-dose.svg)\n\n"
            f"*Measured against injected kernel instructions per request, {lab} lab. A circle a boot; line: the mean "
            f"of each seed's own, by least squares.*\n\n{markdown.table(head, rows)}\n{dose_lines(runs)}")


# ---- Sensitivity and replicates ----


def cell_change(change, metric):
    """What a setting changes, bold if more than matters."""
    if change is None:
        return "–"
    text = markdown.signed(change.median)
    return f"**{text}**" if controls.moves(change, metric) else text


LEGEND = ("Settings: metronome-N: turns of the CPUs by a fixed count, not drawn; metronome-dithered: from 24, always "
          "dithered; shift-2: an instruction takes 4 ns, not 1; no-ballast: housekeeping CPUs idle; cpus-4: two more "
          "of these; storm-first: always; phase-500: cyclictest starts half a period later.")


def held_under(runs, judged):
    """Do the verdicts hold under other settings of the lab? Each contrast under each."""
    if not any(change for contrast in plan.CONTRASTS for change in contrasts.by_setting(runs, contrast).values()):
        return ""
    untried = [str(number) for number, one in enumerate(judged, 1) if one.verdict == Verdict.INCONCLUSIVE]
    return ("### Sensitivity: do the verdicts hold?\n\nThe difference that each contrast is about, under each setting: "
            f"the median over its {plan.SENSITIVE_SEEDS} seeds, of which both arms are under that setting. {LEGEND} "
            f"Agreeing asks little of {plan.SENSITIVE_SEEDS} seeds: the same side, and half of the size or within the "
            "margin of the usual interval; equivalent: within the margin. Bold: does not agree, or lies beyond the "
            "margin on the other side. "
            + (f"Inconclusive ones ({', '.join(untried)}) have no verdict that could hold or fall.\n\n" if untried
               else "\n\n") + verdicts.settings_table(runs, judged))


def sensitivity(runs, found):
    """What moves with the lab: headline metrics by arm and setting."""
    settings = [setting for setting in controls.settings(runs) if setting in plan.SETTINGS]
    if not settings:
        return ""
    usual, tried = frame.cells(runs), controls.sensitive(runs)
    rows = [[f"{metric.name}, {metric.unit}", *cell, tables.median(usual, *cell, metric.key),
             markdown.number(metric.margin),
             *(cell_change(found.changes[setting].get((*cell, metric.key)), metric) for setting in settings)]
            for metric, cell in itertools.product(map(plan.BY_KEY.get, plan.HEADLINE), tried)]
    stay = controls.stay(runs, found.changes)
    still = [metric.name for metric in plan.METRICS if metric.key in stay]
    open_ = [metric.name for metric in plan.METRICS if metric.key not in stay and metric.key not in found.moved]
    moved = [f"- {plan.BY_KEY[key].name}: {words.moving(where)}\n" for key, where in found.moved.items()]
    head = ["metric", "model", "arm", ">as usual", ">margin ±", *(f">{setting}" for setting in settings)]
    against = "".join(f" Compared with {other}: {', '.join(those)}."
                      for other, those in itertools.groupby(plan.AGAINST, plan.AGAINST.get))
    return (f"### Sensitivity: what moves with the lab\n\nTried with {', '.join(map('-'.join, tried))}; the other arms "
            "were not tested. A metric moves if a setting of the lab changes some arm's figure by more than the "
            "margin, to the same side on all paired seeds; of so many arms and settings some pass by chance. (null): "
            "the change is no larger than what one boot showed of which only the command line was another, below:\n\n"
            + ("".join(moved) or "- none\n")
            + "\nShown not to move, as in all of these arms and settings the whole interval lies within the margin: "
            f"{'; '.join(still) or 'none'}.\n\nCannot tell, being neither: {'; '.join(open_) or 'none'}.\n\n"
            + differences_turned(found)
            + markdown.folded(f"Changes by setting, median over paired seeds; bold: it moves.{against}",
                              markdown.table(head, rows)) + null(runs))


def differences_turned(found):
    """Whose difference to unpatched is gone, there or on the other side under a setting."""
    by_metric, null = {}, 0
    for (key, model, arm), every in found.turned.items():
        those = [one for one in every if not one.null]
        null += len(every) - len(those)
        if those:
            by_metric.setdefault(key, []).append(f"{model}-{arm} (" + "; ".join(
                f"{one.setting}: {markdown.signed(one.usual)} → {markdown.signed(one.here)}" for one in those) + ")")
    lines = [f"- {plan.BY_KEY[key].name}, margin ±{markdown.number(plan.BY_KEY[key].margin)}: {', '.join(cells)}\n"
             for key, cells in by_metric.items()] or ["- none\n"]
    return ("**Differences between arms move as well.** Under these settings that to unpatched is gone, there only "
            "then, or on the other side, as the setting changes it by more than the margin and to one side on all its "
            "seeds (median as usual → under the setting; what it changes is told against what it is compared with, as "
            f"above); some do so by chance:\n\n{''.join(lines)}\n"
            + (f"{null} more change by no more than in some boot in which nothing was changed.\n\n" if null else ""))


def null(runs):
    """How far the same metrics move when nothing was changed; nothing without boots that tell."""
    every = controls.repeats(runs)[list(plan.HEADLINE)].abs().dropna(axis="columns", how="all")
    rows = [[f"{metric.name}, {metric.unit}", *map(markdown.number, (changes.median(), changes.max(), metric.margin)),
             f"{sum(changes > metric.margin)} of {changes.count()}"]
            for key, changes in every.items() for metric in [plan.BY_KEY[key]]]
    if not rows:
        return ""
    return ("\nThe same where nothing was changed: boots in which a parameter sets the order of the phases that their "
            "seed draws anyway, against that seed's usual boots. A single boot may move as far as this by its command "
            "line alone.\n\n" + markdown.table(["metric", ">median change", ">largest", ">margin ±", ">beyond it"],
                                                rows))


REPLICATES = """\
### Replicates: do seeds stand for other phases and turns?

Figures (all metrics and arms above) whose median under a setting that only rearranges events in time lies outside the
range over the workload's seeds, less those that the setting ran. First the same of usual boots: {few} seeds in a
row, as a setting runs them, against the others, nothing set.

**How turns and order are shared out was changed to pass this**: in the campaigns before, whose seeds all dithered, 33
to 46 of 207 figures lay outside with a fixed metronome. The new draw was tried on seeds 1 to 12, and the first seed
chosen so that the seeds which no setting ran have counts on both sides of 16, 24 and 48. This table checks that the
design does what it is for; it does not tell of settings that nobody thought of.
"""


def replicates(runs):
    """Do seeds vary the figures as much as settings that only rearrange events in time?"""
    by_setting, usual = controls.replicates(runs)
    if not usual:
        return ""
    rows, details, uncovered = [], [], []
    for setting, (outside, known) in by_setting.items():
        if not known.to_numpy().any():
            continue
        cells = {plan.BY_KEY[key].name: [f"{model}-{arm}" for model, arm in outside.index[outside[key]]]
                 for key in outside if outside[key].any()}
        count = sum(map(len, cells.values()))
        if count > max(usual):
            uncovered.append(setting)
        names = sorted(cells, key=lambda name: (-len(cells[name]), name))
        rows.append([setting, f"{count} of {known.to_numpy().sum()}",
                     "; ".join(f"{name} ({len(cells[name])})" for name in names) or "–"])
        details += [f"- {setting}: {name}: {', '.join(cells[name])}\n" for name in names]
    if not rows:
        return ""
    rows.insert(0, [f"usual boots, {plan.SENSITIVE_SEEDS} seeds in a row",
                    f"{', '.join(map(str, sorted(usual)))}", "–"])
    return (REPLICATES.format(few=plan.SENSITIVE_SEEDS) + "\n"
            + (f"**Seeds do not cover {', '.join(uncovered)}**, where more lie outside than of any usual boots: "
               "compare what is named there in one setting only.\n\n" if uncovered else
               f"No setting puts more outside than the most that usual boots do ({max(usual)}).\n\n")
            + markdown.table(["setting", ">outside", "which (arms)"], rows)
            + "\n" + markdown.folded("In which arms", "".join(details)))


# ---- Intervals and tests ----


def errors(results):
    """How often intervals cover and tests err, as `make coverage` has simulated it; a word where it has not."""
    title = "### Intervals and tests: how often are they right?\n"
    path = results / "instrument/coverage.json"
    if not path.exists():
        return f"{title}\nNot simulated: run `make coverage`.\n"
    try:
        return f"{title}\n{simulated(read.load(path))}"
    except (read.Unreadable, KeyError, IndexError, TypeError, ValueError) as error:
        return f"{title}\n{path.name}: not whole ({error}); run `make coverage` again.\n"


def simulated(kept):
    """What coverage.py has kept, as text and a table."""
    def percent(*shares, digits=1):
        """A share, or from the least to the largest of some."""
        return " to ".join(dict.fromkeys(f"{100 * share:.{digits}f}" for share in (min(shares), max(shares)))) + " %"

    rows = [[boots, name, percent(covered), percent(stated), percent(different), percent(first, digits=2),
             percent(equal)] for boots, name, covered, stated, different, first, equal in kept["boots"]]
    head = [">boots", "spread over seeds", ">interval covers", ">at least", ">false difference, p < 0.05",
            ">the same, first of Holm's", ">false equivalence"]
    last = [row for row in kept["boots"] if row[0] == plan.BOOTS]
    worst = max(last, key=lambda row: max(row[4], row[6]))
    return (f"Simulated for {plan.SENSITIVE_SEEDS}, {plan.DOSE_SEEDS} and {plan.BOOTS} boots, as they are in use, and "
            f"6 ({kept['runs']:,} campaigns each; ten times as many for {plan.BOOTS}, but for equivalence): with "
            f"{plan.BOOTS}, intervals cover in {percent(*(row[2] for row in last))} (stated: at least "
            f"{percent(last[0][3])}), and a test at 5 % errs in "
            f"{percent(*(share for row in last for share in (row[4], row[6])))}, most where the spread is {worst[1]}. "
            f"With {plan.SENSITIVE_SEEDS}, as for each setting, an interval is minimum to maximum, and covers in three "
            f"of four. The dose control's interval of the slope covers in {percent(*kept['slope'].values())} (stated: "
            "95 %).\n\n" + markdown.folded("By number of boots and shape of the spread", markdown.table(head, rows)))


# ---- The counting plugin ----


EARLY_NS = 57000  # a wake-up may wait for another CPU's turn: 67 counts of the metronome, 56.2 us


def early_ns(boot):
    """How long into a phase its first mark may come: all other CPUs have their turns first, and init its own way to go.

    The latter is longer where an instruction is, and so bounds the former as well.
    """
    return EARLY_NS * (boot.manifest.get("cpus", 2) - 1) << boot.manifest.get("icount_shift", 0)


def plugin(boots):
    """The plugin's counts against what the guest counted itself, in all boots."""
    equal, apart, early, late = 0, {}, {}, 0
    for boot in boots:
        if boot.verdict == "ok" and boot.counts and boot.lab == plan.JUDGED_LAB:
            for phase, found in boot.guest["phases"].items():
                by = int(boot.figures[f"{phase}/entry/page_fault"]) - found["fills"]
                equal += not by
                if by:
                    apart.setdefault((by, boot.kind, boot.seed), []).append(phase)
                    first = boot.guest.get("drawn", {}).get("first_fill_ns", early.get(boot.seed))
                    early[boot.seed] = first
                    late += by != -1 or first is None or first >= early_ns(boot)
    phases = equal + sum(map(len, apart.values()))
    if not phases:
        return ""
    others = "; ".join(f"{markdown.signed(by)} in {len(where)} phases of seed {seed} ({KINDS[kind]}"
                       + (f", first fill {early[seed] / 1000:.0f} µs into a phase)" if early[seed] is not None else ")")
                       for (by, kind, seed), where in sorted(apart.items()))
    others = f"; the plugin less the guest: {others}" if others else ""
    if apart and not late:
        others += (f". A phase's first mark is made when init has woken: a page touched in its first "
                   f"{EARLY_NS // 1000} µs (so many for each other CPU, and four times with shift-2) may not be in the "
                   "count")
    return ("\nIn all boots: page faults that the plugin counted on the isolated CPU, against pages that the guest "
            f"says its owner touched: the same in {equal} of {phases} phases{others}. "
            "[REFERENCE.md](bench/REFERENCE.md#how-the-plugin-errs) says how it errs.\n")
