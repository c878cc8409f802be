# SPDX-License-Identifier: GPL-2.0-only
"""Make one boot of results/ anew, and compare it with the one that is kept.

Prints one line, and what was compared lies in build/check/boots/cell:

  same          guest and plugin sent the same bytes; if the kernel's sources have changed since, it says so
  parts at ...  they did not: the first line of the first file that differs
  other input   what the boot would be made with now is not what the kept one was made with; nothing is booted

Exit status: 0 if it is the same, 1 if it parts, 2 on an error or another input.
"""

import argparse
import itertools
import os
import pathlib
import sys

from bench import archive, boot, campaign

PLACE = pathlib.Path("build/check/boots/cell")


def spec_of(folder):
    """The boot.Spec of a kept boot's folder, as a campaign makes it today; UsageError if none would."""
    found = campaign.every_boot()
    made = archive.MINE / folder.relative_to(archive.BOOTS)
    if made not in found:
        raise boot.UsageError(f"{folder}: no boot of a campaign")
    return found[made]


def parting(kept, made):
    """Where two boots' folders part: "FILE line N: ...", or None if guest and plugin sent the same."""
    for name in archive.SAID:
        one, other = (boot.read_bytes(folder / name).splitlines() for folder in (kept, made))
        for number, (was, now) in enumerate(itertools.zip_longest(one, other, fillvalue=b"(nothing)"), 1):
            if was != now:
                return f"{name} line {number}: {was[:200].decode()} was kept, {now[:200].decode()} is there now"
    return None


def again(name):
    """Make a boot anew and say what came of it; name: as archive.place_of() has it. Returns the exit status."""
    archive.unpack_all()
    kept = archive.place_of(name)
    spec = spec_of(kept)
    then, now = archive.load(kept / "manifest.json"), boot.manifest(spec)
    newer = boot.other_sources(then, now)
    if not newer and (others := boot.other_input(then, now)):
        print(f"{name}: other input: {', '.join(others)}; to make it again, check out the commit that last changed "
              f"{archive.KEPT}/{kept.relative_to(archive.BOOTS).parents[1]}")
        return 2
    if newer:
        name += ", by a kernel of other sources than it was kept with"
    verdict, why = boot.boot(spec, PLACE)
    if verdict != "ok" and verdict == archive.line_of(kept)["verdict"]:
        print(f"{name}: same: it ended in {verdict} then, too: {why}")
        return 0
    if verdict != "ok":
        print(f"{name}: {verdict}: {why}")
        return 1
    where = parting(kept, PLACE)
    print(f"{name}: parts at {where}" if where else f"{name}: same: {archive.said(PLACE)}")
    return int(bool(where))


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boot", help="CELL/SEED, or CELL/FOLDER, after workloads/NAME of a workload: "
                        "rt-unpatched/603, rt-unpatched/dose-1000-603, workloads/spin/rt-unpatched/other-701")
    parser.error = boot.fail
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    try:
        return again(args.boot)
    except (archive.ArchiveError, boot.UsageError) as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    except KeyboardInterrupt:
        boot.fail("interrupted; nothing was compared")


if __name__ == "__main__":
    sys.exit(main())
