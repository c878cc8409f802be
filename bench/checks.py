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
                path, the other arms what HOTPATH_LIMITS grants
  again         all boots of results/ made again are the same; a run that was
                stopped goes on

Exit status: 0 if all passed.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import itertools
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from bench import archive, arms, boot, campaign, virtual
from bench.report import controls, hotpaths, instrument, plan
from check import tapfile

KEPT = pathlib.Path("build/check/boots")  # the last boots of a check, by name
INSTRUMENT = pathlib.Path("results/instrument")  # outcomes that the report shows
OTHER_CELL = "lazy-unpatched"  # the plugin is checked there too: another model, nothing of ours in the kernel
# The boot whose manifest says with which programs.
VOUCHES = {"plugin": f"plugin/{OTHER_CELL}/counts", "lab-repeat": "first",
           "again": f"again/rt-unpatched/seed-{plan.FIRST_SEED}"}
SLOW_CPUS = virtual.MAIN_LOOP.with_name("slow_cpus.so")
SHORT = (("phase_ms", "100"), ("requests", "20"), ("fills", "200"), ("tail_ms", "15"))
# Instructions in a stretch with interrupts off, by block: an MMIO access in it has the rest of its block counted twice.
# Measured 1 on RT, and on LAZY up to 9 of 2971, in an IPI's.
OFF_SPREAD = 10
DOSE_SPREAD = 50  # instructions of an interrupt with interrupts off: measured 1143 to 1171
WITHOUT = "nothing"
TRACED = ("marked", "call_single_queue:16")
# A boot's time, as a multiple, that each way to count may take: how campaigns count their boots, and two that are asked
# for: a trace looks at each load and store (measured 2.1), by instruction is for hot paths (measured 9).
SLOW_DOWN = {"the plugin": (2, {}), "the plugin and a trace": (3, {"trace": TRACED})}
SLOWEST = {"the plugin by instruction": (12, {"by_instruction": True})}
BY_BLOCK = 0.0002  # instructions too many: a block that is left half way is counted whole, then its rest again
# By block and by instruction, as a share: of all instructions of a kind, measured up to 0.0003 on the isolated CPU and
# 0.0005 on the other; of those of one cause or with interrupts off, 0.0007 of what is more than SMALL.
SPREAD, SPREAD_PART, SMALL = 0.0007, 0.001, 50



def hotpath_limits():
    """{arm: {kind of CPU: (instructions, locked)}}: what LIMITS= allows an operation more than on unpatched.

    An operation has up to 4 entries, exits and switches, or 7 uses of a lock. What isolated CPUs themselves pay is a
    result, mostly, not a promise.
    """
    found = {}
    for arm in arms.names():
        for limit in arms.fact(arm, "LIMITS").split():
            kind, instructions, locked = limit.split(":")
            found.setdefault(arm, {})[kind.replace("_", " ")] = (int(instructions), int(locked))
    return found


def spec_of(cell, seed=1, **other):
    """A short boot of a cell."""
    model, _, arm = cell.partition("-")
    other = {"workload": SHORT, "image": boot.image_of(model, arm)} | other
    return boot.Spec(lab="virtual", model=model, arm=arm, seed=seed, **other)


def run_all(specs):
    """Run named boots side by side; return {name: (verdict, why)}. Their folders are KEPT/name."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {name: pool.submit(boot.boot, spec, KEPT / name) for name, spec in specs.items()}
        return {name: done.result() for name, done in running.items()}


def not_ok(verdict):
    return [] if verdict[0] == "ok" else [": ".join(verdict)]


def lines_of(name, file):
    return [json.loads(line) for line in (KEPT / name / file).read_text().splitlines()]


def marks_of(name):
    """The plugin's marks: {(mark, arg, cpu): {column: count}}."""
    header, *lines = lines_of(name, "counts.jsonl")
    rows = [dict(zip(header["mark"], line["mark"], strict=True)) for line in lines if "mark" in line]
    return {(row["mark"], row["arg"], row["cpu"]): row for row in rows}


