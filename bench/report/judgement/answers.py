# SPDX-License-Identifier: GPL-2.0-only
"""Which arm suits which user, by rules of bench/answers.toml that were fixed before the figures were made.

  [[user]]
  name, model     who, and under which preemption model
  [[user.step]]   figure (words of facts/evidence.py, with {model} and {arm}), less (words whose figure is taken off),
                  margin, says (with {}, the figure): an arm stays if its figure is within the margin of the least
  [[user.cost]]   figure, says: what it costs, beside the base arm's
  changes         what would change the answer

The steps are taken one after the other, each among the arms that the one before has left. Where a figure is missing,
the answer ends: what comes later cannot stand for what comes first.
"""

import dataclasses
import functools
import math
import pathlib
import tomllib

from bench import arms
from bench.report import plan
from bench.report.facts import evidence

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILE = ROOT / "bench/answers.toml"


@dataclasses.dataclass(frozen=True)
class Step:
    """What one step left. figures: {arm: number} of the arms that it looked at; left: who stays."""

    says: str
    margin: float
    figures: dict
    left: tuple

    @property
    def out(self):
        """The arms that it ruled out."""
        return tuple(arm for arm in self.figures if arm not in self.left)


@dataclasses.dataclass(frozen=True)
class Answer:
    """The arms that suit a user. steps: Step of each that could be taken; costs: [(says, {arm: number})]; missing: what
    could not be said, and what would make it."""

    user: dict
    arms: tuple
    steps: tuple
    costs: tuple
    missing: tuple


@functools.cache
def users():
    """All users as dicts, in the order of the page."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))["user"]


@functools.cache
def table():
    """The columns of the table of arms, as dicts: head, figure, less, unit."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))["column"]


def candidates():
    """The arms that are to be told apart."""
    return [arm for arm in arms.names() if arms.fact(arm, "COMPARED")]


def figure(known, said, model, arm):
    """The figure that a step, a cost or a column names, of one arm; evidence.Missing without it."""
    value = known.number(said["figure"].format(model=model, arm=arm))
    return value - known.number(said["less"].format(model=model, arm=arm)) if "less" in said else value


def take(known, step, model, among):
    """Step, among some arms; evidence.Missing if the figure of one is not there."""
    figures = {arm: figure(known, step, model, arm) for arm in among}
    least = min(figures.values(), default=math.nan)
    left = tuple(arm for arm in among if figures[arm] <= least + step["margin"])
    return Step(step["says"], step["margin"], figures, left)


def answer(known, user):
    """Answer; known: evidence.Evidence."""
    left, steps, costs, missing = tuple(candidates()), [], [], []
    for step in user["step"]:
        try:
            steps.append(take(known, step, user["model"], left))
            left = steps[-1].left
        except evidence.Missing as why:
            missing.append(str(why))
            break
    for cost in user.get("cost", ()):
        try:
            costs.append((cost["says"], {arm: figure(known, cost, user["model"], arm) for arm in (*left, plan.BASE)}))
        except evidence.Missing as why:
            missing.append(str(why))
    missing = list(dict.fromkeys(missing))
    return Answer(user, left if steps else (), tuple(steps), tuple(costs) if steps else (), tuple(missing))


def all_answers(known):
    """Answer for each user."""
    return [answer(known, user) for user in users()]
