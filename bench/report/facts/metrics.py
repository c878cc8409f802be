# SPDX-License-Identifier: GPL-2.0-only
"""The figures of one boot, by name: {key: number}. One boot, one figure each.

"per drain" is (storm - quiet) / drains: both phases have the same length, the
same tasks and the same random times, so what is common to them cancels out.
"""

import statistics

from bench.report.facts import read

NS_PER_US = 1000
IPIS = ("reschedule", "call_function")
# Entries that a task has caused by what it did; all else from user mode interrupts it.
ASKED_FOR = ("syscall", "page_fault", "exception")

# What the isolated CPU's own tasks ask of the kernel; all else there is imposed on them.
OWN_TASKS = ("owner", "cyclictest")
OWN_KINDS = ("none", "syscall", "page_fault", "exception")


def phase(counts, cpu, begin, end):
    """What a CPU counted between two marks, by column."""
    then, now = counts.marks[begin][cpu], counts.marks[end][cpu]
    return {column: now[column] - then[column] for column in then if column != "arg"}


def under(columns, *places):
    """{what stands behind a column's first "/": count} of these places together."""
    found = {}
    for column, count in columns.items():
        place, _, rest = column.partition("/")
        if place in places:
            found[rest] = found.get(rest, 0) + count
    return found


def by_kind(columns):
    """Kernel entries by kind, from user mode and from the kernel together."""
    return under(columns, "from_user", "from_kernel")


def interruptions(columns):
    """How often the isolated CPU left user mode for what its task did not ask for, by kind of entry."""
    return {kind: count for kind, count in under(columns, "from_user").items() if kind not in ASKED_FOR}


def causes(columns):
    """Kernel instructions by (task, kind of entry)."""
    return {tuple(cause.split("/")): count for cause, count in under(columns, "cause").items()}


def named(found):
    """What causes() found, by name: "task: entry", or the task alone where it is no entry."""
    return {task if kind == "none" else f"{task}: {kind.replace('_', ' ')}": count
            for (task, kind), count in found.items()}


def is_own(task, kind):
    """Is it a system call or a fault of a task of the isolated CPU?"""
    return task in OWN_TASKS and kind in OWN_KINDS


def own(columns):
    """Kernel instructions in the own system calls and faults of the isolated CPU's tasks."""
    return sum(count for cause, count in causes(columns).items() if is_own(*cause))


def imposed_by_cause(columns):
    """Kernel instructions by the name of their cause, less what own() counts."""
    return named({cause: 0 if is_own(*cause) else count for cause, count in causes(columns).items()})


def summary(columns):
    """The counts of one CPU in one phase that have a table of their own."""
    kinds = by_kind(columns)
    return {
        "kernel": columns["kernel"],
        "imposed": columns["kernel"] - own(columns),
        "own": own(columns),
        "entries": sum(kinds.values()),
        "switches": columns["switches"],
        "ipis": sum(kinds[kind] for kind in IPIS),
        "timers": kinds["timer"],
        "works": columns["works"],
        "interruptions": sum(interruptions(columns).values()),
    }


def per_drain(storm, quiet, drains):
    """(storm - quiet) / drains for each key; of what has no key, 0 was counted."""
    return {key: (storm.get(key, 0) - quiet.get(key, 0)) / drains for key in {**quiet, **storm}} if drains else {}


def percentile(result, share):
    """The smallest latency that so large a share of the wake-ups did not exceed; beyond the histogram, the longest."""
    seen, wanted = 0, share * result["cycles"]
    for latency, count in sorted(result["histogram"].items()):
        seen += count
        if seen >= wanted:
            return latency
    return result["max"]


def latencies(boot):
    """cyclictest's figures in both phases, in guest us, and their overflow, in wake-ups."""
    figures = {}
    for name, result in boot.guest["cyclictest"].items():
        figures |= {f"cyclictest/{name}/{key}": result[key] for key in ("min", "avg", "max", "overflow", "cycles")}
        figures[f"cyclictest/{name}/p99"] = percentile(result, 0.99)
    return figures


def requests(boot):
    """What a request costs its requester, and what it finds and leaves on the isolated CPU."""
    asked, isolated = boot.guest["requests"], boot.guest["isolated"]
    if not asked:
        return {}
    took = [(request["end_ns"] - request["begin_ns"]) / NS_PER_US for request in asked]
    before = [request["before"][isolated] for request in asked]
    after = [request["after"][isolated] for request in asked]
    counts = boot.counts.requests.values() if boot.counts else ()
    itself = [sum(cpu[i]["own"] for cpu in counts) for i in range(len(asked))]
    return {
        "request/completion": statistics.median(took),
        "request/completion_max": max(took),
        **({"request/own": statistics.mean(itself)} if counts else {}),
        "items/before": statistics.mean(before),
        "items/after": statistics.mean(after),
        "items/found": sum(count > 0 for count in before),
    }


