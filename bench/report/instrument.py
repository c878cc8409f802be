# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` has found about plugin and seeds, for RESULTS.md."""

import pathlib
import sys

import markdown
import plan
import read
import sameness

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "check"))
import tapfile

CHECKS = {"plugin": "counting plugin", "lab-repeat": "seeds", "again": "all boots, made again"}
MADE_WITH = {"plugin_sha256": "counting plugin", "main_loop_sha256": sameness.GUARD,
             "qemu_version": "QEMU", "initramfs_sha256": "guest"}


def other_programs(manifest, boots):
    """What a check's boots were not made with alike, or only with some of these boots: names."""
    return [name for key, name in MADE_WITH.items() if boots
            and {boot.manifest.get(key) for boot in boots} != {manifest.get(key)}]


def rows_of(path, what):
    """Rows of a check's TAP file: points by what stands before their colon, and how many passed; a skip has not."""
    groups = {}
    for name, passed in tapfile.points(path):
        group, colon, rest = name.partition(": ")
        groups.setdefault(group if colon else "", []).append((rest if colon else name, passed))
    return [[what, group, f"{sum(passed and '(**skipped**' not in name for name, passed in points)} of {len(points)}",
             "; ".join(name if passed else f"**not {name}**" for name, passed in points)]
            for group, points in groups.items()]


def failed(results):
    """Names of the points that failed; none if nothing was checked."""
    found = []
    for path in sorted((results / "instrument").glob("*.tap")):
        try:
            points, all_failures = tapfile.points(path), tapfile.read(path).failed
        except UnicodeDecodeError:
            points, all_failures = [], 1
        found += [name for name, passed in points if not passed]
        if all_failures > sum(not passed for _, passed in points):
            found.append(f"all of {path.name} there")
    return found


def unchecked(results):
    """What of CHECKS has no outcome here, and how to get it: texts."""
    return [f"{what}: not checked, run `make {'again' if name == 'again' else 'instrument'}`"
            for name, what in CHECKS.items() if not (results / "instrument" / f"{name}.tap").exists()]


def part(results, boots):
    """The section; results: folder of raw results; boots: of the lab that verdicts are about."""
    folder = results / "instrument"
    good = [boot for boot in boots if boot.verdict == "ok" and boot.lab == plan.JUDGED_LAB]
    rows, notes = [], []
    for name, what in CHECKS.items():
        if not (folder / f"{name}.tap").exists():
            continue
        try:
            rows += rows_of(folder / f"{name}.tap", what)
            other = other_programs(read.load(folder / f"{name}.json"), good)
        except (read.Unreadable, UnicodeDecodeError) as error:
            notes.append(f"**{what}: what was kept cannot be read ({error})**")
            continue
        made_with = f"**another {' and '.join(other)} than**" if other else "the plugin, QEMU and guest of"
        notes.append(f"{what}: checked with {made_with} these boots")
    notes += unchecked(results)
    table = markdown.table(["", "kind", "held", "what was checked"], rows) if rows else ""
    return f"### The instrument\n\n{'; '.join(notes)}. By `make instrument`.\n\n{table}"
