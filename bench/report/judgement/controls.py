# SPDX-License-Identifier: GPL-2.0-only
"""The controls of a campaign: did they hold, and which verdicts go if not. bench/METHOD.md says what each is for.

runs: everywhere the figures of one lab, as frame.labs() gives them.
"""

import dataclasses
import enum
import operator

import numpy
import pandas

from bench.report import plan
from bench.report.facts import frame, instrument, metrics
from bench.report.facts.frame import CELL, cells, column
from bench.report.judgement import stats
from bench.report.judgement.reasons import Reason, Why

KEYS = list(plan.BY_KEY)


class Control(enum.StrEnum):
    """What is judged by itself. A/A has a rate over all, and two kinds which must have been run."""

    AA = "A/A"
    OTHER_SEEDS = "other seeds"
    REBUILD = "neutral rebuild"
    DOSE = "dose and response"
    SENSITIVITY = "sensitivity"
    INSTRUMENT = "the instrument"


KINDS_OF_AA = (Control.OTHER_SEEDS, Control.REBUILD)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a control gave. held: None if it was not run, or not with boots enough.

    model: "" for all; keys: the metrics whose verdicts depend on it, None for all.
    """

    control: Control
    model: str
    held: bool | None
    found: Reason
    keys: frozenset | None = None

    def reaches(self, model, key):
        return self.model in ("", model) and (self.keys is None or key in self.keys)


@dataclasses.dataclass(frozen=True)
class Compared:
    """One metric of the same kernel twice.

    p: None where all figures are equal; same: a verdict would be "equivalent", but for Holm;
    alarm: the lab alone made a difference; blunt: from this margin on it could not alarm by chance.
    """

    kind: Control
    model: str
    metric: plan.Metric
    change: float
    p: float | None
    same: bool
    alarm: bool
    blunt: float

    @property
    def could(self):
        """Could it alarm by chance?"""
        return self.blunt > self.metric.margin


# ---- A/A ----


def compare(kind, model, metric, pairs):
    """Compared, of paired differences."""
    change, p = stats.estimate(pairs), stats.difference_p(pairs)
    equal = change.within(metric.margin) if p is None else stats.equivalence_p(pairs, metric.margin) < plan.ALPHA
    return Compared(kind, model, metric, change.median, p, equal and change.within(metric.margin),
                    not equal and (p is None or p < plan.ALPHA),
                    stats.blunt_margin(*stats.error_of(pairs), plan.ALPHA))


def twice(runs, kind, model):
    """Differences between the same kernel twice, by seed: a neutral rebuild against what was rebuilt, or other seeds
    against those that draw the same order and dither, and nearly the same count."""
    usual = frame.pick(cells(runs), model=model)
    if kind == Control.REBUILD:
        other = frame.pick(usual, arm=plan.REBUILT)
    else:
        other = frame.pick(cells(runs, "aa"), model=model, arm=plan.BASE)
        other = other.set_axis(other.index - (plan.OTHER_SEED - plan.FIRST_SEED))
    return stats.paired(other[KEYS], frame.pick(usual, arm=plan.BASE)[KEYS])


def compare_all(runs):
    """[Compared] of both kinds of A/A, of what has two pairs."""
    return [compare(kind, model, metric, pairs) for kind in KINDS_OF_AA for model in frame.models(cells(runs))
            for every in [twice(runs, kind, model)] for metric in plan.METRICS
            if len(pairs := every[metric.key].dropna()) > 1]


def lacks(boots, planned):
    """How many boots there are of those that were planned."""
    return Reason(Why.FEW_BOOTS, (boots, planned)) if boots else Reason(Why.NOT_RUN)


def ran(runs):
    """[Outcome] for each A/A that was not run with boots enough."""
    return [Outcome(kind, model, None, lacks(pairs, plan.BOOTS))
            for model in frame.models(cells(runs)) for kind in KINDS_OF_AA
            if (pairs := len(twice(runs, kind, model)["owner/kernel"].dropna())) < plan.BOOTS]


def rate(compared):
    """The Outcome over all metrics: does the lab alone make differences?"""
    alarms = sum(one.alarm for one in compared)
    sharp = [one.alarm for one in compared if one.could]
    return Outcome(Control.AA, "", alarms <= plan.ALPHA * len(compared),
                   Reason(Why.RATE, (alarms, len(compared), sum(sharp), len(sharp))))


# ---- Dose and response ----


def doses(runs, model, key="owner/imposed"):
    """What was measured of what was injected per request, in the metric's unit: a row per boot, by seed."""
    found = frame.pick(runs[key], model=model, arm=plan.BASE, kind="dose").dropna().rename("measured")
    return found.reset_index("setting").rename(columns={"setting": "injected"}).astype({"injected": int})


