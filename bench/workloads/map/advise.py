# SPDX-License-Identifier: GPL-2.0-only
"""Name the arm that takes least from an isolated CPU, for the rates of a reader's own.

make advise DRAINS= FILLS= CALLS= MODEL= [IPS=]

All rates are per second. DRAINS: how often some CPU asks for a drain; FILLS: pages that the isolated CPU's task caches
(first touches, reads of files); CALLS: its system calls; MODEL: rt or lazy; IPS: instructions that the CPU executes.
The map says what drains and fills cost, hot paths what is added to a system call.

Exit status: 0, also if no arm wins; 2 with one line if there is no data for it.
"""

import argparse
import dataclasses
import itertools
import math
import os
import pathlib

import numpy

from bench import archive, boot
from bench.cycles import section
from bench.report.facts import windows
from bench.workloads.map import figures, prices

IPS = 1e9
FINE = 400  # points of a search along one rate
CALL = 400  # instructions, fewer than any system call takes in the kernel: no CPU makes more than IPS / CALL a second


@dataclasses.dataclass(frozen=True)
class Case:
    """What is asked: rates per second."""

    model: str
    drains: float
    fills: float
    calls: float
    ips: float = IPS


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a model: fits, curves of errors, points that no boot has, prices of a system call, locks."""

    fitted: object
    errors: dict
    missing: tuple
    calls: dict
    locks: dict


# ---- What is asked ----


def rate(name, text, may_be_0=False):
    """A rate as a number; UsageError with a line if it is none, negative, or 0 where that is no case of the map."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise boot.UsageError(f"{name} is {text!r}, not a number: how often in a second?")
    if value < 0 or (value == 0 and not may_be_0):
        raise boot.UsageError(f"{name} is {text}, and must be {'0 or ' if may_be_0 else ''}more than 0")
    return value


def within(name, value, rates):
    """UsageError if a rate is not on the map."""
    if not rates[0] <= value <= rates[-1]:
        raise boot.UsageError(f"{name}={value:g} is not on the map, which was measured from {rates[0]:,} to "
                              f"{rates[-1]:,} per second: no data")


def case_of(args):
    """What the command line asks; UsageError if it makes no sense or is not on the map."""
    if args.model not in boot.MODELS:
        raise boot.UsageError(f"MODEL is {args.model!r}; known: {', '.join(boot.MODELS)}")
    case = Case(args.model, rate("DRAINS", args.drains), rate("FILLS", args.fills),
                rate("CALLS", args.calls, may_be_0=True), rate("IPS", args.ips))
    for name, value, rates in zip(("DRAINS", "FILLS"), (case.drains, case.fills), figures.asked(), strict=True):
        within(name, value, rates)
    return case


# ---- What is known ----


def known_of(boots, results, model):
    """What is known of a model. boots: the folder with workloads/map; results: of everything else, both unpacked."""
    tables = windows.tables(boots, figures.WORKLOAD)
    found = figures.points(tables)
    found = found[found["model"] == model]
    if found.empty:
        place = archive.KEPT if boots == archive.BOOTS else boots
        raise boot.UsageError(f"{place}/workloads/{figures.WORKLOAD} has no boot of {model} that ended well; "
                              f"make campaign WORKLOAD={figures.WORKLOAD} measures the map")
    fitted = figures.fits(found)
    cells = section.load(results / "cycles")
    return Known(fitted, figures.curves(figures.errors(found, fitted), model), tuple(figures.missing(found, [model])),
                 prices.calls(results, model, figures.compared()),
                 {arm: prices.lock(cells, model, arm) for arm in figures.compared()})


def named(points):
    """Points of the map in words."""
    return ", ".join(f"{arm} at {drains} drains and {fills} fills" for _, arm, drains, fills in points)


def hole(known, case):
    """Why there is no data for a case, as a line; "" if there is."""
    around = figures.corners(case.drains, case.fills)
    if here := [point for point in known.missing if point[2:] in around]:
        return f"the map has a hole there: no boot of {named(here)}"
    arms = figures.compared()
    if lacking := sorted({*arms} - {arm for arm, _ in known_cells(known)}):
        return f"too few points of {', '.join(lacking)} to fit: no boot of {named(known.missing)}"
    if any(math.isnan(figures.share_of(known.errors, *pair, case.fills)) for pair in itertools.combinations(arms, 2)):
        lost = [point for point in known.missing if point[2:] in figures.HELD_OUT]
        return f"nobody knows how far the map is wrong there: no boot of {named(lost)}"
    return ""


def check(known, case):
    """UsageError if the map has a hole where it is asked, or the price of a system call is not known."""
    if why := hole(known, case):
        raise boot.UsageError(why)
    if case.calls and (lacking := sorted({*figures.compared()} - known.calls.keys())):
        raise boot.UsageError(f"results/virtual does not say what a system call takes under {', '.join(lacking)}; "
                              "CALLS=0 leaves system calls out")


def known_cells(known):
    """[(arm, when)] of what could be fitted."""
    return [(arm, row["when"]) for (_, arm), row in known.fitted.iterrows()]


# ---- The answer ----


def costs(known, case):
    """{arm: (instructions per second by the map, by system calls)}."""
    by_map = figures.costs(known.fitted, case.model, case.drains, case.fills)
    return {arm: (float(value), case.calls * known.calls.get(arm, 0)) for arm, value in by_map.items()}


