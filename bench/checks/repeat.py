# SPDX-License-Identifier: GPL-2.0-only
"""Is a boot its own repetition? One with QEMU's threads as slow as suits worst, and those that results/ holds."""

import functools
import json
import math
import shutil
import time

from bench import again, archive, boot, campaign, virtual
from bench.checks.made import KEPT, RUN_BY, differences, not_ok, qemu_by, run_all, spec_of
from bench.report.facts import instrument

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


def up_to_date(spec, folder, newer):
    """Is a boot there, did it end well, and would it be made with the same now? newer: or with the same, but for a
    kernel of other sources."""
    if not (folder / "manifest.json").exists() or archive.line_of(folder)["verdict"] != "ok":
        return False
    then, now = archive.load(folder / "manifest.json"), boot.manifest(spec)
    return not boot.other_input(then, now) or (newer and boot.other_sources(then, now))


@functools.cache
def kept_boots(newer=False):
    """{kind: {"LAB/CELL/BOOT": spec}} of the boots in results/ that are up to date with the images that are here; the
    kind of a workload's boots is the workload. newer: as for up_to_date()."""
    kinds = {}
    for folder, spec in campaign.every_boot().items():
        place = folder.relative_to(archive.MINE)
        of_kind = kinds.setdefault(spec.load or spec.kind, {})
        if up_to_date(spec, archive.BOOTS / place, newer):
            of_kind[str(place)] = spec
    return kinds


def not_made(boots, place):
    """{"PLACE/CELL/BOOT": spec} of boots of results/ that are not in KEPT/place yet."""
    return {f"{place}/{name}": spec for name, spec in boots.items() if not boot.is_done(spec, KEPT / place / name)}


def make_again(boots, place):
    """Make boots of results/ that are not in KEPT/place yet."""
    run_all(not_made(boots, place))


def differs(name, place):
    """How a boot of results/ that was made again in KEPT/place differs from what is kept: text, None if it does not."""
    verdict = archive.load(KEPT / place / name / "verdict.json")
    if verdict["verdict"] != "ok":
        return f"{verdict['verdict']}: {verdict['why']}"
    where = again.parting(archive.BOOTS / name, KEPT / place / name)
    return f"parts at {where}" if where else None


def same_again(tap, point, kind, names, place):
    """A point: are boots of results/ the same as those in KEPT/place?

    By another image they may differ, which says nothing of the lab; that is a skip, which names them.
    """
    wrong, newer = [], []
    for name in names:
        if what := differs(name, place):
            images = {archive.load(folder / name / "manifest.json")["image_sha256"]
                      for folder in (archive.BOOTS, KEPT / place)}
            if len(images) == 1:
                wrong.append(f"{name}: {what}")
            else:
                newer.append(name)
    if newer and not wrong:
        tap.skip(point, f"not the same, but by kernels of other sources: {', '.join(newer)}", kind)
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
    make_again(chosen, "sample")
    for name in chosen:
        same_again(tap, name, what, [name], "sample")


def by_cell(kinds):
    """kept_boots(), with the first workload's, which are most, a group for each cell."""
    groups = {kind: boots for kind, boots in kinds.items() if kind != "drain" or not boots}
    for name, spec in kinds.get("drain", {}).items():
        groups.setdefault(f"{WORKLOAD}, {name.split('/')[1]}", {})[name] = spec
    return groups


def sources(folder):
    """Of which sources the kernel of a boot was made."""
    return archive.load(folder / "manifest.json")["source_sha256"]


def evenly(names, number):
    """So many of a list, spread over it; all if it has fewer."""
    return [names[(2 * at + 1) * len(names) // (2 * number)] for at in range(number)] if len(names) > number else names


def sample_of(kinds, number):
    """kept_boots(), but of each kind in each cell so many, and only of cells whose kernel's sources have changed."""
    found = {}
    for kind, boots in kinds.items():
        cells = {}
        for name, spec in boots.items():
            if sources(archive.BOOTS / name) != boot.manifest(spec)["source_sha256"]:
                cells.setdefault((name.rpartition("/")[0], spec.image), []).append(name)
        if chosen := [name for names in cells.values() for name in evenly(sorted(names), number)]:
            found[kind] = {name: boots[name] for name in chosen}
    return found


def newer_kernels(kinds):
    """What became of boots in KEPT/again that were made by the kernels that are here, where those are of other sources
    than the kernels that were measured: a row for each cell, for facts.instrument.made_again()."""
    cells = {}
    for name, spec in ((name, spec) for boots in kinds.values() for name, spec in boots.items()):
        made, now = KEPT / "again" / name / "manifest.json", boot.manifest(spec)
        if (not made.exists() or boot.depends(archive.load(made)) != boot.depends(now)
                or sources(archive.BOOTS / name) == now["source_sha256"]):
            continue
        place, cell, _ = name.rsplit("/", 2)
        cells.setdefault((place, cell, spec.image.name, now["source_sha256"]), []).append(not differs(name, "again"))
    return [{"campaign": place, "cell": cell, "kernel": kernel, "source_sha256": of,
             instrument.DIGEST: instrument.digest(archive.BOOTS, f"{place}/{cell}"), "boots": len(same),
             "same": sum(same)} for (place, cell, kernel, of), same in sorted(cells.items())]


def check_again(tap, _, minutes=math.inf, sample=None):
    """minutes: no boots are made of a group that would be begun after so many; those are skips. Hence the workload, on
    which all verdicts rest, comes first. sample: only so many boots, see sample_of()."""
    begin, kinds = time.monotonic(), kept_boots(newer=True)
    groups = by_cell(sample_of(kinds, sample) if sample else kinds)
    for group, boots in sorted(groups.items(), key=lambda of: (not of[0].startswith(WORKLOAD), of[0])):
        point, kind = f"{len(boots)} {group}", "boots"
        if time.monotonic() - begin > 60 * minutes and not_made(boots, "again"):
            tap.skip(point, f"not begun within {minutes:g} minutes", kind)
            continue
        if not boots:
            tap.point(point, ["none is up to date with the images here"], kind)
            continue
        make_again(boots, "again")
        same_again(tap, point, kind, boots, "again")
