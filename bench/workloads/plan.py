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

    label, column: a row and a column of what the workload's figures.of() gives, in boots of a setting. less: a label
    whose figure is taken off. margin: in the figure's unit; why: for whom it matters.
    """

    key: str
    name: str
    workload: str
    setting: str
    label: str
    column: str
    unit: str
    margin: float
    why: str
    less: str = ""


MICROSECOND = "1 µs at one instruction per ns, 1/20 of the shortest published deadline (20 µs)"
FIGURES = (
    Figure("spin/interruptions", "user mode is left unasked", "spin", "other", "drain", "interruptions",
           "times per drain", 0.1, "one more in ten drains", "quiet"),
    Figure("spin/kernel", "the isolated CPU is in the kernel", "spin", "other", "drain", "kernel",
           "instructions per drain", 1000, MICROSECOND, "quiet"),
    Figure("loop/undrained", "a control loop's cycle, where nobody drains", "loop", "usual", "undrained", "mean",
           "instructions per cycle", 150, "1 % of what it takes under unpatched"),
    Figure("plain/fault", "a page fault on a CPU that is not isolated", "plain", "plain", "page fault", "own",
           "instructions", 23, "1 % of it, without the 4,096 that clearing the page counts"),
    Figure("requester/own", "what a request takes of who asks, 4 CPUs", "requester", "cpus-4", "user mode", "own",
           "instructions per request", 250, "5 % of what unpatched takes; the published effect is 12 % (C23)"),
    Figure("mpi/loss", "a rank's time in the kernel, with system calls, where nobody drains", "mpi", "usual",
           "with calls, quiet", "loss", "% of a quantum", 1,
           "the loss at which a strategy is called unfit for HPC (C03)"),
)
