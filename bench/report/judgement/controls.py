# SPDX-License-Identifier: GPL-2.0-only
"""The controls of a campaign: did they hold, and which verdicts go if not. bench/METHOD.md says what each is for."""

import dataclasses
import enum

from bench.report import plan
from bench.report.facts import instrument, metrics
from bench.report.judgement import stats
from bench.report.judgement.reasons import Reason, Why


class Control(enum.StrEnum):
    """What is judged by itself. A/A has a rate over all, and two kinds which must have been run."""

    AA = "A/A"
    OTHER_SEEDS = "other seeds"
    REBUILD = "neutral rebuild"
    DOSE = "dose and response"
    SENSITIVITY = "sensitivity"
    INSTRUMENT = "the instrument"


class Runs:
    """The figures of one lab: of the workload's boots and of the controls'."""

    def __init__(self, boots):
        self.found = {}
        for boot in boots:
            if boot.verdict == "ok":
                cells = self.found.setdefault((boot.kind, boot.setting), {})
                cells.setdefault((boot.model, boot.arm), {})[boot.seed] = boot.figures

    def cells(self, kind="drain", setting=""):
        """{(model, arm): {seed: figures}} of one kind of boots."""
        return self.found.get((kind, setting), {})

    def column(self, model, arm, key, kind="drain", setting=""):
        """One figure of one cell: {seed: number}."""
        boots = self.cells(kind, setting).get((model, arm), {})
        return {seed: figures[key] for seed, figures in boots.items() if key in figures}

    def settings(self, kind):
        """The settings in which a control ran."""
        return sorted(setting for of, setting in self.found if of == kind)

    @property
    def models(self):
        return sorted({model for model, _ in self.cells()})


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


def other_seeds(runs, model, key):
    """A figure of the same image on other seeds, and of the seeds that draw the same order and dither, and nearly the
    same count.

    Return: ({seed: figure}, {seed: figure}), both by the seeds of the latter; likewise rebuild().
    """
    shift = plan.OTHER_SEED - plan.FIRST_SEED
    return ({seed - shift: value for seed, value in runs.column(model, plan.BASE, key, "aa").items()},
            runs.column(model, plan.BASE, key))


def rebuild(runs, model, key):
    """A figure of a neutral rebuild, and of what was rebuilt on the same seeds."""
    return runs.column(model, plan.REBUILT, key), runs.column(model, plan.BASE, key)


AA = {Control.OTHER_SEEDS: other_seeds, Control.REBUILD: rebuild}


def compare_all(runs):
    """[Compared] of both kinds of A/A, of what has two pairs."""
    pairs = [(kind, model, metric, stats.paired(*boots(runs, model, metric.key)))
             for kind, boots in AA.items() for model in runs.models for metric in plan.METRICS]
    return [compare(*one) for one in pairs if len(one[-1]) > 1]


def lacks(boots, planned):
    """How many boots there are of those that were planned."""
    return Reason(Why.FEW_BOOTS, (boots, planned)) if boots else Reason(Why.NOT_RUN)


def ran(runs):
    """[Outcome] for each A/A that was not run with boots enough."""
    short = []
    for model in runs.models:
        for kind, boots in AA.items():
            pairs = len(stats.paired(*boots(runs, model, "owner/kernel")))
            if pairs < plan.BOOTS:
                short.append(Outcome(kind, model, None, lacks(pairs, plan.BOOTS)))
    return short


def rate(compared):
    """The Outcome over all metrics: does the lab alone make differences?"""
    alarms = sum(one.alarm for one in compared)
    sharp = [one.alarm for one in compared if one.could]
    return Outcome(Control.AA, "", alarms <= plan.ALPHA * len(compared),
                   Reason(Why.RATE, (alarms, len(compared), sum(sharp), len(sharp))))


# ---- Dose and response ----


def dose_boots(runs, model, key):
    """[(seed, (injected per request, measured in the metric's unit))] kernel instructions, a boot each."""
    return [(seed, (int(dose), value)) for dose in runs.settings("dose")
            for seed, value in runs.column(model, plan.BASE, key, "dose", dose).items()]


def dose_points(runs, model, key="owner/imposed"):
    """What dose_boots() gives, without seeds."""
    return [point for _, point in dose_boots(runs, model, key)]


