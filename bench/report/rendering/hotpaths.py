# SPDX-License-Identifier: GPL-2.0-only
"""The page of hot paths: what operations of everyday take in the kernel, and what an arm adds to them.

As a command it says in which functions an arm's instructions differ from unpatched's:
python3 -m bench.report.rendering.hotpaths MODEL-ARM [--operation "page fault"].
"""

import argparse
import pathlib
import sys

from bench import archive
from bench.report.facts import frame
from bench.report.facts.hotpaths import NO_OPERATION, beside, difference, equal, other_phase, read_cell
from bench.report.plan import BASE
from bench.report.rendering import markdown, tables

KINDS = {"isolated": "on the isolated CPU", "housekeeping": "on the housekeeping CPU beside it",
         "not isolated": "on a machine without isolated CPUs"}


def cause(path, base, most=4):
    """The functions that make up a difference, as text."""
    found = difference(path, base)
    shown = [f"{name} {markdown.signed(count)}" for name, count in list(found.items())[:most]]
    rest = sum(list(found.values())[most:])
    return ", ".join(shown) + (f", others {markdown.signed(rest)}" if rest else "")


def seldom(path):
    """How many took what the path says, if they are few."""
    return f", in {path.times} of {path.of}" if path.seldom else ""


def cell_text(path, base, arm):
    """An arm's path beside the base's, as a table has it."""
    if path is None:
        return "–"
    if base is None:
        return f"{path.kernel:,} ({path.atomics}){seldom(path)}"
    path = beside(path, base, arm)
    text = markdown.signed(path.kernel - base.kernel)
    if path.switches != base.switches:
        text += f", {path.switches} context switches instead of {base.switches}"
    if path.atomics != base.atomics:
        text += f" ({markdown.signed(path.atomics - base.atomics)})"
    return text + (", other phase" if other_phase(path, base) else "") + seldom(path)


def table(cells, model, kind, arms):
    """One kind of CPU under one model: a row per operation, a column per arm."""
    base = cells.get((model, BASE), {})
    names = [name for of, name in next(iter(cells.values())) if of == kind and name != NO_OPERATION]
    rows = [[name, *(cell_text(cells.get((model, arm), {}).get((kind, name)),
                               None if arm == BASE else base.get((kind, name)), arm) for arm in arms)]
            for name in names]
    return markdown.table([f"{model}, {kind}", *(f">{arm}" for arm in arms)], rows)


def causes(cells, model, arms, kind="isolated"):
    """Where the differences on one kind of CPU lie: a line per arm and operation."""
    base = cells.get((model, BASE), {})
    for arm in arms:
        for (of, name), path in cells.get((model, arm), {}).items():
            then = base.get((of, name))
            if of != kind or not then:
                continue
            path = beside(path, then, arm)
            if path.kernel != then.kernel:
                phase = " (other phase)" if other_phase(path, then) else ""
                yield (f"- {model} {arm}, {name}: {markdown.signed(path.kernel - then.kernel)}{phase}: "
                       f"{cause(path, then)}")


HOTPATHS = """\
Kernel instructions that one operation takes on its CPU, entry and exit included, counted one by one; in parentheses
the locked ones among them (LOCK prefix, or XCHG with memory). Column unpatched: the figure; other arms: what they add.
Each figure is the least that three in ten of 200 repetitions took, or else what most took, and then it says in how
many; the others met a full batch or an empty list of free pages, or went another way, as owner and kworker may share
the work. What a sleep takes hangs on the scheduler's phase too: "other phase" stands where one of two kernels has met
both figures. Only `none`, which is to be identical, is compared at unpatched's figure if it
has met exactly that. One boot a cell, as counts repeat (`make check-hotpaths` compares seeds). Nobody asks
for a drain.

`getppid` is one entry and exit; `interrupt` an interrupt of user mode; `page fault` and `madvise free` cache a folio;
`mlock`, `munlock`, `munmap` drain this CPU's caches themselves, on any kernel; `yield there, back` is two system
calls and two context switches. Where an owner drains before it returns to user mode, that is in the figure, with the
kworker's instructions if it waits for one.
"""


def part(lab, cells, faults):
    """What everyday operations take, and which arms add to it."""
    if not cells:
        return ""
    models, arms = sorted({model for model, _ in cells}), frame.in_order({arm for _, arm in cells})
    parts = [f"## Hot paths (lab: {lab})\n", HOTPATHS]
    if faults:
        parts.append("These enter no figure:\n\n" + "".join(f"- {fault}\n" for fault in faults))
    for model in models:
        same = {arm: equal(cells, model, arm) for arm in arms if arm != BASE}
        counts = [f"{arm} in {so_many} of {of} figures" for arm, (so_many, of) in same.items() if of]
        if counts:
            parts.append(f"{tables.MODEL_NAMES.get(model, model)}: as many instructions as unpatched, locked ones too: "
                         f"{'; '.join(counts)}.\n")
        for kind, where in KINDS.items():
            parts += [f"### {tables.MODEL_NAMES.get(model, model)}, {where}\n", table(cells, model, kind, arms)]
    lines = [line for model in models for line in causes(cells, model, arms)]
    if lines:
        parts.append(markdown.folded("In which functions they differ from unpatched, on the isolated CPU",
                                     "\n".join(lines) + "\n"))
    return "\n".join(parts)


# ---- Command line ----


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", type=pathlib.Path, help="folder of cells (default: those of results/virtual)")
    parser.add_argument("--operation", default="", help="only this one")
    parser.add_argument("cell", help="MODEL-ARM")
    args = parser.parse_args()
    lab = args.lab or archive.unpacked() / "virtual"
    model, _, _ = args.cell.partition("-")
    (paths, faults), (base, more) = (read_cell(sorted((lab / name).glob("hotpath-*")))
                                     for name in (args.cell, f"{model}-{BASE}"))
    if faults or more or not paths or not base:
        print("\n".join([*faults, *more]) or f"no hot paths of {args.cell} and {model}-{BASE} in {lab}; "
              "make campaign ONLY=hotpath counts them", file=sys.stderr)
        return 1
    for (kind, name), path in paths.items():
        then = base.get((kind, name))
        if then and name != NO_OPERATION and args.operation in ("", name):
            print(f"{kind:<13} {name:<17} {then.kernel:>6} {path.kernel - then.kernel:>+6}, locked {then.atomics:>3} "
                  f"{path.atomics - then.atomics:>+4}  {cause(path, then, 8)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
