# SPDX-License-Identifier: GPL-2.0-only
"""hotpaths.py against counts that are known."""

import pytest

from bench.report.facts import hotpaths, read
from bench.report.rendering.hotpaths import cause, cell_text
from bench.report.tests import synthetic


def path_of(folder):
    return hotpaths.read_folder(folder)["isolated", "fault"]


@pytest.mark.parametrize("outcomes, kernel", [
    ([(10, 100, 1, 0)], 100),
    ([(6, 110, 1, 0), (4, 100, 1, 0)], 100),
    ([(9, 110, 1, 0), (1, 100, 1, 0)], 110),
    ([(1, 10, 1, 0), (3, 120, 1, 0), (6, 130, 1, 0)], 120),
])
def test_the_least_that_three_in_ten_took_or_what_most_took(tmp_path, outcomes, kernel):
    path = path_of(synthetic.hotpaths(tmp_path, "none", outcomes))
    assert (path.kernel, path.of) == (kernel, 10)


def test_parts_of_a_function_are_one(tmp_path):
    functions = [("f", 10), ("f.cold", 5), ("f.isra.0", 1), ("g", 2)]
    assert path_of(synthetic.hotpaths(tmp_path, "none", [(10, 18, 0, 0)], functions=functions)).functions == {
        "f": 16, "g": 2}


def test_a_path_without_its_operation_is_unreadable(tmp_path):
    folder = synthetic.hotpaths(tmp_path, "none", [])
    with pytest.raises(read.Unreadable, match="not the operations"):
        hotpaths.read_folder(folder)


def test_a_failed_boot_is_named(tmp_path):
    synthetic.extra(tmp_path, "hotpath-plain", verdict="hang")
    cells, faults = hotpaths.read_lab(tmp_path / "virtual")
    assert cells == {("rt", "none"): {}} and faults == ["rt-none/hotpath-plain: hang: as planned"]


@pytest.mark.parametrize("arm, outcomes, text", [
    ("none", [(10, 60, 3, 0)], "−40, 0 context switches instead of 2 (−1)"),
    # Only none is compared at what it seldom met.
    ("none", [(17, 130, 5, 2), (3, 101, 4, 2)], "+30 (+1)"),
    ("none", [(17, 130, 5, 2), (3, 100, 4, 2)], "0, in 3 of 20"),
    ("none", [(12, 130, 5, 2), (8, 100, 4, 2)], "0"),
    ("qpw1", [(17, 130, 5, 2), (3, 100, 4, 2)], "+30 (+1), other phase"),
    ("qpw1", [(20, 130, 5, 2)], "+30 (+1)"),
    # What no three in ten took says in how many.
    ("qpw1", [(3, 130, 4, 2), *((1, 131 + number, 4, 2) for number in range(7))], "+30"),
    ("qpw1", [(2, 130, 4, 2), *((1, 131 + number, 4, 2) for number in range(8))], "+30, in 2 of 10"),
])
def test_a_path_beside_the_base_s(tmp_path, arm, outcomes, text):
    base = path_of(synthetic.hotpaths(tmp_path, "unpatched", [(20, 100, 4, 2)]))
    assert cell_text(path_of(synthetic.hotpaths(tmp_path, arm, outcomes)), base, arm) == text


@pytest.mark.parametrize("switches, other", [(2, True), (0, False)])
def test_a_phase_is_the_scheduler_s(tmp_path, switches, other):
    """Either kernel may have met both; without a context switch the difference is another's."""
    one = path_of(synthetic.hotpaths(tmp_path, "qpw1", [(17, 130, 5, switches), (3, 100, 4, switches)]))
    base = path_of(synthetic.hotpaths(tmp_path, "unpatched", [(20, 100, 4, switches)]))
    assert [hotpaths.other_phase(*pair) for pair in ((one, base), (base, one), (one, one))] == [other, other, False]


def test_cause_names_the_largest(tmp_path):
    base = path_of(synthetic.hotpaths(tmp_path, "unpatched", [(10, 9, 0, 0)], functions=[("a", 5), ("b", 4)]))
    more = [("a", 1), ("b", 4), ("c", 9), ("d", 2), ("e", 1), ("f", 1)]
    path = path_of(synthetic.hotpaths(tmp_path, "none", [(10, 18, 0, 0)], functions=more))
    assert cause(path, base, 3) == "c +9, a −4, d +2, others +2"
