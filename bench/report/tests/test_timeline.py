# SPDX-License-Identifier: GPL-2.0-only
"""timeline.py against traces that are known."""

import itertools
import re

import pytest

from bench import arms
from bench.report.facts import anatomy
from bench.report.rendering import timeline
from bench.report.tests import synthetic

COMPARED = [arm for arm in arms.names() if arms.fact(arm, "COMPARED")]
START = 100000
IPI, KWORKER = ("reschedule_entry", "reschedule_exit"), "kworker/1:0"


def scene(without=None, more=()):
    """A scene of synthetic.py without the events for which without() holds, and with more: (ns, event, its task)."""
    lines = synthetic.scene("user mode")
    moments = {line["moment"]: line["at"] for line in lines if "moment" in line}
    events = [e for e in (anatomy.event(line["trace"]) for line in lines if "trace" in line) if e]
    kept = [e for e in events if not (without and without(e))]
    added = [anatomy.Event(START + at, 1, task, name) for at, name, task in more]
    whole = anatomy.with_moments([*kept, *added], moments, 1)
    return anatomy.Scene("user mode", 1, whole, moments, {cpu: anatomy.spans(whole, cpu) for cpu in (0, 1)})


def interrupt(begin, end, name="local_timer"):
    return [(begin, "user_exit", "owner"), (begin, f"{name}_entry", "owner"), (end, f"{name}_exit", "owner"),
            (end, "user_enter", "owner")]


def is_asked_for(e):
    """Of the events that follow the request on the owner's CPU."""
    return e.cpu == 1 and START + 24000 < e.at < START + 34000


def labelled(of):
    """The labels of a scene that is alone in a figure: (pixel, text, is it an interruption?)."""
    seen, tail = timeline.looks({"one": of})
    return timeline.labels(seen["one"], timeline.place_of(of, timeline.axis_of(seen.values(), tail)))


def drawn(folder):
    """All texts of a figure, in the order in which they are drawn."""
    return re.findall(r"<!-- (.*) -->", (folder / timeline.FILE).read_text())[1:]


def cells(results, compared=COMPARED, **how):
    return {("rt", arm): synthetic.anatomy(results, arm, **how) for arm in compared}


def test_each_arm_has_a_row_with_the_length_of_each_pause(tmp_path):
    said = timeline.part(tmp_path, cells(tmp_path / "results"))
    texts = drawn(tmp_path)
    rows = [texts.index(arm) for arm in COMPARED]
    assert rows == sorted(rows)
    for begin, end in itertools.pairwise([*rows, len(texts)]):
        row = texts[begin:end]
        assert row[1] == arms.fact(row[0], "SAYS")
        assert {"owner", "requester", "1.5 µs", "IPI + kworker 8.0 µs", "0.2 µs", "once", "▲", "drain",
                "returns, the cache is drained"} <= set(row)
    for head in (*timeline.HEADS.values(), *timeline.KEY, "µs since the fill", "µs since the request", "interrupted"):
        assert texts.count(head) == 1
    assert "](results/figures/timeline.svg)" in said and "Not in it" not in said
    assert "not those without a trace" in said


def test_same_traces_same_bytes_at_githubs_width(tmp_path):
    found = cells(tmp_path / "results")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        timeline.part(tmp_path / name, found)
    one, other = ((tmp_path / name / timeline.FILE).read_bytes() for name in ("a", "b"))
    assert other == one
    assert float(re.search(rb'width="([\d.]+)pt"', one)[1]) <= 900 * timeline.PIXEL


def test_an_arm_without_a_trace_is_left_out_and_named(tmp_path):
    found = cells(tmp_path / "results", COMPARED[1:]) | cells(tmp_path / "results", COMPARED[-1:], lost=3)
    said = timeline.part(tmp_path, found)
    assert f"Not in it: {COMPARED[0]} (no trace)." in said
    assert f"Not in it: {COMPARED[-1]} (guest.jsonl: the trace of scene 'user mode' does not cover it)." in said
    assert [text for text in drawn(tmp_path) if text in COMPARED] == COMPARED[1:-1]


