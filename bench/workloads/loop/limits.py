# SPDX-License-Identifier: GPL-2.0-only
"""What of the loop's parameters its program would only refuse after it had worked them off."""

SPIN_BLOCK = 448  # instructions of one of its blocks: bench/guest/spin.h


def why_not(parameters, instruction_ns):
    """Why a boot need not be tried with these parameters, as a line, or None.

    The program refuses cycles of more than half a period (usual_cycle() in loop.c), but it measures that by running
    them all: as long as that takes nothing comes from it, and the lab takes it for a hang.
    """
    words = [str(parameters[name]) for name in ("period_us", "blocks")]
    if not all(word.isdecimal() for word in words):
        return None  # that it refuses at once
    period_us, blocks = map(int, words)
    most = period_us * 1000 // 2 // (SPIN_BLOCK * instruction_ns)
    if blocks <= most:
        return None
    return f"blocks is {blocks}: at most {most} of them fit into half of a period, period_us {period_us}"