def dose_line(runs, model, key="owner/imposed"):
    """stats.Line through dose_points(); a seed is the unit, as its boots draw the same times."""
    groups = {}
    for seed, point in dose_boots(runs, model, key):
        groups.setdefault(seed, []).append(point)
    return stats.line(groups)


def dose(runs, model):
    """The Outcome of dose and response under one model."""
    keys = frozenset(metric.key for metric in plan.METRICS if metric.dose)
    given, fit = [dose for dose, _ in dose_points(runs, model)], dose_line(runs, model)
    if not fit:
        return Outcome(Control.DOSE, model, None, Reason(Why.DOSE_RUN, len(given)) if given else Reason(Why.NOT_RUN),
                       keys)
    low, high = plan.SLOPE
    held = low <= fit.slope_low and fit.slope_high <= high and fit.detect <= plan.DETECT
    if held and any(given.count(dose) < plan.DOSE_SEEDS for dose in plan.DOSES):
        held = None
    return Outcome(Control.DOSE, model, held, Reason(Why.DOSE, (fit, len(set(given)))), keys)


# ---- Sensitivity ----


def changes(runs, model, arm, key, setting):
    """What a setting changes in a figure: an Estimate over seeds, or None."""
    return stats.difference(runs.column(model, arm, key, "sensitivity", setting),
                            runs.column(model, arm, key, *compared_with(setting)))


def compared_with(setting):
    """Which boots tell what a setting changes: kind, and setting if any."""
    against = plan.AGAINST.get(setting)
    return ("sensitivity", against) if against else ()


def moves(change, metric):
    """Does it change more than matters, on all seeds to the same side?"""
    return bool(change) and abs(change.median) > metric.margin and change.low * change.high > 0


def stays(change, metric):
    """Is it shown to change no more than matters: does its whole interval lie within the margin?"""
    return bool(change) and change.n >= plan.SENSITIVE_SEEDS and change.within(metric.margin)


def stay(runs):
    """Keys of the metrics that are shown not to move, in any cell under any setting."""
    tried = [(cell, setting) for cell in sensitive(runs) for setting in plan.SETTINGS]
    return {metric.key for metric in plan.METRICS
            if tried and all(stays(changes(runs, *cell, metric.key, setting), metric) for cell, setting in tried)}


def sensitive(runs):
    """Cells that sensitivity was run with."""
    return sorted({cell for setting in runs.settings("sensitivity") for cell in runs.cells("sensitivity", setting)})


def ran_settings(runs):
    """[Outcome] if sensitivity was not run in full with the cells that a contrast names and that are there at all.

    It reaches no metric: each contrast sees for itself what it lacks.
    """
    cells = [cell for cell in plan.sensitive_cells() if cell in runs.cells()]
    planned = len(cells) * len(plan.run_settings()) * plan.SENSITIVE_SEEDS
    boots = sum(min(plan.SENSITIVE_SEEDS, len(runs.cells("sensitivity", setting).get(cell, ())))
                for cell in cells for setting in plan.run_settings())
    return [Outcome(Control.SENSITIVITY, "", None, lacks(boots, planned), frozenset())] if boots < planned else []


def moved(runs):
    """{key: {setting under which some arm's figure moves: by no more than what moves by itself?}}."""
    found = {}
    for metric in plan.METRICS:
        for setting in plan.SETTINGS:
            by = {cell: change for cell in sensitive(runs)
                  if moves(change := changes(runs, *cell, metric.key, setting), metric)}
            if by:
                found.setdefault(metric.key, {})[setting] = not any(beyond_null(runs, metric.key, *one)
                                                                    for one in by.items())
    return found


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


def to_base(runs, model, arm, key, *kind):
    """An arm's difference to unpatched in a figure: {seed: number}."""
    return stats.by_seed(*(runs.column(model, which, key, *kind) for which in (arm, plan.BASE)))


COMPLETION = "request/completion"


def posts(figures, model, arm):
    """Does a request of that arm return before all is drained? figures: Runs or tables.Figures."""
    posted = stats.estimate(figures.column(model, arm, "items/posted").values())
    return bool(posted) and posted.median >= plan.SHORT_POSTED


