# SPDX-License-Identifier: GPL-2.0-only
"""The sections of RESULTS.md."""

import dataclasses
import pathlib

from bench import arms
from bench.cycles import section
from bench.report import (
    anatomy,
    contrasts,
    controls,
    documents,
    hotpaths,
    instrument,
    markdown,
    metrics,
    plan,
    plots,
    read,
    sameness,
    short,
    strategies,
    tables,
    trust,
)

STRATEGIES = tuple(strategies.names())
MODEL_NAMES = {"rt": "PREEMPT_RT", "lazy": "PREEMPT_LAZY"}
FIGURES = pathlib.PurePath("results/figures")


def joined(values):
    """Distinct values in order, with commas."""
    return ", ".join(sorted({str(value) for value in values}))


def ordinary(boot):
    """Is it a boot of an arm that the report compares, no control's?"""
    return boot.kind == "drain" and boot.arm != plan.REBUILT


def excluded(boots):
    """The boots that enter no figure, counted and named; "" if there are none."""
    bad = [f"{boot.lab}/{boot.model}-{boot.arm} {place(boot)} ({boot.verdict})" for boot in boots
           if boot.verdict != "ok"]
    if not bad:
        return ""
    return f"- **{len(bad)} of {len(boots)} boots are excluded**: {', '.join(bad)}. They enter no figure."


def missing(kept, boots, labs, judged, others=()):
    """What a reader must know first: controls that failed, and what these results do not hold.

    kept: the folder of what the instrument gave; labs: {lab: tables.Figures}; judged: Lab of the contrasts' lab, or
    None; others: boots of
    another kind.
    """
    lines = trust.first(judged.controls, judged.verdicts) if judged else []
    lines += [line for line in (excluded([*boots, *others]),) if line]
    kernels = {boot.manifest.get("kernel") for boot in boots if boot.verdict == "ok"}
    absent = [f"`{name}`" for name in STRATEGIES if name not in kernels]
    good = {f"{lab} {model}-{arm}": len(cell) for lab, figures in labs.items()
            for (model, arm), cell in figures.cells.items()}
    short = {name: count for name, count in good.items() if count < plan.BOOTS}
    if absent:
        lines.append(f"- **{len(absent)} of {len(STRATEGIES)} strategies have no good boot here: "
                     f"{', '.join(absent)}.** Nothing below says anything about them.")
    if len(short) == len(good):
        lines.append(f"- **{min(good.values(), default=0)} seeds per arm are too few for a verdict** "
                     f"(at least {plan.BOOTS}): there are medians, intervals and differences, and no judgement.")
    elif short:
        lines.append(f"- Fewer than {plan.BOOTS} good boots: "
                     f"{', '.join(f'{name} ({count})' for name, count in short.items())}. No verdict is about these.")
    if not judged:
        lines.append(f"- Nothing was run in the {plan.JUDGED_LAB} lab, which verdicts are about: there are none.")
    lines = lines or ["- Nothing that was planned: every strategy ran on every seed, no boot is excluded, and every "
                      "control held."]
    lines += [f"- The instrument, {what}." for what in instrument.unchecked(kept, boots)] if judged else []
    return "\n".join([*lines, f"- Not in this report: {markdown.claims('; '.join(plan.NOT_HERE))}."]) + "\n"


def boots_table(boots):
    """How many boots of each cell ended how, and why those that did not end well."""
    verdicts = [verdict for verdict in read.VERDICTS if verdict == "ok" or any(b.verdict == verdict for b in boots)]
    order = tables.arms_in_order({boot.arm for boot in boots})
    found = {}
    for boot in boots:
        kind = "A/A" if boot.arm == plan.REBUILT else trust.KINDS[boot.kind]
        found.setdefault((boot.lab, boot.model, boot.arm, kind), []).append(boot.verdict)
    kinds = list(trust.KINDS.values())
    rows = [[*cell, len(here), *(here.count(verdict) for verdict in verdicts)] for cell, here in
            sorted(found.items(), key=lambda row: (kinds.index(row[0][3]), *row[0][:2], order.index(row[0][2])))]
    text = markdown.folded(f"How {len(boots)} boots ended, by cell", markdown.table(
        ["lab", "model", "arm", "for", ">boots", *(f">{verdict}" for verdict in verdicts)], rows))
    bad = [f"- {boot.lab}/{boot.model}-{boot.arm} {place(boot)}: {boot.verdict}: {boot.why}"
           for boot in boots if boot.verdict != "ok"]
    return text + began(boots) + ("\nThese enter no figure:\n\n" + "\n".join(bad) + "\n" if bad else "")


