# SPDX-License-Identifier: GPL-2.0-only
"""The arms, in the order of all tables."""

from bench import arms

# In the order of the design, without the lab's controls; others follow.
ARMS = tuple(arm for arm in arms.names() if not arms.fact(arm, "CONTROL"))


def in_order(found):
    """Names of arms, the known ones first."""
    return [arm for arm in ARMS if arm in found] + sorted(set(found).difference(ARMS))
