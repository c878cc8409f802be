# SPDX-License-Identifier: GPL-2.0-only
"""anatomy.py against a trace that is known."""

import pytest

from bench.report.facts import anatomy, read
from bench.report.rendering.anatomy import listing
from bench.report.tests import synthetic


@pytest.fixture
def scene(tmp_path):
    return anatomy.read_scenes(synthetic.anatomy(tmp_path))[0]


def since(scene, spans):
    return [(begin - 100000, end - 100000, name) for begin, end, name in spans]


def test_who_ran_on_the_isolated_cpu(scene):
    assert since(scene, scene.spans[1])[1:] == [
        (500, 2000, "owner, kernel"), (2000, 25000, "owner, user mode"), (25000, 25500, "owner, kernel"),
        (25500, 26000, "interrupt"), (26000, 27000, "owner, kernel"), (27000, 32000, "kworker"),
        (32000, 33000, "owner, kernel"), (33000, 90500, "owner, user mode"), (90500, 90700, "owner, kernel"),
        (90700, 91000, "owner, user mode")]


def test_what_took_the_owner_out_of_user_mode(scene):
    found = anatomy.pauses(scene)
    assert [(pause.begin - 100000, pause.end - 100000, pause.own, pause.interrupts) for pause in found] == [
        (500, 2000, True, []), (25000, 33000, False, ["reschedule"]), (90500, 90700, True, [])]
    assert since(scene, found[1].spans)[3] == (27000, 32000, "kworker")


def test_a_longer_look_has_what_comes_later(tmp_path):
    folder = synthetic.anatomy(tmp_path)
    short, long = (anatomy.read_scenes(folder, after)[0].events[-1].at for after in (1000, 9000))
    assert (short, long) == (191000, 199000)


def test_the_requester_waits_while_it_sleeps(scene):
    spans = since(scene, anatomy.requester_spans(scene))
    assert spans[1:4] == [(20000, 22000, "kernel"), (22000, 38000, None), (38000, 41000, "kernel")]
    assert spans[4][2] == "user mode"


def test_who_drained(scene):
    assert since(scene, anatomy.drain_bars(scene)) == [(28000, 30000, "kworker")]


def test_upstreams_work_is_a_drain(tmp_path):
    work = "work struct 0: function lru_add_drain_per_cpu"
    events = [anatomy.Event(10, 1, "kworker/1:0", "workqueue_execute_start", work),
              anatomy.Event(20, 1, "kworker/1:0", "workqueue_execute_end", work)]
    assert anatomy.drain_bars(anatomy.Scene("", 1, events, {}, {})) == [(10, 20, "kworker")]


def test_listing_has_all_in_order(scene):
    text = listing("title", [scene])
    assert "    +8.0  CPU 1  kworker/1:0    drain begin: class=lru cpu=1" in text
    assert "   −20.0  CPU 1  owner          owner is about to touch a new page" in text
    assert text.index("asks for a drain") < text.index("queues work pcd_work_fn on CPU 1") < text.index("goes on")
    assert text.index("it has returned") > text.index("served: class=lru drained=1")


@pytest.mark.parametrize("damage, lost, why", [
    (lambda lines: [line for line in lines if line.get("moment") != "request"], 0, "has no request"),
    (lambda lines: [*lines, {"trace": "CPU:1 [LOST 3 EVENTS]"}], 0, "no event"),
    (lambda lines: lines[: len(lines) // 2], 0, "scenes"),
    (list, 3, "does not cover"),
])
def test_what_is_not_whole_is_refused(tmp_path, damage, lost, why):
    made = [{"cpus": 2, "isolated": 1}, *synthetic.scene("user mode", lost=lost), *synthetic.scene("system call")]
    folder = synthetic.extra(tmp_path, "anatomy", guest=damage(made))
    with pytest.raises(read.Unreadable, match=why):
        anatomy.read_scenes(folder)