def known_counts(tap, name, how, spread=0):
    """Did the plugin count what the programs did? how: they were run and counted; spread: so much more of instructions,
    as a share."""
    begin, end, isolated = 9, 10, 1  # MARK_CHECK_BEGIN, MARK_CHECK_END
    marks = marks_of(name)

    def counted(number, columns):
        return sum(marks[end, number, isolated][column] - marks[begin, number, isolated][column] for column in columns)

    for check in [line for line in lines_of(name, "guest.jsonl") if "what" in line and "line" not in line]:
        columns, expected = check["what"].split("+"), check["expected"]
        found = counted(check["check"], columns) - counted(0, columns)
        spare = check["spare"] + (spread * expected if check["what"] == "user" else 0)
        wrong = [] if 0 <= found - expected <= spare else [f"counted {found}, the program did {expected}"]
        tap.point(f"known count{how}: {expected} {check['what']}, {found - expected} too many", wrong)


def rows_of(name, kind):
    """The plugin's rows of a kind, as dicts by column."""
    header, *lines = lines_of(name, "counts.jsonl")
    return [dict(zip(header[kind], line[kind], strict=True)) for line in lines if kind in line]


def known_lines(tap, name, how):
    """Did the plugin see the loads, stores and transfers of cache lines that the programs made?"""
    traced = {(row["mark"], row["arg"], row["cpu"], row["symbol"], row["copy"], row["line"]): row
              for row in rows_of(name, "line")}

    def counted(mark, check):
        return traced.get((mark, check["check"], check["cpu"], *check["line"]), {}).get(check["what"], 0)

    for check in [line for line in lines_of(name, "guest.jsonl") if "line" in line]:
        found, expected = counted(10, check) - counted(9, check), check["expected"]
        wrong = [] if 0 <= found - expected <= check["spare"] else [f"counted {found}, the program did {expected}"]
        symbol, copy, line = check["line"]
        tap.point(f"known count{how}: {expected} {check['what']} of CPU {check['cpu']} on line {line} of {symbol}"
                  f"{'' if copy < 0 else f', copy of CPU {copy}'}", wrong)


def known_doses(tap, name, how):
    """Is an interrupt's stretch with interrupts off longer by what its handler was told to take?

    Each is the longest of 20. What the interrupt itself takes is not always the same: hence DOSE_SPREAD.
    """
    found = {row["arg"]: row["instructions"] for row in rows_of(name, "irqs_off")
             if (row["mark"], row["cpu"], row["function"]) == (10, 1, "asm_sysvec_call_function_single")}
    doses = {line["dose"]: found.get(line["check"], 0) for line in lines_of(name, "guest.jsonl") if "dose" in line}
    without = doses.pop(0)
    for dose, longest in doses.items():
        right = without and abs(longest - without - dose) <= DOSE_SPREAD
        wrong = [] if right else [f"{longest} instructions, {without} for a dose of 0"]
        tap.point(f"known stretch with interrupts off{how}: longer by {dose}", wrong)


def own_counters(tap, name, how):
    """Does the plugin count what the guest's kernel counts itself? Returns of what the guest counted something.

    No tolerance: the guest looked between two marks before, and two after.
    """
    marks = marks_of(name)
    every = {cpu for _, _, cpu in marks}

    def counted(number, what, cpu):
        columns = [what] if what == "switches" else [f"from_user/{what}", f"from_kernel/{what}"]
        return sum(marks[10, number, n][column] - marks[9, number, n][column]
                   for n in (every if cpu < 0 else {cpu}) for column in columns)

    seen = set()
    for line in [line for line in lines_of(name, "guest.jsonl") if "own" in line]:
        what, cpu, count = line["own"], line["cpu"], line["count"]
        least, most = (counted(number, what, cpu) for number in (8, 7))
        if not (count or most):
            continue
        seen.add(what)
        wrong = [] if least <= count <= most else [f"the guest counted {count}, the plugin {least} to {most}"]
        tap.point(f"the guest's own count{how}: {count} {what} of {'all CPUs' if cpu < 0 else f'CPU {cpu}'}", wrong)
    return seen