def dose_line(runs, model, key="owner/imposed"):
    """stats.Line through doses(); a seed is the unit, as its boots draw the same times."""
    return stats.line({seed: of.to_numpy() for seed, of in doses(runs, model, key).groupby(level="seed")})


def dose(runs, model):
    """The Outcome of dose and response under one model."""
    keys = frozenset(metric.key for metric in plan.METRICS if metric.dose)
    given, fit = doses(runs, model)["injected"], dose_line(runs, model)
    if not fit:
        return Outcome(Control.DOSE, model, None, Reason(Why.DOSE_RUN, len(given)) if len(given)
                       else Reason(Why.NOT_RUN), keys)
    low, high = plan.SLOPE
    held = low <= fit.slope_low and fit.slope_high <= high and fit.detect <= plan.DETECT
    if held and any(sum(given == dose) < plan.DOSE_SEEDS for dose in plan.DOSES):
        held = None
    return Outcome(Control.DOSE, model, held, Reason(Why.DOSE, (fit, given.nunique())), keys)


# ---- Sensitivity ----


def settings(runs):
    """The settings that were run."""
    return sorted(frame.pick(runs, kind="sensitivity").index.unique("setting"))


def sensitive(runs):
    """Cells that sensitivity was run with."""
    return sorted({cell[:2] for cell in frame.pick(runs, kind="sensitivity").index})


def compared_with(setting):
    """Which boots tell what a setting changes: kind and setting."""
    against = plan.AGAINST.get(setting)
    return ("sensitivity", against) if against else ("drain", "")


def estimates(rows):
    """{(model, arm, key): Estimate over seeds} of all figures in a table."""
    return {(*cell, key): one for cell, seeds in rows.groupby(level=CELL)
            for key, values in zip(rows, seeds.to_numpy().T, strict=True)
            if (one := stats.estimate(values[~numpy.isnan(values)]))}


own = operator.itemgetter(KEYS)  # the metrics of cells, as they are


def to_base(rows):
    """Differences to unpatched of the same model and seed, in all metrics of cells."""
    base = frame.pick(rows[KEYS], arm=plan.BASE).reindex(rows.index.droplevel("arm"))
    return (rows[KEYS] - base.to_numpy()).round(9)


def changes(runs, figures=own):
    """{setting: {(model, arm, key): Estimate of what it changes over seeds}}; figures: own, or to_base."""
    return {setting: estimates(stats.paired(figures(cells(runs, "sensitivity", setting)),
                                            figures(cells(runs, *compared_with(setting)))))
            for setting in plan.SETTINGS}


def moves(change, metric):
    """Does it change more than matters, on all seeds to the same side?"""
    return bool(change) and abs(change.median) > metric.margin and change.low * change.high > 0


def stays(change, metric):
    """Is it shown to change no more than matters: does its whole interval lie within the margin?"""
    return bool(change) and change.n >= plan.SENSITIVE_SEEDS and change.within(metric.margin)


def stay(runs, changed):
    """Keys of the metrics that are shown not to move, in any cell under any setting; changed: from changes()."""
    tried = [(cell, setting) for cell in sensitive(runs) for setting in plan.SETTINGS]
    return {metric.key for metric in plan.METRICS
            if tried and all(stays(changed[setting].get((*cell, metric.key)), metric) for cell, setting in tried)}


