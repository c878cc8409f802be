# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` has found about plugin and seeds, for RESULTS.md."""

import contextlib

from bench.report.judgement import instrument
from bench.report.rendering import markdown, words
from check import tapfile


def said(point, name):
    """A point's name, and with it what is not as it should be."""
    text = name if point.skipped is None else f"{name} (**skipped**: {point.skipped})"
    return text if point.passed else f"**not {text}**"


def held(points):
    """How many held; a skip has not."""
    return f"{sum(point.passed and point.skipped is None for point in points)} of {len(points)}"


def rows_of(path, what):
    """(a row with what held, and of that the figures; rows by kind with each point) of a check's TAP file."""
    every, kinds = tapfile.points(path), {}
    for point in every:
        kinds.setdefault(point.kind, []).append(point)
    # A skip or a failure is told at once, and so is what was measured, not just compared.
    told = [said(point, point.whole) for point in every
            if point.measured or not point.passed or point.skipped is not None]
    return ([what, held(every), "; ".join(told)],
            [[what, kind, held(points), "; ".join(said(point, point.name) for point in points)]
             for kind, points in kinds.items()])


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
