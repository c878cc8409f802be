# SPDX-License-Identifier: GPL-2.0-only
"""What of the loop's parameters its program would only refuse after it had worked them off."""

SPIN_BLOCK = 448  # instructions of one of its blocks: bench/guest/spin.h
# What one takes at least: a system call takes 204 where its CPU is not isolated (LAZY, hot paths), and these do more.
LEAST = {"blocks": SPIN_BLOCK, "calls": 200}


def why_not(parameters, instruction_ns):
    """Why a boot need not be tried with these parameters, as a line, or None.

    The program refuses cycles of more than half a period (usual_cycle() in loop.c), but it measures that by running
    them all: as long as that takes nothing comes from it, and the lab takes it for a hang.
    """
    words = [str(parameters[name]) for name in ("period_us", *LEAST)]
    if not all(word.isdecimal() for word in words):
        return None  # that it refuses at once
    period_us, *given = map(int, words)
    for (name, instructions), number in zip(LEAST.items(), given, strict=True):
        most = period_us * 1000 // 2 // (instructions * instruction_ns)
        if number > most:
            return f"{name} is {number}: at most {most} of them fit into half of a period, period_us {period_us}"
    return None
