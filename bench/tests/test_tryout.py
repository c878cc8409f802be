# SPDX-License-Identifier: GPL-2.0-only
"""The quick try: its table from boots whose figures are known, and boots that are there or fail."""

import pytest

from bench import boot, tryout
from bench.report.facts import metrics
from bench.report.tests import synthetic


@pytest.fixture
def made(tmp_path):
    """Boots of two arms, with their figures; the second's requests take nothing of the isolated CPU."""
    calls = synthetic.counts(500)
    row = next(line["mark"] for line in calls if "mark" in line and line["mark"][0:3] == [4, 0, 1])
    row[synthetic.MARK.index("from_user/call_function")] = 2 * synthetic.DRAINS
    synthetic.boot(tmp_path, counts=calls)
    synthetic.boot(tmp_path, arm="qpw1", per_drain=0)
    return sorted(metrics.boots(tmp_path), key=lambda one: one.arm, reverse=True)


def test_what_a_drain_takes(made):
    said = tryout.say(made).splitlines()
    assert [line.split("  ")[0] for line in said[:2]] == ["A drain takes of the isolated CPU (rt):",
                                                          "it leaves user mode unasked, times"]
    cells = {" ".join(line.split()[:-2]): line.split()[-2:] for line in said[:6]}
    assert cells["it leaves user mode unasked, times"] == cells["IPI (function call)"] == ["2", "0"]
    assert cells["context switches"] == ["2", "0"]
    assert cells["kernel instructions imposed on it"] == ["500", "0"]
    assert cells["the requester's own kernel instructions"] == ["704", "704"]
    assert f"has {synthetic.DRAINS} drains" in said[7]


def test_a_boot_that_gave_nothing_is_named(made):
    made[1].verdict, made[1].why = "unreadable", "counts.jsonl: cut off"
    with pytest.raises(boot.UsageError, match=r"qpw1/seed-001: unreadable: counts.jsonl: cut off; remove that folder"):
        tryout.say(made)


def test_only_what_is_not_there_is_booted(monkeypatch):
    boots, booted = tryout.specs("rt", "qpw1"), []
    here = next(iter(boots))
    monkeypatch.setattr(boot, "is_done", lambda spec, folder: folder == here)
    monkeypatch.setattr(boot, "boot", lambda spec, folder: booted.append(folder) or ("panic", "Kernel panic"))
    assert [str(folder) for folder in boots] == ["build/try/virtual/rt-unpatched/seed-603",
                                                 "build/try/virtual/rt-qpw1/seed-603"]
    faults = list(tryout.run(boots))
    assert booted == [folder for folder in boots if folder != here]
    assert len(faults) == 1 and faults[0].startswith("rt-qpw1 seed 603: panic: Kernel panic; ")
