# SPDX-License-Identifier: GPL-2.0-only
"""Is a boot its own repetition? One with QEMU's threads as slow as suits worst, and those that results/ holds."""

import functools
import json
import math
import shutil
import time

from bench import again, archive, boot, campaign, virtual
from bench.checks.made import KEPT, RUN_BY, differences, not_ok, qemu_by, run_all, spec_of

SLOW_CPUS = virtual.MAIN_LOOP.with_name("slow_cpus.so")
WORKLOAD = "of the workload"


def parts(spec, tries=3):
    """Does one of so many boots of this part from the boot "first"? Alone: it takes two threads that do run at once."""
    for number in range(tries):
        name = f"unguarded-{number}"
        if run_all({name: spec})[name][0] == "ok" and differences(KEPT / "first", KEPT / name, but=RUN_BY):
            return True
    return False


def drawn(name):
    """{what: value} of all that a boot says its seed has drawn."""
    lines = [json.loads(line) for line in (KEPT / name / "guest.jsonl").read_bytes().splitlines()]
    found = {"arrival of requests": [line["due_ns"] for line in lines if "request" in line]}
    for line in lines:
        found |= {key: line[key] for key in ("storm_first", "metronome", "dither", "pad") if key in line}
        found |= line.get("drawn", {})
    return found


def check_lab_repeat(tap, cell):
    slow = qemu_by("slow-qemu", f"LD_PRELOAD={SLOW_CPUS}:{virtual.MAIN_LOOP} exec")
    unguarded = qemu_by("unguarded-qemu", f"LD_PRELOAD={SLOW_CPUS} exec")
    results = run_all({"first": spec_of(cell), "second": spec_of(cell), "slow": spec_of(cell, qemu=slow),
                       # 5 draws the other order and dither than 1: all that is drawn must differ.
                       "other-seed": spec_of(cell, seed=5)})
    for name, verdict in results.items():
        tap.point(f"boot {name}", not_ok(verdict))
    if tap.failed:
        return
    tap.point("the same seed gives the same bytes", differences(KEPT / "first", KEPT / "second"))
    tap.point("and however slow QEMU's threads are", differences(KEPT / "first", KEPT / "slow", but=RUN_BY))
    tap.point("but not if its main loop does not wait for the CPUs",
              [] if parts(spec_of(cell, qemu=unguarded)) else ["the same bytes"])
    check_sample(tap)
    changed = differences(KEPT / "first", KEPT / "other-seed")
    for name in ("guest.jsonl", "counts.jsonl"):
        same = [] if any(line.startswith(f"{name} differs") for line in changed) else ["the same for both seeds"]
        tap.point(f"another seed gives another {name}", same)
    other = drawn("other-seed")
    for name, value in drawn("first").items():
        tap.point(f"another seed gives another {name}", [] if value != other[name] else [f"{value} for both seeds"])


def up_to_date(spec, folder):
    """Is a boot there, did it end well, and would it be made with the same now?"""
    if not (folder / "manifest.json").exists() or archive.line_of(folder)["verdict"] != "ok":
        return False
    return not boot.other_input(archive.load(folder / "manifest.json"), boot.manifest(spec))


@functools.cache
def kept_boots():
    """{kind: {"LAB/CELL/BOOT": spec}} of the boots in results/ that are up to date with the images that are here; the
    kind of a workload's boots is the workload."""
    kinds = {}
    for folder, spec in campaign.every_boot().items():
        place = folder.relative_to(archive.MINE)
        of_kind = kinds.setdefault(spec.load or spec.kind, {})
        if up_to_date(spec, archive.BOOTS / place):
            of_kind[str(place)] = spec
    return kinds


def not_made(boots, place):
    """{"PLACE/CELL/BOOT": spec} of boots of results/ that are not in KEPT/place yet."""
    return {f"{place}/{name}": spec for name, spec in boots.items() if not boot.is_done(spec, KEPT / place / name)}


def make_again(boots, place):
    """Make boots of results/ that are not in KEPT/place yet; return what went wrong, as lines."""
    todo = not_made(boots, place)
    return [f"{name}: {': '.join(verdict)}" for name, verdict in run_all(todo).items() if not_ok(verdict)]


def same_again(tap, point, kind, names, place, wrong=()):
    """A point: are boots of results/ the same as those in KEPT/place? wrong: what went wrong before, as lines.

    Those that were made without the guard of QEMU's clock may part; that is a skip, which names them.
    """
    wrong, unguarded = list(wrong), []
    for name in names if not wrong else ():
        kept = archive.BOOTS / name
        if where := again.parting(kept, KEPT / place / name):
            if archive.load(kept / "manifest.json").get("main_loop_sha256"):
                wrong.append(f"{name}: parts at {where}")
            else:
                unguarded.append(name)
    if unguarded and not wrong:
        tap.skip(point, f"parted, but made before main_loop.c was there: {', '.join(unguarded)}", kind)
    else:
        tap.point(point, wrong, kind)


def check_sample(tap):
    """Points that a boot of each kind, each of another cell and seed, is the same once it is made again."""
    what, chosen = "boots in results/, made again", {}
    shutil.rmtree(KEPT / "sample", ignore_errors=True)
    for number, (kind, boots) in enumerate(kept_boots().items()):
        if boots:
            name = list(boots)[number * 7 % len(boots)]
            chosen[name] = boots[name]
        else:
            tap.skip(kind, "none is up to date with the images here", what)
    wrong = make_again(chosen, "sample")
    for name in chosen:
        same_again(tap, name, what, [name], "sample", wrong)


def by_cell(kinds):
    """kept_boots(), with the first workload's, which are most, a group for each cell."""
    groups = {kind: boots for kind, boots in kinds.items() if kind != "drain" or not boots}
    for name, spec in kinds.get("drain", {}).items():
        groups.setdefault(f"{WORKLOAD}, {name.split('/')[1]}", {})[name] = spec
    return groups


def check_again(tap, _, minutes=math.inf):
    """minutes: no boots are made of a group that would be begun after so many; those are skips. Hence the workload, on
    which all verdicts rest, comes first."""
    begin = time.monotonic()
    for group, boots in sorted(by_cell(kept_boots()).items(), key=lambda of: (not of[0].startswith(WORKLOAD), of[0])):
        point, kind = f"{len(boots)} {group}", "boots"
        if time.monotonic() - begin > 60 * minutes and not_made(boots, "again"):
            tap.skip(point, f"not begun within {minutes:g} minutes", kind)
            continue
        wrong = make_again(boots, "again") if boots else ["none is up to date with the images here"]
        same_again(tap, point, kind, boots, "again", wrong)