def test_no_trace_no_figure(tmp_path):
    assert timeline.part(tmp_path, {}) == ""
    assert timeline.part(tmp_path, {("lazy", COMPARED[0]): tmp_path}) == ""
    assert not (tmp_path / timeline.FILE).exists()


def test_ticks_that_lie_near_each_other_share_a_label():
    of = scene(is_asked_for, [*interrupt(60000, 63700), *interrupt(61000 + 4000, 69800)])
    assert [text for _, text, unasked in labelled(of) if unasked] == ["ticks 3.7, 4.8 µs"]
    far = scene(is_asked_for, [*interrupt(10000, 13000), *interrupt(84000, 85000)])
    assert [text for _, text, unasked in labelled(far) if unasked] == ["tick 3.0 µs", "tick 1.0 µs"]


def test_labels_do_not_overlap():
    of = scene(None, [at for begin in range(40000, 89000, 4000)
                      for at in interrupt(begin, begin + 1000, "local_timer" if begin % 8000 else "reschedule")])
    found = labelled(of)
    assert sum(len(re.findall(r"\d\.\d", text)) for _, text, _ in found) == 3 + 13
    for (one, short, _), (other, long, _) in itertools.pairwise(found[:4]):
        assert other - one >= timeline.CHARACTER * (len(short) + len(long)) / 2


def test_an_own_entry_says_that_it_holds_the_drain():
    of = scene(is_asked_for, [(1000, "pcd_drain_begin", "owner"), (1500, "pcd_drain_end", "owner")])
    of.events[:] = [e if not e.name.startswith("pcd_drain") else anatomy.Event(e.at, 1, "owner", e.name, "cpu=1")
                    for e in of.events]
    assert labelled(of)[0][1:] == ("1.5 µs with the drain", False)


@pytest.mark.parametrize("served, drained, said", [
    ("drained=0 posted=1 left=0", False, "only posted"), ("drained=0 posted=0 left=0", False, "nothing was left"),
    ("drained=1 posted=0 left=0", True, "cache is drained"), ("drained=0 posted=0 left=1", False, "returns"),
    (None, True, "cache is drained"), (None, False, "returns"),
])
def test_what_becomes_of_the_request(served, drained, said):
    of = scene(lambda e: e.name == "pcd_served" or (not drained and is_asked_for(e)))
    if served:
        of.events.append(anatomy.Event(START + 40000, 0, "requester", "pcd_served", served))
    outcome = timeline.outcome(timeline.looks({"one": of})[0]["one"])
    assert outcome.endswith(said) if said == "returns" else said in outcome


@pytest.mark.parametrize("count, said", [(0, "never"), (1, "once"), (2, "twice"), (3, "3 times")])
def test_interruptions_are_counted(count, said):
    assert timeline.times(count) == said


def test_all_arms_are_looked_at_equally_long():
    longer = scene(None, [(99500, "user_enter", "owner"), *interrupt(110000, 111000), (115000, "user_exit", "owner")])
    seen, tail = timeline.looks({"longer": longer, "shorter": scene()})
    assert tail == 9000
    assert [len(look.pauses) for look in seen.values()] == [3, 3]


@pytest.mark.parametrize("fill_takes", [1500, 19000])
def test_places_are_in_the_order_of_times_and_on_the_axis(fill_takes):
    of = scene(lambda e: e.at == START + 2000, [(500 + fill_takes, "user_enter", "owner")])
    seen, tail = timeline.looks({"one": of})
    assert seen["one"].pauses[0].end == START + 500 + fill_takes
    stretches = timeline.axis_of(seen.values(), tail)
    place = timeline.place_of(of, stretches)
    places = [place(e.at) for e in of.events]
    assert places == sorted(places)
    assert places[0] >= timeline.LEFT and places[-1] <= timeline.RIGHT
    ends = [of.moments[s.moment] + ns for s in stretches for ns in (s.begin, s.end) if ns is not None]
    assert ends == sorted(ends)
