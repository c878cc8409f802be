# SPDX-License-Identifier: GPL-2.0-only
"""What the front page says by the rules in plan.py, and what its short table marks; none of it is a verdict.

rows: cells of the lab that verdicts are about.
"""

import enum

from bench.report import plan
from bench.report.facts import frame
from bench.report.judgement import controls, stats


def change_of(rows, arm, key, base=plan.BASE, model=plan.SHORT_MODEL):
    """The difference of two arms over seeds, an Estimate or None."""
    return stats.difference(*(frame.column(rows, model, which, key) for which in (arm, base)))


Mark = enum.Enum("Mark", "POSTED WITHIN BEYOND OPEN")


def mark(rows, model, arm, key):
    """Is a difference to unpatched sure to matter, or not to? None where there is none."""
    change = change_of(rows, arm, key, model=model)
    if arm == plan.BASE or change is None or key not in plan.BY_KEY:
        return None
    if key.startswith(controls.COMPLETION) and controls.posts(rows, model, arm):
        return Mark.POSTED
    margin = plan.BY_KEY[key].margin
    if change.within(margin):
        return Mark.WITHIN
    return Mark.BEYOND if change.low > margin or change.high < -margin else Mark.OPEN


def least(rows, key):
    """(arm that has least of a figure, its median, the arms within the margin of that); None without a figure."""
    found = {arm: values.median() for arm in frame.ARMS
             if len(values := frame.column(rows, plan.SHORT_MODEL, arm, key))}
    if not found:
        return None
    best = min(found, key=found.get)
    changes = {arm: change_of(rows, arm, key, best) for arm in found if arm != best}
    return best, found[best], [arm for arm, change in changes.items()
                               if change and change.within(plan.BY_KEY[key].margin)]


def imposes_nothing(rows, arm):
    """Is what a drain adds, and what the arm adds without drains, shown to be no more than the margins?"""
    drains = frame.column(rows, plan.SHORT_MODEL, arm, "drains").median()
    for key in plan.SHORT_NOTHING:
        margin = plan.BY_KEY[key].margin
        added = stats.estimate(frame.column(rows, plan.SHORT_MODEL, arm, key))
        # A phase's total, as if all of it came of the drains of a storm.
        always = change_of(rows, arm, f"quiet/{key}")
        if not added or added.high > margin:
            return False
        if arm != plan.BASE and (not always or always.high > margin * drains):
            return False
    return True
