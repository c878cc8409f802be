# SPDX-License-Identifier: GPL-2.0-only
"""What a console says, where no suite but a program ran."""

import pytest

from kunit import judge


class Points:
    """Stands for a file of test points."""

    def __init__(self):
        self.failed = []

    def point(self, name, found):
        if found:
            self.failed.append(name)


@pytest.mark.parametrize("console, failed", [
    ("stress: minute 1\r\nstress: passed\r\nreboot: Restarting system\r\n", []),
    ("stress: failed: pages are still isolated\r\n", ["it ran: stress: passed"]),
    ("", ["it ran: stress: passed"]),
    ("BUG: KASAN: use-after-free\r\nstress: passed\r\n", ["it ran: the kernel complained of nothing"])])
def test_a_program_says_that_all_was_well(tmp_path, console, failed):
    path = tmp_path / "it ran.console"
    path.write_text(console)
    points = Points()
    judge.judge(points, path, "stress: passed")
    assert points.failed == failed