def longest_off(tap, by_block, by_instruction):
    """The same longest stretches with interrupts off, if the flags are looked at before each instruction?"""
    blocks, single = ({(row["mark"], row["cpu"], row["function"]): row["instructions"]
                       for row in rows_of(name, "irqs_off") if row["mark"] in (2, 4)}
                      for name in (by_block, by_instruction))
    wrong = [f"mark {mark} CPU {cpu} {function}: {blocks.get(key)} by block, {single.get(key)} by instruction"
             for key in sorted(blocks.keys() | single.keys()) for mark, cpu, function in [key]
             if abs(blocks.get(key, 0) - single.get(key, 0)) > OFF_SPREAD]
    if not all((mark, cpu) in {key[:2] for key in blocks} for mark in (2, 4) for cpu in (0, 1)):
        wrong.append("no stretch on some CPU in some phase")
    tap.point("longest stretches with interrupts off agree with a look before each instruction", wrong)


def run_alone(spec, plugin):
    """Run a boot with or without the plugin, alone; return its CPU time and what the guest sent, b"" if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        command = virtual.command(image=spec.image, cmdline=boot.cmdline(spec), seed=spec.seed, out=out,
                                  by_instruction=spec.by_instruction, trace=spec.trace)
        where = command.index("-plugin")
        process = subprocess.Popen(command if plugin else command[:where] + command[where + 2:],
                                   preexec_fn=boot.die_with_parent)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        sent = (out / "guest.jsonl").read_bytes() if process.returncode == virtual.GOOD else b""
        return usage.ru_utime + usage.ru_stime, sent


def slow_down(tap, spec, ways):
    """How much longer is a boot that is counted? ways: {name: (the most, what the way to count is)}.

    By user and system time, the less of two; no boot is compared with one of another workload.
    """
    runs = [(name, *run_alone(dataclasses.replace(spec, **how), plugin=name in ways))
            for _ in range(2) for name, (_, how) in ({WITHOUT: (1, {})} | ways).items()]
    seconds = {name: min(took for of, took, _ in runs if of == name) for name, _, _ in runs}
    for name, (most, _) in ways.items():
        times = seconds[name] / seconds[WITHOUT]
        wrong = [] if times <= most else [f"{seconds[name]:.1f} s, {seconds[WITHOUT]:.1f} s without it"]
        tap.point(f"{name} makes a boot {times:.2f} times as long, at most {most}", wrong)
    parted = {first_difference(runs[0][2], sent)[:160] for _, _, sent in runs if sent != runs[0][2]}
    tap.point(f"the guest sends the same bytes without, with {' and with '.join(ways)}",
              sorted(parted) if all(sent for _, _, sent in runs) else ["a boot failed"])


def sums(tap, name, how):
    """Is every kernel instruction attributed to a cause?"""
    wrong = []
    for (mark, arg, cpu), row in marks_of(name).items():
        causes = sum(count for column, count in row.items() if column.startswith("cause/"))
        # An entry that has not come to its handler is not attributed yet.
        if not 0 <= row["kernel"] - causes < 500:
            wrong.append(f"mark {mark} arg {arg} CPU {cpu}: {row['kernel']} in the kernel, {causes} by cause")
    tap.point(f"causes add up to all kernel instructions{how}", wrong)


def agreement(tap, by_block, by_instruction):
    """Do blocks count what instructions count, and see the same events? The point says how far they are apart."""
    guests = [(KEPT / name / "guest.jsonl").read_bytes() for name in (by_block, by_instruction)]
    wrong = [] if guests[0] == guests[1] else ["its results differ"]
    tap.point("the guest does not notice how it is counted, nor a trace", wrong)
    blocks, single = marks_of(by_block), marks_of(by_instruction)
    wrong, most = [], {}
    for mark, cpu in itertools.product((2, 4), (0, 1)):
        for column in blocks[mark, 0, cpu]:
            a, b = (m[mark, 0, cpu][column] - m[mark - 1, 0, cpu][column] for m in (blocks, single))
            whole = column in ("kernel", "user", "atomics")
            exact = not (whole or column == "irqs_off" or column.startswith("cause/"))
            if (exact and a != b) or abs(a - b) > SMALL + (SPREAD if whole else SPREAD_PART) * b:
                wrong.append(f"mark {mark} CPU {cpu} {column}: {a} by block, {b} by instruction")
            if column == "kernel":
                most[cpu] = max(most.get(cpu, 0), 10000 * (a - b) / b)
    far = " and ".join(f"{most[cpu]:.1f} on CPU {cpu}" for cpu in (1, 0))
    tap.point(f"counts by block agree with counts by instruction, in 10,000 too many in the kernel: {far}", wrong)


def known_locked(tap, cell):
    """Does the plugin see locked instructions? Context tracking has one each on the way in and out, if the CPU is
    tracked; getppid() has none of its own."""
    model, _, arm = cell.partition("-")
    paths, faults = hotpaths.read_cell(hotpath_folders([(model, arm)]).get((model, arm), ()))
    for kind, right in {"isolated": 2, "housekeeping": 2, "not isolated": 0}.items():
        path = paths.get((kind, "getppid"))
        wrong = [] if path and path.atomics == right else [f"counted {path and path.atomics}", *faults]
        tap.point(f"known count: {right} locked instructions of getppid, CPU {kind}", wrong)


class InCell:
    """A check's points, each of which names the cell that was booted."""

    def __init__(self, tap, cell):
        self.tap, self.cell = tap, cell

    def point(self, name, complaints=()):
        kind, colon, rest = name.partition(": ")
        self.tap.point(f"{kind}, {self.cell}{colon}{rest}", complaints)


