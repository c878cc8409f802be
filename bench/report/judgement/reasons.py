# SPDX-License-Identifier: GPL-2.0-only
"""Why there is no verdict, what else belongs to one, what a control gave: as data. rendering/words.py has the words."""

import enum
import typing

# What can be said, and beside it what it is about.
Why = enum.Enum("Why", """
    NO_BOOTS NO_COUNT FEW_PAIRS NOT_ALIKE CONTROL_FAILED ALARMS CONTROLS_LACK SETTINGS_LACK
    LACKS DETECTS LEANS FAR MOVES
    NOT_RUN FEW_BOOTS DOSE_RUN DOSE RATE FAULTS
    UNCHECKED TORN OTHER_PROGRAMS OTHER_BOOTS SKIPPED
""")


class Reason(typing.NamedTuple):
    """about: what Why's words need; see there."""

    why: Why
    about: object = None
