# SPDX-License-Identifier: GPL-2.0-only
"""How long a check takes, as setup/stage.sh tells it of a stage, from the same files.

As long as last time on this machine, CACHE/times/NAME; else what setup/times
states, times how much longer than stated this machine took so far for what it
did for the first time: a line of CACHE/times/.first each, seconds taken and stated.
"""

import contextlib

from check import tapfile

STATED = tapfile.ROOT / "setup/times"


def numbers(path):
    """The numbers in a file, a list for each line; none if it is not there or torn."""
    with contextlib.suppress(OSError, ValueError):
        return [[float(word) for word in line.split()] for line in path.read_text().splitlines()]
    return []


class Times:
    """What this machine has measured is in a folder; None: nowhere."""

    def __init__(self, folder):
        self.folder = folder
        lines = [line.split() for line in STATED.read_text().splitlines() if line and not line.startswith("#")]
        self.stated = {name: float(seconds) for name, seconds in lines}

    def measured(self, name):
        """Seconds of the last time on this machine, or None."""
        found = numbers(self.folder / name) if self.folder else []
        return found[0][0] if found and found[0] else None

    def factor(self):
        """How many times as long as stated this machine takes for what it does for the first time."""
        pairs = [line for line in numbers(self.folder / ".first") if len(line) == 2] if self.folder else []
        return sum(took for took, _ in pairs) / sum(stated for _, stated in pairs) if pairs else 1

    def expected(self, name):
        """Seconds that it may take, or None if nothing is known of it."""
        found = self.measured(name)
        return found if found is not None or name not in self.stated else self.stated[name] * self.factor()

    def keep(self, name, seconds):
        """It took so long, on this machine."""
        if not self.folder:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.measured(name) is None and name in self.stated:
            with (self.folder / ".first").open("a") as first:
                first.write(f"{seconds:.1f} {self.stated[name]:g}\n")
        (self.folder / name).write_text(f"{seconds:.1f}\n")
