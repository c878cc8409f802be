# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of bench.lab_questions, on boots made up here."""

import types

import pandas

from bench import lab_questions
from bench.report.facts import metrics, windows


def test_refills_are_the_faults_that_take_far_more_than_the_median():
    cycles = pandas.DataFrame({"round": [3, 1, 2, 4], "cause/owner/page_fault": [6000.0, 6100, 6200, 37000]})
    assert lab_questions.refills(cycles) == [(4, 30850)]


def test_a_wait_is_a_pair_of_switches_that_no_wake_up_explains(monkeypatch):
    monkeypatch.setattr(metrics, "measure", lambda _: {"quiet/owner/switches": 206,
                                                       "quiet/cause/cyclictest: syscall": 5})
    latency = {"histogram": {4: 98, 40: 1, 41: 1}, "max": 41}
    boot = types.SimpleNamespace(guest={"cyclictest": {"quiet": latency}}, manifest={"workload": {"phase_ms": 100}})
    assert lab_questions.waits(boot) == {"wake-ups": 100, "waits": 3, "late": 1, "longest": 41, "own instructions": 5}


def test_ticks_are_means_over_the_drains_of_a_boot():
    who = {"workload": "spin", "model": "rt", "arm": "none", "setting": "other", "seed": 1, "is_isolated": True}
    count = {"from_user/timer": 2.0, "calls/tick_nohz_handler": 1.0, "calls/hrtick": 1.0}
    found = pandas.DataFrame([
        who | count | {"label": "drain", "kernel": 100.0, "cause/owner/timer": 40.0},
        who | count | {"label": "drain", "kernel": 200.0, "cause/owner/timer": 60.0, "calls/tick_nohz_handler": 2.0},
        who | count | {"label": "quiet", "kernel": 7.0, "cause/owner/timer": 0.0}])
    row = lab_questions.ticks(windows.Tables(pandas.DataFrame(), found, pandas.DataFrame())).loc[("rt", "none", 1)]
    assert (row["kernel"], row["in timer interrupts"], row["ticks"]) == (150, 50, 1.5)
