# SPDX-License-Identifier: GPL-2.0-only
"""Can the lab be trusted? What its controls gave, for RESULTS.md."""

import math
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
    withdrawn = [f"{number}, {one.verdict.removeprefix('withdrawn: ')}" for number, one in enumerate(judged, 1)
                 if one.verdict.startswith("withdrawn")]
    lines = []
    if found.unlike:
        lines.append(f"- **Not all boots are alike: {'; '.join(group.says for group in found.unlike)}.** Verdicts that "
                     "depend on these are withdrawn. Run `make results` again.")
    lines += [f"- **A control failed: {outcome.name}: {outcome.says}.**" for outcome in found.failed]
    if withdrawn:
        lines.append(f"- **{len(withdrawn)} of {len(judged)} verdicts are withdrawn**: of contrast "
                     f"{'; of contrast '.join(withdrawn)}.")
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


def sensitivity_row(judged):
    """Of the verdicts that no other control has taken: how many hold under all settings; none without such."""
    tried = [one for one in judged if one.verdict.startswith(contrasts.NOT_SO) or "other settings as well" in one.note]
    fell = [str(number) for number, one in enumerate(judged, 1) if one.verdict.startswith(contrasts.NOT_SO)]
    if not tried:
        return []
    says = f"{len(tried) - len(fell)} of {len(tried)} verdicts hold under all settings"
    return [["sensitivity", HELD[not fell], says + (f"; withdrawn: contrast {', '.join(fell)}" if fell else "")]]


def outcomes_table(found, judged):
    """A row per control; judged: the verdicts, each of which is held to sensitivity by itself."""
    return markdown.table(["control", "", "what it gave"],
                          [[outcome.name, HELD[outcome.held], outcome.says] for outcome in found.outcomes]
                          + sensitivity_row(judged))


def resolution(runs):
    """What all pairs can see of the metric that the dose is about, where one boot sees a dose, as a sentence."""
    metric, said = plan.BY_KEY["owner/imposed"], []
    for model in runs.models:
        pairs = stats.paired(*(runs.column(model, arm, metric.key) for arm in (plan.REBUILT, plan.BASE)))
        least = stats.detectable(pairs, 2 * len(plan.CONTRASTS), plan.ALPHA)
        if least is not None:
            said.append(f"{markdown.number(least)} on {model} ({len(pairs)} pairs)")
    if not said:
        return ""
    return ("With drains, no verdict is about one boot: a kernel and its neutral rebuild scatter so that pairs of them "
            f"show, four times in five and as the first of Holm's tests, {' and '.join(said)} instructions imposed per "
            f"drain; the margin is {markdown.number(metric.margin)}.\n")


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
            "the margin that what is significant by chance is equivalent as well. Many metrics speak of the same "
            "events, so what chance makes comes in groups.\n\n"
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


def spread(runs, model, arm, key, less=()):
    """(median, least, most) over the workload's seeds, less some; None without any."""
    values = [value for seed, value in runs.column(model, arm, key).items() if seed not in less]
    return (stats.estimate(values).median, min(values), max(values)) if values else None


LEGEND = ("Settings: metronome-N: turns of the CPUs by a fixed count, not drawn; metronome-dithered: from 24, always "
          "dithered; shift-2: an instruction takes 4 ns, not 1; no-ballast: housekeeping CPUs idle; cpus-4: two more "
          "of these; storm-first: always; phase-500: cyclictest starts half a period later.")


