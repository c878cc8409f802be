# SPDX-License-Identifier: GPL-2.0-only
"""The report's section on what a door costs its owner, from what lab.py has kept. As a command: print it."""

import functools
import json
import math
import pathlib
import statistics
import sys

from bench.door import lab
from bench.report.judgement import stats
from bench.report.rendering import markdown

TITLE = "## A door on two cores (lab: door)"
# Adding takes as much longer while the other CPU adds: both share a core. The same limit as in the cycles lab.
ONE_CORE = 1.15
PAIRS = {"entry": "entry and exit, no test", "entry again": "the same code at another place",
         "door": "entry and exit, with the test", "lock": "lock and unlock"}
HOLDERS = {"alone": "alone on its CPU", "beside": "beside a thread that spins", "fifo": "beside it, SCHED_FIFO"}
TECHNIQUES = ("door", "lock")
PUTS = {0: "nothing", 1: "one item", 31: "31 items"}
# Which figure of waits_cycles, and how many waits a run must have for it.
RANKS = {"median": (0, 1), "99 %": (1, 100), "99.9 %": (2, 1000), "longest": (3, 1)}


class Kept:
    """What was kept: about, and the rows of the runs whose CPUs were two cores."""

    def __init__(self, about):
        self.about, rows = about, about["rows"]
        self.shared = {row["run"] for row in rows if row["part"] == "beside" and row["times"] >= ONE_CORE}
        self.rows = [row for row in rows if row["run"] not in self.shared]
        self.hosts = [row for row in rows if row["part"] == "host"]

    def by_run(self, part, figure, **match):
        """{run: figure} of the rows that match; figure: a key, or a function of a row."""
        figure = figure if callable(figure) else lambda row, key=figure: row[key]
        wanted = {"part": part, **match}
        return {row["run"]: figure(row) for row in self.rows if all(row[key] == value for key, value in wanted.items())}


def beyond(one, other):
    """{run: difference} of two figures of the same run."""
    return {run: one[run] - other[run] for run in one.keys() & other.keys()}


def ratio(one, other):
    return {run: one[run] / other[run] for run in one.keys() & other.keys() if other[run]}


def text(by_run, show=markdown.number):
    """Median over runs and its interval; a run without a figure has None."""
    found = stats.estimate(value for value in by_run.values() if value is not None)
    return "–" if found is None else f"{show(found.median)} ({show(found.low)} to {show(found.high)})"


# ---- Parts ----


def setting(kept):
    """What was measured where, and what may be wrong with it."""
    about, cpus = kept.about, kept.about["cpus"]
    hz = statistics.median(row["tsc_hz"] for row in about["rows"] if row["part"] == "beside")
    busy = [host for host in kept.hosts if host["others"] + host["steal"] > lab.BUSY]
    where = ", ".join(f"CPU {one['cpu']} is core {one['core']} of package {one['package']}" for one in cpus)
    left = len({row["run"] for row in kept.rows})
    lines = [f"{about['host_cpu']}, kernel {about['kernel']}, {about['compiler']}; {about['runs']} runs in random "
             f"order, {about['ms']} ms for each kind of wait. Time stamp counter: {hz / 1e6:,.0f} cycles per µs. In "
             f"the tables: median over {left} runs (its interval, {stats.order_interval(left or 1)[1]:.0%}); "
             "differences and ratios are of one run. These are figures of this machine: only ratios may be compared "
             "with another's.", "",
             f"- {where}; hyperthreads of one core are refused." + (
                 " They are a virtual machine's: the topology is what its hypervisor says." if about["hypervisor"]
                 else ""),
             f"- Adding while the other CPU adds: {len(kept.shared)} of {about['runs']} runs took {ONE_CORE} times "
             "as long or longer, as on one core, or as on a busy machine; they are left out.",
             f"- Others had at most {max(host['others'] for host in kept.hosts):.1%} of the two CPUs in a run, and the "
             f"hypervisor stole at most {max(host['steal'] for host in kept.hosts):.1%}, as far as it says. " + (
                 f"**{len(busy)} of {about['runs']} runs were disturbed: more than {lab.BUSY:.0%}.**" if busy
                 else f"No run was disturbed by more than {lab.BUSY:.0%}.")]
    if about["sources_sha256"] != lab.sources():
        lines.append("- **The program has changed since**: run `make door` again.")
    return lines