def standing(known, case, without=()):
    """figures.Standing at a case; without: arms that are left out.

    The error is a share of what the map says: system calls are counted exactly.
    """
    parts = {arm: both for arm, both in costs(known, case).items() if arm not in without}
    total, by_map = {arm: sum(both) for arm, both in parts.items()}, {arm: both[0] for arm, both in parts.items()}
    return figures.standing(total, known.errors, case.fills, by_map)


def says(at):
    """A standing in a word or two."""
    return at.winner or f"no winner between {' and '.join((at.best, *at.rivals))}"


def turn(known, case, name, values):
    """(value, what it says there) where the answer is first another one, walking away from the case; None if nowhere.
    """
    here = says(standing(known, case))
    for value in values:
        there = dataclasses.replace(case, **{name: value})
        if hole(known, there):
            return None
        if (said := says(standing(known, there))) != here:
            return value, said
    return None


def walks(case):
    """[(rate's name, words before and behind a value, values)]: along each rate, down and up, to the map's edges."""
    for name, here, rates in zip(("drains", "fills"), (case.drains, case.fills), figures.asked(), strict=True):
        yield name, ("at", f"{name} a second or fewer"), figures.evenly((here, rates[0]), FINE)[1:]
        yield name, ("from", f"{name} a second on"), figures.evenly((here, rates[-1]), FINE)[1:]
    most = max(case.ips / CALL, case.calls + 1)
    yield "calls", ("at", "system calls a second or fewer"), numpy.linspace(case.calls, 0, FINE)[1:]
    yield "calls", ("from", "system calls a second on"), figures.evenly((max(case.calls, 1), most), FINE)[1:]


def changes(known, case):
    """What would change the answer, as lines."""
    at = standing(known, case)
    found = [(words, turn(known, case, name, values)) for name, words, values in walks(case)]
    for (before, behind), there in found:
        if there:
            yield f"- {before} {rounded(there[0])} {behind}: {there[1]}"
    if not any(there for _, there in found):
        yield "- no other rate of drains or fills on this map, and no number of system calls"
    if at.winner:
        yield from lock(known, at)
    yield "- other caches than folio batches, which alone were measured"


def lock(known, at):
    """What the winner costs all CPUs, as lines; none if nothing that counts."""
    price = known.locks.get(at.winner)
    if price is None:
        yield f"- perhaps what {at.winner} adds to a cached page on other CPUs: make cycles measures it"
    elif price.counts:
        yield (f"- from {rounded(at.gap / price.cycles)} cached pages a second on, of all CPUs together: {at.second}. "
               f"{at.winner} adds {price.cycles:.1f} cycles to each (lab: cycles), and saves {thousands(at.gap)} "
               "instructions, at a cycle each")


def rounded(value):
    """A rate, to three digits."""
    return f"{float(f'{value:.3g}'):,.10g}"


def thousands(value):
    """Instructions, to what can be told from one another."""
    return f"{value / 1000:,.0f}k"


def table(known, case):
    """A row per arm, the least first, as lines."""
    parts = costs(known, case)
    when = dict(known_cells(known))
    yield f"{'':<20}{'drains, fills':>15}{'system calls':>15}{'together':>12}{'of the CPU':>12}  drained"
    for arm in sorted(parts, key=lambda arm: sum(parts[arm])):
        by_map, by_calls = map(thousands, parts[arm])
        together = sum(parts[arm])
        yield (f"{arm:<20}{by_map:>15}{by_calls:>15}{thousands(together):>12}{100 * together / case.ips:>10.2f} %  "
               f"{DRAINED[when[arm]]}")


# Where a kworker visits, says what a reader must know; the map only counts.
DRAINED = {"at each request": "by a kworker here, at once", "in the next fill": "later: a request may find it undone",
           "in each fill": "by a kworker here, in each fill", "never": "by no kworker here"}


def answer(known, case):
    """All that is said, as lines."""
    at = standing(known, case)
    worst = max(sum(both) for both in costs(known, case).values())
    if worst > case.ips:
        raise boot.UsageError(f"the kernel would take {worst:,.0f} of IPS={case.ips:,.0f} instructions a second: no "
                              "CPU can do that")
    yield (f"{case.model}, {case.drains:g} drains, {case.fills:g} fills and {case.calls:g} system calls a second: "
           f"{says(at)}")
    yield ""
    yield "Kernel instructions of the isolated CPU per second (lab: virtual; of system calls, what an arm adds):"
    yield from table(known, case)
    yield ""
    yield (f"{at.best} takes {thousands(at.gap)} less than {at.second}: {100 * at.gap / case.ips:.2f} % of "
           f"{case.ips:,.0f} instructions a second (IPS=). The map may be wrong by {thousands(at.error)} there.")
    if at.winner:
        yield f"Without {at.winner}: {says(standing(known, case, (at.winner,)))}."
    yield "What would change the answer:"
    yield from changes(known, case)


def main():
    parser = argparse.ArgumentParser(prog="make advise", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, words in (("drains", "per second"), ("fills", "per second"), ("calls", "per second"),
                        ("model", "rt or lazy")):
        parser.add_argument(f"--{name}", required=True, help=words)
    parser.add_argument("--ips", default="", help=f"instructions per second (default: {IPS:,.0f})")
    parser.add_argument("--boots", type=pathlib.Path, help="a folder with workloads/map, in the place of results/")
    parser.error = boot.fail
    args = parser.parse_args()
    args.ips = args.ips or str(IPS)
    os.chdir(boot.ROOT)
    try:
        case = case_of(args)
        results = archive.unpacked()
        known = known_of(args.boots or results, results, case.model)
        check(known, case)
        print("\n".join(answer(known, case)))
    except (archive.ArchiveError, boot.UsageError) as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))


if __name__ == "__main__":
    main()
