# SPDX-License-Identifier: GPL-2.0-only
"""The tables of figures: which there are, and how one is made. rows: everywhere cells of one lab."""

import dataclasses

import pandas

from bench.report.facts import frame
from bench.report.facts.frame import CELL, column
from bench.report.judgement import stats
from bench.report.judgement.controls import Controls
from bench.report.plan import BASE, BY_KEY
from bench.report.rendering import markdown, words

NOTHING = Controls()  # that is known of a lab whose boots are no campaign's
MODEL_NAMES = {"rt": "PREEMPT_RT", "lazy": "PREEMPT_LAZY"}


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure that has a table of its own. key: in metrics.measure()'s result."""

    key: str
    title: str
    note: str = ""
    events: str = ""  # key of the events behind it: none of them in N drains gives a bound


TAKEN = (
    Metric("owner/interruptions", "Interruptions of user mode on the isolated CPU, per drain",
           "How often it leaves user mode for what its task did not ask for: interrupts and IPIs, no system calls, "
           "faults or exceptions. cyclictest's own timers are in both phases and cancel out.",
           "storm/owner/interruptions"),
    Metric("owner/imposed", "Kernel instructions imposed on the isolated CPU, per drain",
           "By kworkers and other tasks, and by interrupts, whomever they interrupt: what the owner is disturbed by."),
    Metric("owner/own", "Kernel instructions of the isolated CPU's tasks themselves, per drain",
           "In the own system calls and faults of owner and cyclictest. Negative: a cache that was drained on request "
           "is not full yet when the owner would otherwise have had to empty it itself."),
    Metric("owner/kernel", "All kernel instructions on the isolated CPU, per drain", "The sum of these two."),
    Metric("owner/entries", "Kernel entries on the isolated CPU, per drain",
           "System calls, faults, exceptions and interrupts.", "storm/owner/entries"),
    Metric("owner/switches", "Context switches on the isolated CPU, per drain", "", "storm/owner/switches"),
    Metric("owner/ipis", "IPIs received by the isolated CPU, per drain",
           "Reschedule and function-call interrupts.", "storm/owner/ipis"),
    Metric("owner/timers", "Timer interrupts on the isolated CPU, per drain",
           "cyclictest's own are in both phases and cancel out; what is left is mostly the restarted tick.",
           "storm/owner/timers"),
    Metric("owner/works", "Work items run on the isolated CPU, per drain", "", "storm/owner/works"),
)
REQUEST = (
    Metric("request/completion", "Completion time of a request: median of a boot [guest µs]",
           "With a kworker on RT it is spread over about 1 ms, the tick's period, as long as the housekeeping CPU has "
           "ballast, and is some 18 µs without: what lasts is a wait for that CPU, by the requester or what wakes "
           "it (seen under the setting no-ballast, not traced), and so follows from HZ and the workload. "
           "Guest time is instruction time, summed over all busy CPUs; kworkers that would run side by side run one "
           "after the other, which favours whoever drains remotely."),
    Metric("request/completion_max", "Completion time of a request: longest of a boot [guest µs]"),
    Metric("request/own", "The requester's own kernel instructions, per request",
           "Executed by the requesting task between the marks around its write to drain_now, interrupts that hit it "
           "there included."),
    Metric("others/kernel", "Kernel instructions on all other CPUs, per drain",
           "(storm − quiet) / drains, requester, kworkers and interrupts there included."),
)
IRQS_OFF = (
    Metric("irqs_off/storm", "Longest stretch with interrupts off on the isolated CPU, storm [instructions]",
           "One sample a boot, whoever ran there. It bounds from below how late an interrupt can come. Where it began "
           "in one function in all arms (below), as on LAZY, it tells no arm from another."),
    Metric("irqs_off/quiet", "Longest stretch with interrupts off on the isolated CPU, quiet phase [instructions]"),
)
FILLS = (
    Metric("fill/quiet_own", "The owner's own kernel instructions per fill, quiet phase",
           "In its page faults and system calls, what it drains on its way back to user mode included. "
           "Nobody asks for a drain in this phase."),
    Metric("fill/quiet", "All kernel instructions on the isolated CPU per fill, quiet phase",
           "As above, and all else there: kworkers that an owner waits for, interrupts, cyclictest."),
    Metric("fill/storm", "All kernel instructions on the isolated CPU per fill, while drains are requested",
           "The same in the storm: it has both what the owner pays in advance and what requests impose."),
)
ITEMS = (
    Metric("items/before", "Items cached on the isolated CPU just before a request",
           "Mean of a boot, read from residue before the request."),
    Metric("items/after", "Items cached on the isolated CPU just after a request",
           "Mean of a boot. The owner goes on filling: an item cached after the drain counts here too."),
    Metric("items/drained", "Items drained from the isolated CPU, per drain",
           "The facade's counter; unpatched has none. All drains count, also those that no request asked for: an owner "
           "that drains on each return to user mode drains nearly all it fills."),
    Metric("items/posted", "Items posted on the isolated CPU, per drain",
           "Promised, not yet drained when the request returned: the owner drains them at its next entry into the "
           "kernel, here its next fill or cyclictest's next wake-up. When that was is not measured in this table; the "
           "timelines show it for one drain."),
    Metric("items/left", "Items left on the isolated CPU, per drain",
           "A request that met an unplug left them to that CPU's death; nothing unplugs here."),
)
LATENCY = tuple(
    Metric(f"cyclictest/storm/{key}", f"cyclictest under drains: {name}", note)
    for key, name, note in (
        ("min", "shortest latency [guest µs]", ""),
        ("avg", "mean latency [guest µs]", ""),
        ("p99", "99th percentile of a boot's latencies [guest µs]",
         "Where that lies beyond the histogram, the longest latency stands for it."),
        ("max", "longest latency [guest µs]",
         "One sample a boot. Where the same arm's quiet phase reaches such values too (see its table), a difference "
         "here is not the price of a drain."),
        ("overflow", "wake-ups later than the histogram reaches",
         "Cycles less the sum of the histogram; cyclictest's JSON leaves them out."),
    ))
