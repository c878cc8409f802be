# SPDX-License-Identifier: GPL-2.0-only
"""Figures of boots with a control loop: a number per boot and figure, never over boots.

All take windows.Tables of this workload and return pandas frames. "Instructions" are kernel instructions of the
isolated CPU in one cycle, from the entry of the timer interrupt that wakes the owner until its work is done.
"""

import pandas

from bench import workloads
from bench.report.facts import windows

NAME = "loop"
UNDRAINED, QUIET, INSIDE, OUTSIDE = LABELS = ("undrained", "quiet", "drained inside", "drained outside")
BOOT = windows.INDEX
EARLY_NS = 250_000  # a drain that began so long before the cycle is over by then, also where an instruction takes 4 ns

# What events() counts, and of which columns of windows; a kernel that lacks a function never calls it.
EVENTS = {
    "switches": ("switches",),
    "lock_waits": ("calls/queued_spin_lock_slowpath", "calls/rtlock_slowlock_locked", "calls/rt_mutex_slowlock",
                   "calls/__mutex_lock", "calls/rwsem_down_read_slowpath", "calls/rwsem_down_write_slowpath"),
    "work_waits": ("calls/__flush_work",),
    "works": ("works",),
    "lruvec_locks": ("calls/folio_lruvec_lock", "calls/folio_lruvec_lock_irq", "calls/folio_lruvec_lock_irqsave"),
    "ticks": ("from_user/timer", "from_kernel/timer"),
    "user_interruptions": ("interruptions",),
}


def seen(tables):
    """A row per cycle: BOOT, label, round, the isolated CPU's counts, the guest's values, and `counts`.

    counts: the drain came where its label says, which the guest's clock tells. A drain inside began before the work
    was done; one outside began EARLY_NS before the cycle. ValueError if there is no cycle, or one of which the guest
    said nothing.
    """
    if tables.windows.empty:
        raise ValueError(f"{NAME}: no cycle of any boot")
    key = [*BOOT, "label", "round"]
    values = tables.values.pivot(index=key, columns="name", values="value").reset_index()
    values = values.reindex(columns=[*key, "cycle_ns", "drain_after_ns", "drain_before_ns"])
    cycles = tables.windows[tables.windows["is_isolated"]].merge(values, how="left", on=key)
    if unknown := set(cycles["label"]) - set(LABELS):
        raise ValueError(f"{NAME}: unknown label {sorted(unknown)[0]!r}")
    told = cycles["cycle_ns"].notna()
    told &= cycles["drain_after_ns"].notna() | (cycles["label"] != INSIDE)
    told &= cycles["drain_before_ns"].notna() | (cycles["label"] != OUTSIDE)
    if not told.all():
        raise ValueError(f"{NAME}: {(~told).sum()} cycles of which the guest said nothing")
    missed = (cycles["label"] == INSIDE) & (cycles["drain_after_ns"] >= cycles["cycle_ns"])
    missed |= (cycles["label"] == OUTSIDE) & (cycles["drain_before_ns"] < EARLY_NS)
    return cycles.assign(counts=~missed)


def costs(tables):
    """Of each boot and label (index BOOT and label), instructions of its cycles that count.

    Columns: cycles (how many count), missed (how many do not), mean, median, p99 (one that occurred: of 100 cycles or
    fewer the longest), longest. A label of which no cycle counts has no costs (NaN).
    """
    cycles = seen(tables)
    by = [*BOOT, "label"]
    counted = cycles.groupby(by)["counts"]
    kernel = cycles[cycles["counts"].astype(bool)].groupby(by)["kernel"]
    return pandas.DataFrame({
        "cycles": counted.sum(), "missed": counted.size() - counted.sum(), "mean": kernel.mean(),
        "median": kernel.median(), "p99": kernel.quantile(0.99, interpolation="higher"), "longest": kernel.max()})


def added(tables):
    """What a drain adds to a cycle, in instructions: of each boot and label with drains, its costs less those of quiet.

    Index: BOOT and label; columns: mean, median, p99, longest. Quiet cycles are of the same boot. A boot without both
    is left out.
    """
    of = costs(tables)[["mean", "median", "p99", "longest"]]
    label = of.index.get_level_values("label")
    quiet = of[label == QUIET].droplevel("label")
    drained = of[label.isin([INSIDE, OUTSIDE])]
    return (drained - quiet.reindex(drained.index.droplevel("label")).to_numpy()).dropna(how="all")


def events(tables):
    """Events per cycle (mean over cycles that count), of each boot and label: index BOOT and label, columns EVENTS.

    switches: context switches of the isolated CPU. The owner's wake-up is one, and two of a SCHED_OTHER owner on RT; it
    asks for no other.
    lock_waits: slow paths of locks taken. work_waits: somebody there flushes a work. works: work items begun.
    lruvec_locks: takers of an lru_lock. ticks: timer interrupts but for the one that wakes the owner.
    user_interruptions: interrupts that hit the owner in user mode.
    """
    cycles = seen(tables)
    cycles = cycles[cycles["counts"].astype(bool)]
    sums = {event: cycles.reindex(columns=list(columns), fill_value=0).sum(axis=1)
            for event, columns in EVENTS.items()}
    return cycles[[*BOOT, "label"]].assign(**sums).groupby([*BOOT, "label"])[list(EVENTS)].mean()


def calls(setting):
    """System calls of a cycle in boots of a setting."""
    return workloads.parameters(NAME, setting)["calls"]


def but_for_calls(setting):
    """All that makes an undrained cycle of a setting what it is, but for its system calls."""
    parameters = workloads.parameters(NAME, setting)
    cycle = {key: parameters[key] for key in ("period_us", "priority", "touches", "blocks", UNDRAINED)}
    return cycle, workloads.machine(NAME, setting), workloads.bench(NAME, setting)


def per_call(tables, base="calls-0"):
    """What a system call adds to an undrained cycle, in instructions, of each seed: index workload, model, arm, seed.

    Columns: a setting each whose cycles have other calls than those of base, and nothing else other. The difference of
    the two means over that of calls; NaN where a boot is missing. It includes the log's new pages, a page in 64 writes.
    """
    settings = [name for name in workloads.about(NAME)["settings"]
                if calls(name) != calls(base) and but_for_calls(name) == but_for_calls(base)]
    mean = costs(tables)["mean"].xs(UNDRAINED, level="label").unstack("setting").reindex(columns=[base, *settings])
    return pandas.DataFrame({name: (mean[name] - mean[base]) / (calls(name) - calls(base)) for name in settings})
SHOWN = {"mean": "instructions per cycle, mean", "median": "median", "p99": "99th percentile", "longest": "longest",
         "switches": "context switches per cycle", "lock_waits": "slow paths of locks per cycle",
         "work_waits": "waits for a work per cycle", "works": "works begun per cycle",
         "lruvec_locks": "takings of lru_lock per cycle", "ticks": "timer interrupts per cycle",
         "user_interruptions": "interruptions of user mode per cycle", "cycles": "cycles that count",
         "missed": "cycles that do not"}


def of(tables):
    """All figures of boots: costs() and events(), a row per boot and label."""
    return costs(tables).join(events(tables)).astype(float)
