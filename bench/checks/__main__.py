# SPDX-License-Identifier: GPL-2.0-only
"""Checks of the lab itself, each a TAP file in build/check.

  plugin        the counting plugin, against programs with known counts, the
                guest's own counters and counting instruction by instruction,
                on two kernels; how much it slows a boot
  lab-repeat    one boot again, QEMU's threads as slow as suits worst: every
                byte the same, and not so without what guards against that;
                another seed: another result, all that a seed draws is another;
                boots of results/ made again, one of each kind: the same
  lab-verdicts  boots made to fail, each in its own way: the right verdict
  lab-controls  the controls hold, and each fails once it is broken on purpose:
                another kernel in the place of the rebuilt or of the same
                image, doses that do not arrive
  hotpaths      none takes the same instructions as unpatched in every hot
                path, the other arms what LIMITS= in its file grants
  again         all boots of results/ made again are the same; a run that was
                stopped goes on. Also by kernels whose sources have changed
                since: those may differ, and what they gave is kept by cell

Exit status: 0 if all passed.
"""

import argparse
import functools
import json
import math
import os
import pathlib
import shutil
import sys

from bench import archive, arms, boot
from bench.checks import repeat
from bench.checks.controls import check_lab_controls
from bench.checks.hotpaths import check_hotpaths
from bench.checks.made import KEPT
from bench.checks.plugin import OTHER_CELL, check_plugin
from bench.checks.repeat import check_again, check_lab_repeat
from bench.checks.verdicts import check_lab_verdicts
from bench.report import plan
from bench.report.facts import instrument
from bench.report.judgement.instrument import MADE_WITH
from check import tapfile

INSTRUMENT = pathlib.Path("results/instrument")  # outcomes that the report shows
# The boot whose manifest says with which programs.
VOUCHES = {"plugin": f"plugin/{OTHER_CELL}/counts", "lab-repeat": "first",
           "again": f"again/{plan.JUDGED_LAB}/rt-unpatched/seed-{plan.FIRST_SEED}"}
CHECKS = {"plugin": check_plugin, "lab-repeat": check_lab_repeat, "lab-verdicts": check_lab_verdicts,
          "lab-controls": check_lab_controls, "hotpaths": check_hotpaths, "again": check_again}


def forget(name):
    """Should a check die, no earlier outcome is to stand for it."""
    for path in INSTRUMENT.glob(f"{name}.*"):
        path.unlink()


def keep(name):
    """Keep a check's outcome, and with which programs it was made, where the report looks; not on which machine."""
    INSTRUMENT.mkdir(parents=True, exist_ok=True)
    manifest = json.loads((KEPT / VOUCHES[name] / "manifest.json").read_text())
    about = {key: value for key, value in manifest.items() if key not in boot.VARYING or key in MADE_WITH}
    if name == "again":
        about[instrument.DIGEST] = instrument.digest(archive.BOOTS)
    (INSTRUMENT / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
    shutil.copyfile(tapfile.RESULTS / f"{name}.tap", INSTRUMENT / f"{name}.tap")


def keep_newer():
    """Keep what boots by kernels of other sources gave, if there are any."""
    path, found = INSTRUMENT / instrument.NEWER, repeat.newer_kernels(repeat.kept_boots(newer=True))
    path.unlink(missing_ok=True)
    if found:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = ",\n".join(f"  {json.dumps(row)}" for row in found)
        path.write_text(f'{{"cells": [\n{rows}\n]}}\n')
    same = sum(row["same"] == row["boots"] for row in found)
    print(f"note: {len(found)} cells have kernels of other sources than they were measured with; of {same} all boots "
          "that were made again gave the same bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="python3 -m bench.checks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=CHECKS, nargs="+")
    parser.add_argument("--keep", action="store_true",
                        help=f"keep the outcome in {INSTRUMENT}, failed or not ({', '.join(VOUCHES)})")
    parser.add_argument("--cell", default=f"rt-{arms.example()}", help="what is booted (default: %(default)s)")
    parser.add_argument("--within", type=float, default=math.inf, metavar="MINUTES",
                        help="again: begin no further boots after so long, and count them as skipped")
    parser.add_argument("--sample", type=int, metavar="N",
                        help="again: N boots of each kind in each cell whose kernel's sources have changed, no others; "
                        "only what these gave is kept")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    if args.keep and (others := set(args.check) - VOUCHES.keys()):
        parser.error(f"--keep is for {' and '.join(VOUCHES)}, not for {', '.join(sorted(others))}")
    archive.unpacked()
    failed = 0
    checks = CHECKS | {"again": functools.partial(check_again, minutes=args.within, sample=args.sample)}
    for name in args.check:
        if name == "again" and not any(repeat.kept_boots(newer=True).values()):
            boot.fail("no boot of results/ is up to date with the images here; make results makes them anew")
        whole = args.keep and not args.sample
        if whole:
            forget(name)
        with tapfile.Writer(name) as tap:
            checks[name](tap, args.cell)
        failed += tap.failed
        if whole:
            keep(name)
        if args.keep and name == "again":
            keep_newer()
    # What is kept says itself what failed, and the report says it first: it is to be made all the same.
    sys.exit(bool(failed) and not args.keep)


if __name__ == "__main__":
    main()