QUIET = (
    ("quiet/owner/imposed", "kernel instructions outside of its tasks' calls and faults"),
    ("quiet/owner/own", "in these"),
    ("quiet/owner/entries", "entries"),
    ("quiet/owner/switches", "context switches"),
    ("quiet/owner/ipis", "IPIs"),
    ("quiet/owner/timers", "timer interrupts"),
    ("quiet/owner/works", "works"),
    ("cyclictest/quiet/avg", "cyclictest mean [guest µs]"),
    ("cyclictest/quiet/p99", "p99 [guest µs]"),
    ("cyclictest/quiet/max", "max [guest µs]"),
    ("cyclictest/quiet/overflow", "overflow"),
)
GLANCE = (
    ("owner/interruptions", "interruptions of user mode"),
    ("owner/imposed", "kernel instructions imposed"),
    ("owner/own", "its tasks' own"),
    ("fill/quiet", "per fill, quiet phase"),
    ("owner/switches", "context switches"),
    ("owner/ipis", "IPIs"),
    ("request/completion", "completion [guest µs]"),
    ("request/own", "requester's instructions"),
    ("items/before", "items cached before"),
    ("items/drained", "drained"),
    ("items/posted", "posted"),
    ("items/left", "left"),
    ("items/after", "cached after"),
)


def medians(rows, by=CELL):
    """The median over seeds of each figure, a row per cell."""
    return rows.groupby(level=by).median()


def median(rows, model, arm, key):
    """Median of one figure as text."""
    return markdown.number(column(rows, model, arm, key).median())


def keys(rows, group):
    """Keys of a group such as "cause" that are not zero in every boot, biggest first."""
    size = rows.filter(regex=f"^{group}/").abs().max().sort_index().sort_values(ascending=False, kind="stable")
    return list(size.index[size > 0])