def began(boots):
    """When a lab's first and last boot began: what was decided before, git knows."""
    times = {}
    for boot in boots:
        if at := boot.manifest.get("started_utc"):
            times.setdefault(boot.lab, []).append(at)
    return "".join(f"\n{lab}: the first of these boots began at {min(at)}, the last at {max(at)}.\n"
                   for lab, at in sorted(times.items()))


def tries(boots):
    """How many boots took more than one try."""
    told = [boot.manifest["tries"] for boot in boots if "tries" in boot.manifest]
    found = [f"{sum(number > 1 for number in told)} of {len(told)} boots took more than one."] if told else []
    if silent := len(boots) - len(told):
        found.append(f"Of {silent} older boots it is not known how many they took.")
    return (f"Of each boot the last try is kept. {' '.join(found)} That a boot made again is the same, so that none "
            "can be tried until it suits, `make again` checks (*The instrument*).\n")


def place(boot):
    """Which boot of its cell it is."""
    return f"seed {boot.seed}" if boot.kind == "drain" else boot.path.name


def own_words(boots):
    """{arm: the boot parameters that not all arms of a lab have}."""
    words = {}
    for boot in boots:
        if boot.verdict == "ok":
            words.setdefault(boot.arm, []).append(set(boot.manifest["cmdline"].split()))
    same = {arm: set.intersection(*sets) for arm, sets in words.items()}
    everywhere = set.intersection(*same.values()) if same else set()
    return {arm: " ".join(sorted(found - everywhere)) for arm, found in same.items()}


def arms_table(boots, figures):
    kernels = {boot.arm: boot.manifest["kernel"] for boot in boots if boot.verdict == "ok"}
    words = own_words(boots)
    return markdown.table(["arm", "kernel", "boot parameter"],
                          [[arm, kernels[arm], f"`{words[arm]}`" if words[arm] else "–"] for arm in figures.arms])


