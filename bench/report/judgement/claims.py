# SPDX-License-Identifier: GPL-2.0-only
"""What became of each claim of the upstream debate.

A claim stands in the report.toml of the variant that it is about, or in bench/claims.toml:

  [[claim]]
  id, who, says, anchor     the claim, and what others have published
  rule                      how it is decided, in words, fixed before the figures were made
  kind, lab, command        how the figures came about: counted, cycles, checked or sampled; where; by which command
  figures.NAME              words of facts/evidence.py
  holds                     an expression over the names: does the claim hold?
  when.CONDITION            or several of them: it holds only under those conditions whose expression is true
  answered                  or, of a question: where the answer stands, if the figures are there
  open                      or: why nothing can be said, and what would be needed
"""

import dataclasses
import enum
import functools
import pathlib
import tomllib

from bench.report.facts import evidence, strategies

ROOT = pathlib.Path(__file__).resolve().parents[3]
GENERAL = ROOT / "bench/claims.toml"
NEEDED = ("id", "who", "says", "rule")


class Outcome(enum.StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    NOT = "does not hold"
    WHEN = "holds only when"
    ANSWERED = "answered"
    OPEN = "open"


@dataclasses.dataclass(frozen=True)
class Judged:
    """A claim and what became of it.

    figures: {name: number}; conditions: under which it holds; why: it is open, or where the answer is.
    """

    claim: dict
    outcome: Outcome
    figures: dict
    conditions: tuple = ()
    why: str = ""


@functools.cache
def every():
    """All claims as dicts, by number; ValueError if one lacks something or comes twice."""
    general = tomllib.loads(GENERAL.read_text(encoding="utf-8"))["claim"]
    found = [*general, *(one for name in strategies.names() for one in strategies.said(name).get("claim", ()))]
    for one in found:
        if lacks := [key for key in NEEDED if key not in one]:
            raise ValueError(f"claim {one.get('id', '?')}: no {', '.join(lacks)}")
        if sum(key in one for key in ("holds", "when", "answered", "open")) != 1:
            raise ValueError(f"claim {one['id']}: one of holds, when, answered and open, not more and not less")
    numbers = [one["id"] for one in found]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"claims that come twice: {', '.join(sorted({n for n in numbers if numbers.count(n) > 1}))}")
    return sorted(found, key=lambda one: one["id"])


def true(expression, figures):
    """Is an expression over named figures true?"""
    # The expressions are this repository's own. They see the figures, and two functions.
    return bool(eval(expression, {"__builtins__": {}, "min": min, "max": max}, dict(figures)))


def judge(claim, known):
    """Judged; known: evidence.Evidence."""
    if "open" in claim:
        return Judged(claim, Outcome.OPEN, {}, why=claim["open"])
    figures = {}
    try:
        for name, words in claim.get("figures", {}).items():
            figures[name] = known.number(words)
    except evidence.Missing as missing:
        return Judged(claim, Outcome.OPEN, figures, why=str(missing))
    if "answered" in claim:
        return Judged(claim, Outcome.ANSWERED, figures, why=claim["answered"])
    if "holds" in claim:
        return Judged(claim, Outcome.HOLDS if true(claim["holds"], figures) else Outcome.NOT, figures)
    met = tuple(condition for condition, test in claim["when"].items() if true(test, figures))
    outcome = Outcome.HOLDS if len(met) == len(claim["when"]) else Outcome.WHEN if met else Outcome.NOT
    return Judged(claim, outcome, figures, met)


def all_judged(known):
    """Judged of each claim, by number."""
    return [judge(claim, known) for claim in every()]