def check_counts(tap, cell):
    """All that the plugin counts, in boots of one cell; returns of what the guest counted something itself."""
    def name(what):
        return f"plugin/{cell}/{what}"

    known = spec_of(cell, workload=(("mode", "check"),))
    results = run_all({
        name("counts"): dataclasses.replace(known, trace=TRACED),
        name("counts-by-instruction"): dataclasses.replace(known, by_instruction=True),
        name("counts-with-4-cpus"): dataclasses.replace(known, cpus=4, trace=TRACED),
        name("by-block"): spec_of(cell),
        name("by-instruction"): spec_of(cell, by_instruction=True, trace=("jiffies",)),
    })
    for what, verdict in results.items():
        tap.point(f"boot {what.rpartition('/')[2]}", not_ok(verdict))
    if any(map(not_ok, results.values())):
        return set()
    known_counts(tap, name("counts-by-instruction"), ", by instruction")
    seen = set()
    for what, how in (("counts", ""), ("counts-with-4-cpus", ", with 4 CPUs")):
        known_counts(tap, name(what), how, BY_BLOCK)
        known_lines(tap, name(what), how)
        known_doses(tap, name(what), how)
        sums(tap, name(what), how)
        seen |= own_counters(tap, name(what), how)
    sums(tap, name("by-block"), " of a boot of the workload")
    known_locked(tap, cell)
    agreement(tap, name("by-block"), name("by-instruction"))
    longest_off(tap, name("by-block"), name("by-instruction"))
    return seen


def check_plugin(tap, cell):
    seen = set.union(*(check_counts(InCell(tap, which), which) for which in dict.fromkeys((cell, OTHER_CELL))))
    # Not each in each cell: RT sends no irq_work there, LAZY wakes by call_function what RT wakes by reschedule.
    absent = {"timer", "reschedule", "call_function", "irq_work", "switches", "page_fault"} - seen
    tap.point("the guest itself counted something of each", sorted(absent))
    slow_down(InCell(tap, cell), spec_of(cell, workload=()), SLOW_DOWN)
    slow_down(InCell(tap, cell), spec_of(cell), SLOWEST)


def first_difference(a, b):
    """Where two files' contents part, for a look: the first line that is not in both, cut."""
    if isinstance(a, dict):
        return f": {[key for key in a if a[key] != b.get(key)]}"
    for number, (one, other) in enumerate(itertools.zip_longest(a.splitlines(), b.splitlines()), 1):
        if one != other:
            return f" in line {number}: {(one or b'')[:200]} and {(other or b'')[:200]}"
    return ""