def ran_settings(runs):
    """[Outcome] if sensitivity was not run in full with the cells that a contrast names and that are there at all.

    It reaches no metric: each contrast sees for itself what it lacks.
    """
    here = [cell for cell in plan.sensitive_cells() if cell in frame.names(cells(runs))]
    planned = len(here) * len(plan.run_settings()) * plan.SENSITIVE_SEEDS
    run = frame.pick(runs, kind="sensitivity").groupby(level=[*CELL, "setting"]).size().clip(upper=plan.SENSITIVE_SEEDS)
    boots = sum(run.get((*cell, setting), 0) for cell in here for setting in plan.run_settings())
    return [Outcome(Control.SENSITIVITY, "", None, lacks(boots, planned), frozenset())] if boots < planned else []


def repeats(runs, figures=own):
    """Changes by cell and seed in boots whose order was set to the one that their seed draws: nothing was changed."""
    usual, found = cells(runs), []
    drawn = usual.get("storm_first", pandas.Series(dtype=float))
    for setting, first in plan.ORDERS.items():
        change = stats.paired(figures(cells(runs, "sensitivity", setting)), figures(usual))
        found.append(change[drawn.reindex(change.index) == first])
    return pandas.concat(found)


def by_itself(changed, model, key):
    """How far a figure moves at most where nothing was changed; changed: from repeats()."""
    return max(frame.pick(changed[key], model=model).abs().dropna(), default=0)


def moved(runs, changed):
    """{key: {setting under which some arm's figure moves: by no more than what moves by itself?}}."""
    null, found = repeats(runs), {key: {} for key in KEYS}
    for setting, those in changed.items():
        for (model, _, key), change in those.items():
            if moves(change, plan.BY_KEY[key]):
                within = abs(change.median) <= by_itself(null, model, key)
                found[key][setting] = within and found[key].get(setting, True)
    return {key: where for key, where in found.items() if where}


@dataclasses.dataclass(frozen=True)
class Turned:
    """A difference to unpatched that is another under a setting: its median as usual, and there.

    null: it changes by no more than in some boot in which nothing was changed.
    """

    setting: str
    usual: float
    here: float
    null: bool


def side(value, margin):
    """Less, more, or (0) no difference that matters?"""
    return 0 if abs(value) <= margin else 1 if value > 0 else -1


COMPLETION = "request/completion"


def posts(rows, model, arm):
    """Does a request of that arm return before all is drained?"""
    posted = stats.estimate(column(rows, model, arm, "items/posted"))
    return bool(posted) and posted.median >= plan.SHORT_POSTED


def turned(runs):
    """{(metric's key, model, arm): [Turned]}: which comparison with unpatched comes out otherwise under a setting.

    What the setting changes in the difference is more than the margin, on all seeds to one side; and it is gone, there
    only then, or on the other side. How long a request takes that returns before its items are drained is left out.
    """
    usual, null, found = estimates(to_base(cells(runs))), repeats(runs, to_base), {}
    posting = {cell for cell in sensitive(runs) if posts(cells(runs), *cell)}
    for setting, those in changes(runs, to_base).items():
        there = estimates(to_base(cells(runs, "sensitivity", setting)))
        for (model, arm, key), change in those.items():
            metric, before = plan.BY_KEY[key], usual.get((model, arm, key))
            if not before or arm == plan.BASE or (key.startswith(COMPLETION) and (model, arm) in posting):
                continue
            now = there[model, arm, key]
            if moves(change, metric) and side(now.median, metric.margin) != side(before.median, metric.margin):
                # Both what the setting changes, and what a reader of the page sees change.
                least = min(abs(change.median), abs(now.median - before.median))
                found.setdefault((key, model, arm), []).append(
                    Turned(setting, before.median, now.median, least <= by_itself(null, model, key)))
    return dict(sorted(found.items(), key=lambda item: (KEYS.index(item[0][0]), *item[0][1:])))


# ---- Replicates ----


def outside(usual, few):
    """Does the median of a few boots lie outside the range of others, and are there both? By cell and metric."""
    middle, least, most = few[KEYS].groupby(level=CELL).median(), *(
        getattr(usual[KEYS].groupby(level=CELL), end)() for end in ("min", "max"))
    least, most = least.reindex(middle.index), most.reindex(middle.index)
    return (middle < least) | (middle > most), middle.notna() & least.notna()


