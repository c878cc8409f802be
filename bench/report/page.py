# SPDX-License-Identifier: GPL-2.0-only
"""The sections of RESULTS.md."""

import pathlib

import markdown
import plots
import read
import tables

STRATEGIES = ("none", "qpw", "task_work", "deferred_wq")
ENOUGH_SEEDS = 12
MODEL_NAMES = {"rt": "PREEMPT_RT", "lazy": "PREEMPT_LAZY"}
FIGURES = pathlib.PurePath("results/figures")


def joined(values):
    """Distinct values in order, with commas."""
    return ", ".join(sorted({str(value) for value in values}))


def missing(boots, labs):
    """What a reader must know first: what these results do not hold."""
    kernels = {boot.manifest.get("kernel") for boot in boots if boot.verdict == "ok"}
    absent = [f"`{name}`" for name in STRATEGIES if name not in kernels]
    seeds = [len(cell) for cells in labs.values() for cell in cells.values()]
    lines = []
    if absent:
        lines.append(f"- **{len(absent)} of {len(STRATEGIES)} strategies are not built yet: {', '.join(absent)}.** "
                     "Nothing below says anything about them.")
    if not seeds or min(seeds) < ENOUGH_SEEDS:
        lines.append(f"- **{min(seeds, default=0)} seeds per arm are too few for a verdict** "
                     f"(at least {ENOUGH_SEEDS}): there are medians, intervals and differences, and no judgement.")
    lines.append("- The controls (A/A, injected disturbance) are not built yet: what the lab adds is unknown.")
    return "\n".join(lines) + "\n"


def boots_table(boots):
    """How many boots of each cell ended how, and why those that did not end well."""
    verdicts = [verdict for verdict in read.VERDICTS if verdict == "ok" or any(b.verdict == verdict for b in boots)]
    cells = sorted({(boot.lab, boot.model, boot.arm) for boot in boots})
    rows = []
    for cell in cells:
        here = [boot.verdict for boot in boots if (boot.lab, boot.model, boot.arm) == cell]
        rows.append([*cell, len(here), *(here.count(verdict) for verdict in verdicts)])
    text = markdown.table(["lab", "model", "arm", ">boots", *(f">{verdict}" for verdict in verdicts)], rows)
    bad = [f"- {boot.lab}/{boot.model}-{boot.arm} seed {boot.seed}: {boot.verdict}: {boot.why}"
           for boot in boots if boot.verdict != "ok"]
    return text + ("\nThese enter no figure:\n\n" + "\n".join(bad) + "\n" if bad else "")


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
    return (f"- Linux {of('kernel_release')}, {of('compiler')}; {of('qemu_version')}; host CPU: {of('host_cpu')}\n"
            f"- {joined(boot.guest['cpus'] for boot in good)} CPUs, of which CPU "
            f"{joined(boot.guest['isolated'] for boot in good)} is isolated; phases of {lengths} guest ms, "
            f"{joined(len(boot.guest['requests']) for boot in good)} requests in the storm\n"
            f"- workload: {workload}\n" + turns(good))


def turns(boots):
    """How long a CPU ran before another got its turn, in the storm."""
    medians, longest = [], []
    for boot in boots:
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
    return (f"- CPUs take turns: half of the turns are shorter than {2 ** (max(medians) + 1):,} instructions, "
            f"all are shorter than {2 ** (max(longest) + 1):,}\n")


def sources(boots, now):
    """Whether the kernels that were measured are those that the tree would give now."""
    then = {}
    for boot in boots:
        if boot.verdict == "ok":
            then.setdefault(f"{boot.model}-{boot.manifest['kernel']}", set()).add(boot.manifest["source_sha256"])
    if now is None:
        return "Whether kernel sources changed since this run was not checked.\n"
    changed = [name for name, shas in sorted(then.items()) if shas != {now.get(name)}]
    if changed:
        return f"**Kernel sources changed since this run**, those of: {', '.join(changed)}. Run `make results` again.\n"
    return "Kernel sources have not changed since this run.\n"


def legend(figures, results):
    """{(model, arm): "p99 / max"} of cyclictest under drains, medians over boots."""
    return {cell: " / ".join(figures.median(*cell, f"cyclictest/storm/{key}") for key in ("p99", "max")) + " µs"
            for cell in results}


def group(found, name):
    """The figures of one group, without its name."""
    return {key.partition("/")[2]: value for key, value in found.items() if key.startswith(f"{name}/")}


def draw(folder, lab, boots, figures):
    """The figures of one lab; returns their part of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {"quiet": {}, "storm": {}}
    for boot in boots:
        if boot.verdict == "ok":
            for phase, result in boot.guest["cyclictest"].items():
                boots_of = results[phase].setdefault((boot.model, boot.arm), [])
                boots_of.append((result["histogram"], result["overflow"]))
    imposed = {cell: [group(found, "imposed") for found in seeds.values()] for cell, seeds in figures.cells.items()}
    own = {cell: [found.get("owner/own", 0) for found in seeds.values()] for cell, seeds in figures.cells.items()}
    titles = {model: f"{MODEL_NAMES.get(model, model)} ({lab} lab)" for model in figures.models}
    plots.noise(folder / f"{lab}-noise.svg", titles, figures.arms, imposed, own)
    plots.ccdf(folder / f"{lab}-ccdf.svg", titles, figures.arms, results["quiet"], results["storm"],
               legend(figures, results["storm"]))
    n = joined(len(cell) for cell in figures.cells.values())
    cycles = [found["cyclictest/storm/cycles"] for seeds in figures.cells.values() for found in seeds.values()]
    return f"""\