def differences(a, b, but=(), only=()):
    """What differs between two boots' folders, but for what may and some files: a list of lines."""
    found = []
    names = [{path.name for path in folder.iterdir() if path.name not in but and (not only or path.name in only)}
             for folder in (a, b)]
    if names[0] != names[1]:
        found.append("not the same files")
    for path in (a / name for name in sorted(names[0] & names[1])):
        if path.name == "manifest.json":
            one, other = (boot.depends(json.loads((folder / path.name).read_text())) for folder in (a, b))
        else:
            one, other = path.read_bytes(), (b / path.name).read_bytes()
        if one != other:
            found.append(f"{path.name} differs{first_difference(one, other)}")
    return found


def parts(spec, tries=3):
    """Does one of so many boots of this part from the boot "first"? Alone: it takes two threads that do run at once."""
    for number in range(tries):
        name = f"unguarded-{number}"
        if run_all({name: spec})[name][0] == "ok" and differences(KEPT / "first", KEPT / name, but=("qemu.cmd",)):
            return True
    return False


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
    tap.point("and however slow QEMU's threads are", differences(KEPT / "first", KEPT / "slow", but=("qemu.cmd",)))
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


def kept_boots():
    """{kind: {"CELL/BOOT": spec}} of the boots in results/ that are up to date with the images that are here."""
    kinds = {}
    every = 99  # seeds: more than there are
    archive.unpack_all()
    args = argparse.Namespace(lab="virtual", set=[], seeds=every, cells="", model="", arm="", only="")
    for folder, spec in sorted(campaign.all_boots(args).items()):
        of_kind = kinds.setdefault("-".join(filter(None, (spec.kind, spec.setting))), {})
        if boot.is_done(spec, folder):
            of_kind[f"{folder.parent.name}/{folder.name}"] = spec
    return kinds


def not_made(boots, place):
    """{"PLACE/CELL/BOOT": spec} of boots of results/ that are not in KEPT/place yet."""
    return {f"{place}/{name}": spec for name, spec in boots.items() if not boot.is_done(spec, KEPT / place / name)}


def make_again(boots, place):
    """Make boots of results/ that are not in KEPT/place yet; return what went wrong, as lines."""
    todo = not_made(boots, place)
    return [f"{name}: {': '.join(verdict)}" for name, verdict in run_all(todo).items() if not_ok(verdict)]


def same_again(tap, point, names, place, wrong=()):
    """A point: are boots of results/ the same as those in KEPT/place? wrong: what went wrong before, as lines.

    Those that were made without the guard of QEMU's clock may part; that is a skip, which names them.
    """
    wrong, unguarded = list(wrong), []
    for name in names if not wrong else ():
        kept = archive.BOOTS / "virtual" / name
        again = KEPT / place / name
        if archive.said(kept) != archive.said(again):
            parted = differences(kept, again, only=archive.SAID)
            if json.loads((kept / "manifest.json").read_text()).get("main_loop_sha256"):
                wrong += [f"{name}: {line}" for line in parted]
            else:
                unguarded.append(name)
    if unguarded and not wrong:
        tap.skip(point, f"parted, but made before main_loop.c was there: {', '.join(unguarded)}")
    else:
        tap.point(point, wrong)


def check_sample(tap):
    """Points that a boot of each kind, each of another cell and seed, is the same once it is made again."""
    what, chosen = "boots in results/, made again", {}
    shutil.rmtree(KEPT / "sample", ignore_errors=True)
    for number, (kind, boots) in enumerate(kept_boots().items()):
        if boots:
            name = list(boots)[number * 7 % len(boots)]
            chosen[name] = boots[name]
        else:
            tap.skip(f"{what}: {kind}", "none is up to date with the images here")
    wrong = make_again(chosen, "sample")
    for name in chosen:
        same_again(tap, f"{what}: {name}", [name], "sample", wrong)


WORKLOAD = "of the workload"


def by_cell(kinds):
    """kept_boots(), with the workload's, which are most, a group for each cell."""
    groups = {kind: boots for kind, boots in kinds.items() if kind != "drain" or not boots}
    for name, spec in kinds.get("drain", {}).items():
        groups.setdefault(f"{WORKLOAD}, {name.partition('/')[0]}", {})[name] = spec
    return groups