def replicates(runs):
    """({setting that only rearranges events in time: outside() of the seeds that it did not run}, and how many are
    outside of usual boots where nothing was set: [a few seeds in a row against the others])."""
    here = set(sensitive(runs))
    usual = cells(runs)[[cell[:2] in here for cell in cells(runs).index]]
    found = {setting: outside(usual.drop(run.index, errors="ignore"), run) for setting in settings(runs)
             if setting.startswith(plan.REARRANGES) for run in [cells(runs, "sensitivity", setting)]}
    seeds = usual.index.unique("seed").sort_values()
    rows = (usual.index.isin(seeds[at:at + plan.SENSITIVE_SEEDS], "seed")
            for at in range(len(seeds) - plan.SENSITIVE_SEEDS + 1))
    return found, [int(outside(usual[~row], usual[row])[0].to_numpy().sum()) for row in rows]


# ---- All together ----


@dataclasses.dataclass(frozen=True)
class Controls:
    """All controls of one lab.

    changes, moved, turned: from functions of that name; unlike: [sameness.Group] of boots that are not of one campaign;
    changed: {kernel: cells} that this tree would no longer build as they were measured.
    """

    outcomes: list = ()
    compared: list = ()
    changes: dict = dataclasses.field(default_factory=dict)
    moved: dict = dataclasses.field(default_factory=dict)
    turned: dict = dataclasses.field(default_factory=dict)
    unlike: list = ()
    changed: dict = dataclasses.field(default_factory=dict)

    @property
    def failed(self):
        return [outcome for outcome in self.outcomes if outcome.held is False]

    def blurred(self, key):
        """[Compared] in which a kernel was not shown equal to itself in that metric."""
        return [one for one in self.compared if one.metric.key == key and not one.same]

    def stale(self, contrast):
        """Is it about kernels whose sources have changed since?"""
        stale = {cell for of in self.changed.values() for cell in of}
        return any((contrast.model, arm) in stale for arm in (contrast.arm, contrast.base))

    def against(self, contrast):
        """What stands against a contrast's verdict: (what is not alike, failed, or alarmed, controls not in full)."""
        model, key = contrast.model, contrast.key
        reach = [outcome for outcome in self.outcomes if outcome.reaches(model, key)]
        alarms = [one for one in self.compared if one.alarm and (one.model, one.metric.key) == (model, key)]
        return ([*(Reason(Why.NOT_ALIKE, group) for group in self.unlike if group.reaches(contrast)),
                 *(Reason(Why.CONTROL_FAILED, outcome.control) for outcome in reach if outcome.held is False),
                 *(Reason(Why.ALARMS, one.kind) for one in alarms)],
                [outcome.control for outcome in reach if outcome.held is None])


def judge(runs, unlike=(), changed=None, faults=()):
    """Controls of one lab's runs; unlike, changed: as in Controls; faults: checks that the instrument failed."""
    compared, short, models = compare_all(runs), ran(runs), frame.models(cells(runs))
    over_all = rate(compared) if compared else None
    # With boots too few to alarm in every model, that none does is no success.
    if over_all and over_all.held and {outcome.model for outcome in short} == set(models):
        over_all = None
    outcomes = [*([Outcome(Control.INSTRUMENT, "", False, Reason(Why.FAULTS, faults))] if faults else ()),
                *([over_all] if over_all else ()), *short, *(dose(runs, model) for model in models),
                *ran_settings(runs)]
    found = changes(runs)
    return Controls(outcomes, compared, found, moved(runs, found), turned(runs), list(unlike), changed or {})


def read_labs(results, kept=None):
    """{lab: Controls} of the labs under a results folder; not told: boots that are not alike, sources that changed."""
    faults = instrument.failed(kept or results)
    return {lab: judge(runs, faults=faults if lab == plan.JUDGED_LAB else ())
            for lab, runs in frame.labs(frame.of(metrics.boots(results))).items()}