def facade(boot):
    """The facade's own counters of the isolated CPU in the storm, per drain; nothing where there is no facade.

    items/ has what became of cached items, help/ how often a strategy needed
    help and why, whatever names the kernel gives.
    """
    drains, found = len(boot.guest["requests"]), {}
    for line in boot.guest.get("stats", ()):
        _, cpu, *words = line.split()
        if int(cpu) != boot.guest["isolated"]:
            continue
        plain = [word for word in words if ":" not in word]  # the others: a histogram
        counted = {name: int(count) for name, count in zip(plain[::2], plain[1::2], strict=True)}
        here = {f"items/{name}": counted[name] for name in ("drained", "posted", "left")}
        here |= {name.replace("help_", "help/"): count for name, count in counted.items() if name.startswith("help_")}
        for key, count in here.items():
            found[key] = found.get(key, 0) + count
    return {key: count / drains for key, count in found.items()} if drains else {}


def fills(boot, quiet, storm):
    """Absolute costs, which a difference of two phases hides: kernel instructions of the isolated CPU per fill.

    quiet, storm: what it counted in these phases, by column.
    """
    done = {name: found["fills"] for name, found in boot.guest["phases"].items()}
    owners = sum(count for (task, kind), count in causes(quiet).items() if task == "owner" and kind in OWN_KINDS)
    return {"fill/quiet_own": owners / done["quiet"], "fill/quiet": quiet["kernel"] / done["quiet"],
            "fill/storm": storm["kernel"] / done["storm"]} if all(done.values()) else {}


def irqs_off(boot):
    """The longest stretch with interrupts off on the isolated CPU in each phase; nothing if the plugin did not tell."""
    counts = boot.counts.irqs_off
    return {f"irqs_off/{name}": max((long for long, _ in counts[mark].get(boot.guest["isolated"], ())), default=0)
            for name, mark in (("quiet", read.QUIET_END), ("storm", read.STORM_END)) if mark in counts}


def where_irqs_off(boot):
    """In which function the longest stretch of the storm began, or ""."""
    counted = boot.counts.irqs_off if boot.counts else {}
    stretches = counted.get(read.STORM_END, {}).get(boot.guest["isolated"], ())
    return max(stretches, default=(0, ""))[1]


def measure(boot):
    """All figures of a boot that ended well; without counts, those that the guest alone gives."""
    counts, isolated, drains = boot.counts, boot.guest["isolated"], len(boot.guest["requests"])
    figures = {"drains": drains, **latencies(boot), **requests(boot), **facade(boot)}
    if drains:
        figures["fills/drain"] = boot.guest["phases"]["storm"]["fills"] / drains
    if "storm_first" in boot.guest:
        figures["storm_first"] = int(boot.guest["storm_first"])
    if not counts:
        return figures
    quiet, storm = ({cpu: phase(counts, cpu, *marks) for cpu in counts.marks[read.STORM_END]} for marks in (
        (read.QUIET_BEGIN, read.QUIET_END), (read.STORM_BEGIN, read.STORM_END)))
    own_quiet, own_storm = quiet.pop(isolated), storm.pop(isolated)
    figures |= {**irqs_off(boot), **fills(boot, own_quiet, own_storm)}
    for group, split in (("owner", summary), ("entry", by_kind), ("cause", lambda columns: named(causes(columns))),
                         ("imposed", imposed_by_cause), ("user", interruptions)):
        calm, busy = split(own_quiet), split(own_storm)
        figures |= {f"{group}/{key}": value for key, value in per_drain(busy, calm, drains).items()}
        figures |= {f"quiet/{group}/{key}": value for key, value in calm.items()}
        figures |= {f"storm/{group}/{key}": value for key, value in busy.items()}
    calm, busy = ({"kernel": sum(columns["kernel"] for columns in others.values())} for others in (quiet, storm))
    return figures | {f"others/{key}": value for key, value in per_drain(busy, calm, drains).items()}


def boots(results):
    """All boots under a results folder with their figures; one that cannot be measured becomes unreadable."""
    found = read.read_all(results)
    for boot in found:
        if boot.verdict == "ok":
            try:
                boot.figures = measure(boot)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                boot.verdict, boot.why = "unreadable", f"a figure cannot be made: {error!r}"
    return found
