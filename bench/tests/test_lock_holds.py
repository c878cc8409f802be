# SPDX-License-Identifier: GPL-2.0-only
"""Holds and waits from rows of pcd_locks: columns what, cpu, lock, copy, clock, held, interrupts."""

import json
import pathlib
import types

import pytest

from bench import arms, boot, lock_holds
from bench.lock_holds import OWNER, REQUESTER


def seen(*rows):
    return lock_holds.seen([{"schema": 1}, *({"lock": list(row)} for row in rows), {"end": True}])


def test_a_hold_is_what_its_release_says():
    found = seen(("take", REQUESTER, "a", OWNER, 100, 0, 0), ("free", REQUESTER, "a", OWNER, 180, 60, 1))
    assert found.holds == {REQUESTER: [(60, 1)], OWNER: []}
    assert found.waits == {REQUESTER: [], OWNER: []}


def test_another_cpu_s_copy_is_not_looked_at():
    found = seen(("take", REQUESTER, "a", REQUESTER, 100, 0, 0), ("free", REQUESTER, "a", REQUESTER, 180, 60, 0))
    assert found == lock_holds.Seen()


def test_a_wait_is_what_the_holder_had_to_go_and_lasts_by_the_clock_until_the_lock_is_taken():
    found = seen(("take", REQUESTER, "a", OWNER, 100, 0, 0), ("meet", OWNER, "a", OWNER, 500, 20, 0),
                 ("free", REQUESTER, "a", OWNER, 9000, 60, 0), ("take", OWNER, "a", OWNER, 9500, 0, 0),
                 ("free", OWNER, "a", OWNER, 9600, 90, 0))
    assert found.waits == {REQUESTER: [], OWNER: [(40, 9000)]}
    assert found.holds == {REQUESTER: [(60, 0)], OWNER: [(90, 0)]}


def test_a_wait_goes_on_through_all_holds_that_it_meets():
    found = seen(("meet", REQUESTER, "a", OWNER, 100, 10, 0), ("free", OWNER, "a", OWNER, 200, 50, 0),
                 ("take", OWNER, "a", OWNER, 210, 0, 0), ("meet", REQUESTER, "a", OWNER, 300, 30, 0),
                 ("free", OWNER, "a", OWNER, 400, 100, 0), ("take", REQUESTER, "a", OWNER, 410, 0, 0))
    assert found.waits[REQUESTER] == [(40 + 70, 310)]


def test_a_hold_that_is_not_met_adds_nothing_to_a_wait():
    found = seen(("meet", REQUESTER, "a", OWNER, 100, 10, 0), ("free", OWNER, "a", OWNER, 200, 50, 0),
                 ("take", OWNER, "a", OWNER, 210, 0, 0), ("free", OWNER, "a", OWNER, 400, 100, 0),
                 ("take", REQUESTER, "a", OWNER, 410, 0, 0))
    assert found.waits[REQUESTER] == [(40, 310)]


def test_locks_are_told_apart():
    found = seen(("meet", OWNER, "a", OWNER, 100, 10, 0), ("free", REQUESTER, "b", OWNER, 150, 70, 0),
                 ("take", OWNER, "b", OWNER, 160, 0, 0), ("free", REQUESTER, "a", OWNER, 200, 50, 0),
                 ("take", OWNER, "a", OWNER, 300, 0, 0))
    assert found.waits[OWNER] == [(40, 200)]


def test_a_wait_that_the_phase_cuts_is_none():
    assert seen(("meet", OWNER, "a", OWNER, 100, 10, 0)).waits == {REQUESTER: [], OWNER: []}


def test_rank():
    assert lock_holds.rank([3, 1, 2], 0.5) == 2
    assert lock_holds.rank([1], 0.99) == 1
    assert lock_holds.rank(range(1, 201), 0.99) == 198


def test_rows():
    found = lock_holds.Seen()
    found.holds = {REQUESTER: [(50, 0), (70, 2), (60, 0)], OWNER: [(900, 1)]}
    found.waits = {REQUESTER: [], OWNER: [(7, 300), (9, 200)]}
    assert list(lock_holds.rows("rt-qpw", "storm", found)) == [
        ["rt-qpw", "storm", "requester", 3, 60, 70, 70, 1, "owner", 2, 9, 300],
        ["rt-qpw", "storm", "owner", 1, 900, 900, 900, 1, "requester", 0, None, None]]


def test_a_table_says_who_did_not_wait():
    assert lock_holds.table([["rt-qpw", "storm", None]]).splitlines()[-1] == "| rt-qpw | storm | - |"


WHOLE = {"arm": arms.example(), "seeds": 12, "models": boot.MODELS, "image": None, "keep": True}
ROW = ["rt-qpw", "storm", "owner", 1, 900, 900, 900, 1, "requester", 0, None, None]


@pytest.mark.parametrize("other", [{"seeds": 1}, {"arm": "none"}, {"models": ["rt"]}, {"keep": False},
                                   {"image": pathlib.Path("images/mine")}])
def test_only_a_whole_run_s_rows_are_kept(other, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lock_holds, "KEPT", tmp_path / "lock-holds.json")
    lock_holds.keep(types.SimpleNamespace(**WHOLE | other), [ROW])
    assert not lock_holds.KEPT.exists() and "stays as it is" in capsys.readouterr().out
    lock_holds.keep(types.SimpleNamespace(**WHOLE), [ROW])
    whole = lock_holds.KEPT.read_bytes()
    assert json.loads(whole)["rows"][0]["holder"] == "owner" and capsys.readouterr().out == ""
    lock_holds.keep(types.SimpleNamespace(**WHOLE | other), [])
    assert lock_holds.KEPT.read_bytes() == whole