def turned(runs):
    """{(metric's key, model, arm): [Turned]}: which comparison with unpatched comes out otherwise under a setting.

    What the setting changes in the difference is more than the margin, on all seeds to one side; and it is gone, there
    only then, or on the other side. How long a request takes that returns before its items are drained is left out.
    """
    found = {}
    for metric in plan.METRICS:
        for model, arm in sensitive(runs):
            usual = stats.estimate(to_base(runs, model, arm, metric.key).values())
            if not usual or arm == plan.BASE or (metric.key.startswith(COMPLETION) and posts(runs, model, arm)):
                continue
            by_itself = max(map(abs, repeats(runs, metric.key, model, to_base)), default=0)
            for setting in plan.SETTINGS:
                here = to_base(runs, model, arm, metric.key, "sensitivity", setting)
                change = stats.difference(here, to_base(runs, model, arm, metric.key, *compared_with(setting)))
                now = stats.estimate(here.values())
                if moves(change, metric) and side(now.median, metric.margin) != side(usual.median, metric.margin):
                    # Both what the setting changes, and what a reader of the page sees change.
                    least = min(abs(change.median), abs(now.median - usual.median))
                    found.setdefault((metric.key, model, arm), []).append(
                        Turned(setting, usual.median, now.median, least <= by_itself))
    return found


def beyond_null(runs, key, cell, change):
    """Does a figure move more than that of any boot of the same model in which nothing was changed?"""
    return abs(change.median) > max(map(abs, repeats(runs, key, cell[0])), default=0)


def unchanged(runs, cell, setting):
    """The seeds of which a setting set the order of phases to what they draw anyway."""
    drawn = runs.column(*cell, "storm_first")
    return [seed for seed in runs.cells("sensitivity", setting).get(cell, ())
            if drawn.get(seed) == plan.ORDERS[setting]]


def repeats(runs, key, model=None, figure=Runs.column):
    """Changes of a figure in boots whose order was set to the one that their seed draws: nothing was changed.

    model: of its cells only; figure: what is looked at, Runs.column or to_base.
    """
    return [here[seed] - usual[seed] for setting in plan.ORDERS for cell in runs.cells("sensitivity", setting)
            if model in (None, cell[0])
            for here, usual in [(figure(runs, *cell, key, "sensitivity", setting), figure(runs, *cell, key))]
            for seed in unchanged(runs, cell, setting) if seed in here.keys() & usual.keys()]


# ---- All together ----


@dataclasses.dataclass(frozen=True)
class Controls:
    """All controls of one lab.

    moved, turned: from functions of that name; unlike: [sameness.Group] of boots that are not of one campaign; changed:
    {kernel: cells} that this tree would no longer build as they were measured.
    """

    outcomes: list
    compared: list
    moved: dict
    turned: dict = dataclasses.field(default_factory=dict)
    unlike: list = dataclasses.field(default_factory=list)
    changed: dict = dataclasses.field(default_factory=dict)

    @property
    def failed(self):
        return [outcome for outcome in self.outcomes if outcome.held is False]

    @property
    def blurred(self):
        """{key: [Compared in which a kernel was not shown equal to itself]}."""
        found = {}
        for one in self.compared:
            if not one.same:
                found.setdefault(one.metric.key, []).append(one)
        return found

    def stale(self, contrast):
        """Is it about kernels whose sources have changed since?"""
        cells = {cell for of in self.changed.values() for cell in of}
        return any((contrast.model, arm) in cells for arm in (contrast.arm, contrast.base))

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
    """Controls of one lab's Runs; unlike, changed: as in Controls; faults: checks that the instrument failed."""
    compared, short = compare_all(runs), ran(runs)
    over_all = rate(compared) if compared else None
    # With boots too few to alarm in every model, that none does is no success.
    if over_all and over_all.held and {outcome.model for outcome in short} == set(runs.models):
        over_all = None
    outcomes = [*([over_all] if over_all else ()), *short, *(dose(runs, model) for model in runs.models),
                *ran_settings(runs)]
    if faults:
        outcomes.insert(0, Outcome(Control.INSTRUMENT, "", False, Reason(Why.FAULTS, faults)))
    return Controls(outcomes, compared, moved(runs), turned(runs), list(unlike), changed or {})


def read_labs(results, kept=None):
    """{lab: Controls} of the labs under a results folder; not told: boots that are not alike, sources that changed."""
    labs = {}
    for boot in metrics.boots(results):
        labs.setdefault(boot.lab, []).append(boot)
    faults = instrument.failed(kept or results)
    return {lab: judge(Runs(boots), faults=faults if lab == plan.JUDGED_LAB else ())
            for lab, boots in sorted(labs.items())}
