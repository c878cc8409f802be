# SPDX-License-Identifier: GPL-2.0-only
"""Raw results with known figures, in the form in which the lab writes them.

Fixtures for the tests alone: nothing made here ever lies under results/.
"""

import itertools
import json
import shutil
import types
import zlib

from bench.report import plan
from bench.report.facts import frame, metrics, read
from bench.report.facts import instrument as facts
from check import tapfile

KINDS = ("none", "syscall", "page_fault", "exception", "timer", "reschedule", "call_function", "irq_work", "device",
         "other_irq", "nmi")
ROLES = ("kthread", "idle", "kworker", "user", "owner", "cyclictest", "requester", "ballast")
MARK = ["mark", "arg", "cpu", "kernel", "user", "switches", "works",
        *(f"from_user/{kind}" for kind in KINDS[1:]), *(f"from_kernel/{kind}" for kind in KINDS[1:]),
        *(f"cause/{role}/{kind}" for role in ROLES for kind in KINDS)]
REQUEST = ["request", "cpu", "own", "kernel", "switches", "works", "entries"]
TURNS = ["mark", "log2", "count"]
IRQS_OFF = ["mark", "arg", "cpu", "instructions", "function"]

DRAINS = 10


def lines(objects, crc):
    """JSON lines with their end line."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in objects)
    end = {"end": True, "lines": len(objects)} | ({"crc32": f"{zlib.crc32(text.encode()):08x}"} if crc else {})
    return text + json.dumps(end) + "\n"


def mark(number, cpu, **counts):
    row = dict.fromkeys(MARK, 0) | {"mark": number, "cpu": cpu} | counts
    return {"mark": [row[column] for column in MARK]}


def counts(per_drain, quiet=1000, start=5000):
    """The plugin's lines: each drain costs the isolated CPU 1 so many instructions, in kworkers, and one of each event.

    quiet: kernel instructions in the quiet phase, all in cyclictest's timer interrupts.
    """
    busy = per_drain > 0
    events = DRAINS if busy else 0
    steps = (
        (1, start, 0, 0),
        (2, start + quiet, 0, 0),
        (3, start + quiet, 0, 0),
        (4, start + 2 * quiet + DRAINS * per_drain, DRAINS * per_drain, events),
    )
    made = [{"schema": 1, "unit": "instructions", "mark": MARK, "request": REQUEST, "turns": TURNS,
             "irqs_off": IRQS_OFF},
            *({"irqs_off": [number, 0, 1, long, name]} for number, *_ in steps
              for long, name in ((900, "__schedule"), (70, "asm_timer")))]
    for number in range(DRAINS):
        made += [{"request": [number, 0, 700 + number, 900, 2, 0, 1]},
                 {"request": [number, 1, 0, per_drain, 2 * busy, int(busy), int(busy)]}]
    for number, kernel, kworker, happened in steps:
        timers = kernel - kworker
        made += [
            mark(number, 0, kernel=number * 3000 + (700 * DRAINS if number == 4 else 0)),
            mark(number, 1, kernel=kernel, switches=2 * happened, works=happened,
                 **{"from_user/timer": timers // 100, "from_kernel/reschedule": happened,
                    "cause/kworker/none": kworker, "cause/cyclictest/timer": timers}),
            {"turns": [number, 10, 100 * number]}, {"turns": [number, 13, number]},
        ]
    return made


def cyclictest(histogram, overflow=0, **more):
    """cyclictest's JSON, which does not say the overflow."""
    latencies = sorted(histogram)
    thread = {"histogram": {str(latency): histogram[latency] for latency in latencies},
              "cycles": sum(histogram.values()) + overflow,
              "min": latencies[0], "max": latencies[-1], "avg": 5.0, "cpu": 1, "node": 0} | more
    return {"file_version": 1, "cmdline:": "cyclictest", "rt_test_version:": "2.5", "num_threads": 1,
            "thread": {"0": thread}}


def guest(facade=True, storm=None, completion=50000):
    """The guest's lines; request n took completion + n us."""
    made = [{"hello": "7.3.4", "version": "#1"}, {"cpus": 2, "isolated": 1}, {"proof": "clock", "at_ns": 1}]
    for phase, asked, result in (("quiet", 0, cyclictest({4: 90, 6: 10})),
                                 ("storm", DRAINS, storm or cyclictest({4: 80, 6: 15, 40: 5}))):
        made += [{"phase": phase, "length_ns": 500000000, "requests": asked, "fills": 100, "fill_late_max_ns": 9},
                 {f"cyclictest_{phase}": result}]
    for number in range(DRAINS):
        begin = number * 10000000
        made.append({"request": number, "due_ns": begin, "begin_ns": begin,
                     "end_ns": begin + completion + 1000 * number, "before": [1, 6], "after": [0, number % 2]})
    if facade:
        made.append({"stats": ["lru 0 requests 10 rides 0 drained 11 posted 0 left 0 works 3 remote 0 15:10",
                               "lru 1 requests 0 rides 0 drained 60 posted 5 left 0 works 10 remote 0 help_strict 0 "
                               "help_idle 20"]})
    return made