def beyond_null(runs, key, setting):
    """A setting's name, marked if what it moves is no more than what moves by itself under the same model."""
    beyond = [abs(change.median) > max(map(abs, controls.repeats(runs, key, cell[0])), default=0)
              for cell in controls.sensitive(runs)
              if controls.moves(change := controls.changes(runs, *cell, key, setting), plan.BY_KEY[key])]
    return setting if any(beyond) else f"{setting} (null)"


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
    moved = [f"- {plan.BY_KEY[key].name}: {', '.join(beyond_null(runs, key, setting) for setting in where)}\n"
             for key, where in found.moved.items()]
    head = ["metric", "model", "arm", ">as usual", ">margin ±", *(f">{setting}" for setting in settings)]
    against = "".join(f" {setting} is compared with {other}." for setting, other in plan.AGAINST.items())
    return ("### Sensitivity: what moves with the lab\n\nA metric moves if a setting of the lab changes some arm's "
            f"figure by more than the margin, to the same side on all paired seeds. {LEGEND} Compare these between "
            "arms in one table, never between settings; (null): no arm's figure moves by more than that of some single "
            "boot of its model where nothing was changed, below:\n\n" + ("".join(moved) or "- none\n")
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


def outside(runs, cells, few):
    """What moves out of the range over the workload's other seeds: ([(metric, cell)], of how many, how many by chance).

    few: gives {seed: figure} of a few boots by (model, arm, metric's key); by the seeds of the workload that they are
    to be held against the rest of. By chance: if those were but further seeds that share nothing out.
    """
    found, looked, expected = [], 0, 0
    for model, arm in cells:
        for metric in plan.METRICS:
            boots = few(model, arm, metric.key)
            base, here = spread(runs, model, arm, metric.key, boots), stats.estimate(boots.values())
            if base and here:
                looked += 1
                expected += by_chance(here.n, len(runs.column(model, arm, metric.key).keys() - boots.keys()))
                if not base[1] <= here.median <= base[2]:
                    found.append((metric.name, f"{model}-{arm}"))
    return found, looked, expected


def rearranged(runs):
    """{name: (cells, few)} for outside(): settings that only rearrange events in time, and first other seeds."""
    def seeds(model, _, key):
        boots = sorted(controls.other_seeds(runs, model, key)[0].items())
        return dict(boots[:plan.SENSITIVE_SEEDS])

    def setting(name):
        return lambda model, arm, key: runs.column(model, arm, key, "sensitivity", name)

    return {"other seeds, unpatched": ([(model, plan.BASE) for model in runs.models], seeds),
            **{name: (controls.sensitive(runs), setting(name)) for name in runs.settings("sensitivity")
               if name.startswith(plan.REARRANGES)}}


def by_chance(few, many):
    """How often the median of a few independent draws lies outside the range of many: an odd few."""
    half = few // 2 + 1
    # It lies below if the least ones of all taken together are of the few; above likewise.
    return 2 * math.comb(few, half) / math.comb(few + many, half)


FAR = 1.5  # so many times as many as by chance say that seeds do not cover a setting; figures of a boot go together


def replicates(runs):
    """Do seeds vary the figures as much as settings that only rearrange events in time?"""
    if not controls.sensitive(runs):
        return ""
    rows, details, uncovered = [], [], []
    for setting, (cells, few) in rearranged(runs).items():
        found, looked, expected = outside(runs, cells, few)
        if not looked:
            continue
        if len(found) > FAR * expected:
            uncovered.append(setting)
        names = sorted({name for name, _ in found}, key=lambda name: (-sum(of == name for of, _ in found), name))
        counted = "; ".join(f"{name} ({sum(of == name for of, _ in found)})" for name in names)
        rows.append([setting, f"{looked - len(found)} of {looked}", f"{expected:.0f}", len(found),
                     counted or "–"])
        details += [f"- {setting}: {name}: {', '.join(cell for of, cell in found if of == name)}\n" for name in names]
    if not rows:
        return ""
    return ("### Replicates: do seeds stand for other phases and turns?\n\nFigures (all metrics and arms above) whose "
            "median under a setting that only rearranges events in time lies within the range over the workload's "
            "seeds, less those that the setting ran. By chance: as many would lie outside if a setting's boots were "
            "but further seeds that draw all by themselves; as the others share out turns and order, with their "
            "extremes, fewer do of figures that hang on these: the first row has three other seeds of the same kernel. "
            "How turns and order are shared out was tried for this table on seeds 12 apart from these. "
            + (f"**Seeds do not cover {', '.join(uncovered)}**, where more than {FAR} times as many do: compare what "
               "is named there in one setting only.\n\n" if uncovered else "Nowhere are there "
               f"more than {FAR} times as many.\n\n")
            + markdown.table(["setting", ">within the range", ">outside by chance", ">outside", "which (arms)"], rows)
            + f"\n<details><summary>In which arms</summary>\n\n{''.join(details)}\n</details>\n")


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
            "[bench/README.md](bench/README.md) says how it errs.\n")
