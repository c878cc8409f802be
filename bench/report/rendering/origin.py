# SPDX-License-Identifier: GPL-2.0-only
"""The page of boots: what they ran on, how each ended, and what they have in common."""

import pandas

from bench.report import plan
from bench.report.facts import frame, read
from bench.report.judgement import sameness
from bench.report.rendering import markdown, words

KINDS = {"drain": "workload", "aa": "A/A", "dose": "dose and response", "sensitivity": "sensitivity"}


def joined(values):
    """Distinct values in order, with commas."""
    return ", ".join(sorted({str(value) for value in values}))


def ordinary(boot):
    """Is it a boot of an arm that the report compares, no control's?"""
    return boot.kind == "drain" and boot.arm != plan.REBUILT


def boots_table(boots):
    """How many boots of each cell ended how, and why those that did not end well."""
    verdicts = [verdict for verdict in read.VERDICTS if verdict == "ok" or any(b.verdict == verdict for b in boots)]
    order = frame.in_order({boot.arm for boot in boots})
    found = {}
    for boot in boots:
        kind = "A/A" if boot.arm == plan.REBUILT else KINDS[boot.kind]
        found.setdefault((boot.lab, boot.model, boot.arm, kind), []).append(boot.verdict)
    kinds = list(KINDS.values())
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


def arms_table(boots, rows):
    kernels = {boot.arm: boot.manifest["kernel"] for boot in boots if boot.verdict == "ok"}
    words = own_words(boots)
    return markdown.table(["arm", "kernel", "boot parameter"], [
        [arm, kernels[arm], f"`{words[arm]}`" if words[arm] else "–"] for arm in frame.all_arms(rows)])


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
    for counts in (boot.counts for boot in boots if boot.counts):
        at = [pandas.Series(counts.turns.get(mark), dtype=int) for mark in (read.STORM_BEGIN, read.STORM_END)]
        taken = at[1].sub(at[0], fill_value=0).sort_index()
        if any(taken > 0):
            medians.append(int((2 * taken.cumsum() >= taken.sum()).idxmax()))
            longest.append(int(taken[taken > 0].index.max()))
    if not medians:
        return ""
    usual = sorted(medians)[len(medians) // 2]
    return (f"- CPUs take turns: half of the turns are shorter than {2 ** (usual + 1):,} instructions in the usual "
            f"boot and than {2 ** (max(medians) + 1):,} in all, all turns are shorter than "
            f"{2 ** (max(longest) + 1):,}\n")


def alike(boots):
    """Whether the boots differ in nothing but their arms: what is common to all, and what should be and is not."""
    other = [words.group(group) for group in sameness.unlike(boots)]
    # A lab need not have a plugin, nor boots that guard.
    unknown = sorted({group.name for group in sameness.groups(boots) if None in group.values
                      and group.name not in ("counting plugin", sameness.GUARD)})
    text = ""
    if other:
        text += (f"**Not all boots are alike: {'; '.join(other)}.** Differences between arms may come of that. "
                 "Run `make results` again.\n")
    if unknown:
        text += f"Not recorded for some boots: {', '.join(unknown)}.\n"
    return text or ("All boots of a lab have the same guest, counting plugin, QEMU, compiler and kernel release, and "
                    "the same workload, machine and kernel parameters but for what their kind or arm sets; all arms "
                    "of a preemption model the same kernel options but for the facade's own.\n")


def as_before(boots, now, again):
    """That kernels of other sources gave the same bytes, if that was seen; boots: of all kinds; now, again: as for
    sameness.changed()."""
    numbers = sorted(sameness.as_before(boots, now, again))
    if not numbers:
        return ""
    other = " other" if sameness.changed(boots, now, again) else ""
    often = f"{numbers[0]} to {numbers[-1]}" if numbers[1:] else numbers[0]
    boots, were = ("boot", "was") if numbers == [1] else ("boots", "were")
    return (f"Kernel sources have changed since; {often} {boots} of each{other} cell that this reaches {were} made "
            "again with them, and gave the same bytes (`make again`).\n")


def sources(boots, now, again=()):
    """Whether the kernels that were measured are those that the tree would give now; again: as for
    sameness.changed()."""
    if now is None:
        return "Whether kernel sources changed since this run was not checked.\n"
    names = sameness.changed(boots, now, again)
    if names:
        return f"**Kernel sources changed since this run**, those of: {', '.join(names)}. Run `make results` again.\n"
    return as_before(boots, now, again) or "Kernel sources have not changed since this run.\n"