def check_again(tap, _, minutes=math.inf):
    """minutes: no group of boots is begun after so many; those are skips. Hence what is made already comes first, and
    then the workload, on which all verdicts rest."""
    def order(item):
        return bool(not_made(item[1], "again")), not item[0].startswith(WORKLOAD), item[0]

    begin = time.monotonic()
    for group, boots in sorted(by_cell(kept_boots()).items(), key=order):
        point = f"boots: {len(boots)} {group}"
        if time.monotonic() - begin > 60 * minutes:
            tap.skip(point, f"not begun within {minutes:g} minutes")
            continue
        wrong = make_again(boots, "again") if boots else ["none is up to date with the images here"]
        same_again(tap, point, boots, "again", wrong)


def drawn(name):
    """{what: value} of all that a boot says its seed has drawn."""
    lines = [json.loads(line) for line in (KEPT / name / "guest.jsonl").read_bytes().splitlines()]
    found = {"arrival of requests": [line["due_ns"] for line in lines if "request" in line]}
    for line in lines:
        found |= {key: line[key] for key in ("storm_first", "metronome", "dither", "pad") if key in line}
        found |= line.get("drawn", {})
    return found


def qemu_by(name, how):
    """A program that runs QEMU in some way."""
    program = KEPT / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\n{how} {virtual.QEMU} "$@"\n')
    program.chmod(0o755)
    return program


def check_lab_verdicts(tap, cell):
    def inject(failure, **other):
        return spec_of(cell, workload=(*SHORT, ("inject", failure)), **other)

    # As somebody who tidies up may ask it to end; as a library of another machine may be refused.
    short_lived = qemu_by("short-lived-qemu", "exec timeout --preserve-status 3")
    not_preloaded = qemu_by("qemu-not-preloaded", "LD_PRELOAD=/none/such.so exec")
    _, _, arm = cell.partition("-")
    # A parameter that only another kernel knows.
    unknown = next(arms.fact(other, "BOOT") for other in arms.names() if arms.fact(other, "BOOT")
                   and arms.fact(other, "KERNEL") != arms.fact(arm, "KERNEL"))
    expected = {
        "panic": ("panic", "Attempted to kill init", inject("panic")),
        "hang": ("hang", "silent", inject("hang", silence=5)),
        "garbage": ("guest-failure", "no JSON", inject("garbage")),
        "fail": ("guest-failure", "as asked", inject("fail")),
        "unknown-parameter": ("guest-failure", "refused by the kernel", spec_of(cell, append=unknown)),
        "unknown-workload": ("guest-failure", "bench.speed", spec_of(cell, workload=(("speed", "1"),))),
        "unknown-class": ("guest-failure", "drain_now does not take", spec_of(cell, workload=(("class", "nothing"),))),
        "unknown-order": ("guest-failure", "order is", spec_of(cell, workload=(("order", "both-first"),))),
        "too-much-dither": ("guest-failure", "metronome less", spec_of(cell, workload=(("metronome_dither", "24"),))),
        "half-a-dose": ("guest-failure", "bench_dose does not take",
                        spec_of(cell, workload=(("storm", "dose"), ("dose", "150")))),
        "tick": ("guest-failure", "nohz_full", spec_of(cell, append="nohz_full=")),
        "no-init": ("boot-failure", "Kernel panic", spec_of(cell, append="rdinit=/none init=/none")),
        "dead-at-boot": ("boot-failure", "Kernel panic",
                         spec_of(cell, append="panic=0 rdinit=/none init=/none", silence=5)),
        "no-image": ("build-failure", "no image", spec_of(cell, image=pathlib.Path("build/images/none-such"))),
        "no-qemu": ("lab-failure", "No such file", spec_of(cell, qemu=pathlib.Path("build/tools/none-such"))),
        "bad-qemu": ("lab-failure", "status 1", spec_of(cell, qemu=pathlib.Path("/bin/false"))),
        "not-preloaded": ("lab-failure", "cannot be preloaded", spec_of(cell, qemu=not_preloaded)),
        "stopped-qemu": ("lab-failure", "terminating on signal", inject("hang", qemu=short_lived)),
    }
    results = run_all({name: spec for name, (_, _, spec) in expected.items()})
    for name, (verdict, text, _) in expected.items():
        got, why = results[name]
        wrong = [] if got == verdict and text in why else [f"got {got}: {why}; expected {verdict}: ... {text} ..."]
        tap.point(f"verdict {verdict}: {name}", wrong)
    left = [str(path) for path in boot.STAGING.glob(f"*-{os.getpid()}-*")]
    tap.point("no half-made folder is left", left)


