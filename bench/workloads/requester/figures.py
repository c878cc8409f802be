# SPDX-License-Identifier: GPL-2.0-only
"""Figures of boots in which somebody asks for drains: a number per boot and figure, never over boots.

All take windows.Tables of this workload. A window is a request, from its system call to its return, or to the limit.
"Instructions" are kernel instructions, but for `elapsed`.
"""

import math

import pandas

from bench.report.facts import windows

BOOT = windows.INDEX
BASE = "nothing cached"
LABELS = (BASE, "user mode", "user mode, all", "user mode, strict", "system call", "system call, all",
          "interrupts off", "idle", "idle, all", "FIFO", "FIFO, no fair server", "stopped", "unplugged")
ASKS_ON = 0  # the requester's CPU
OWN = [f"cause/requester/{kind}" for kind in ("none", "syscall", "page_fault", "exception")]
VALUES = ("completion_ns", "in_time", "met", "found", "left")
COSTS = ("own", "own_cpu", "others", "chain", "elapsed")


def instructions(rows):
    """What was executed in each request: COSTS, by BOOT, label and round; see of(). rows: windows of all CPUs."""
    key = [*BOOT, "label", "round"]
    asks = rows["cpu"] == ASKS_ON
    mine = rows[asks].set_index(key)
    elsewhere = rows[~asks].assign(taken=rows["kernel"] - rows[windows.owns(rows)].sum(axis=1)).groupby(key)["taken"]
    own = mine.reindex(columns=OWN, fill_value=0).sum(axis=1)
    # A CPU that executed nothing has no row.
    return pandas.DataFrame({
        "own": own, "own_cpu": mine["kernel"], "others": elsewhere.sum().reindex(mine.index, fill_value=0),
        "chain": own + elsewhere.max().reindex(mine.index, fill_value=0), "elapsed": mine["kernel"] + mine["user"]})


def requests(tables):
    """A row per request: BOOT, label, round, VALUES of the guest, and COSTS (NaN if it did not return in time).

    ValueError if there is no request, one of an unknown label, or one that guest and plugin do not both tell of.
    """
    if tables.windows.empty:
        raise ValueError("requester: no request of any boot")
    key = [*BOOT, "label", "round"]
    values = tables.values.pivot(index=key, columns="name", values="value").reindex(columns=list(VALUES))
    costs = instructions(tables.windows)
    if unknown := set(tables.windows["label"]) - set(LABELS):
        raise ValueError(f"requester: unknown label {sorted(unknown)[0]!r}")
    found = values.join(costs, how="outer")
    in_time = found["in_time"] == 1
    lacking = found[["in_time", "met", "found", "left", *COSTS]].isna().any(axis=1)
    lacking |= in_time != found["completion_ns"].notna()
    if lacking.any():
        raise ValueError(f"requester: {lacking.sum()} requests of which guest or plugin said too little")
    found.loc[~in_time, list(COSTS)] = float("nan")
    return found.reset_index()


def known(numbers):
    """Numbers, with NaN for what is longer than anybody waited."""
    return numbers.replace(math.inf, float("nan"))


def of(tables):
    """All figures of boots, a row per boot and label (index BOOT and label).

    requests   how many
    own        instructions of the requester in its request; interrupts that hit it are not in it. Median, as all costs
    added      own, less that of requests that find nothing cached anywhere in the same boot (NaN: the boot has none)
    own_cpu    instructions of the requester's CPU: own, interrupts, and the switches from and to it
    others     instructions of all other CPUs, less the owners' own system calls and page faults
    chain      own, and the most that one other CPU has in others: what cannot be done at the same time
    elapsed    all instructions, of user mode too, of the requester's CPU, which is never idle. They count waits that
               the chain has not, such as for a tick, or for an owner to leave its system call. Some CPUs have longer
               turns than others, so compare arms in one setting only
    unfinished share of requests that did not return within the limit; they have no costs
    found, left_items   items cached by owners before a request, and after it (at the limit), mean
    left       share of requests that left anything
    met        share of requests made while the owners were still in the system call where they were to be met
    completion, longest   guest ns from when the request was due to its return, median and longest; NaN where it is
               longer than the limit. Guest time is the sum over busy CPUs: for ratios in one setting only
    """
    seen = requests(tables)
    by = [*BOOT, "label"]
    groups = seen.groupby(by)
    waits = seen["completion_ns"].fillna(math.inf).groupby([seen[column] for column in by])
    costs = groups[list(COSTS)].median()
    label = costs.index.get_level_values("label")
    base = costs["own"][label == BASE].droplevel("label")
    costs.insert(1, "added", costs["own"] - base.reindex(costs.index.droplevel("label")).to_numpy())
    return pandas.DataFrame({"requests": groups.size()}).join(costs).assign(
        unfinished=1 - groups["in_time"].mean(), found=groups["found"].mean(), left_items=groups["left"].mean(),
        left=(seen["left"] > 0).groupby([seen[column] for column in by]).mean(), met=groups["met"].mean(),
        completion=known(waits.median()), longest=known(waits.max())).astype(float)


SHOWN = {"own": "instructions of the requester", "added": "of these, more than if nothing is cached",
         "own_cpu": "instructions of its CPU", "others": "of all other CPUs",
         "chain": "of the requester and the slowest other CPU", "elapsed": "instructions on its CPU until it returns",
         "unfinished": "share that does not return within the limit", "found": "items that it finds",
         "left_items": "items that it leaves", "left": "share that leaves any",
         "completion": "guest ns until it returns", "longest": "longest"}