def machine(boots):
    """What the boots of a lab ran on."""
    good = [boot for boot in boots if boot.verdict == "ok"]

    def of(key):
        return joined(boot.manifest[key] for boot in good)

    workload = joined(f"{key} {value}" for boot in good for key, value in boot.manifest["workload"].items()
                      if key != "seed")
    lengths = joined(phase["length_ns"] // 1000000 for boot in good for phase in boot.guest["phases"].values())
    qemu = joined(boot.manifest["qemu_version"] or "no QEMU" for boot in good)
    return (f"- Linux {of('kernel_release')}, {of('compiler')}; {qemu}; host CPU: {of('host_cpu')}\n"
            f"- {joined(boot.guest['cpus'] for boot in good)} CPUs, of which CPU "
            f"{joined(boot.guest['isolated'] for boot in good)} is isolated; phases of {lengths} guest ms, "
            f"{joined(len(boot.guest['requests']) for boot in good)} requests in the storm\n"
            f"- workload: {workload}\n" + turns(good))


def turns(boots):
    """How long a CPU ran before another got its turn, in the storm."""
    medians, longest = [], []
    for boot in [boot for boot in boots if boot.counts]:
        then, now = (boot.counts.turns.get(mark, {}) for mark in (read.STORM_BEGIN, read.STORM_END))
        lengths = {log2: now[log2] - then.get(log2, 0) for log2 in sorted(now) if now[log2] > then.get(log2, 0)}
        seen = 0
        for log2, count in lengths.items():
            seen += count
            if 2 * seen >= sum(lengths.values()):
                medians.append(log2)
                break
        longest += [max(lengths)] if lengths else []
    if not medians:
        return ""
    usual = sorted(medians)[len(medians) // 2]
    return (f"- CPUs take turns: half of the turns are shorter than {2 ** (usual + 1):,} instructions in the usual "
            f"boot and than {2 ** (max(medians) + 1):,} in all, all turns are shorter than "
            f"{2 ** (max(longest) + 1):,}\n")


def legend(figures, results):
    """{(model, arm): "p99 / max"} of cyclictest under drains, medians over boots."""
    return {cell: " / ".join(figures.median(*cell, f"cyclictest/storm/{key}") for key in ("p99", "max")) + " µs"
            for cell in results}


def group(found, name):
    """The figures of one group, without its name."""
    return {key.partition("/")[2]: value for key, value in found.items() if key.startswith(f"{name}/")}


def titles(lab, figures):
    """{model: what its part of a figure is called}."""
    return {model: f"{MODEL_NAMES.get(model, model)} ({lab} lab)" for model in figures.models}


def noise_figure(folder, lab, figures):
    """The figure of what a drain takes, drawn into folder; returns its part of a page."""
    imposed = {cell: [group(found, "imposed") for found in seeds.values()] for cell, seeds in figures.cells.items()}
    own = {cell: [found.get("owner/own", 0) for found in seeds.values()] for cell, seeds in figures.cells.items()}
    plots.noise(folder / f"{lab}-noise.svg", titles(lab, figures), figures.arms, imposed, own)
    n = joined(len(cell) for cell in figures.cells.values())
    return f"""\
![Kernel instructions per drain]({FIGURES}/{lab}-noise.svg)

*Kernel instructions that a drain imposes on the isolated CPU: (storm − quiet phase) / drains, {lab} lab. Circles: one a
boot, n = {n} per arm; number: their median. Bars: mean over boots, by the task that ran and how it came into the
kernel. To the left of 0: what the owner is spared, since a cache that was drained on request fills later.*
"""


def latency_figure(folder, lab, boots, figures):
    """The figure of cyclictest's latencies, drawn into folder; returns its part of a page."""
    results = {"quiet": {}, "storm": {}}
    for boot in boots:
        if boot.verdict == "ok":
            for phase, result in boot.guest["cyclictest"].items():
                boots_of = results[phase].setdefault((boot.model, boot.arm), [])
                boots_of.append((result["histogram"], result["overflow"]))
    plots.ccdf(folder / f"{lab}-ccdf.svg", titles(lab, figures), figures.arms, results["quiet"], results["storm"],
               legend(figures, results["storm"]))
    n = joined(len(cell) for cell in figures.cells.values())
    cycles = [found["cyclictest/storm/cycles"] for seeds in figures.cells.values() for found in seeds.values()]
    return f"""\
![Latency of cyclictest]({FIGURES}/{lab}-ccdf.svg)

*cyclictest on the isolated CPU while drains are requested, {lab} lab: share of wake-ups later than x. Up to 56 µs it
shows the turns of the CPUs rather than the kernel, in bins of 1 µs. Lines: at each latency the median over
boots, n = {n} per arm, {min(cycles)} to {max(cycles)} wake-ups each; grey: without drains. Latency is instruction time
(1 ns an instruction, summed over all busy CPUs), not time on hardware.*
"""


GLOSSARY = """\
| word | means |
| --- | --- |
| arm | a kernel with its boot parameters: what is compared |
| model | the preemption model of a kernel: PREEMPT_RT (rt) or PREEMPT_LAZY (lazy) |
| cell | an arm under one model, such as rt-unpatched |
| contrast | one question: is an arm better or worse than another in one metric, by more than a margin? |
| kind of a boot | what it is for: the workload, A/A, a dose, a setting of the lab, hot paths, a time line |
| A/A | boots of unpatched on other seeds, compared with unpatched itself: what differs is noise |
| dose | boots in which interrupts take a known number of instructions in place of drains: does the lab find it? |
| setting | one property of the lab that is changed, to see whether a verdict holds |
| isolated CPU | the CPU (nohz_full and isolcpus) on which the owner and cyclictest run |
| housekeeping CPU | any other CPU |
| owner | a task on the isolated CPU that spins in user mode, and at times touches a page for the first time |
| requester | a task on a housekeeping CPU that asks for drains |
| ballast | a task that keeps a housekeeping CPU busy, since guest time passes by what busy CPUs execute |
| guest second | 10⁹ instructions, of all CPUs together while they are busy |
| fill | the owner touches such a page: its folio is then cached on the isolated CPU |
| request | the requester asks once for all CPUs to be drained |
| drain | a request that was served |
| storm, quiet phase | the part of a boot with requests, and the equally long one without |
| imposed | kernel instructions on the isolated CPU outside of its own tasks' system calls and faults |
| posted | the owner was in user mode: the request returned, and the drain follows when the owner enters the kernel |
"""


HOW_TO_READ = """\
- **A boot with its seed is the unit.** Each boot gives one number per table; the median is over boots. A seed sets
  when requests come, when the owner fills, where cyclictest's period begins relative to both, how CPUs take turns, and
  whether quiet or storm comes first. Arms are compared on the same seeds; column *boots* shows on how many.
- **Interval**: the shortest one between two order statistics, as far from the lowest as from the highest, that covers
  the median over seeds with 95 %. Fewer than 6 boots have no such interval. For them it goes from minimum to maximum,
  which covers the median with 75 % for 3 boots, 88 % for 4 and 94 % for 5, if boots are independent. It tells about
  other arrivals and phases on this simulator, not about other machines or compilers.
- **Difference**: the median over seeds of (arm − unpatched) with the same seed and preemption model, and the
  interval of that. It need not be the difference of the two medians. In parentheses: as a share of
  unpatched's median, if that is not 0.
- **Counts repeat**: the same seed gives the same count. Only the primary contrasts and A/A have p values, over
  seeds; exact counts have none. Events are counted one by one; instructions by block, in 10,000 up to 3 too many on
  the isolated CPU and 5 on others (*The instrument*). If nothing happened in N drains, the rate is below 3/N (95 %).
- **Per drain** is (storm − quiet) / drains. Both phases have the same length, tasks and fills; only the storm has
  requests. A negative number means that there was less of it in the storm.
- That difference hides what is in both phases. An owner that drains on each return to user mode also pays in the quiet
  phase, and in the storm requests find its cache empty. **Per fill, quiet phase** hides nothing: it is all kernel
  instructions on the isolated CPU in that phase, divided by the pages that the owner touched.
- Guest seconds and microseconds serve to compare arms within one table, unless a difference is said to depend on the
  lab. Microseconds on hardware do not follow from them.
"""


HOTPATHS = """\
Kernel instructions that one operation takes on its CPU, entry and exit included, counted one by one; in parentheses
the locked ones among them (LOCK prefix, or XCHG with memory). Column unpatched: the figure; other arms: what they add.
Each figure is the least that three in ten of 200 repetitions took, or else what most took, and then it says in how
many; the others met a full batch or an empty list of free pages, or went another way, as owner and kworker may share
the work. What a sleep takes hangs on the scheduler's phase too: "other phase" stands where one of two kernels has met
both figures. Only `none`, which is to be identical, is compared at unpatched's figure if it
has met exactly that. One boot a cell, as counts repeat (`make check-hotpaths` compares seeds). Nobody asks
for a drain.

`getppid` is one entry and exit; `interrupt` an interrupt of user mode; `page fault` and `madvise free` cache a folio;
`mlock`, `munlock`, `munmap` drain this CPU's caches themselves, on any kernel; `yield there, back` is two system
calls and two context switches. Where an owner drains before it returns to user mode, that is in the figure, with the
kworker's instructions if it waits for one.
"""


def hotpath_part(lab, cells, faults):
    """What everyday operations take, and which arms add to it."""
    if not cells:
        return ""
    models = sorted({model for model, _ in cells})
    arms = tables.arms_in_order({arm for _, arm in cells})
    parts = [f"## Hot paths (lab: {lab})\n", HOTPATHS]
    if faults:
        parts.append("These enter no figure:\n\n" + "".join(f"- {fault}\n" for fault in faults))
    for model in models:
        same = {arm: hotpaths.equal(cells, model, arm) for arm in arms if arm != hotpaths.BASE}
        counts = [f"{arm} in {equal} of {of} figures" for arm, (equal, of) in same.items() if of]
        if counts:
            parts.append(f"{MODEL_NAMES.get(model, model)}: as many instructions as unpatched, locked ones too: "
                         f"{'; '.join(counts)}.\n")
        for kind, where in hotpaths.KINDS.items():
            parts += [f"### {MODEL_NAMES.get(model, model)}, {where}\n", hotpaths.table(cells, model, kind, arms)]
    causes = [line for model in models for line in hotpaths.causes(cells, model, arms)]
    if causes:
        parts.append(markdown.folded("In which functions they differ from unpatched, on the isolated CPU",
                                     "\n".join(causes) + "\n"))
    return "\n".join(parts)


def irqs_off_part(figures, lab, boots):
    """Longest stretches with interrupts off, and where they began; nothing if no boot told."""
    if not any("irqs_off/storm" in found for cell in figures.cells.values() for found in cell.values()):
        return ""
    where = {}
    for boot in boots:
        if boot.verdict == "ok" and (name := metrics.where_irqs_off(boot)):
            here = where.setdefault((boot.model, boot.arm), {})
            here[name] = here.get(name, 0) + 1
    rows = [[*cell, ", ".join(f"`{name}` ({count})" for name, count in
                              sorted(where.get(cell, {}).items(), key=lambda found: (-found[1], found[0])))]
            for cell in figures.rows()]
    return "\n".join((f"## Interrupts off (lab: {lab})\n",
                      metric_tables(figures, tables.IRQS_OFF),
                      "### Where the longest stretch of the storm began (boots)\n",
                      markdown.table(["model", "arm", "function (boots)"], rows)))


def anatomy_part(folder, lab, cells):
    """The timelines of one drain each, and links to their listings; cells: {(model, arm): folder}."""
    if not cells:
        return ""
    order = tables.arms_in_order({arm for _, arm in cells})
    text = [f"## One drain, who ran what when (lab: {lab})\n",
            "One request under each arm, from the kernel's trace events: the owner caches one folio, then the "
            "requester asks once. Time is guest time with tracing on, stretches without events are shortened. "
            f"`make anatomy VARIANT={arms.example()} MODEL=rt` makes one figure.\n"]
    for model, arm in sorted(cells, key=lambda cell: (cell[0] != "rt", cell[0], order.index(cell[1]))):
        name = f"{model}-{arm}"
        try:
            anatomy.write(cells[model, arm], folder, model, arm)
        except read.Unreadable as error:
            text.append(f"- {name}: no timeline: {error}\n")
            continue
        where = f"{FIGURES}/anatomy-{name}"
        text.append(f"![One drain under {name}]({where}.svg)\n\n*{name}. [All events]({where}.txt).*\n" if model == "rt"
                    else f"- {name}: [timeline]({where}.svg), [all events]({where}.txt)\n")
    return "\n".join(text)


@dataclasses.dataclass(frozen=True)
class Lab:
    """The lab that verdicts are about: its figures, its controls, and the verdicts."""

    runs: controls.Runs
    controls: controls.Controls
    verdicts: list


def judge(runs, boots, now, faults):
    """Lab from the figures of the lab that verdicts are about; None without a boot there.

    now: for sameness; faults: checks that the instrument failed.
    """
    if not runs or not runs.cells():
        return None
    here = [boot for boot in boots if boot.lab == plan.JUDGED_LAB]
    found = controls.judge(runs, sameness.unlike(here), sameness.changed(here, now), faults)
    return Lab(runs, found, contrasts.judge(runs, found))


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


def verdicts_part(judged):
    """The primary contrasts."""
    if not judged:
        return ""
    whole = ", ".join(str(number) for number, contrast in enumerate(plan.CONTRASTS, 1) if contrast.key == "fill/storm")
    return "\n".join(part for part in (
        f"## Primary contrasts (lab: {plan.JUDGED_LAB})\n", CONTRASTS, contrasts.table(judged.verdicts),
        IMPOSED.format(whole=whole), contrasts.break_even(judged.runs, judged.controls)) if part)


def answers_part(judged):
    """The verdicts as question, answer and number."""
    if not judged:
        return ""
    return "\n".join((
        f"## Verdicts (lab: {plan.JUDGED_LAB})\n",
        "Named before the campaign, less is better. Difference: the median over pairs of boots, and its interval; "
        f"margin: what matters. All that belongs to them: [verdicts]({documents.place('verdicts')}).\n",
        contrasts.answers(judged.verdicts)))


def cycles_part(results):
    """What the cycles lab says of itself; it is no lab of boots, and has a module of its own for that."""
    title = "## Hot paths in cycles (lab: cycles)\n"
    if not (results / "cycles").is_dir():
        return f"{title}\nIt was not run (`make cycles`).\n"
    return "\n".join([title, *section.section(results / "cycles", results / plan.JUDGED_LAB), ""])


def short_part(boots, labs, judged):
    """What stands first; nothing without the lab that verdicts are about."""
    if not judged:
        return ""
    here = [boot for boot in boots if boot.lab == plan.JUDGED_LAB and ordinary(boot)]
    withdrawn = any(one.verdict == contrasts.Verdict.WITHDRAWN for one in judged.verdicts)
    doubt = bool(judged.controls.failed or judged.controls.unlike or withdrawn)
    return short.part(labs[plan.JUDGED_LAB], here, judged, doubt)


MADE_AGAIN = """\
Boots of this project were also made again from nothing on a processor of another maker: 4 of 4 gave the same bytes.
`make cell CELL=rt-unpatched SEED=603` repeats one boot and says whether it is the same
([more](bench/README.md#repeat-one-boot)).
"""

ELSEWHERE = """\
The cycles lab has controls of its own, at the head of [its section](#hot-paths-in-cycles-lab-cycles): which operations
are too noisy to compare, whether instructions agree with the plugin's, and what a line costs that another core wrote.
"""


def trust_part(folder, kept, boots, judged):
    """Can you trust this lab? The controls of the lab that verdicts are about."""
    if not judged:
        return ""
    runs, found, lab = judged.runs, judged.controls, plan.JUDGED_LAB
    return "\n".join(part for part in (
        f"## Can you trust this lab? (lab: {lab})\n",
        "What each control is for, and what goes if it fails: [METHOD.md](bench/METHOD.md).\n",
        trust.outcomes_table(found, judged.verdicts), trust.resolution(runs), trust.alarms(found),
        trust.dose_part(runs, folder, FIGURES, lab),
        trust.held_under(runs, judged.verdicts), trust.sensitivity(runs, found), trust.replicates(runs),
        instrument.part(kept, boots), MADE_AGAIN, trust.plugin(boots), trust.errors(kept),
        ELSEWHERE if (kept / "cycles").is_dir() else "",
    ) if part)


INTRODUCTION = """\
<!-- SPDX-License-Identifier: GPL-2.0-only -->
# Results

Made by `make report` from the raw files in [results](results), which `make results` makes; never edited by hand.
The answers stand here; [all figures](#all-figures) on further pages.
"""


def compared(figures):
    """What each arm is, in the words of its file."""
    found = [arm for arm in tables.ARMS if arm in figures.arms]
    return "\n".join(("## What was compared\n", markdown.table(
        ["arm", "what it is"], [[f"**{arm}**", arms.fact(arm, "SAYS")] for arm in found])))


def links(pages):
    """Where all the rest is."""
    rows = [f"- [{title}]({where}): {what}" for where, title, what in pages.further()]
    return "\n".join(("## All figures\n", *rows, ""))


def stale_part(judged):
    """What a reader of any figure must know first: it may be of kernels that are other ones now."""
    if not judged or not judged.controls.changed:
        return ""
    which = ", ".join(judged.controls.changed) if len(judged.controls.changed) < 4 else "most or all"
    return f"**Kernels have changed since they were measured ({which})**: see [what is missing](#what-is-missing).\n"


def front(pages, folder, kept, boots, labs, judged, others=()):
    """The front page: what was compared, the answers, the figure, what is missing.

    pages: documents.Pages, to add to; folder: of the figures; kept: of what the instrument gave; labs: {lab:
    tables.Figures};
    judged: from judge(); others: boots of another kind than the workload's and controls'.
    """
    lab = plan.JUDGED_LAB
    pages.add(documents.FRONT, INTRODUCTION, stale_part(judged), compared(labs[lab]) if judged else "",
              short_part(boots, labs, judged), answers_part(judged),
              noise_figure(folder, lab, labs[lab]) if judged and counts(boots, lab) else "",
              "## What is missing\n", missing(kept, boots, labs, judged, others))


def counts(boots, lab):
    """Does a lab count instructions?"""
    return any(boot.counts for boot in boots if boot.lab == lab)


def basis(pages, folder, kept, results, boots, labs, judged, now, others=()):
    """What all this stands on: verdicts, how to read, controls, the other lab's own word, and how boots ended.

    results: the folder of labs; now: for sameness.sources(); the rest: as for front().
    """
    after = f"Decided after these boots, and so in no METHOD.md before them: {'; '.join(plan.AFTER)}.\n"
    pages.add(documents.place("verdicts"), verdicts_part(judged))
    pages.add(documents.place("reading"), "## Words\n", GLOSSARY, "## How to read this\n", HOW_TO_READ)
    pages.add(documents.place("trust"), trust_part(folder, kept, boots, judged))
    pages.add(documents.place("cycles"), cycles_part(results))
    pages.add(documents.place("boots"), "## Boots\n", boots_table(boots), tries([*boots, *others]) if judged else "",
              after if judged and plan.AFTER else "", sameness.alike([*boots, *others]),
              sameness.sources([*boots, *others], now))


def imported_note(boots):
    """What must stand beside figures that were not made here; nothing if they were."""
    for boot in boots:
        if boot.verdict == "ok" and (about := read.imported(boot)):
            return (f"**Imported**: made elsewhere in lab {about['lab']}, taken from `{about['from']}` at "
                    f"{about['imported_utc']}. Nobody here has seen these boots; their files are those that were "
                    "imported. Compare no figure of them with another lab's.\n")
    return ""


def host_noise(boots):
    """What the lab saw of its host before its last campaign; nothing if it has not looked."""
    try:
        seen = read.host_noise(boots[0].path.parent.parent)
    except read.Unreadable as error:
        return f"**Host noise**: {error}.\n"
    vcpus = ", ".join(f"{share:.3%} of vCPU {vcpu}'s time in gaps of up to {longest:.0f} µs"
                      for vcpu, (share, longest) in seen.items())
    return f"Before the last campaign the host itself took {vcpus} (osnoise).\n" if vcpus else ""


def guest_part(lab, boots, figures):
    """All that the report says of a lab that counts nothing: what the guest itself sees, in its own time."""
    def plain(metrics):
        # Their notes speak of instruction time.
        return (tables.Metric(metric.key, metric.title) for metric in metrics)

    return "\n".join(part for part in (
        f"## What was compared (lab: {lab})\n", imported_note(boots), arms_table(boots, figures), machine(boots),
        host_noise(boots),
        "This lab runs in real time and counts no instructions: guest µs are microseconds on its host.\n",
        f"## cyclictest under drains (lab: {lab})\n",
        *(tables.metric_table(figures, metric) for metric in plain(tables.LATENCY)),
        f"## How long a request takes (lab: {lab})\n",
        *(tables.metric_table(figures, metric) for metric in plain(tables.REQUEST)
          if metric.key.startswith("request/completion")),
        f"## Items cached, drained, posted, left (lab: {lab})\n",
        *(tables.metric_table(figures, metric) for metric in tables.ITEMS),
    ) if part)


def page_of(lab, name):
    """The page of a lab's section: of the lab that verdicts are about it has no lab in its name."""
    return documents.place(name if lab == plan.JUDGED_LAB else f"{lab}-{name}")


def details(pages, folder, lab, boots, figures, judged, hot=({}, ()), traced=None):
    """All tables of one lab; judged: from judge(); hot: from hotpaths.read_lab(); traced: for anatomy_part()."""
    if not counts(boots, lab):
        pages.add(page_of(lab, "drain"), guest_part(lab, boots, figures))
        return
    pages.add(page_of(lab, "boots"), f"## What was compared (lab: {lab})\n", imported_note(boots),
              arms_table(boots, figures), machine(boots))
    pages.add(
        page_of(lab, "drain"), f"## At a glance (lab: {lab})\n",
        "Medians over boots; per drain and on the isolated CPU unless said otherwise. Intervals: further below.\n",
        tables.medians_table(figures, tables.GLANCE),
        short.other_models(figures, judged) if lab == plan.JUDGED_LAB else "",
        noise_figure(folder, lab, figures) if lab != plan.JUDGED_LAB else "",
        f"## What a drain takes from the isolated CPU (lab: {lab})\n", metric_tables(figures, tables.TAKEN),
        "### Interruptions of user mode per drain, by cause\n",
        "What took the isolated CPU out of user mode unasked. Medians over boots, which need not add up.\n",
        *(tables.split_table(figures, "user", model, "cause") for model in figures.models),
        "### Kernel instructions per drain, by cause\n",
        "Cause: the task that ran, and the kernel entry it was in. Medians over boots, which need not add up.\n",
        *(tables.split_table(figures, "cause", model, "cause") for model in figures.models),
        "### Kernel entries per drain, by kind\n",
        *(tables.split_table(figures, "entry", model, "entry") for model in figures.models),
        irqs_off_part(figures, lab, boots),
        f"## What the owner pays by itself (lab: {lab})\n",
        "Absolute figures per page that the owner touches: they show what a strategy costs where nobody asks for a "
        "drain.\n",
        metric_tables(figures, tables.FILLS),
        f"## The quiet phase (lab: {lab})\n",
        "Without requests: totals of the phase on the isolated CPU, medians over boots, by the order of the phases: "
        "figures of the two orders lie apart, so that a median over all of them is no boot's.\n",
        tables.by_order_table(figures, tables.QUIET))
    pages.add(page_of(lab, "hotpaths"), hotpath_part(lab, *hot))
    pages.add(
        page_of(lab, "latency"), f"## cyclictest under drains (lab: {lab})\n",
        "All in instruction time: caches, buses and real interrupts have no part in it.\n",
        latency_figure(folder, lab, boots, figures), metric_tables(figures, tables.LATENCY))
    pages.add(page_of(lab, "requests"), f"## What a request costs and how long it takes (lab: {lab})\n",
              metric_tables(figures, tables.REQUEST))
    pages.add(
        page_of(lab, "items"), f"## Items cached, drained, posted, left (lab: {lab})\n", POSTABLE,
        metric_tables(figures, tables.ITEMS), "### Help given to a strategy, per drain\n", HELP,
        *(tables.split_table(figures, "help", model, "help") or f"{model}: none in any boot.\n"
          for model in figures.models))
    pages.add(page_of(lab, "anatomy"), anatomy_part(folder, lab, traced or {}))


POSTABLE = """\
The requests of these boots may all be posted. Of the 20 call sites in Linux 7.3.4 that ask for folios 6 can bear that
(khugepaged's and ksmd's scans, compaction by sysctl and by sysfs, fadvise, drop_caches). How often each comes was not
counted. The others need the drain for an error code, for progress, or lest somebody reads stale data: they ask
strictly, and interrupt the owner where it would have been posted.
[common/clients/lru/](common/clients/lru/README.md) lists them all.
"""
HELP = """\
strict (must in boots of older kernels): a request that may not be posted interrupted the owner; patience: it stayed in
the kernel too long; idle: its CPU went idle with something cached. Medians over boots.
"""


def metric_tables(figures, metrics):
    """Tables of metrics, folded."""
    names = "; ".join(metric.title for metric in metrics)
    return markdown.folded(names, *(tables.metric_table(figures, metric) for metric in metrics))
