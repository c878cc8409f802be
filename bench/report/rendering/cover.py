# SPDX-License-Identifier: GPL-2.0-only
"""The cover letter of a variant's series of patches, from its pages and the results: plain text, subject first.

  python3 -m bench.report.rendering.cover [--out FILE] VARIANT
"""

import argparse
import contextlib
import textwrap

from bench import archive, arms
from bench.report import plan
from bench.report.facts import evidence, frame, metrics, strategies
from bench.report.judgement import answers, claims
from bench.report.rendering import answers as page
from bench.report.rendering import claims as told
from bench.report.rendering.mail import WIDTH, section, wrap

COLUMN = 16  # of a mail's, one arm's figures
PROBLEM = """\
Linux keeps per-CPU caches. When another CPU needs one emptied, a kworker interrupts whatever runs there. On isolated \
(nohz_full) CPUs that is noise, which real-time and HPC users cannot have."""
LAB = """\
Counted in QEMU with one instruction per nanosecond, where each boot repeats to the byte. Instructions and events are \
those of the isolated CPU, medians over boots. That lab knows no cache misses and no price of an interrupt, and never \
runs two CPUs at once: it cannot show contention or time."""
TESTS = """\
The last patch has the suite: who drains in each state of the owner, nothing lost or drained twice, unplug and a \
change of isolation under load. Bugs planted on purpose turn each of its tests red. It ran under lockdep, KASAN and \
multi-threaded TCG, with owners in user mode; the protocol was also checked as a Promela model."""


def figures(known, name):
    """A line for each column of page one's table, arm by arm, beside the base's."""
    shown = [plan.BASE, *(arm for arm in answers.candidates() if arms.fact(arm, "KERNEL") == name)]
    if len(shown) == 1:
        return ""
    first = WIDTH - COLUMN * len(shown)

    def row(head, cells):
        return f"{head:<{first}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)

    lines = [row("PREEMPT_RT", shown)]
    for column in answers.table():
        cells = [page.cell(known, column, arm).partition(" (")[0].removesuffix(" in all") for arm in shown]
        *more, last = textwrap.wrap(column["head"] + f" ({plan.BASE}: in all)" * column.get("added", False), first - 2)
        lines += [*more, row(last, cells)]
    return "\n".join(lines)


def objections(known, name):
    """What was said of it on the lists, and what came of that here."""
    found = [claims.judge(claim, known) for claim in strategies.said(name).get("claim", ())]
    return "\n".join(wrap(f"{one.claim['says']} ({one.claim['who']}): {told.verdict(one)}"
                          f"{f' [{told.figures(one)}]' if one.figures else ''}", "- ", "  ") for one in found)


def against(name):
    """What can be said against it, by a section of its page; empty without that."""
    with contextlib.suppress(ValueError):
        return section(name, "Objections")
    return ""


def part(title, text):
    """Text under a title, or nothing if there is no text."""
    return text and f"{title}:\n\n{text}"


def letter(known, name):
    """The letter: subject, an empty line, paragraphs."""
    buts = "\n".join(wrap(f"{arm}: {but}", "- ", "  ") for arm, but in strategies.said(name).get("but", {}).items())
    parts = [wrap(PROBLEM), section(name), wrap(LAB), figures(known, name), part("What it costs", buts),
             part("What its clients must know, and what it cannot do", section(name, "Constraints")),
             part("What can be said against it", against(name)),
             part("What was said of it, and what was found", objections(known, name)), wrap(TESTS)]
    return f"mm: drain per-CPU caches of isolated CPUs by {name}\n\n" + "\n\n".join(filter(None, map(str.strip, parts)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=strategies.names())
    parser.add_argument("--out", type=argparse.FileType("w", encoding="utf-8"), default="-", help="default: print it")
    args = parser.parse_args()
    results = archive.unpacked()
    runs = frame.labs(frame.of(metrics.boots(results)))
    print(letter(evidence.Evidence(results, runs.get(plan.JUDGED_LAB)), args.variant), file=args.out)


if __name__ == "__main__":
    main()