def pairs_part(kept):
    """What the owner pays while nobody is there."""
    base = kept.by_run("pair", "cycles", pair="entry")
    rows = []
    for name, title in PAIRS.items():
        cycles = kept.by_run("pair", "cycles", pair=name)
        rows.append([title, text(cycles), "–" if name == "entry" else text(beyond(cycles, base), markdown.signed)])
    return ["", "### Nobody holds", "",
            "An owner's entry to the kernel and exit from it, each the atomic addition that context tracking makes "
            "anyway; the price of the door is the test of what the first one returns. Beside it a spinlock, which an "
            "owner of the other kind takes for each operation. In long loops with a little work between, which is "
            "subtracted.", "",
            markdown.table(["pair", ">cycles", ">beyond no test"], rows),
            "A difference within that of the same code at another place is none."]


def deeds(kept, technique, puts, side):
    """{deed: {run: cycles beyond those after nothing}}."""
    found = {deed: kept.by_run("line", side, technique=technique, puts=puts, deed=deed)
             for deed in ("nothing", "look", "hold", "take")}
    return {deed: beyond(found[deed], found["nothing"]) for deed in ("look", "hold", "take")}


def lines_part(kept):
    """Who pays for the lines."""
    base = kept.by_run("pair", "cycles", pair="entry")
    rows = []
    for technique in TECHNIQUES:
        for puts, title in PUTS.items():
            owner, holder = (deeds(kept, technique, puts, side) for side in ("owner", "holder"))
            rows.append([technique, title, *(text(found, markdown.signed) for found in owner.values()),
                         text(ratio(owner["take"], base)),
                         *(text(holder[deed], markdown.signed) for deed in ("hold", "take"))])
    return ["", "### Right after another CPU was there", "",
            "All lines were the owner's. Then the other CPU has done nothing; has looked at the word and at how much "
            "is cached; has held the owner and let go; or has held it and taken 31 items. What the owner's next "
            "operation takes beyond that after nothing, with its stores in the cache: it enters, caches so many "
            "items, leaves. And what the deed takes the holder.", "",
            markdown.table(["way", "the owner caches", ">owner, looked", ">held", ">taken",
                            ">taken, in pairs of no test", ">holder, to hold", ">to take"], rows),
            "Both pay: the holder fetches the lines, and the owner fetches them back. With the door that is one line "
            "more: the word lies apart from the cache, while the lock lies in the cache's first line. A look, which "
            "leaves the lines to both, may cost the owner more than a hold, which takes them away. Why was not "
            "measured; the cycles lab sees it as well."]


def ranked(rank, row):
    """A figure of a run's waits; None if there were too few."""
    at, least = RANKS[rank]
    return row["waits_cycles"][at] if row["waits"] >= least else None


def waits_part(kept):
    """How long owners wait."""
    rows = []
    for technique in TECHNIQUES:
        for holder, title in HOLDERS.items():
            which = {"technique": technique, "holder": holder}
            rows.append([technique, title,
                         *(text(kept.by_run("wait", figure, **which)) for figure in ("entries", "holds", "waits")),
                         *(text(kept.by_run("wait", functools.partial(ranked, rank), **which)) for rank in RANKS)])
    return ["", "### Waits", "",
            "An owner that enters at random times, caches an item, and leaves; a holder that takes what is cached, "
            "again and again. Both are quicker than any in practice, so how often they meet is the model's. Cycles "
            "of a wait, with its two stamps; a wait most of which the owner was away itself is no wait.", "",
            markdown.table(["way", "the holder is", ">entries", ">holds", ">waits", *(f">{name}" for name in RANKS)],
                           rows)]