![Kernel instructions per drain]({FIGURES}/{lab}-noise.svg)

*Kernel instructions that a drain imposes on the isolated CPU, (storm − quiet) / drains, {lab} lab. Circles: one a
boot, n = {n} per arm; number: their median. Bars: mean over boots by cause, "running task: kernel entry". To the
left: what the owner is spared, since a cache drained on request is not full yet when it would have emptied it itself.*

![Latency of cyclictest]({FIGURES}/{lab}-ccdf.svg)

*cyclictest on the isolated CPU while drains are requested, {lab} lab: share of wake-ups later than x. Up to 20 µs it
shows the turns of the CPUs rather than the kernel, in bins of 1 µs. One line a boot,
n = {n} per arm, {min(cycles)} to {max(cycles)} wake-ups each; grey: without drains. Latency is instruction time
(1 ns an instruction, summed over all busy CPUs), not time on hardware.*
"""


HOW_TO_READ = """\
- **A boot with its seed is the unit.** Each boot gives one number per table; the median is over boots. A seed sets
  when requests come, when the owner fills, how cyclictest's phase lies to both. Arms are compared on
  the same seeds; column *boots* shows how many there are of both.
- **Interval**: from an order statistic to its mirror, the shortest that covers the median over seeds with 95 %. Fewer
  than 6 boots have none such: then it is minimum to maximum, which covers it with 75 % for 3 boots, 88 % for 4, 94 %
  for 5. It speaks of other arrivals and phases on this simulator, not of other machines or compilers.
- **Difference**: the median over seeds of (arm − unpatched) with the same seed and preemption model, and the
  interval of that. It need not be the difference of the two medians. In parentheses: as a share of
  unpatched's median, if that is not 0.
- **Counts repeat**: the same seed gives the same count, so there are no p values. Events are exact; instructions are
  counted by block, 1 to 2 in 10,000 too many. Where nothing happened in N drains, the rate is below 3/N (95 %).
- **Per drain** is (storm − quiet) / drains. Both phases have the same length, tasks and fills; only the storm has
  requests. A negative number means that there was less of it in the storm.
- **Isolated CPU**: where owner (a task that spins in user mode and now and then touches new memory) and cyclictest run.
- Guest microseconds are instruction time. Ratios in one table mean something; microseconds on hardware do not follow.
"""


def top(boots, labs, now):
    """The report down to where its first lab comes."""
    return "\n".join((
        "<!-- SPDX-License-Identifier: GPL-2.0-only -->\n# Results\n",
        "Made by `make report` from the raw files in [results](results), which `make results` makes; never edited by "
        "hand. One boot by itself: `bench/boot.py --model rt --arm qpw1 --seed 1 --out build/one`.\n",
        "## What is missing\n", missing(boots, labs),
        "## Boots\n", boots_table(boots), sources(boots, now),
        "## How to read this\n", HOW_TO_READ,
    ))


def lab_part(folder, lab, boots, figures):
    """All that the report says of one lab."""
    parts = [
        f"## What was compared (lab: {lab})\n", arms_table(boots, figures), machine(boots),
        f"## At a glance (lab: {lab})\n",
        "Medians over boots; per drain and on the isolated CPU unless said otherwise. Intervals: below.\n",
        tables.medians_table(figures, tables.GLANCE),
        draw(folder, lab, boots, figures),
        f"## What a drain takes from the isolated CPU (lab: {lab})\n",
        *(tables.metric_table(figures, metric) for metric in tables.TAKEN),
        "#### Kernel instructions per drain, by cause\n",
        "Cause: the task that ran, and the kernel entry it was in. Medians over boots, which need not add up.\n",
        *(tables.split_table(figures, "cause", model, "cause") for model in figures.models),
        "#### Kernel entries per drain, by kind\n",
        *(tables.split_table(figures, "entry", model, "entry") for model in figures.models),
        f"## The quiet phase (lab: {lab})\n",
        "Without requests: totals of the phase on the isolated CPU, medians over boots.\n",
        tables.medians_table(figures, tables.QUIET),
        f"## cyclictest under drains (lab: {lab})\n",
        "All in instruction time: caches, buses and real interrupts have no part in it.\n",
        *(tables.metric_table(figures, metric) for metric in tables.LATENCY),
        f"## What a request costs and how long it takes (lab: {lab})\n",
        *(tables.metric_table(figures, metric) for metric in tables.REQUEST),
        f"## Items cached, drained, posted, left (lab: {lab})\n",
        *(tables.metric_table(figures, metric) for metric in tables.ITEMS),
    ]
    return "\n".join(parts)
