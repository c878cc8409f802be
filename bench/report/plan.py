# SPDX-License-Identifier: GPL-2.0-only
"""What was decided before a campaign: metrics with margins, controls' limits, primary contrasts.

The only place where they stand. bench/METHOD.md shows them as tables (a unit
test compares), the report judges by them.
"""

import dataclasses
import math

from bench.report.facts import strategies

BASE = "unpatched"
BOOTS = 12  # with as many seeds a verdict is possible: the least p of sign flips is then 2 / 2**12
FIRST_SEED = 603  # of the workload and its controls; the first three leave fixed metronomes around 16, 24 and 48
STRATA = 12  # so many seeds in a row share out order and turns among themselves (guest/params.c)
OTHER_SEED = FIRST_SEED + STRATA  # the first of those that A/A compares with; pairs are of one stratum
LEVEL = 0.95  # of intervals
ALPHA = 0.05  # of Holm's family, of one alarm, and of the rate of alarms
SLOPE = (0.95, 1.05)  # the interval of the slope of response against dose lies within
DETECT = 1000  # the limit of detection is at most the margin of what is imposed per drain
DOSES = (0, 1000, 2000, 5000, 10000, 20000)  # instructions injected per request; 0: the interrupt alone
DOSE_SEEDS = 4  # boots of each dose
REBUILT = "rebuilt"  # the arm of the neutral rebuild
# The kinds of boots, and what the folder of a boot is called by its setting and seed.
KINDS = {"drain": "seed-{seed:03}", "hotpath": "hotpath-{setting}", "anatomy": "anatomy", "aa": "aa-{seed:03}",
         "dose": "dose-{setting}-{seed:03}", "sensitivity": "sensitivity-{setting}-{seed:03}",
         "load": "{setting}-{seed:03}"}


def place(kind, setting, seed):
    """What the folder of a boot is called."""
    return KINDS[kind].format(setting=setting, seed=seed)


def fixed(count):
    """Parameters of a metronome that neither the seed nor the ballast changes."""
    return ("metronome", count), ("metronome_span", "0"), ("metronome_dither", "0")


# Settings of the lab: parameters of the workload, and fields of boot.Spec, that differ from the base.
SETS = {
    **{f"metronome-{count}": (fixed(count), {}) for count in ("16", "24", "48")},
    "metronome-dithered": ((("metronome", "24"), ("metronome_span", "0")), {}),
    # Four times as long, as many instructions: else cyclictest is still starting when the phase begins.
    "shift-2": ((("settle_ms", "120"),), {"icount_shift": 2}),
    # It is the ballast that dithers.
    "no-ballast": ((("ballast", "0"), *fixed("24")), {}),
    "cpus-4": ((), {"cpus": 4}),
    **{order: ((("order", order),), {}) for order in ("quiet-first", "storm-first")},
    "phase-500": ((("phase_us", "500"),), {}),
}
# Those under which contrasts must hold. Of the usual boots half begin with the quiet phase anyway, and that it always
# comes first is but what storm first is compared with.
SETTINGS = tuple(name for name in SETS if name != "quiet-first")
SENSITIVE_SEEDS = 3  # of each setting and cell
# What a setting is compared with, on the same seeds, if not with the usual boots. Without ballast, which dithers, the
# metronome is fixed as well; that of the usual boots is another with each seed. Half of these have the order that is
# set, and so show no change.
AGAINST = {**dict.fromkeys(("metronome-16", "metronome-48", "metronome-dithered", "no-ballast"), "metronome-24"),
           "storm-first": "quiet-first"}
ORDERS = {"quiet-first": 0, "storm-first": 1}  # settings that set what a seed draws, with some to no effect
REARRANGES = ("metronome", "phase", "storm-first")  # how settings begin that only rearrange in time
JUDGED_LAB = "virtual"  # the lab that the contrasts are about