def manifest(lab, model, arm, seed, kind="drain", setting=""):
    kernel = {"qpw0": "qpw", "qpw1": "qpw"}.get(arm, arm)
    own = {"qpw0": " qpw=0", "qpw1": " qpw=1"}.get(arm, "")
    return {"schema": 1, "lab": lab, "model": model, "arm": arm, "kernel": kernel, "kind": kind,
            "setting": setting, "seed": seed,
            "cpus": 2, "icount_shift": 0, "by_instruction": False, "kernel_release": "7.3.4", "config_sha256": "c",
            "common_config_sha256": f"c-{model}", "source_sha256": f"s-{model}-{kernel}",
            "image_sha256": f"i-{model}-{kernel}", "initramfs_sha256": "r",
            "plugin_sha256": "p", "cmdline": f"nohz_full=1 bench.seed={seed}{own}", "compiler": "gcc 12",
            "qemu_version": "QEMU 10.0.2", "workload": {"requests": DRAINS, "seed": seed}, "host_cpu": "some CPU",
            "started_utc": "2026-01-01T00:00:00Z", "wall_seconds": 17.5}


def write(path, made, verdict, **files):
    """Put a boot's files in a folder, in the place of others: manifest, verdict, files' lines; returns the folder."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    (path / "manifest.json").write_text(json.dumps(made))
    (path / "verdict.json").write_text(json.dumps({"verdict": verdict, "why": "" if verdict == "ok" else "as planned"}))
    for stem, objects in files.items():
        (path / f"{stem}.jsonl").write_text(lines(objects, crc=stem == "guest"))
    return path


def boot(results, model="rt", arm="unpatched", seed=1, lab="virtual", verdict="ok", per_drain=500, kind="drain",
         setting="", **parts):
    """Write one boot's folder and return it."""
    path = results / lab / f"{model}-{arm}" / plan.place(kind, setting, seed)
    made = manifest(lab, model, arm, seed, kind, setting)
    if kind == "dose":
        made["workload"]["dose"] = int(setting)
    if kind == "sensitivity":
        workload, machine = plan.SETS[setting]
        made |= machine
        made["workload"] |= {name: int(value) if value.isdecimal() else value for name, value in workload}
    files = {"guest": guest(arm != "unpatched"), "counts": counts(per_drain)} | parts
    return write(path, made, verdict, **(files if verdict == "ok" else {}))


def alter(path, **told):
    """Let a boot's manifest tell something else; returns its folder."""
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | told))
    return path


def instrument(results, name, *points, **told):
    """What a check has kept: points, as for tapfile.Writer.point(), and what it tells of its boots."""
    with tapfile.Writer(name, results / "instrument") as tap:
        for point in points:
            tap.point(*point)
    tap.path.with_suffix(".json").write_text(json.dumps(told))


def newer(results, *cells, boots=1, same=None, source="other", campaign="virtual"):
    """What `make again` has kept of cells, (cell, kernel), by kernels of other sources."""
    rows = [{"campaign": campaign, "cell": cell, "kernel": kernel, "source_sha256": source, "boots": boots,
             "same": boots if same is None else same,
             facts.DIGEST: facts.digest(results, f"{campaign}/{cell}")} for cell, kernel in cells]
    path = results / "instrument" / facts.NEWER
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": rows}))


COSTS = {"rt": 500, "lazy": 800}  # instructions per drain under unpatched, to which the seed is added
FACTORS = {"unpatched": 1, "none": 1, "qpw0": 2, "qpw1": 0}  # of that, by arm


def campaign(results, seeds=(1, 2, 3), more=0):
    """Four arms in two models; qpw1 costs nothing. more: instructions per drain beyond COSTS."""
    for (model, cost), (arm, factor), seed in itertools.product(COSTS.items(), FACTORS.items(), seeds):
        boot(results, model, arm, seed, per_drain=(cost + more + seed) * factor)


MATTERS = 4500  # in trusted(), so that a drain takes more than a margin
PRICE = 40  # what an injected interrupt takes by itself


def aa(results, model="rt", boots=12, more=0, kind="aa", arm="unpatched", shift=plan.STRATA):
    """A/A on other seeds; more: instructions per drain beyond what trusted() has."""
    for seed in range(1, boots + 1):
        boot(results, model, arm, shift + seed, kind=kind,
             per_drain=COSTS[model] + MATTERS + seed % boots + 1 + more)


def rebuilt(results, *args, **how):
    """A neutral rebuild, paired by seed; the rest as above."""
    aa(results, *args, **how, kind="drain", arm="rebuilt", shift=0)


def dose(results, model="rt", response=lambda amount, seed: amount + PRICE + seed, doses=plan.DOSES,
         boots=plan.DOSE_SEEDS):
    """Dose and response; boots: of each dose."""
    for amount, seed in itertools.product(doses, range(1, boots + 1)):
        boot(results, model, "unpatched", seed, kind="dose", setting=str(amount), per_drain=response(amount, seed))