def place_tree(name, boots):
    """Lay boots out as a campaign's results do, in KEPT/controls/NAME; those that results/ has are copied.

    Returns {name in KEPT: spec} of those that are still to be run.
    """
    todo = {}
    for folder, spec in boots.items():
        place = pathlib.Path("controls", name, folder.relative_to(archive.BOOTS))
        if boot.is_done(spec, folder):
            shutil.copytree(folder, KEPT / place)
        else:
            todo[str(place)] = spec
    return todo


def stand_ins(boots, workload=(), **other):
    """The same boots with something changed that their folders do not tell."""
    return {folder: dataclasses.replace(spec, workload=(*spec.workload, *workload), **other)
            for folder, spec in boots.items()}


def check_lab_controls(tap, _):
    six, two = (argparse.Namespace(lab="virtual", set=[], seeds=seeds) for seeds in (6, 2))
    cell = ("rt", plan.BASE)
    base, rebuilt = campaign.drains(six, cell), campaign.drains(six, ("rt", "rebuilt"))
    again, doses = campaign.same_again(six, cell), campaign.doses(two, cell)
    # Broken on purpose, {what: (the control that is to fail, boots that stand in for its own)}.
    broken = {
        "another-rebuilt": ("A/A", stand_ins(rebuilt, image=boot.image_of("rt", arms.names()[-1]))),
        "another-image": ("A/A", stand_ins(again, image=boot.image_of("rt", arms.names()[-1]))),
        "no-dose": ("dose and response", stand_ins(doses, workload=(("inject", "no-dose"),))),
    }
    shutil.rmtree(KEPT / "controls", ignore_errors=True)
    todo = place_tree("sound", base | rebuilt | again | doses)
    for what, (_, boots) in broken.items():
        todo |= place_tree(what, boots)
    results = run_all(todo)
    tap.point(f"{len(results)} boots", [f"{name}: {': '.join(got)}" for name, got in results.items() if not_ok(got)])
    if tap.failed:
        return
    tap.point("no control fails, with so few boots", controls.failures(KEPT / "controls/sound"))
    for what, (control, _) in broken.items():
        for folder in base:
            place = folder.relative_to(archive.BOOTS)
            shutil.copytree(KEPT / "controls/sound" / place, KEPT / "controls" / what / place)
        failed = controls.failures(KEPT / "controls" / what)
        wrong = [] if any(f"virtual: {control}" in line for line in failed) else [f"failed: {failed or 'none'}"]
        tap.point(f"broken on purpose, it fails: {control}, {what}", wrong)


def hotpath_folders(cells):
    """{cell: [folder]} of the boots that count hot paths: kept results if they are up to date, else boots of now."""
    todo, folders = {}, {}
    args = argparse.Namespace(lab="virtual", set=[])
    for model, arm in cells:
        for kept, spec in campaign.hotpaths(args, (model, arm)).items():
            name = f"hotpaths/{model}-{arm}/{kept.name}"
            folder = kept if boot.is_done(spec, kept) else KEPT / name
            folders.setdefault((model, arm), []).append(folder)
            if not boot.is_done(spec, folder):
                todo[name] = spec
    run_all(todo)
    return folders


