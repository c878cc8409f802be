# SPDX-License-Identifier: GPL-2.0-only
"""Hot paths: what operations of everyday take in the kernel, and what an arm adds to them.

Reads the boots LAB/CELL/hotpath-*.
"""

import dataclasses
import operator

from bench.report.facts import read
from bench.report.plan import BASE

SAME = "none"  # the arm that is to execute what the base does
counts_of = operator.itemgetter("kernel", "atomics", "switches")
NO_OPERATION = "nothing"  # what the marks around each operation take by themselves; shown nowhere, counted nowhere


@dataclasses.dataclass(frozen=True)
class Path:
    """What one repetition of an operation usually took on its CPU; bench/plugin/operations.h says what is usual.

    Others met a full batch, an empty list of free pages, a scheduler that balanced, a timer.

    kernel: instructions, atomics: locked ones among them; switches: context
    switches; times: how many of the `of` repetitions were like that;
    functions: {name: instructions}; met: {(kernel, atomics, switches): times} of
    all that at least three repetitions took.
    """

    kernel: int
    atomics: int
    switches: int
    times: int
    of: int
    functions: dict
    met: dict = dataclasses.field(default_factory=dict)

    @property
    def seldom(self):
        """Do fewer than three in ten agree, which would make it usual?"""
        return 10 * self.times < 3 * self.of

    @property
    def counts(self):
        return self.kernel, self.atomics, self.switches


def operations(folder):
    """({number: name}, {cpu: kind}) of the guest's lines."""
    names, kinds = {}, {}
    for line in read.json_lines(folder / "guest.jsonl"):
        if "op" in line:
            names[line["op"]] = line["name"]
        elif "hotpath" in line:
            kinds[line["cpu"]] = line["hotpath"]
    if not names or not kinds:
        raise read.Unreadable("guest.jsonl: no operations")
    return names, kinds


def read_folder(folder):
    """The paths of one boot as {(kind, operation): Path}; read.Unreadable if it failed or is not whole."""
    read.check_good(folder)
    names, kinds = operations(folder)
    header, *lines = read.json_lines(folder / "counts.jsonl")
    rows, functions = {}, {}
    for line in lines:
        if "op" in line:
            row = dict(zip(header["op"], line["op"], strict=True))
            rows.setdefault((row["cpu"], row["op"]), []).append(row)
        elif "function" in line:
            row = dict(zip(header["function"], line["function"], strict=True))
            here = functions.setdefault((row["cpu"], row["op"]), {})
            name = row["name"].partition(".")[0]  # of a function that the compiler split or cloned
            here[name] = here.get(name, 0) + row["instructions"]
    if rows.keys() != {(cpu, op) for cpu in kinds for op in names}:
        raise read.Unreadable("counts.jsonl: not the operations of guest.jsonl")
    found = {}
    for (cpu, op), outcomes in rows.items():
        repetitions = sum(row["times"] for row in outcomes)
        often = [row for row in outcomes if 10 * row["times"] >= 3 * repetitions]
        usual = min(often or outcomes, key=lambda row: (row["kernel"] if often else -row["times"]))
        if 10 * usual["times"] < repetitions:
            raise read.Unreadable(f"counts.jsonl: no tenth of the repetitions of {names[op]!r} took the same")
        where = functions.get((cpu, op), {})
        # An earlier plugin may have kept those of other repetitions.
        where = where if sum(where.values()) == usual["kernel"] else {}
        met = {counts_of(row): row["times"] for row in outcomes if row["times"] >= 3}
        found[kinds[cpu], names[op]] = Path(*counts_of(usual), usual["times"], repetitions, where, met)
    return found


def read_cell(folders):
    """(the paths of a cell, [what could not be read])."""
    paths, faults = {}, []
    for folder in folders:
        try:
            paths |= read_folder(folder)
        except read.Unreadable as error:
            faults.append(f"{folder.parent.name}/{folder.name}: {error}")
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"{folder.parent.name}/{folder.name}: a value is missing or of the wrong type: {error!r}")
    return paths, faults


def read_lab(lab):
    """({(model, arm): paths}, faults) of all cells in a lab's folder."""
    cells, faults = {}, []
    for cell in sorted({path.parent for path in lab.glob("*-*/hotpath-*")}):
        model, _, arm = cell.name.partition("-")
        cells[model, arm], wrong = read_cell(sorted(cell.glob("hotpath-*")))
        faults += wrong
    return cells, faults


def beside(path, base, arm):
    """A path as it is to be compared with the base's: usual with usual.

    But none executes what the base does, so is compared at the base's figure if it met exactly that too.
    """
    if arm == SAME and base.counts in path.met:
        return dataclasses.replace(path, kernel=base.kernel, atomics=base.atomics, switches=base.switches,
                                   times=path.met[base.counts], functions=base.functions)
    return path


def other_phase(path, base):
    """Do two paths with context switches differ, of which one kernel has met both?

    What a sleep takes hangs on when the scheduler last looked at its load, and
    that each kernel meets in another phase. A difference need not be the arm's then.
    """
    return (path.counts != base.counts and min(path.switches, base.switches) > 0
            and (base.counts in path.met or path.counts in base.met))


def difference(path, base):
    """{function: instructions} where a path and the base's differ, the largest first."""
    names = path.functions.keys() | base.functions.keys()
    found = {name: path.functions.get(name, 0) - base.functions.get(name, 0) for name in names}
    return {name: found[name] for name in sorted(found, key=lambda name: (-abs(found[name]), name)) if found[name]}


def equal(cells, model, arm):
    """How many paths of an arm that the tables show take what the base's take: (equal, of)."""
    base, paths = cells.get((model, BASE), {}), cells.get((model, arm), {})
    pairs = [(beside(paths[key], base[key], arm), base[key])
             for key in base.keys() & paths.keys() if key[1] != NO_OPERATION]
    return sum((path.kernel, path.atomics) == (then.kernel, then.atomics) for path, then in pairs), len(pairs)
