# SPDX-License-Identifier: GPL-2.0-only
"""What was decided before the campaigns of the workloads: figures with margins, and which are judged.

The only place where they stand. METHOD.md shows them as a table (a unit test compares).
"""

import dataclasses

FIRST_SEED = 701
BOOTS = 12
CONTRASTS = 50  # at most: 2 / 2**12, the least p of twelve sign flips, must pass Holm's least level, 0.05 / (2 * 50)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure that gets verdicts: one number of a boot, less is better.

    column and how: of the windows of a label of the isolated CPU, or of the value that the guest sent if value is set.
    less: a label whose figure is taken off. margin: in the figure's unit.
    """

    key: str
    name: str
    workload: str
    setting: str
    label: str
    column: str
    how: str
    unit: str
    margin: float
    why: str
    less: str = ""


FIGURES = (
    Figure("spin/interruptions", "interruptions of user mode by a drain", "spin", "other", "drain", "interruptions",
           "mean", "per drain", 0.1, "one more in ten drains", "quiet"),
    Figure("spin/kernel", "kernel instructions of the isolated CPU by a drain", "spin", "other", "drain", "kernel",
           "mean", "per drain", 1000, "1 µs at one instruction per ns, 1/20 of the shortest published deadline (20 µs)",
           "quiet"),
)
