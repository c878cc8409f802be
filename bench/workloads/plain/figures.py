# SPDX-License-Identifier: GPL-2.0-only
"""The figures of a boot of `plain`: what an operation takes. One number per boot, label and figure.

All functions take windows.Tables and return a pandas frame with a row per boot and label, indexed by windows.INDEX and
"label". Counts are of the CPU that is measured, in the kernel, and per operation:

  own, own_atomics   instructions, and locked ones among them, in the operation's own system calls and faults: whatever
                     interrupts it, and whatever kernel threads do later, is left out. Of a boot: the lower median of
                     its windows, which is what one of them took; something rare, such as a new slab, does not count
  kernel, atomics    all that the CPU executes: the tick and kernel threads too. Of a boot: the mean of its windows
  locks              how often a lruvec's lock (lru_lock) is taken; mean. NaN where that is not known
"""

import pandas

from bench.report.facts import windows

KEY = [*windows.INDEX, "label"]
# Who else takes a lruvec's lock: reclaim, in functions that compilers inline.
RECLAIM = "calls/shrink_lruvec"
LOCK, LOCK_IRQ, LOCK_IRQSAVE = (f"calls/folio_lruvec_lock{how}" for how in ("", "_irq", "_irqsave"))
PRECISE = ("own", "own_atomics")
WHOLE = ("kernel", "atomics", "locks")


def sum_of(frame, names):
    """The sum of those of the columns that are there: the plugin writes no column for what is 0 everywhere."""
    return frame[[name for name in names if name in frame]].sum(axis=1)


def locks(frame):
    """Takings of a lruvec's lock in each row; NaN where reclaim took it too, or where a boot has not counted any.

    Where spinlocks sleep, folio_lruvec_lock_irq() is but a jump to folio_lruvec_lock(), and both are entered for one
    lock. Elsewhere nobody calls the latter but who splits huge pages, which these kernels do not have.
    """
    either = pandas.concat([sum_of(frame, [LOCK]), sum_of(frame, [LOCK_IRQ])], axis=1).max(axis=1)
    taken = either + sum_of(frame, [LOCK_IRQSAVE])
    counted = taken.groupby([frame[name] for name in windows.INDEX]).transform("sum") > 0
    return taken.where(counted & (sum_of(frame, [RECLAIM]) == 0))


def rows(tables):
    """A row per window, with its number of `operations` and the totals of the columns above."""
    found = tables.windows
    if found.empty:
        return pandas.DataFrame(columns=[*KEY, "round", "operations", *PRECISE, *WHOLE])
    found = found[found.is_isolated]
    own = windows.owns(found)
    totals = found[[*KEY, "round", "kernel", "atomics"]].assign(
        own=sum_of(found, own), locks=locks(found),
        own_atomics=sum_of(found, [name.replace("cause/", "atomics/", 1) for name in own]))
    said = tables.values
    said = said[said["name"] == "operations"][[*KEY, "round", "value"]].rename(columns={"value": "operations"})
    joined = totals.merge(said, how="left", on=[*KEY, "round"], validate="one_to_one")
    unsaid = joined[~(joined.operations > 0)]
    if not unsaid.empty:
        raise ValueError(f"{unsaid.iloc[0][KEY].to_dict()}: no number of operations was sent")
    return joined


def operations(tables):
    """own, own_atomics, kernel, atomics and locks per operation, in boots of batches (settings plain, isolated).

    A page fault and a file write add one folio each, so that their `locks` are per folio.
    """
    found = rows(tables)
    found = found[~found.label.str.startswith("stress-ng ")]
    per_operation = found[[*PRECISE, *WHOLE]].div(found.operations, axis=0).astype(float)
    groups = found[KEY].join(per_operation).groupby(KEY)
    whole = groups[list(WHOLE)].agg(lambda column: column.mean(skipna=False))
    return groups[list(PRECISE)].quantile(0.5, interpolation="lower").join(whole)


def stressors(tables):
    """The same of stress-ng, whose label is "vm", "fork", ...; and start_up, its own instructions per run besides.

    A run makes its operations once, or twice: the difference is what as many operations take, and the rest start-up.
    Of a boot: the mean of its rounds.
    """
    found = rows(tables)
    found = found[found.label.str.startswith("stress-ng ")]
    named = found.assign(label=found.label.str.extract(r"^stress-ng (\w+)", expand=False))
    once, twice = (named[found.label.str.endswith(f", {times}")].set_index([*KEY, "round"]).sort_index()
                   for times in ("once", "twice"))
    if not once.index.equals(twice.index) or (twice.operations != 2 * once.operations).any():
        raise ValueError("stress-ng: a run of twice the operations is missing, or made another number of them")
    columns = [*PRECISE, *WHOLE]
    figures = (twice[columns] - once[columns]).div(once.operations, axis=0)
    return figures.assign(start_up=2 * once.own - twice.own).astype(float).groupby(KEY).mean()


SHOWN = {"own": "kernel instructions of the operation itself", "own_atomics": "locked ones among them",
         "kernel": "all that the CPU executes, per operation", "atomics": "locked ones among them all",
         "locks": "takings of lru_lock per operation", "start_up": "start-up of a run (stress-ng)"}


def of(tables):
    """All figures of boots: operations() and stressors(), a row per boot and label; only the latter have start_up."""
    return pandas.concat([operations(tables), stressors(tables)]).reindex(columns=list(SHOWN)).astype(float)


def equal_in_all_boots(figures):
    """Which figures are exactly the same in all boots of an arm: such figures need no p value.

    figures: of one of the functions above. Returns a frame by workload, model, arm, setting and label: boots, their
    number, and True or False for each figure; False where there is one boot only, and where a boot does not know.
    """
    groups = figures.groupby([name for name in KEY if name != "seed"])
    boots = groups.size().rename("boots")
    equal = groups.agg(lambda column: column.nunique(dropna=False) == 1 and column.notna().all() and len(column) > 1)
    return equal.astype(bool).join(boots)
