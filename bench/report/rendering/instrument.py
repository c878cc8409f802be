# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` has found about plugin and seeds, for RESULTS.md."""

import contextlib

from bench.report import plan
from bench.report.judgement import instrument
from bench.report.rendering import markdown, words
from check import tapfile


def rows_of(path, what):
    """(a row with what held, and of that the figures; rows by kind with each point) of a check's TAP file.

    A kind is what stands before a point's colon; a skip has not held.
    """
    def held(points):
        return f"{sum(passed and '(**skipped**' not in name for name, passed in points)} of {len(points)}"

    every, groups = tapfile.points(path), {}
    for name, passed in every:
        group, colon, rest = name.partition(": ")
        groups.setdefault(group if colon else "", []).append((rest if colon else name, passed))
    # A skip or a failure is told at once, and so is what was measured, not just compared.
    told = [name if passed else f"**not {name}**" for name, passed in every
            if not passed or "(**skipped**" in name or any(word in name for word in plan.MEASURED)]
    return ([what, held(every), "; ".join(told)],
            [[what, group, held(points), "; ".join(name if passed else f"**not {name}**" for name, passed in points)]
             for group, points in groups.items()])


def standing(name, doubt):
    """Whether a check vouches for these boots."""
    command = f"make {'again' if name == 'again' else 'instrument'}"
    return (f"{words.reason(doubt)}, run `{command}`" if doubt
            else f"checked with these boots' plugin, QEMU and guest (`{command}`)")


def unchecked(kept, boots):
    """What of CHECKS says nothing of these boots, and how to get it: texts."""
    found = {name: instrument.doubt(kept, boots, name) for name in instrument.CHECKS}
    return [f"{instrument.CHECKS[name]}: {standing(name, doubt)}" for name, doubt in found.items() if doubt]


def part(kept, boots):
    """The section; kept: the folder of what checks gave; boots: of the lab that verdicts are about."""
    checks, kinds, notes = [], [], []
    for name, what in instrument.CHECKS.items():
        doubt = instrument.doubt(kept, boots, name)
        text = f"{what}: {standing(name, doubt)}"
        notes.append(f"**{text}**" if doubt else text)
        with contextlib.suppress(OSError, UnicodeDecodeError):
            row, by_kind = rows_of(kept / "instrument" / f"{name}.tap", what)
            checks.append(row)
            kinds += by_kind
    text = (f"### The instrument\n\n{'; '.join(notes)}. No known count holds work items, exceptions, NMIs and devices' "
            "interrupts.\n\n")
    return text + (markdown.table(["what was checked", "held", "figures, and what did not hold"], checks) + "\n"
                   + markdown.folded("Each point", markdown.table(["", "kind", "held", "points"], kinds))
                   if checks else "")