def zero_note(rows, model, arm, metric):
    """The bound that no event in N drains means; nothing if there were events."""
    events = column(rows, model, arm, metric.events)
    if not len(events) or any(events):
        return ""
    drains = int(column(rows, model, arm, "drains").sum())
    return f"; none in {drains:,} drains: below {markdown.number(stats.zero_bound(drains))} (95 %)" if drains else ""


def metric_row(rows, model, arm, metric):
    values, base = (column(rows, model, which, metric.key) for which in (arm, BASE))
    middle = stats.estimate(values)
    if not middle:
        return [model, arm, "–", "–", "–", "–", 0]
    change = stats.difference(values, base) if arm != BASE else None
    # Of what is itself within the margin a share says nothing.
    usual, known = stats.estimate(base[base.index.isin(values.index)]), BY_KEY.get(metric.key)
    share = None if known and usual and abs(usual.median) <= known.margin else stats.relative(change, usual)
    return [model, arm, markdown.number(middle.median),
            markdown.interval(middle) + zero_note(rows, model, arm, metric),
            markdown.signed(change.median) + markdown.percent(share) if change else "–",
            markdown.interval(change, markdown.signed), f"{middle.n}" + (f", {change.n} pairs" if change else "")]


def metric_table(rows, metric, found=NOTHING):
    """One metric: a row per model and arm. found: the controls of that lab, which say what is doubtful."""
    moved = words.moving(found.moved.get(metric.key, {}))
    label = f"**Moves with the lab** ({moved}): compare arms within this table alone." if moved else ""
    turned = "; ".join(f"{model}-{arm} ({', '.join(settings)})" for (key, model, arm), every in found.turned.items()
                       if key == metric.key and (settings := [one.setting for one in every if not one.null]))
    label += f" **Whether they differ from {BASE} hangs on the lab** for {turned}." if turned else ""
    blurred = "; ".join(f"{one.kind}, {one.model}" + ": alarm" * one.alarm for one in found.blurred(metric.key))
    doubt = f"**A/A does not show a kernel equal to itself** to the margin here ({blurred})." if blurred else ""
    notes = "".join(f"{note}\n\n" for note in (metric.note, label, doubt) if note)
    return f"### {metric.title}\n\n{notes}" + markdown.table(
        ["model", "arm", ">median", ">interval", f">difference to {BASE}", ">its interval", ">boots"],
        [metric_row(rows, *cell, metric) for cell in frame.names(rows)])


def medians_table(rows, columns):
    """Medians over seeds: a row per model and arm, a column per (key, name)."""
    found = medians(rows.reindex(columns=dict(columns))).loc[frame.names(rows)]
    return markdown.table(["model", "arm", *(f">{name}" for _, name in columns)],
                          [[*cell, *map(markdown.number, of)] for cell, *of in found.itertuples(name=None)])


ORDERS = {0: "first", 1: "after the storm"}  # where the quiet phase is, by storm_first


def by_order_table(rows, columns):
    """Medians over seeds, a row per model, arm and order of the phases: a median of both orders is no boot's figure."""
    figures = rows.reindex(columns=dict(columns))
    order = rows.get("storm_first", pandas.Series(0, rows.index)).fillna(0)
    return markdown.table(["model", "arm", "quiet phase", ">boots", *(f">{name}" for _, name in columns)], [
        [*cell, ORDERS[first], len(of), *map(markdown.number, of.median())]
        for cell in frame.names(rows) for first, of in frame.pick(figures, model=cell[0], arm=cell[1]).groupby(
            frame.pick(order, model=cell[0], arm=cell[1]))])


def split_table(rows, group, model, name):
    """Medians over seeds of one model: a row per key of a group, a column per arm; "" without a key."""
    here = rows[rows.index.get_level_values("model") == model]
    found = medians(here[keys(here, group)]).T[frame.names(here)]
    return markdown.table([f"{name}, {model}", *(f">{arm}" for _, arm in found)], [
        [markdown.cause(key.partition("/")[2]), *map(markdown.number, of)]
        for key, *of in found.itertuples(name=None)]) if len(found) else ""