def over_limits(arm, paths, base, limits):
    """What an arm's paths take more than they may: lines of text."""
    for (kind, name), then in base.items():
        path = paths.get((kind, name))
        if path is None:
            yield f"{kind}, {name}: not counted"
        elif kind in limits:
            path = hotpaths.beside(path, then, arm)
            # In different phases of the scheduler the least of each can be compared.
            one, other = ((min(path.met), min(then.met)) if hotpaths.other_phase(path, then)
                          else (path.counts, then.counts))
            more, locked = one[0] - other[0], one[1] - other[1]
            exact = limits[kind] == (0, 0)
            if more > limits[kind][0] or locked > limits[kind][1] or (exact and (more, locked) != (0, 0)):
                yield (f"{kind}, {name}: {more:+} instructions, {locked:+} locked; limit {limits[kind]}: "
                       f"{hotpaths.cause(path, then, 6)}")


def check_hotpaths(tap, _):
    limits_of = hotpath_limits()
    folders = hotpath_folders(itertools.product(boot.MODELS, (hotpaths.BASE, *limits_of)))
    cells = {}
    for cell, of in folders.items():
        cells[cell], faults = hotpaths.read_cell(of)
        tap.point(f"boots of {'-'.join(cell)}", faults)
    for model in boot.MODELS:
        base = cells[model, hotpaths.BASE]
        if not base:
            continue  # its boots have failed above
        for arm, limits in limits_of.items():
            exactly = not any(map(any, limits.values()))
            said = "takes exactly what unpatched takes" if exactly else "takes no more than it may"
            tap.point(f"{model}-{arm} {said} in {len(base)} hot paths",
                      over_limits(arm, cells[model, arm], base, limits))
    other = spec_of("rt-none", seed=2, workload=(("mode", "hotpath"),), by_instruction=True)
    tap.point("boot with another seed", not_ok(run_all({"hotpath-isolated": other})["hotpath-isolated"]))
    again, faults = hotpaths.read_cell([KEPT / "hotpath-isolated"])
    wrong = [f"{key}: {cells['rt', 'none'][key].kernel}, {path.kernel} with another seed" for key, path in again.items()
             if cells["rt", "none"].get(key) and path.kernel != cells["rt", "none"][key].kernel]
    tap.point("counts of hot paths do not depend on the seed", faults + wrong)


CHECKS = {"plugin": check_plugin, "lab-repeat": check_lab_repeat, "lab-verdicts": check_lab_verdicts,
          "lab-controls": check_lab_controls, "hotpaths": check_hotpaths, "again": check_again}


def forget(name):
    """Should a check die, no earlier outcome is to stand for it."""
    for path in INSTRUMENT.glob(f"{name}.*"):
        path.unlink()


def keep(name):
    """Keep a check's outcome, and what its boots were made with, where the report looks."""
    INSTRUMENT.mkdir(parents=True, exist_ok=True)
    manifest = json.loads((KEPT / VOUCHES[name] / "manifest.json").read_text())
    if name == "again":
        manifest[instrument.DIGEST] = instrument.digest(archive.BOOTS)
    (INSTRUMENT / f"{name}.json").write_text(json.dumps(manifest, indent=1) + "\n")
    shutil.copyfile(tapfile.RESULTS / f"{name}.tap", INSTRUMENT / f"{name}.tap")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=CHECKS, nargs="+")
    parser.add_argument("--keep", action="store_true",
                        help=f"keep the outcome in {INSTRUMENT}, failed or not ({', '.join(VOUCHES)})")
    parser.add_argument("--cell", default=f"rt-{arms.example()}", help="what is booted (default: %(default)s)")
    parser.add_argument("--within", type=float, default=math.inf, metavar="MINUTES",
                        help="again: begin no further boots after so long, and count them as skipped")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    if args.keep and (others := set(args.check) - VOUCHES.keys()):
        parser.error(f"--keep is for {' and '.join(VOUCHES)}, not for {', '.join(sorted(others))}")
    failed = 0
    checks = CHECKS | {"again": functools.partial(check_again, minutes=args.within)}
    for name in args.check:
        if args.keep:
            forget(name)
        with tapfile.Writer(name) as tap:
            checks[name](tap, args.cell)
        failed += tap.failed
        if args.keep:
            keep(name)
    # What is kept says itself what failed, and the report says it first: it is to be made all the same.
    sys.exit(bool(failed) and not args.keep)


if __name__ == "__main__":
    main()