def long_waits(kept, technique, holder):
    """(all long waits of all runs, the shortest first; {key: how many there were of something})."""
    rows = [row for row in kept.rows
            if row["part"] == "wait" and (row["technique"], row["holder"]) == (technique, holder)]
    return sorted(cycles for row in rows for cycles in row["waits_long"]), {
        key: sum(len(row[key]) if isinstance(row[key], list) else row[key] for row in rows)
        for key in ("waits", "away", "holds_long", "holder_switched")}


def longest_in_medians(row):
    """The longest wait of a run, in its median ones; None: nobody waited."""
    return row["waits_cycles"][3] / row["waits_cycles"][0] if row["waits"] else None


def descheduled_part(kept):
    """What a holder that does not run does to an owner."""
    hz = statistics.median(row["tsc_hz"] for row in kept.about["rows"] if row["part"] == "beside")
    rows = []
    for technique in TECHNIQUES:
        for holder, title in HOLDERS.items():
            found, sums = long_waits(kept, technique, holder)
            worst = kept.by_run("wait", longest_in_medians, technique=technique, holder=holder)
            longest = (statistics.median(found), found[-1]) if found else (math.nan, math.nan)
            rows.append([technique, title, markdown.number(sums["holder_switched"]),
                         markdown.number(sums["holds_long"]), f"{len(found)} of {markdown.number(sums['waits'])}",
                         *(markdown.number(1e3 * cycles / hz) for cycles in longest),
                         text(worst), markdown.number(sums["away"])])
    return ["", "### A holder that does not run", "",
            "All runs together; *long*: more than 100,000 cycles. The scheduler took the holder's CPU so often; so "
            "many of its holds, and of the owner's waits, were long. Last but one: the longest wait of a run, in "
            "median waits of that run. Last: waits left out, as the owner itself was away.", "",
            markdown.table(["way", "the holder is", ">lost its CPU", ">long holds", ">long waits",
                            ">median of these, ms", ">the longest, ms", ">longest / median", ">left out"], rows),
            "User space cannot disable interrupts or preemption. So a holder beside a thread that spins is taken off "
            "its CPU inside a hold, too, and its owner waits until the scheduler gives that back, be it at the door "
            "or at the lock. Nothing that the owner does bounds that wait. What bounds it is that the holder goes on "
            "running: here SCHED_FIFO keeps it from the other thread, though not from interrupts, nor from what "
            "takes the whole CPU away (a hypervisor; an SMI), nor from the throttling of real-time threads, which "
            f"this holder avoids by sleeping (`sched_rt_runtime_us` is {kept.about['rt_runtime_us']}). In the kernel "
            "a hold has interrupts off. There only an NMI, an SMI or a hypervisor can stretch it. What would bound "
            "the latter was not measured: a CPU of its own for each virtual CPU that asks for drains, as SCHED_FIFO "
            "is here; or a hypervisor that takes no CPU away while interrupts are off."]


def section(path):
    """The section as lines of Markdown; of a file that is not whole one line says what is wrong."""
    if not path.exists():
        return [TITLE, "", "It was not run (`make door`)."]
    try:
        kept = Kept(json.loads(path.read_text(encoding="utf-8")))
        if not kept.rows:
            return [TITLE, "", *setting(kept), "- **No run is left.**"]
        return [TITLE, "", *setting(kept), *pairs_part(kept), *lines_part(kept), *waits_part(kept),
                *descheduled_part(kept), "", "How it is measured, and how it errs: [bench/door](bench/door/README.md)."]
    except (OSError, KeyError, IndexError, TypeError, ValueError, statistics.StatisticsError) as error:
        return [TITLE, "", f"{path.name}: not whole: {type(error).__name__}: {error}; run `make door` again."]


if __name__ == "__main__":
    print("\n".join(section(pathlib.Path(sys.argv[1]) if sys.argv[1:] else lab.KEPT)))