def run_settings():
    """The settings that are run: those that are judged, and what they are compared with."""
    return tuple(dict.fromkeys([*SETTINGS, *(AGAINST[name] for name in SETTINGS if name in AGAINST)]))


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure that verdicts and alarms are about. In all of them less is better.

    key: in metrics.measure()'s result. margin: a difference up to it, in the
    metric's unit, is none that matters; why: for whom. dose: what
    is injected shows in it, so it depends on the dose control.
    """

    key: str
    name: str
    unit: str
    margin: float
    why: str
    dose: bool = False


MICROSECOND = "1 µs at one instruction per ns, 1/20 of the shortest published deadline (20 µs)"
ONE_IN_TEN = "one more in ten drains"
PER_FILL = '1 % of what a fill takes: the loss at which "unfit for HPC" (C03) is decided'
METRICS = (
    Metric("owner/imposed", "kernel instructions imposed on the isolated CPU", "per drain", 1000, MICROSECOND, True),
    Metric("owner/own", "own kernel instructions of the isolated CPU's tasks", "per drain", 1000, MICROSECOND),
    Metric("owner/kernel", "all kernel instructions on the isolated CPU", "per drain", 1000, MICROSECOND, True),
    Metric("owner/entries", "kernel entries on the isolated CPU", "per drain", 0.1, ONE_IN_TEN),
    Metric("owner/switches", "context switches on the isolated CPU", "per drain", 0.1, ONE_IN_TEN),
    Metric("owner/ipis", "IPIs received by the isolated CPU", "per drain", 0.1, ONE_IN_TEN),
    Metric("owner/timers", "timer interrupts on the isolated CPU", "per drain", 0.1, ONE_IN_TEN),
    Metric("owner/works", "work items run on the isolated CPU", "per drain", 0.1, ONE_IN_TEN),
    Metric("fill/quiet_own", "kernel instructions of the owner itself, quiet phase", "per fill", 100, PER_FILL),
    Metric("fill/quiet", "kernel instructions of the isolated CPU, quiet phase", "per fill", 100, PER_FILL),
    Metric("fill/storm", "kernel instructions of the isolated CPU, storm", "per fill", 100, PER_FILL, True),
    Metric("irqs_off/storm", "longest stretch with interrupts off on the isolated CPU, storm", "instructions", 1000,
           MICROSECOND),
    Metric("request/own", "requester's own kernel instructions", "per request", 250,
           "5 % of what unpatched takes; the published effect is 12 % (C23)"),
    Metric("others/kernel", "kernel instructions on all other CPUs", "per drain", 500,
           "as above, for requester and kworkers"),
    Metric("request/completion", "completion of a request, median of a boot", "guest µs", 20,
           "the shortest published deadline (C15)"),
    Metric("request/completion_max", "completion of a request, longest of a boot", "guest µs", 50,
           "the next published deadline (C15, C22)"),
    Metric("items/before", "items cached just before a request", "items", 1, "one item"),
    Metric("items/after", "items cached just after a request", "items", 1, "one item"),
    *(Metric(f"cyclictest/storm/{key}", f"cyclictest, {name}", "guest µs", 5,
             "a quarter of the shortest deadline (C15)")
      for key, name in (("min", "shortest"), ("avg", "mean"), ("p99", "99th percentile"), ("max", "longest"))),
    Metric("cyclictest/storm/overflow", "cyclictest, later than the histogram", "wake-ups", 1, "one wake-up"),
)
BY_KEY = {metric.key: metric for metric in METRICS}


@dataclasses.dataclass(frozen=True)
class Contrast:
    """One named comparison: arm - base, paired by seed, of one metric under one preemption model."""

    model: str
    arm: str
    base: str
    key: str
    asks: str
    yes: str  # the verdict that answers the question with yes

    @property
    def name(self):
        return f"{self.model}: {self.arm} − {self.base}"


# What each variant's folder asks: first what METHOD.md numbers, then by metric in the order above.
CONTRASTS = tuple(Contrast(one["model"], one["arm"], one.get("base", BASE), one["metric"], one["asks"], one["yes"])
                  for one in sorted(strategies.contrasts(), key=lambda one: (one.get("number", math.inf),
                                                                             list(BY_KEY).index(one["metric"]))))


def sensitive_cells():
    """The cells that settings are run with, as (model, arm): all that a contrast names."""
    return tuple(dict.fromkeys((contrast.model, arm) for contrast in CONTRASTS
                               for arm in (contrast.arm, contrast.base)))


# What the page begins with: of each arm under one model these figures (key, name), and sentences that follow by rule.
SHORT_MODEL = "rt"
SHORT = (
    ("owner/interruptions", "interruptions of user mode per drain"),
    ("owner/imposed", "imposed instructions per drain"),
    ("fill/quiet", "isolated CPU's kernel instructions per fill, quiet"),
    ("fill/storm", "the same, storm"),
    ("owner/switches", "context switches per drain"),
    ("owner/ipis", "IPIs per drain"),
    ("cyclictest/storm/p99", "cyclictest, 99th percentile, storm [guest µs]"),
    ("request/own", "requester's own instructions per request"),
    ("request/completion", "a request returns after, median [guest µs]"),
    ("request/completion_max", "the longest [guest µs]"),
    ("items/posted", "items posted per drain, not drained by then"),
)
# The metrics that the report shows under each setting of the lab.
HEADLINE = tuple(key for key in dict.fromkeys([*(contrast.key for contrast in CONTRASTS), *dict(SHORT)])
                 if key in BY_KEY)
# When a request returns says nothing beside one that drains first, where it posts as many items or more.
SHORT_POSTED = 0.1
# Which arm has least of these, and which others differ from it by no more than the margin, by the whole interval.
SHORT_LEAST = (("fill/quiet", "Where nobody asks for a drain"), ("fill/storm", "While drains are requested"))
# Who imposes nothing on user mode: no interval of these reaches above its margin, per drain, nor does what the quiet
# phase has of them more than unpatched's, taken as a storm's drains.
SHORT_NOTHING = ("owner/imposed", "owner/switches", "owner/ipis")

# What METHOD.md of the campaign in results/ does not say, as it was decided after that: each in words for the page.
# Empty it with the next METHOD.md. None of it has a verdict.
AFTER = ()

# What a reader may look for in vain, beside questions that no lab here can decide.
NOT_HERE = (
    "time: the lab counts instructions and events, so that a deadline in microseconds (C15) needs a quiet host "
    "(`make debs`, or LAB=kvm there)",
    "contention of many busy CPUs for one lock or one cache line (C14, C18)",
    "other caches than folio and mlock batches: slab, memcg stock and buffer heads are not behind the facade yet",
    "verdicts on the arms in which the owner runs the deferred work itself (`_run`), whose figures are here",
    "other processors, compilers and kernels than those named on the page of boots",
)

# Questions that stand beside the contrasts and that no lab here can decide: (question, what it needs).
NOT_TESTABLE = (
    ("whether an RT task misses its deadline in microseconds (C15)", "a quiet host: `make debs`, or LAB=kvm there"),
    ("contention of lru_lock when many CPUs drain at once (C18)", "a host with dozens of CPUs"),
    ("cost of a drain with caches and buses, for the owner's user code (C03)", "a quiet host, bare metal"),
)