def sensitivity(results, setting, arms, model="rt"):
    """One setting; arms: {arm: instructions per drain}."""
    for (arm, cost), seed in itertools.product(arms.items(), (1, 2, 3)):
        boot(results, model, arm, seed, kind="sensitivity", setting=setting, per_drain=cost and cost + seed)


def trusted(results, settings):
    """A campaign whose controls all hold, under these settings too, which change nothing."""
    campaign(results, range(1, 13), MATTERS)
    for model, price in COSTS.items():
        aa(results, model)
        rebuilt(results, model)
        dose(results, model)
        for setting in settings:
            sensitivity(results, setting, {arm: factor * (price + MATTERS) for arm, factor in FACTORS.items()}, model)


def extra(results, name, model="rt", arm="none", verdict="ok", **files):
    """Write the folder of a boot of another kind, with files' lines; returns it."""
    kind, _, setting = name.partition("-")
    return write(results / "virtual" / f"{model}-{arm}" / name, manifest("virtual", model, arm, 1, kind, setting),
                 verdict, **files)


OP = ["op", "cpu", "times", "kernel", "atomics", "switches", "entries"]
FUNCTION = ["op", "cpu", "name", "instructions", "atomics"]


def hotpaths(results, arm, outcomes, model="rt", functions=()):
    """A fault on an isolated CPU 1, and nothing. outcomes: [(times, kernel, atomics, switches)]."""
    guest_lines = [{"op": 0, "name": "fault", "repeats": 10}, {"op": 1, "name": "nothing", "repeats": 10},
                   {"hotpath": "isolated", "cpu": 1}]
    made = [{"schema": 1, "op": OP, "function": FUNCTION}, *({"op": [0, 1, *outcome, 1]} for outcome in outcomes),
            {"op": [1, 1, 10, 0, 0, 0, 0]},
            *({"function": [0, 1, name, count, 0]} for name, count in functions)]
    return extra(results, "hotpath-isolated", model, arm, guest=guest_lines, counts=made)


def event(at, cpu, task, name, args=""):
    return {"trace": f"{task + '-7':>20} [{cpu:03}] d..2. {at:>12}: {name}: {args}"}


def scene(name, start=100000, lost=0):
    """A request for which a kworker drains; lost: so many events at the beginning are not there."""
    moments = {"fill": 0, "call": 90000, "call_end": 91000, "request": 20000, "request_end": 41000}
    events = [
        (-3000, 1, "owner", "user_enter", ""), (500, 1, "owner", "user_exit", ""), (2000, 1, "owner", "user_enter", ""),
        (20500, 0, "requester", "pcd_request", "class=lru mode=wait"),
        (21000, 0, "requester", "workqueue_queue_work", "work struct=0 function=pcd_work_fn req_cpu=1 cpu=1"),
        (22000, 0, "requester", "sched_switch", "prev_comm=requester prev_pid=1 ==> next_comm=swapper/0 next_pid=0"),
        (25000, 1, "owner", "user_exit", ""), (25500, 1, "owner", "reschedule_entry", "vector=253"),
        (26000, 1, "owner", "reschedule_exit", "vector=253"),
        (27000, 1, "owner", "sched_switch", "prev_comm=owner prev_pid=2 ==> next_comm=kworker/1:0 next_pid=3"),
        (28000, 1, "kworker/1:0", "pcd_drain_begin", "class=lru cpu=1"),
        (30000, 1, "kworker/1:0", "pcd_drain_end", "class=lru cpu=1 drained=1 left=0"),
        (32000, 1, "kworker/1:0", "sched_switch", "prev_comm=kworker/1:0 prev_pid=3 ==> next_comm=owner next_pid=2"),
        (33000, 1, "owner", "user_enter", ""),
        (38000, 0, "<idle>", "sched_switch", "prev_comm=swapper/0 prev_pid=0 ==> next_comm=requester next_pid=1"),
        (40000, 0, "requester", "pcd_served", "class=lru drained=1 posted=0 left=0"),
        (90500, 1, "owner", "user_exit", ""), (90700, 1, "owner", "user_enter", ""),
        (99000, 1, "owner", "user_exit", ""),
    ]
    return [*({"scene": name, "moment": moment, "at": start + at} for moment, at in moments.items()),
            {"trace": "# tracer: nop"}, {"trace": "#"},
            *(event(start + at, *rest) for at, *rest in events[lost:])]


def anatomy(results, arm="none", model="rt", **how):
    """An anatomy's folder, both scenes alike."""
    made = [{"cpus": 2, "isolated": 1}, *scene("user mode", **how), *scene("system call", **how)]
    return extra(results, "anatomy", model, arm, guest=made)


def figures(*cells):
    """A lab's runs without files. cells: (arm, kind, setting, {seed: {key: number}}), all on RT."""
    return frame.labs(frame.of([
        types.SimpleNamespace(verdict="ok", lab="virtual", model="rt", arm=arm, kind=kind, setting=setting, seed=seed,
                              workload=read.WORKLOAD, figures=of)
        for arm, kind, setting, seeds in cells for seed, of in seeds.items()]))["virtual"]


def runs(results):
    """The figures of the raw files of one lab."""
    return frame.labs(frame.of(metrics.boots(results)))["virtual"]
