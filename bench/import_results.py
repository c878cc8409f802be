# SPDX-License-Identifier: GPL-2.0-only
"""Take raw results that were made elsewhere into results/imported-NAME/.

DIR is one lab's folder as a campaign leaves it: build/boots/LAB of another clone,
with CELL/seed-NNN/manifest.json ...
All is checked before anything is taken, by what reads it for the report: one
line for each fault. A boot that failed is a result and is taken; one that
cannot be read is none. The copy gets imported.json: from where, when, and the
checksum of each file, without which the report does not take it.

Exit status: 0 if all was taken, 1 if nothing was, because of faults, 2 on an error.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import sys

from bench import archive, arms, boot
from bench.report.facts import read

STAGING = pathlib.Path("build/import")
FILES = ("manifest.json", "verdict.json", "qemu.cmd", "console.txt", "guest.jsonl", "counts.jsonl", "host.json")
SHOWN = 20  # faults
BOOT = re.compile(r"[a-z]+-\w+/[a-z]+(-[\w-]+)?")


def strange(source):
    """What does not belong into a lab's folder, as lines: no raw result may come with something else beside it."""
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source)
        kind = path.lstat().st_mode
        if str(place) in (read.HOST_NOISE, archive.CAMPAIGN, archive.INDEX) and stat.S_ISREG(kind):
            continue
        if len(place.parts) == 3:
            if not stat.S_ISREG(kind) or path.name not in FILES:
                yield f"{place}: not a file of a boot; known: {', '.join(FILES)}"
        elif not stat.S_ISDIR(kind):
            yield f"{place}: not a folder of boots"
        elif len(place.parts) == 2 and not BOOT.fullmatch(str(place)):
            yield f"{place}: not a boot's folder, such as rt-unpatched/seed-001"
        elif len(place.parts) == 2 and not (path / "manifest.json").exists():
            yield f"{place}/manifest.json: missing"


def unknown(boots):
    """What the boots say of themselves that nothing here knows, and that would be mixed, as lines."""
    labs = sorted({found.manifest.get("lab", "?") for found in boots})
    if len(labs) > 1:
        yield f"results of more than one lab: {', '.join(labs)}; import each by itself"
    for found in boots:
        if found.arm not in arms.names() or found.model not in boot.MODELS:
            yield f"{found.path.parent.name}: no cell that this testbed knows"
        elif found.manifest.get("kernel") != arms.fact(found.arm, "KERNEL"):
            yield f"{found.path.parent.name}/{found.path.name}: kernel is {found.manifest.get('kernel')}, " \
                  f"arm {found.arm} has {arms.fact(found.arm, 'KERNEL')}"


def describe(folder, name, source):
    """What imported.json says of a folder."""
    files = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
             for path in sorted(folder.rglob("*")) if path.is_file()}
    manifests = [json.loads((folder / path).read_bytes()) for path in files if path.endswith("/manifest.json")]
    labs = sorted({str(manifest.get("lab")) for manifest in manifests})
    return {"schema": 1, "name": name, "lab": ", ".join(labs), "from": source.name,
            "imported_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "files": files}


def copy(source, folder, name):
    """Copy a lab's folder and describe it; return its faults as lines."""
    if not any(source.glob("*/*/manifest.json")):
        return ["no boots in it: a lab's folder has files such as rt-unpatched/seed-001/manifest.json"]
    faults = list(strange(source))
    if faults:
        return faults
    shutil.copytree(source, folder)
    try:
        about = describe(folder, name, source)
    except (ValueError, AttributeError) as error:
        return [f"a manifest.json is no JSON object: {error}"]
    boot.write_json(folder / read.IMPORTED, about)
    try:
        read.host_noise(folder)
    except read.Unreadable as error:
        return [str(error)]
    boots = [*read.read_all(folder.parent), *read.read_others(folder.parent, ("hotpath", "anatomy"))]
    faults = [f"{found.path.parent.name}/{found.path.name}: {found.why}" for found in boots
              if found.verdict == "unreadable"]
    return faults or list(unknown(boots))


def take(source, name):
    """Import a folder; return its faults as lines: then nothing was taken."""
    target = archive.MINE / f"imported-{name}"
    if (archive.KEPT / target.name).exists():
        raise boot.UsageError(f"{archive.KEPT / target.name} is there already, and is not replaced; "
                              "choose another NAME=, or remove it")
    shutil.rmtree(STAGING, ignore_errors=True)
    folder = STAGING / target.name
    folder.parent.mkdir(parents=True)
    try:
        faults = copy(source, folder, name)
        if not faults:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)
            archive.pack(target.name)
    finally:
        shutil.rmtree(target, ignore_errors=True)  # unpacked, they lie in build/results
        shutil.rmtree(STAGING, ignore_errors=True)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path, metavar="DIR", help="a lab's folder of raw results")
    parser.add_argument("--name", default="", help="what the report calls it: imported-NAME (default: DIR's last part)")
    parser.error = boot.fail
    args = parser.parse_args()
    source = args.dir.resolve()
    name = args.name or source.name
    os.chdir(boot.ROOT)
    boot.interruptible()
    try:
        if not source.is_dir():
            raise boot.UsageError(f"{args.dir}: no such folder")
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name):
            raise boot.UsageError(f"{name!r} is no name for it: small letters, digits, dots, dashes; give NAME=")
        faults = take(source, name)
    except (archive.ArchiveError, boot.UsageError) as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    except KeyboardInterrupt:
        boot.fail("interrupted; nothing was taken")
    for fault in faults[:SHOWN]:
        print(f"error: {args.dir}: {fault}", file=sys.stderr)
    if len(faults) > SHOWN:
        print(f"error: {args.dir}: and {len(faults) - SHOWN} more like these", file=sys.stderr)
    if not faults:
        print(f"{archive.KEPT}/imported-{name}: taken; make report shows it, in sections of its own")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
