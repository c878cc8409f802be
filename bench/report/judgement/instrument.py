# SPDX-License-Identifier: GPL-2.0-only
"""Does what was checked of plugin and seeds vouch for these boots?"""

from bench.report import plan
from bench.report.facts import instrument, read
from bench.report.judgement import sameness
from bench.report.judgement.reasons import Reason, Why
from check import tapfile

CHECKS = {"plugin": "counting plugin", "lab-repeat": "seeds", "again": "all boots, made again"}
MADE_WITH = {"plugin_sha256": "counting plugin", "main_loop_sha256": sameness.GUARD,
             "qemu_version": "QEMU", "initramfs_sha256": "guest"}


def other_programs(manifest, boots):
    """What a check's boots were not made with alike, or only with some of these boots: names."""
    cell = [boot for boot in boots if (boot.model, boot.arm) == (manifest.get("model"), manifest.get("arm"))]
    return ([name for key, name in MADE_WITH.items() if boots
             and {boot.manifest.get(key) for boot in boots} != {manifest.get(key)}]
            + ["kernel"] * any(boot.manifest.get("image_sha256") != manifest.get("image_sha256") for boot in cell))


def doubt(kept, boots, name):
    """Why a check does not vouch for these boots, a Reason; None if it does. kept: the folder of what it gave."""
    good = [boot for boot in boots if boot.verdict == "ok" and boot.lab == plan.JUDGED_LAB]
    folder = kept / "instrument"
    if not (folder / f"{name}.tap").exists():
        return Reason(Why.UNCHECKED)
    try:
        skipped = tapfile.read(folder / f"{name}.tap").skipped
        manifest = read.load(folder / f"{name}.json")
    except (read.Unreadable, UnicodeDecodeError) as error:
        return Reason(Why.TORN, error)
    if other := other_programs(manifest, good):
        return Reason(Why.OTHER_PROGRAMS, other)
    if name == "again" and manifest.get(instrument.DIGEST) != instrument.digest(good[0].path.parents[2]):
        return Reason(Why.OTHER_BOOTS)
    return Reason(Why.SKIPPED, skipped) if skipped else None
