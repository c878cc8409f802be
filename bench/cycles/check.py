# SPDX-License-Identifier: GPL-2.0-only
"""Check that the cycles lab counts what it says: make check-cycles. Needs a few seconds of one CPU."""

import argparse
import pathlib
import shlex
import sys

from bench import archive
from bench.cycles import program, section
from bench.report.facts import strategies
from check import tapfile

# {cell: locked instructions of a lock operation}: RT's unpatched, and what variants say of theirs.
LOCKED = {program.Cell("rt", "unpatched"): 2,
          **{program.Cell(model, one["arm"]): locked for _, one in strategies.cycles()
             for model, locked in one.get("locked", {}).items()}}
CELLS = [program.Cell("lazy", "unpatched"), *LOCKED]
LOCK, TRYLOCK = "cache's lock, unlock", "cache's trylock, unlock"


def shape(step):
    return step["instructions"], step["locked"]


def same(steps, one, other):
    """Complaints: operations that two cells have and that do not take the same."""
    return [f"{name}: {shape(steps[one][name])} in {one}, {shape(steps[other][name])} in {other}"
            for name in steps[one].keys() & steps[other].keys()
            if shape(steps[one][name]) != shape(steps[other][name])]


def branches(steps):
    """Complaints: a static key does not change what the locks execute."""
    return [f"{cell.name}: {LOCK}, {TRYLOCK}: locked instructions {found}, not {locked} each"
            for cell, locked in LOCKED.items()
            if (found := (steps[cell.name][LOCK]["locked"], steps[cell.name][TRYLOCK]["locked"])) != (locked, locked)]


def counted(runs, steps):
    """Complaints: single steps and the PMU disagree. runs: {cell: output of `cycles`}."""
    found = section.counters({(cell,): [{"runs": [run], "steps": steps[cell]}] for cell, run in runs.items()})
    return [f"single steps and the PMU are {found[0]:.2f} instructions apart"] if found[0] > 0.05 else []


def chain(runs):
    """Complaints: what must take one cycle does not."""
    return [f"{cell}: an addition takes {run['chain'][0]} cycles" for cell, run in runs.items()
            if not 0.98 < run["chain"][0] < 1.05]


def plugin(steps, lab):
    """Complaints: functions whose instructions are not those that the plugin counts; None: there are no boots."""
    cells = {tuple(cell.split("-", 1)): [{"steps": step}] for cell, step in steps.items()}
    equal, unequal, _ = section.compare(cells, lab)
    return unequal if equal + len(unequal) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cc", required=True, help="the compiler and its options")
    parser.add_argument("--lab", type=pathlib.Path,
                        help="boots of the same kernels (default: those of results/virtual)")
    args = parser.parse_args()
    lab = args.lab or archive.unpacked() / "virtual"
    with tapfile.Writer("cycles") as tap:
        try:
            for image in {cell.image for cell in CELLS}:
                program.link(image, 1, shlex.split(args.cc))
            steps = {cell.name: program.steps(cell, 1) for cell in CELLS}
            runs = {cell.name: program.run(cell, 1, "cycles", "--loops", 20000) for cell in CELLS}
            for cell in CELLS:
                if not cell.arm.startswith("unpatched"):
                    program.run(cell, 1, "lines", "--cpu", 0, "--other", 1)
        except program.Failed as failed:
            tap.point("every operation runs in user space", [failed])
            return 1
        tap.point("every operation runs in user space")
        tap.point("none executes what unpatched does", same(steps, "lazy-none", "lazy-unpatched"))
        tap.point("with PREEMPT_RT a key changes no locked instruction, without it one", branches(steps))
        tap.point("no executed instruction is one that boot replaces",
                  [f"{cell}: {name}" for cell, step in steps.items() for name in step if step[name]["alternatives"]])
        if all(run["clock"] == "pmu" for run in runs.values()):
            tap.point("single steps and the PMU count the same instructions", counted(runs, steps))
            tap.point("a cycle is a cycle", chain(runs))
        else:
            tap.skip("single steps and the PMU count the same instructions", "no PMU in user mode on this host")
            tap.skip("a cycle is a cycle", "no PMU in user mode on this host")
        complaints = plugin(steps, lab)
        if complaints is None:
            tap.skip("instructions are the counting plugin's", f"no boots of hot paths in {lab}")
        else:
            tap.point("instructions are the counting plugin's", complaints)
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
