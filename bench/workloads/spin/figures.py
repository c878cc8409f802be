# SPDX-License-Identifier: GPL-2.0-only
"""Figures of boots with a polling owner: a number per boot and figure, never over boots.

All take windows.Tables of this workload and return pandas frames. "Instructions" are kernel instructions of the CPU
that is measured, in one window. Means are over the windows of a label in one boot.
"""

import pandas

from bench.report.facts import windows

NAME = "spin"
BOOT = windows.INDEX
KEY = [*BOOT, "label"]
DRAIN, EMPTY, CROWD = ASKED = ("drain", "drain of an empty cache", "requests at once")
QUIET, LONG_QUIET, MEMBARRIER = UNASKED = ("quiet", "long quiet", "membarrier")
MARGINS = {"before": "before a drain", "late": "late after a drain"}
US = 1000

BY_CAUSE = {column.replace("from_user/", "interruptions/"): column for column in windows.UNASKED}


def measured(tables):
    """The rows of the CPU that is measured; ValueError if there is none, or one with an unknown label."""
    if tables.windows.empty or not tables.windows["is_isolated"].any():
        raise ValueError(f"{NAME}: no window of any boot")
    found = tables.windows[tables.windows["is_isolated"]]
    if unknown := set(found["label"]) - {*ASKED, *UNASKED, *MARGINS.values()}:
        raise ValueError(f"{NAME}: unknown label {sorted(unknown)[0]!r}")
    return found


def told(tables, name):
    """What the guest told of windows under a name, by boot and label."""
    values = tables.values if len(tables.values) else pandas.DataFrame(columns=[*KEY, "round", "name", "value"])
    return values[values["name"] == name].groupby(KEY)["value"]


def means(found, columns):
    """Means of {figure: column of windows}, by boot and label; 0 where a column is missing: it counted nothing."""
    values = {figure: found.get(column, 0.0) for figure, column in columns.items()}
    return found[KEY].assign(**values).groupby(KEY)[list(columns)].mean()


def one_label(frame, label):
    """The rows of a label."""
    return frame[frame.index.get_level_values("label") == label]


def ticks(found):
    """Instructions of each window that timer interrupts took, whoever was interrupted."""
    return found[[column for column, cause in windows.causes(found).items() if cause.endswith("/timer")]].sum(axis=1)


def costs(tables):
    """What windows took from the owner: index BOOT and label.

    windows: how many. interruptions: times that user mode was left unasked, mean; interruptions/KIND: of these, for
    what. kernel: instructions, mean; tick: those of timer interrupts, mean. absence: longest time away from user mode
    of all windows, in instructions. switches, works: context switches, and work items begun, mean.
    """
    found = measured(tables)
    found = found[~found["label"].isin(MARGINS.values())]
    found = found.assign(tick=ticks(found))
    frame = means(found, {"interruptions": "interruptions", **BY_CAUSE, "kernel": "kernel", "tick": "tick",
                          "switches": "switches", "works": "works"})
    by = found.groupby(KEY)
    frame.insert(0, "windows", by.size())
    return frame.assign(absence=by["absence"].max())


def requests(tables):
    """What became of requests: index BOOT and a label with requests.

    requests: how many. unfinished: of these, how many had not returned at their limit. completion_median,
    completion_max: guest µs from when a request was due until it returned, of those that did; NaN if none did.
    """
    unfinished, took = told(tables, "unfinished").sum(), told(tables, "completion_ns")
    frame = pandas.DataFrame({"unfinished": unfinished, "completion_median": took.median() / US,
                              "completion_max": took.max() / US}).reindex(unfinished.index)
    finished = took.size().reindex(unfinished.index, fill_value=0)
    frame.insert(0, "requests", finished + unfinished)
    return frame


def items(tables):
    """Items that the measured CPU has cached: index BOOT and label; columns items_before and items_after, means.

    Before and after the window. ValueError if the guest has not told it of each window.
    """
    found = measured(tables)
    windows_of = found[~found["label"].isin(MARGINS.values())].groupby(KEY).size()
    for name in ("items_before", "items_after"):
        if not told(tables, name).size().reindex(windows_of.index, fill_value=0).eq(windows_of).all():
            raise ValueError(f"{NAME}: windows without {name}")
    return pandas.DataFrame({name: told(tables, name).mean() for name in ("items_before", "items_after")})


def margins(tables):
    """What lies outside: index BOOT and the label "drain"; instructions, means over the drains that were looked at.

    before: of the 1.5 ms before a window. late: of the last third of one. Where both are 0, a longer wait or window
    would change nothing. NaN in a boot without such windows.
    """
    kernel = means(measured(tables), {"kernel": "kernel"})["kernel"]
    beside = {column: one_label(kernel, label).rename({label: DRAIN}, level="label")
              for column, label in MARGINS.items()}
    return pandas.DataFrame(beside, index=one_label(kernel, DRAIN).index)


def vmstat(tables):
    """Whether vmstat was at work: index BOOT and label; calls per window, means.

    shepherds: of vmstat_shepherd() on any CPU, which looks for CPUs to be folded once a second. folds: of
    vmstat_update() on the CPU that is measured.
    """
    found = tables.windows
    found = found.assign(shepherds=found.get("calls/vmstat_shepherd", 0.0))
    by_window = found.groupby([*KEY, "round"])["shepherds"].sum()
    folds = means(measured(tables), {"folds": "calls/vmstat_update"})
    return folds.assign(shepherds=by_window.groupby(KEY).mean())[["shepherds", "folds"]]


def per_drain(tables):
    """What a drain takes from the owner: costs of "drain" less those of "quiet" in the same boot, index BOOT.

    Columns: interruptions, kernel, tick, switches, works. Times drains per second it is what they take in a second. A
    boot without both is left out.
    """
    of = costs(tables)[["interruptions", "kernel", "tick", "switches", "works"]]
    return (one_label(of, DRAIN).droplevel("label") - one_label(of, QUIET).droplevel("label")).dropna(how="all")


SHOWN = {"interruptions": "user mode is left unasked, per window", "interruptions/timer": "of these by timers",
         "interruptions/reschedule": "by reschedule IPIs", "interruptions/call_function": "by function call IPIs",
         "interruptions/irq_work": "by irq_work", "kernel": "kernel instructions per window",
         "tick": "of these in timer interrupts", "absence": "longest absence from user mode, in instructions",
         "switches": "context switches per window", "works": "works begun per window", "requests": "requests",
         "unfinished": "not returned at their limit", "completion_median": "completion, median [guest µs]",
         "completion_max": "completion, longest [guest µs]", "items_before": "items cached before",
         "items_after": "items cached after", "before": "instructions just before the window",
         "late": "instructions in its last third", "shepherds": "looks of vmstat for CPUs to fold, per window",
         "folds": "folds of vmstat there, per window", "windows": "windows"}


def of(tables):
    """All figures of boots: costs(), requests(), items(), margins() and vmstat(), a row per boot and label."""
    return costs(tables).join([requests(tables), items(tables), margins(tables), vmstat(tables)]).astype(float)
