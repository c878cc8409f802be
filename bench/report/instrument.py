# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` has found about plugin and seeds, for RESULTS.md."""

import contextlib
import hashlib

from bench.report import markdown, plan, read, sameness
from check import tapfile

CHECKS = {"plugin": "counting plugin", "lab-repeat": "seeds", "again": "all boots, made again"}
DIGEST = "results_sha256"  # of digest(), where a check is about all boots
MADE_WITH = {"plugin_sha256": "counting plugin", "main_loop_sha256": sameness.GUARD,
             "qemu_version": "QEMU", "initramfs_sha256": "guest"}


def other_programs(manifest, boots):
    """What a check's boots were not made with alike, or only with some of these boots: names."""
    cell = [boot for boot in boots if (boot.model, boot.arm) == (manifest.get("model"), manifest.get("arm"))]
    return ([name for key, name in MADE_WITH.items() if boots
             and {boot.manifest.get(key) for boot in boots} != {manifest.get(key)}]
            + ["kernel"] * any(boot.manifest.get("image_sha256") != manifest.get("image_sha256") for boot in cell))


def digest(results):
    """One hash of what all boots gave of the lab that is judged: of their names, the guest's lines and the plugin's.

    results: the folder of labs.
    """
    total = hashlib.sha256()
    for path in sorted((results / plan.JUDGED_LAB).glob("*/*/*.jsonl")):
        if path.name in ("guest.jsonl", "counts.jsonl"):
            total.update(f"{path.relative_to(results)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def rows_of(path, what):
    """(a row with what held, and of that the figures; rows by kind with each point) of a check's TAP file.

    A kind is what stands before a point's colon; a skip has not held.
    """
    def held(points):
        return f"{sum(passed and '(**skipped**' not in name for name, passed in points)} of {len(points)}"

    every, groups = tapfile.points(path), {}
    for name, passed in every:
        group, colon, rest = name.partition(": ")
        groups.setdefault(group if colon else "", []).append((rest if colon else name, passed))
    # A skip or a failure is told at once, and so is what was measured, not just compared.
    told = [name if passed else f"**not {name}**" for name, passed in every
            if not passed or "(**skipped**" in name or any(word in name for word in plan.MEASURED)]
    return ([what, held(every), "; ".join(told)],
            [[what, group, held(points), "; ".join(name if passed else f"**not {name}**" for name, passed in points)]
             for group, points in groups.items()])


def failed(kept):
    """Names of the points that failed; none if nothing was checked."""
    found = []
    for path in sorted((kept / "instrument").glob("*.tap")):
        try:
            points, all_failures = tapfile.points(path), tapfile.read(path).failed
        except UnicodeDecodeError:
            points, all_failures = [], 1
        found += [name for name, passed in points if not passed]
        if all_failures > sum(not passed for _, passed in points):
            found.append(f"all of {path.name} there")
    return found


def standing(kept, boots, name):
    """Does a check vouch for these boots? (whether, as text); kept: the folder of what it gave."""
    good = [boot for boot in boots if boot.verdict == "ok" and boot.lab == plan.JUDGED_LAB]
    command = f"make {'again' if name == 'again' else 'instrument'}"
    once_more = f"run `{command}`"
    folder = kept / "instrument"
    if not (folder / f"{name}.tap").exists():
        return False, f"not checked, {once_more}"
    try:
        skipped = tapfile.read(folder / f"{name}.tap").skipped
        manifest = read.load(folder / f"{name}.json")
    except (read.Unreadable, UnicodeDecodeError) as error:
        return False, f"what was kept cannot be read ({error}), {once_more}"
    if other := other_programs(manifest, good):
        return False, f"checked with another {' and '.join(other)} than these boots, {once_more}"
    if name == "again" and manifest.get(DIGEST) != digest(good[0].path.parents[2]):
        return False, f"of other boots than these, {once_more}"
    if skipped:
        return False, f"{skipped} of its points skipped, {once_more}"
    return True, f"checked with these boots' plugin, QEMU and guest (`{command}`)"


def unchecked(kept, boots):
    """What of CHECKS says nothing of these boots, and how to get it: texts."""
    found = {what: standing(kept, boots, name) for name, what in CHECKS.items()}
    return [f"{what}: {text}" for what, (sure, text) in found.items() if not sure]


def part(kept, boots):
    """The section; kept: the folder of what checks gave; boots: of the lab that verdicts are about."""
    checks, kinds, notes = [], [], []
    for name, what in CHECKS.items():
        sure, text = standing(kept, boots, name)
        notes.append(f"{what}: {text}" if sure else f"**{what}: {text}**")
        with contextlib.suppress(OSError, UnicodeDecodeError):
            row, by_kind = rows_of(kept / "instrument" / f"{name}.tap", what)
            checks.append(row)
            kinds += by_kind
    text = (f"### The instrument\n\n{'; '.join(notes)}. No known count holds work items, exceptions, NMIs and devices' "
            "interrupts.\n\n")
    return text + (markdown.table(["what was checked", "held", "figures, and what did not hold"], checks) + "\n"
                   + markdown.folded("Each point", markdown.table(["", "kind", "held", "points"], kinds))
                   if checks else "")
