# SPDX-License-Identifier: GPL-2.0-only
"""metrics.py against boots whose figures are known."""

import pytest

from bench.report.facts import metrics, read
from bench.report.tests import synthetic


def measure(tmp_path, **parts):
    return metrics.measure(read.read_boot(synthetic.boot(tmp_path, **parts)))


def row(made, number):
    """The isolated CPU's row of a mark."""
    return next(line["mark"] for line in made if "mark" in line and line["mark"][:3] == [number, 0, 1])


NO_FACADE = [line for line in synthetic.guest() if "stats" not in line]
# A histogram anywhere in a line is no pair.
HISTOGRAM = [*NO_FACADE, {"stats": ["lru 1 requests 0 3:4 drained 60 posted 5 15:10 left 0 help_patience 10"]}]


@pytest.mark.parametrize("parts, expected", [
    ({"per_drain": 500}, {"drains": synthetic.DRAINS, "owner/kernel": 500, "owner/entries": 1, "owner/switches": 2,
                          "owner/ipis": 1, "owner/timers": 0, "owner/works": 1}),
    ({"arm": "qpw1", "per_drain": 0}, {"owner/kernel": 0, "owner/works": 0, "storm/owner/works": 0,
                                       "quiet/owner/timers": 10}),
    ({}, {"request/completion": 54.5, "request/completion_max": 59, "request/own": 704.5, "others/kernel": 700}),
    ({"arm": "none"}, {"items/before": 6, "items/after": 0.5, "items/found": 10, "items/drained": 6,
                       "items/posted": 0.5, "items/left": 0}),
    ({"arm": "none"}, {"help/strict": 0, "help/idle": 2}),
    ({"arm": "none", "guest": HISTOGRAM}, {"items/drained": 6, "help/patience": 1}),
    ({"arm": "unpatched"}, {"items/drained": None, "items/before": 6}),
    ({}, {"cyclictest/storm/p99": 40, "cyclictest/storm/max": 40, "cyclictest/quiet/p99": 6,
          "cyclictest/quiet/overflow": 0}),
], ids=["taken per drain", "nothing taken", "request", "items", "help by whatever name", "histogram", "no facade",
        "latencies"])
def test_figures(tmp_path, parts, expected):
    figures = measure(tmp_path, **parts)
    assert {key: figures.get(key) for key in expected} == expected


def test_causes_and_kinds_add_up(tmp_path):
    figures = measure(tmp_path, per_drain=500)
    causes = {key: value for key, value in figures.items() if key.startswith("cause/") and value}
    assert causes == {"cause/kworker": 500}
    assert sum(value for key, value in figures.items() if key.startswith("entry/")) == figures["owner/entries"]
    assert figures["quiet/cause/cyclictest: timer"] == figures["quiet/owner/kernel"] == 1000


def test_imposed_and_own_are_told_apart(tmp_path):
    made = synthetic.counts(500)
    storm = row(made, 4)
    for column, count in (("cause/owner/page_fault", 30), ("cause/cyclictest/syscall", 20), ("cause/owner/timer", 10)):
        storm[synthetic.MARK.index(column)] = count
        storm[3] += count
    figures = measure(tmp_path, counts=made)
    assert (figures["owner/imposed"], figures["owner/own"], figures["owner/kernel"]) == (501, 5, 506)
    assert {key: value for key, value in figures.items() if key.startswith("imposed/") and value} == {
        "imposed/kworker": 500, "imposed/owner: timer": 1}


def test_less_in_the_storm_is_negative(tmp_path):
    made = synthetic.counts(0, quiet=1000)
    row(made, 4)[3] -= 200
    assert measure(tmp_path, counts=made)["owner/kernel"] == -20


def test_absolute_costs_per_fill(tmp_path):
    made = synthetic.counts(500)
    for number in (2, 3, 4):
        row(made, number)[synthetic.MARK.index("cause/owner/page_fault")] += 300
        row(made, number)[synthetic.MARK.index("cause/owner/timer")] += 200
    figures = measure(tmp_path, counts=made)
    assert (figures["fill/quiet_own"], figures["fill/quiet"], figures["fill/storm"]) == (3, 10, 60)


def test_no_drains_gives_no_figure_per_drain(tmp_path):
    guest = [line for line in synthetic.guest() if "due_ns" not in line]
    next(line for line in guest if line.get("phase") == "storm")["requests"] = 0
    made = [line for line in synthetic.counts(0) if "request" not in line or "mark" in line]
    figures = measure(tmp_path, guest=guest, counts=made)
    assert figures["drains"] == 0 and "owner/kernel" not in figures and "request/own" not in figures
    assert figures["quiet/owner/kernel"] == 1000


@pytest.mark.parametrize("share, expected", [(0.5, 4), (0.8, 4), (0.81, 6), (0.95, 6), (0.951, 40), (0.99, 77)])
def test_percentile_counts_the_overflow(share, expected):
    result = {"histogram": {4: 80, 6: 15, 40: 3}, "cycles": 100, "max": 77}
    assert metrics.percentile(result, share) == expected


def test_interrupts_off(tmp_path):
    boot = read.read_boot(synthetic.boot(tmp_path))
    found = metrics.measure(boot)
    assert (found["irqs_off/quiet"], found["irqs_off/storm"], metrics.where_irqs_off(boot)) == (900, 900, "__schedule")
    boot.counts.irqs_off = {}
    assert "irqs_off/storm" not in metrics.measure(boot) and metrics.where_irqs_off(boot) == ""
