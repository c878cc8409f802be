# SPDX-License-Identifier: GPL-2.0-only
"""Is it one campaign? What all boots must share, and whether this tree still has the kernels that were measured."""

import dataclasses

from bench.report import plan
from bench.report.facts import read

GUARD = "guard of QEMU's clock"

# What all boots must have in common for arms to be comparable: key of the manifest, its name, within what.
COMMON = (
    ("initramfs_sha256", "guest programs", ()),
    ("plugin_sha256", "counting plugin", ()),
    ("main_loop_sha256", GUARD, ()),
    ("qemu_version", "QEMU", ()),
    ("compiler", "compiler", ()),
    ("kernel_release", "kernel release", ()),
    ("common_config_sha256", "kernel options but for the facade's own", ("model",)),
    ("image_sha256", "kernel image", ("model", "kernel")),
)

# What all boots of a lab were told alike, but for what their kind sets: of the machine, and of what kinds set.
MACHINE = ("cpus", "icount_shift", "by_instruction")
WORDS, OWN_WORDS = "kernel parameters", "kernel parameters of the strategy"
BY_KIND = {"dose": {"storm", "dose"}, "hotpath": {"mode", "by_instruction", WORDS}, "anatomy": {"mode"}}
UNSET = "not set"


@dataclasses.dataclass
class Group:
    """Boots that must have something in common: its name, where, the values that they have, and their cells."""

    name: str
    place: tuple
    values: set = dataclasses.field(default_factory=set)
    cells: set = dataclasses.field(default_factory=set)

    def reaches(self, contrast):
        """Do a contrast's boots belong to it, or those of the A/A that it depends on?"""
        return any((contrast.model, arm) in self.cells for arm in (contrast.arm, contrast.base, plan.REBUILT))


def told(boot):
    """What a boot was told, by name: the machine, the workload but for its seed, and the kernel's parameters."""
    manifest = boot.manifest
    workload = {name: value for name, value in manifest["workload"].items() if name != "seed"}
    words = [word for word in manifest["cmdline"].split()
             if word.partition("=")[0].removeprefix("bench.") not in {"seed", *workload}]
    own = [word for word in words if word.startswith(f"{manifest['kernel']}=")]
    return {**workload, **{name: manifest.get(name) for name in MACHINE},
            WORDS: " ".join(word for word in words if word not in own), OWN_WORDS: " ".join(own)}


def set_by_kind(boot):
    """Names of what a boot's kind and setting set."""
    workload, machine = plan.SETS.get(boot.setting, ((), {})) if boot.kind == "sensitivity" else ((), {})
    return {*BY_KIND.get(boot.kind, ()), *(name for name, _ in workload), *machine}


def groups(boots):
    """[Group] of the boots that ended well."""
    found = {}

    def add(boot, name, within, value):
        place = (boot.lab, *(boot.manifest[inner] for inner in within))
        group = found.setdefault((name, place), Group(name, place))
        group.values.add(value)
        group.cells.add((boot.model, boot.arm))

    good = [boot for boot in boots if boot.verdict == "ok"]
    # Each machine has its own parameters.
    here = [(boot, told(boot)) for boot in good if not boot.lab.startswith("imported-")]
    names = {lab: set().union(*(of for boot, of in here if boot.lab == lab)) for lab in {boot.lab for boot, _ in here}}
    for boot in good:
        for key, name, within in COMMON:
            add(boot, name, within, boot.manifest.get(key))
    for boot, of in here:
        for name in sorted(names[boot.lab] - set_by_kind(boot)):
            add(boot, name, ("arm",) if name == OWN_WORDS else (), of.get(name, UNSET))
    return list(found.values())


def unlike(boots, lab=""):
    """The groups whose boots differ; lab: only its own."""
    return [group for group in groups(boots) if len(group.values) > 1 and lab in ("", group.place[0])]


# ---- This tree ----


def of_other_sources(boots, now):
    """(boot, a key of instrument.made_again()) of each boot whose kernel's sources this tree no longer has.

    now: {kernel as MODEL-KERNEL: source_sha256}, or None. What was made elsewhere says nothing of this tree.
    """
    for boot in boots if now is not None else ():
        if boot.verdict == "ok" and not boot.lab.startswith("imported-"):
            kernel = f"{boot.model}-{boot.manifest['kernel']}"
            if boot.manifest["source_sha256"] != now.get(kernel):
                campaign = boot.lab if boot.workload == read.WORKLOAD else f"workloads/{boot.workload}"
                yield boot, (campaign, f"{boot.model}-{boot.arm}", kernel, now.get(kernel))


def changed(boots, now, again=()):
    """{kernel as MODEL-KERNEL: its cells} whose sources this tree no longer has; again: from instrument.made_again(),
    cells that are as they were all the same."""
    found = {}
    for boot, key in of_other_sources(boots, now):
        if key not in again:
            found.setdefault(key[2], set()).add((boot.model, boot.arm))
    return dict(sorted(found.items()))


def as_before(boots, now, again):
    """How many boots were made again of each cell that changed() does not name only because of these: a set."""
    return {again[key] for _, key in of_other_sources(boots, now) if key in again}


def changed_workloads(boots, now, again=()):
    """{workload: its kernels as MODEL-KERNEL that changed() names}, without those that have none; boots:
    windows.boots()."""
    found = {name: list(changed([boot for boot in boots if boot.workload == name], now, again))
             for name in dict.fromkeys(boot.workload for boot in boots)}
    return {name: kernels for name, kernels in found.items() if kernels}
