# SPDX-License-Identifier: GPL-2.0-only
"""What triggers on other CPUs do to an owner that spins in user mode: figures of boots.

A boot gives one number per trigger (label) and figure: a mean over its windows, one per round. All frames of boots have
windows.INDEX and label as their index. Nothing is taken off: the label `quiet` is what happens without a trigger.
"""

import pandas

from bench.report.facts import windows

KEY = [*windows.INDEX, "label"]
CAUSES = {column: column.removeprefix("from_user/") for column in windows.UNASKED}


def rounds(tables):
    """A row per window: KEY, round, completion_ns, and what the isolated CPU counted in it.

    The plugin writes no row of a CPU that counted nothing; here it is a row of zeros. A window that the guest does not
    know, or knows twice, is a ValueError.
    """
    if tables.windows.empty or tables.values.empty:
        raise ValueError("no windows")
    key = [*KEY, "round"]
    sent = tables.values[tables.values["name"] == "completion_ns"][[*key, "value"]]
    counted = tables.windows[tables.windows["is_isolated"]].drop(columns=["cpu", "is_isolated"])
    if sent.duplicated(key).any() or counted.duplicated(key).any():
        raise ValueError("a window stands twice")
    both = sent.rename(columns={"value": "completion_ns"}).merge(counted, how="outer", on=key, indicator=True)
    if (both["_merge"] == "right_only").any():
        raise ValueError("the plugin has a window that the guest did not send")
    counts = [column for column in counted if column not in key]
    both[counts] = both[counts].fillna(0)
    return both.drop(columns="_merge")


def disturbances(tables):
    """Per boot and trigger: how often the owner left user mode for what it did not ask for, and what that took.

    Columns: timer, reschedule, call_function, irq_work, device, other_irq, nmi and their sum interruptions, in times
    per window; kernel: its CPU's kernel instructions per window, faults of its own included; absence: instructions of
    the longest time away from user mode in a window, the mean over windows; completion_ns: guest time that the trigger
    took, which is no measure of real time; windows: how many.
    """
    every = rounds(tables).rename(columns=CAUSES)
    columns = [*CAUSES.values(), "interruptions", "kernel", "absence", "completion_ns"]
    grouped = every.groupby(KEY)
    return grouped[columns].mean().assign(windows=grouped.size())


def successes(tables):
    """Per boot and trigger: the share, 0 to 1, of rounds in which what the trigger was for came about.

    A Series, without triggers of which that cannot be told. README.md says what success is.
    """
    told = tables.values[tables.values["name"] == "succeeded"]
    return told.groupby(KEY)["value"].mean().rename("succeeded")


def skipped(tables):
    """Boots and triggers that the kernel or the machine cannot do: KEY as columns, a row each."""
    rows = tables.values[tables.values["name"] == "skipped"]
    return rows[KEY].reset_index(drop=True)


def by_arm(of_boots):
    """The table "trigger x arm": median over boots of a Series of boots.

    Its index is model, setting and label, its columns are arms; NaN where an arm has no such boot.
    """
    return of_boots.groupby(["model", "setting", "label", "arm"]).median().unstack("arm")


def boots(of_boots):
    """In the same shape: how many boots stand behind each cell, 0 for none."""
    return of_boots.groupby(["model", "setting", "label", "arm"]).size().unstack("arm", fill_value=0)


def removed(of_boots, baseline):
    """In the same shape: the share of the baseline arm's disturbance that an arm is without, of a Series of boots.

    1: all of it; 0: none; less than 0: the arm adds to it. NaN where the baseline is not disturbed, so that there is
    nothing to remove.
    """
    table = by_arm(of_boots)
    if baseline not in table:
        raise ValueError(f"no boot of {baseline}")
    disturbed = table[baseline].where(table[baseline] > 0)
    return 1 - table.div(disturbed, axis=0)


def left_by_all(of_boots, arms):
    """Triggers that disturb the owner under each of the arms: (model, setting, label) and the least that an arm leaves.

    of_boots: a Series of boots, such as disturbances(...)["interruptions"]. In descending order.
    """
    table = by_arm(of_boots)
    if missing := sorted(set(arms) - set(table)):
        raise ValueError(f"no boot of {', '.join(missing)}")
    least = table[list(arms)].min(axis=1, skipna=False)
    return least[least > 0].sort_values(ascending=False)


def of(tables):
    """All figures of boots, a row per boot and label: those of disturbances(), and succeeded (NaN: cannot be told)."""
    return pandas.concat([disturbances(tables), successes(tables)], axis=1)


SHOWN = {"interruptions": "user mode is left unasked, times", "timer": "of these by timers",
         "call_function": "by function call IPIs", "reschedule": "by reschedule IPIs", "irq_work": "by irq_work",
         "kernel": "kernel instructions", "absence": "longest absence from user mode, in instructions",
         "succeeded": "share that succeeded"}
