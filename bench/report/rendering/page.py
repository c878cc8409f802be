# SPDX-License-Identifier: GPL-2.0-only
"""The sections of RESULTS.md."""

import collections
import dataclasses

import pandas

from bench import arms, workloads
from bench.cycles import section
from bench.door import lab as door_lab
from bench.door import section as door
from bench.report import plan
from bench.report.facts import frame, metrics, read, strategies
from bench.report.judgement import answers as chosen
from bench.report.judgement import claims as judged_claims
from bench.report.judgement import contrasts, controls, sameness
from bench.report.judgement import loads as judged_loads
from bench.report.rendering import (
    anatomy,
    answers,
    claims,
    documents,
    hotpaths,
    instrument,
    loads,
    markdown,
    origin,
    plots,
    short,
    tables,
    timeline,
    trust,
    verdicts,
)


def excluded(boots):
    """A line on the boots that enter no figure, counted and named; none if there are none."""
    bad = [f"{boot.lab}/{boot.model}-{boot.arm} {origin.place(boot)} ({boot.verdict})" for boot in boots
           if boot.verdict != "ok"]
    said = f"- **{len(bad)} of {len(boots)} boots are excluded**: {', '.join(bad)}. They enter no figure."
    return [said] if bad else []


def missing(kept, boots, labs, judged, others=()):
    """What a reader must know first: controls that failed, and what these results do not hold.

    kept: the folder of what the instrument gave; labs: {lab: its cells}; judged: Lab of the contrasts' lab, or None;
    others: boots of another kind.
    """
    lines = trust.first(judged.controls, judged.verdicts) if judged else []
    lines += excluded([*boots, *others])
    kernels = {boot.manifest.get("kernel") for boot in boots if boot.verdict == "ok"}
    absent = [f"`{name}`" for name in strategies.names() if name not in kernels]
    good = {f"{lab} {model}-{arm}": count for lab, rows in labs.items()
            for (model, arm), count in frame.boots(rows).items()}
    short = {name: count for name, count in good.items() if count < plan.BOOTS}
    if absent:
        lines.append(f"- **{len(absent)} of {len(strategies.names())} strategies have no good boot here: "
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
    return "\n".join([*lines, *(f"- Not here: {markdown.claims(limit)}." for limit in plan.NOT_HERE)]) + "\n"


def titles(lab, rows):
    """{model: what its part of a figure is called}."""
    return {model: f"{tables.MODEL_NAMES.get(model, model)} ({lab} lab)" for model in frame.models(rows)}


def noise_figure(folder, lab, rows):
    """The figure of what a drain takes, drawn into folder; returns its part of a page."""
    plots.noise(folder / f"{lab}-noise.svg", titles(lab, rows), frame.all_arms(rows), rows)
    n = origin.joined(frame.boots(rows))
    return f"""\
![Kernel instructions per drain]({documents.FIGURES}/{lab}-noise.svg)

*Kernel instructions that a drain imposes on the isolated CPU: (storm − quiet phase) / drains, {lab} lab. Circles: one a
boot, n = {n} per arm; number: their median. Bars: mean over boots, by the task that ran and how it came into the
kernel. To the left of 0: what the owner is spared, since a cache that was drained on request fills later.*
"""


def latency_figure(folder, lab, boots, rows):
    """The figure of cyclictest's latencies, drawn into folder; returns its part of a page."""
    results = collections.defaultdict(lambda: collections.defaultdict(list))
    for boot in boots:
        if boot.verdict == "ok":
            for phase, result in boot.guest["cyclictest"].items():
                results[phase][boot.model, boot.arm].append((result["histogram"], result["overflow"]))
    legend = {cell: " / ".join(tables.median(rows, *cell, f"cyclictest/storm/{key}") for key in ("p99", "max")) + " µs"
              for cell in frame.names(rows)}
    plots.ccdf(folder / f"{lab}-ccdf.svg", titles(lab, rows), frame.all_arms(rows), results["quiet"], results["storm"],
               legend)
    n, (least, most) = origin.joined(frame.boots(rows)), rows["cyclictest/storm/cycles"].agg(["min", "max"])
    return f"""\
![Latency of cyclictest]({documents.FIGURES}/{lab}-ccdf.svg)

*cyclictest on the isolated CPU while drains are requested, {lab} lab: share of wake-ups later than x. Up to 56 µs it
shows the turns of the CPUs rather than the kernel, in bins of 1 µs. Lines: at each latency the median over
boots, n = {n} per arm, {least:.0f} to {most:.0f} wake-ups each; grey: without drains. Latency is instruction time
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


def irqs_off_part(rows, lab, boots, marks):
    """Longest stretches with interrupts off, and where they began; nothing if no boot told."""
    if rows["irqs_off/storm"].isna().all():
        return ""
    where = collections.defaultdict(collections.Counter)
    for boot in boots:
        if boot.verdict == "ok" and (name := metrics.where_irqs_off(boot)):
            where[boot.model, boot.arm][name] += 1
    return "\n".join((f"## Interrupts off (lab: {lab})\n", metric_tables(rows, tables.IRQS_OFF, marks),
                      "### Where the longest stretch of the storm began (boots)\n",
                      markdown.table(["model", "arm", "function (boots)"], [
                          [*cell, ", ".join(f"`{name}` ({count})" for name, count in
                                            sorted(where[cell].items(), key=lambda found: (-found[1], found[0])))]
                          for cell in frame.names(rows)])))


@dataclasses.dataclass(frozen=True)
class Lab:
    """The lab that verdicts are about: its figures, its controls, and the verdicts."""

    runs: pandas.DataFrame
    controls: controls.Controls
    verdicts: list


def judge(runs, boots, now, faults, again=()):
    """Lab from the figures of the lab that verdicts are about; None without a boot of the workload there.

    now, again: for sameness; faults: checks that the instrument failed.
    """
    if runs is None or frame.cells(runs).empty:
        return None
    here = [boot for boot in boots if boot.lab == plan.JUDGED_LAB]
    found = controls.judge(runs, sameness.unlike(here), sameness.changed(here, now, again), faults)
    return Lab(runs, found, contrasts.judge(runs, found))


def cycles_part(results):
    """What the cycles lab says of itself; it is no lab of boots, and has a module of its own for that."""
    title = "## Hot paths in cycles (lab: cycles)\n"
    if not (results / "cycles").is_dir():
        return f"{title}\nIt was not run (`make cycles`).\n"
    return "\n".join([title, *section.section(results / "cycles", results / plan.JUDGED_LAB), ""])


def door_part(kept):
    """What the door's lab says of itself; it is no lab of boots either. kept: of what stands beside labs."""
    return "\n".join([*door.section(kept / door_lab.KEPT.relative_to("results")), ""])


def short_part(boots, labs, judged):
    """What stands first."""
    here = [boot for boot in boots if boot.lab == plan.JUDGED_LAB and origin.ordinary(boot)]
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


def trust_part(folder, kept, boots, judged, newer=""):
    """Can you trust this lab? The controls of the lab that verdicts are about. newer: from origin.as_before()."""
    runs, found, lab = judged.runs, judged.controls, plan.JUDGED_LAB
    return "\n".join(part for part in (
        f"## Can you trust this lab? (lab: {lab})\n",
        "What each control is for, and what goes if it fails: [METHOD.md](bench/METHOD.md).\n",
        trust.outcomes_table(found, judged.verdicts), trust.resolution(runs), trust.alarms(found),
        trust.dose_part(runs, folder, lab),
        trust.held_under(runs, judged.verdicts), trust.sensitivity(runs, found), trust.replicates(runs),
        instrument.part(kept, boots), newer, MADE_AGAIN, trust.plugin(boots), trust.errors(kept),
        ELSEWHERE if (kept / "cycles").is_dir() else "",
    ) if part)


INTRODUCTION = """\
<!-- SPDX-License-Identifier: GPL-2.0-only -->
# Results

Made by `make report` from the raw files in [results](results), which `make results` makes; never edited by hand.
The answers stand here; [all figures](#all-figures) on further pages.
"""


def compared(rows):
    """What each arm is, in the words of its file."""
    found = [arm for arm in frame.ARMS if arm in frame.all_arms(rows)]
    return "\n".join(("## What was compared\n", markdown.table(
        ["arm", "what it is"], [[f"**{arm}**", arms.fact(arm, "SAYS")] for arm in found])))


def answers_part(known):
    """Which arm for whom, and the arms beside each other; known: evidence.Evidence."""
    found = chosen.all_answers(known)
    return answers.bold(found), answers.users(found), answers.arms_table(known)


def claims_part(every):
    """How many claims of the debate hold, and where they stand."""
    return "\n".join(("## The debate's claims\n", claims.counted(every),
                      f"Each with its rule, its figures and the command: [claims]({documents.place('claims')}).\n"))


def workloads_part(pages, known, judged, folder):
    """A page for each workload that was run, and what page one says of their verdicts. judged: of judged_loads."""
    for name in workloads.names():
        pages.add(documents.place(f"{name}-workload"), *loads.page(known, name, judged, folder))
    return loads.grid(judged)


def links(pages):
    """Where all the rest is."""
    rows = [f"- [{title}]({where}): {what}" for where, title, what in pages.further()]
    return "\n".join(("## All figures\n", *rows, ""))


def stale_part(first, aged, newer=""):
    """What a reader of any figure must know first: it may be of kernels that are other ones now.

    first: kernels of the first campaign that have changed; aged: {workload: kernels}; newer: from origin.as_before().
    """
    def some(kernels):
        return ", ".join(kernels) if len(kernels) < 4 else "most or all"

    which = [f"in page faults beside cyclictest, hot paths and the timeline: {some(first)}"] if first else []
    which += [f"in {name}: {some(kernels)}" for name, kernels in aged.items()]
    rest = "" if aged or newer else " The workloads below ran on today's kernels."
    said = f"**Kernels have changed since they were measured {'; '.join(which)}.**{rest}\n" if which else ""
    return "\n".join(part for part in (said, newer) if part)


def front(pages, folder, kept, boots, labs, judged, known, others=(), traced=None, aged=None, newer=""):
    """The front page: answers, arms, one drain, verdicts, claims, what is missing; and the pages behind them.

    pages: documents.Pages, to add to; folder: of the figures; kept: of what the instrument gave; labs: {lab:
    its cells}; judged: from judge(); known: evidence.Evidence; others: boots of another kind than the workload's and
    controls'; traced: for timeline.part(); aged, newer: for stale_part().
    """
    lab, every = plan.JUDGED_LAB, judged_claims.all_judged(known)
    pages.add(documents.FRONT, INTRODUCTION, stale_part(judged.controls.changed if judged else (), aged or {}, newer),
              *answers_part(known), timeline.part(folder, traced or {}))
    pages.add(documents.FRONT, workloads_part(pages, known, judged_loads.judge(known), folder))
    if judged:
        pages.add(documents.FRONT, verdicts.answers_part(judged))
        pages.add(documents.place("drain"), short_part(boots, labs, judged), compared(labs[lab]),
                  noise_figure(folder, lab, labs[lab]) if counts(boots, lab) else "")
    pages.add(documents.FRONT, claims_part(every), "## What is missing\n",
              missing(kept, boots, labs, judged, others))
    pages.add(documents.place("claims"), claims.page(every))


def counts(boots, lab):
    """Does a lab count instructions?"""
    return any(boot.counts for boot in boots if boot.lab == lab)


def decided_after():
    """What METHOD.md does not say since the campaign followed it already; or that there is nothing."""
    if plan.AFTER:
        return f"Decided after these boots, and so in no METHOD.md before them: {'; '.join(plan.AFTER)}.\n"
    return ("Nothing was decided after the first of these boots: the campaign has the hash of "
            "[METHOD.md](bench/METHOD.md), and `make check-report` compares it.\n")


def basis(pages, folder, kept, results, boots, labs, judged, now, others=(), again=(), newer=""):
    """What all this stands on: verdicts, how to read, controls, the other lab's own word, and how boots ended.

    results: the folder of labs; now, again: for origin.sources(); the rest: as for front().
    """
    pages.add(documents.place("reading"), "## Words\n", GLOSSARY, "## How to read this\n", HOW_TO_READ)
    if judged:
        pages.add(documents.place("verdicts"), verdicts.part(judged))
        pages.add(documents.place("trust"), trust_part(folder, kept, boots, judged, newer))
    pages.add(documents.place("cycles"), cycles_part(results), door_part(kept))
    pages.add(documents.place("boots"), "## Boots\n", origin.boots_table(boots),
              origin.tries([*boots, *others]) if judged else "",
              decided_after() if judged else "", origin.alike([*boots, *others]),
              origin.sources([*boots, *others], now, again))


def imported_note(boots):
    """What must stand beside figures that were not made here; nothing if they were."""
    about = next((read.imported(boot) for boot in boots if boot.verdict == "ok"), {})
    if not about:
        return ""
    return (f"**Imported**: made elsewhere in lab {about['lab']}, taken from `{about['from']}` at "
            f"{about['imported_utc']}. Nobody here has seen these boots; their files are those that were imported. "
            "Compare no figure of them with another lab's.\n")


def host_noise(boots):
    """What the lab saw of its host before its last campaign; nothing if it has not looked."""
    try:
        seen = read.host_noise(boots[0].path.parent.parent)
    except read.Unreadable as error:
        return f"**Host noise**: {error}.\n"
    vcpus = ", ".join(f"{share:.3%} of vCPU {vcpu}'s time in gaps of up to {longest:.0f} µs"
                      for vcpu, (share, longest) in seen.items())
    return f"Before the last campaign the host itself took {vcpus} (osnoise).\n" if vcpus else ""


def guest_part(lab, boots, rows):
    """All that the report says of a lab that counts nothing: what the guest itself sees, in its own time."""
    # Notes of metrics speak of instruction time.
    latency, request = ([dataclasses.replace(metric, note="") for metric in metrics]
                        for metrics in (tables.LATENCY, tables.REQUEST))
    return "\n".join(part for part in (
        f"## What was compared (lab: {lab})\n", imported_note(boots), origin.arms_table(boots, rows),
        origin.machine(boots), host_noise(boots),
        "This lab runs in real time and counts no instructions: guest µs are microseconds on its host.\n",
        f"## cyclictest under drains (lab: {lab})\n",
        *(tables.metric_table(rows, metric) for metric in latency),
        f"## How long a request takes (lab: {lab})\n",
        *(tables.metric_table(rows, metric) for metric in request if metric.key.startswith("request/completion")),
        f"## Items cached, drained, posted, left (lab: {lab})\n",
        *(tables.metric_table(rows, metric) for metric in tables.ITEMS),
    ) if part)


def page_of(lab, name):
    """The page of a lab's section: of the lab that verdicts are about it has no lab in its name."""
    return documents.place(name if lab == plan.JUDGED_LAB else f"{lab}-{name}")


def details(pages, folder, lab, boots, rows, judged, hot=({}, ()), traced=None):
    """All tables of one lab; judged: from judge(); hot: from hotpaths.read_lab(); traced: for anatomy.part()."""
    marks = judged.controls if judged and lab == plan.JUDGED_LAB else tables.NOTHING
    if not counts(boots, lab):
        pages.add(page_of(lab, "drain"), guest_part(lab, boots, rows))
        return
    pages.add(page_of(lab, "boots"), f"## What was compared (lab: {lab})\n", imported_note(boots),
              origin.arms_table(boots, rows), origin.machine(boots))
    pages.add(
        page_of(lab, "drain"), f"## At a glance (lab: {lab})\n",
        "Medians over boots; per drain and on the isolated CPU unless said otherwise. Intervals: further below.\n",
        tables.medians_table(rows, tables.GLANCE),
        short.other_models(rows, judged) if lab == plan.JUDGED_LAB else "",
        noise_figure(folder, lab, rows) if lab != plan.JUDGED_LAB else "",
        f"## What a drain takes from the isolated CPU (lab: {lab})\n", metric_tables(rows, tables.TAKEN, marks),
        "### Interruptions of user mode per drain, by cause\n",
        "What took the isolated CPU out of user mode unasked. Medians over boots, which need not add up.\n",
        *(tables.split_table(rows, "user", model, "cause") for model in frame.models(rows)),
        "### Kernel instructions per drain, by cause\n",
        "Cause: the task that ran, and the kernel entry it was in. Medians over boots, which need not add up.\n",
        *(tables.split_table(rows, "cause", model, "cause") for model in frame.models(rows)),
        "### Kernel entries per drain, by kind\n",
        *(tables.split_table(rows, "entry", model, "entry") for model in frame.models(rows)),
        irqs_off_part(rows, lab, boots, marks),
        f"## What the owner pays by itself (lab: {lab})\n",
        "Absolute figures per page that the owner touches: they show what a strategy costs where nobody asks for a "
        "drain.\n",
        metric_tables(rows, tables.FILLS, marks),
        f"## The quiet phase (lab: {lab})\n",
        "Without requests: totals of the phase on the isolated CPU, medians over boots, by the order of the phases: "
        "figures of the two orders lie apart, so that a median over all of them is no boot's.\n",
        tables.by_order_table(rows, tables.QUIET))
    pages.add(page_of(lab, "hotpaths"), hotpaths.part(lab, *hot))
    pages.add(
        page_of(lab, "latency"), f"## cyclictest under drains (lab: {lab})\n",
        "All in instruction time: caches, buses and real interrupts have no part in it.\n",
        latency_figure(folder, lab, boots, rows), metric_tables(rows, tables.LATENCY, marks))
    pages.add(page_of(lab, "requests"), f"## What a request costs and how long it takes (lab: {lab})\n",
              metric_tables(rows, tables.REQUEST, marks))
    pages.add(
        page_of(lab, "items"), f"## Items cached, drained, posted, left (lab: {lab})\n", POSTABLE,
        metric_tables(rows, tables.ITEMS, marks), "### Help given to a strategy, per drain\n", HELP,
        *(tables.split_table(rows, "help", model, "help") or f"{model}: none in any boot.\n"
          for model in frame.models(rows)))
    pages.add(page_of(lab, "anatomy"), anatomy.part(folder, lab, traced or {}))


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


def metric_tables(rows, metrics, marks):
    """Tables of metrics, folded."""
    names = "; ".join(metric.title for metric in metrics)
    return markdown.folded(names, *(tables.metric_table(rows, metric, marks) for metric in metrics))
