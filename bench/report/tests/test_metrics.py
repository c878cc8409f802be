# SPDX-License-Identifier: GPL-2.0-only
"""metrics.py against boots whose figures are known."""

import pytest

from bench.report.facts import metrics, read
from bench.report.tests import synthetic


def measure(tmp_path, **parts):
    return metrics.measure(read.read_boot(synthetic.boot(tmp_path, **parts)))


def test_taken_per_drain(tmp_path):
    figures = measure(tmp_path, per_drain=500)
    assert figures["drains"] == synthetic.DRAINS
    assert {key: figures[f"owner/{key}"] for key in ("kernel", "entries", "switches", "ipis", "timers", "works")} == {
        "kernel": 500, "entries": 1, "switches": 2, "ipis": 1, "timers": 0, "works": 1}


def test_causes_and_kinds_add_up(tmp_path):
    figures = measure(tmp_path, per_drain=500)
    causes = {key: value for key, value in figures.items() if key.startswith("cause/") and value}
    assert causes == {"cause/kworker": 500}
    assert sum(value for key, value in figures.items() if key.startswith("entry/")) == figures["owner/entries"]
    assert figures["quiet/cause/cyclictest: timer"] == figures["quiet/owner/kernel"] == 1000


def test_imposed_and_own_are_told_apart(tmp_path):
    made = synthetic.counts(500)
    row = next(line["mark"] for line in made if "mark" in line and line["mark"][0:3] == [4, 0, 1])
    for column, count in (("cause/owner/page_fault", 30), ("cause/cyclictest/syscall", 20), ("cause/owner/timer", 10)):
        row[synthetic.MARK.index(column)] = count
        row[3] += count
    figures = measure(tmp_path, counts=made)
    assert (figures["owner/imposed"], figures["owner/own"], figures["owner/kernel"]) == (501, 5, 506)
    assert {key: value for key, value in figures.items() if key.startswith("imposed/") and value} == {
        "imposed/kworker": 500, "imposed/owner: timer": 1}


def test_nothing_taken(tmp_path):
    figures = measure(tmp_path, arm="qpw1", per_drain=0)
    assert figures["owner/kernel"] == figures["owner/works"] == figures["storm/owner/works"] == 0
    assert figures["quiet/owner/timers"] == 10


def test_less_in_the_storm_is_negative(tmp_path):
    made = synthetic.counts(0, quiet=1000)
    row = next(line["mark"] for line in made if "mark" in line and line["mark"][0:3] == [4, 0, 1])
    row[3] -= 200
    assert measure(tmp_path, counts=made)["owner/kernel"] == -20


def test_request(tmp_path):
    figures = measure(tmp_path)
    assert figures["request/completion"] == 54.5
    assert figures["request/completion_max"] == 59
    assert figures["request/own"] == 704.5
    assert figures["others/kernel"] == 700


def test_items(tmp_path):
    figures = measure(tmp_path, arm="none")
    assert (figures["items/before"], figures["items/after"], figures["items/found"]) == (6, 0.5, 10)
    assert (figures["items/drained"], figures["items/posted"], figures["items/left"]) == (6, 0.5, 0)


def test_help_by_whatever_name(tmp_path):
    figures = measure(tmp_path, arm="none")
    assert (figures["help/strict"], figures["help/idle"]) == (0, 2)


def test_a_histogram_anywhere_in_a_line_is_no_pair(tmp_path):
    made = [line for line in synthetic.guest() if "stats" not in line]
    made.append({"stats": ["lru 1 requests 0 3:4 drained 60 posted 5 15:10 left 0 help_patience 10"]})
    figures = measure(tmp_path, arm="none", guest=made)
    assert (figures["items/drained"], figures["help/patience"]) == (6, 1)


def test_absolute_costs_per_fill(tmp_path):
    made = synthetic.counts(500)
    row = next(line["mark"] for line in made if "mark" in line and line["mark"][0:3] == [2, 0, 1])
    row[synthetic.MARK.index("cause/owner/page_fault")] += 300
    row[synthetic.MARK.index("cause/owner/timer")] += 200
    later = [line["mark"] for line in made if "mark" in line and line["mark"][0] in (3, 4) and line["mark"][2] == 1]
    for other in later:
        other[synthetic.MARK.index("cause/owner/page_fault")] += 300
        other[synthetic.MARK.index("cause/owner/timer")] += 200
    figures = measure(tmp_path, counts=made)
    assert (figures["fill/quiet_own"], figures["fill/quiet"], figures["fill/storm"]) == (3, 10, 60)


def test_no_facade_no_counters(tmp_path):
    figures = measure(tmp_path, arm="unpatched")
    assert "items/drained" not in figures and "items/before" in figures


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


def test_latencies(tmp_path):
    figures = measure(tmp_path)
    assert (figures["cyclictest/storm/p99"], figures["cyclictest/storm/max"]) == (40, 40)
    assert (figures["cyclictest/quiet/p99"], figures["cyclictest/quiet/overflow"]) == (6, 0)
