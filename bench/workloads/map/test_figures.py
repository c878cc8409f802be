# SPDX-License-Identifier: GPL-2.0-only
"""The map's figures, theory, prices and drawings, on small tables whose answers are known."""

import re

import numpy
import pandas
import pytest

from bench import workloads
from bench.report.facts import windows
from bench.workloads.map import figures, made_up, plot, prices, theory
from bench.workloads.map.made_up import MADE, cost_of, made


@pytest.fixture(autouse=True)
def made_up_arms(monkeypatch):
    made_up.stand_in(monkeypatch)


# ---- What was measured ----


def row(label, number, cpu, **counts):
    return {"workload": "map", "model": "rt", "arm": "kworker", "setting": "fills-100", "seed": 1, "label": label,
            "round": number, "cpu": cpu, "is_isolated": cpu == 1, **counts}


def tables(values):
    """Two windows of half a second; values: [(label, round, name, value)]."""
    counted = windows.complete(pandas.DataFrame([
        row("50 drains/s", 0, 0, kernel=77, switches=7), row("50 drains/s", 0, 1, **{
            "kernel": 1000, "switches": 6, "from_user/timer": 3, "from_kernel/timer": 1}),
        row("0 drains/s", 1, 1, kernel=400)]))
    sent = [row(label, number, 1) | {"name": name, "value": value} for label, number, name, value in values]
    return windows.Tables(pandas.DataFrame(), counted, pandas.DataFrame(sent).drop(columns=["cpu", "is_isolated"]))


SENT = [("50 drains/s", 0, name, value) for name, value in (
    ("length_ns", 500_000_000), ("drains", 25), ("fills", 50), ("fresh", 20), ("found", 19), ("items", 40))]


def test_points_are_rates_of_the_isolated_cpu():
    found = figures.points(tables(SENT))
    assert found[["drains", "fills", "kernel", "visits", "ticks", "fresh", "found", "items"]].to_numpy().tolist() == [
        [50, 100, 2000, 6, 8, 40, 38, 80]]


@pytest.mark.parametrize("unsaid", ["fills", "length_ns"])
def test_a_window_of_which_the_guest_did_not_say_what_it_is_is_left_out(unsaid):
    second = [("0 drains/s", 1, *one[2:]) for one in SENT]
    assert len(figures.points(tables(SENT + second))) == 2
    found = figures.points(tables(SENT + [one for one in second if one[2] != unsaid]))
    assert found["kernel"].tolist() == [2000]


def test_no_boots_are_no_points():
    empty = windows.Tables(pandas.DataFrame(), pandas.DataFrame(), pandas.DataFrame())
    found = figures.points(empty)
    assert found.empty and len(figures.missing(found, ["rt"])) == 4 * 3 * 4
    assert figures.fits(found).empty


def test_what_no_boot_has_is_missing():
    found = made()
    assert figures.missing(found, ["rt"]) == []
    lost = (found["arm"] == "taker") & (found["drains"] == 200) & (found["fills"] == 100)
    assert figures.missing(found[~lost], ["rt"]) == [("rt", "taker", 200, 100)]
    assert figures.missing(found[lost], ["lazy"])[0] == ("lazy", "kworker", 0, 100)


@pytest.mark.parametrize(("drains", "fills", "around"), [
    (50, 100, {(50, 100)}), (60, 100, {(50, 100), (200, 100)}),
    (300, 5000, {(200, 2000), (200, 10000), (1000, 2000), (1000, 10000)})])
def test_corners(drains, fills, around):
    assert set(figures.corners(drains, fills)) == around


# ---- Theory ----


def arrivals(drains, fills, count, seed=1):
    """A long row of arrivals: True is a fill."""
    return numpy.random.default_rng(seed).random(count) < fills / (drains + fills)


def simulated(drains, fills, count=200_000):
    """(visits at each request, visits in the next fill, items taken) per second, by walking through arrivals."""
    requests = later = items = 0
    cached, posted, dirty = [0, 0], False, False
    locked = (numpy.random.default_rng(2).random(count) < theory.LOCKED).astype(int)
    for is_fill, batch in zip(arrivals(drains, fills, count), locked, strict=True):
        if is_fill:
            cached[batch] = (cached[batch] + 1) % theory.BATCH
            later += posted
            dirty, posted = not posted, False
            fresh = True
        else:
            requests += fresh if requests or items else 1
            items += sum(cached)
            cached, posted, fresh = [0, 0], posted or dirty, False
            dirty = dirty and not posted
    return [number * (drains + fills) / count for number in (requests, later, items)]


@pytest.mark.parametrize(("drains", "fills"), [(100, 100), (50, 1000), (1000, 100)])
def test_theory_is_what_a_walk_through_random_arrivals_gives(drains, fills):
    requests, later, items = simulated(drains, fills)
    assert theory.at_each_request(drains, fills) == pytest.approx(requests, rel=0.03)
    assert theory.in_the_next_fill(drains, fills) == pytest.approx(later, rel=0.03)
    assert theory.taken(float(drains), float(fills)) == pytest.approx(items, rel=0.03)


def test_visits_that_come_close_share_a_tick():
    assert theory.restarts(1) == pytest.approx(1, rel=0.01)
    assert theory.restarts(1e6) == theory.HZ / theory.PERIODS
    assert theory.restarts(500) == pytest.approx(500 * (1 - numpy.exp(-1)))


def test_theory_is_of_these_kernels_and_this_guest():
    assert f"CONFIG_HZ_{theory.HZ}=y" in (workloads.ROOT / "kernel/base.config").read_text().splitlines()
    every = re.search(r"#define LOCKED_EVERY\s+(\d+)", (workloads.ROOT / "bench/workloads/map/map.c").read_text())
    assert 1 / int(every[1]) == theory.LOCKED


# ---- The fit ----


def test_a_fit_finds_what_each_arm_was_made_of():
    fitted = figures.fits(made())
    for arm, (when, terms) in MADE.items():
        one = fitted.loc["rt", arm]
        assert one["when"] == when
        assert {term: one[term] for term in figures.TERMS} == pytest.approx(
            {term: terms.get(term, 0) for term in figures.TERMS}, abs=2)


def test_residue_that_nobody_else_takes_is_no_term():
    found = made()
    assert {arm: figures.is_taken(found[found["arm"] == arm]) for arm in ("taker", "returner")} == {
        "taker": True, "returner": False}


def test_a_large_cost_may_be_off_by_its_root():
    found = made(seeds=(1,))
    found = found[(found["arm"] == "returner") & (found["drains"] == 200) & (found["fills"] != 2000)]
    found.loc[found["fills"] == 100, "kernel"] *= 1.1
    expected = (100 + 10000) / (100 / 8800 + 10000 / 8000)
    assert figures.fits(found).loc["rt", "returner"]["fill"] == pytest.approx(expected, rel=1e-6)


def test_held_out_points_are_in_no_fit_but_show_how_far_it_is_wrong():
    found = made()
    spoiled = found.copy()
    spoiled.loc[figures.is_held_out(found) & (found["arm"] == "returner"), "kernel"] *= 2
    pandas.testing.assert_frame_equal(figures.fits(found), figures.fits(spoiled))
    off = figures.held_out(spoiled, figures.fits(spoiled)).groupby("arm")["off"].agg(list)
    assert off["returner"] == pytest.approx([-0.5] * 3, abs=1e-3)
    assert off["taker"] == pytest.approx([0] * 3, abs=1e-3)


def test_too_few_points_are_no_fit():
    found = made()
    few = found[(found["arm"] != "kworker") | ((found["drains"] == 50) & (found["fills"] < 10000))]
    assert ("rt", "kworker") not in figures.fits(few).index
    assert ("rt", "taker") in figures.fits(few).index


def test_errors_are_of_differences_of_paired_boots():
    found = made(scatter=0.01)  # moves all arms of a seed alike
    wrong = figures.errors(found, figures.fits(found)).set_index(["one", "other", "fills"])["error"]
    apart = abs(cost_of("taker", 1000, 100) - cost_of("returner", 1000, 100))
    expected = 0.01 * numpy.sqrt(2 / 3) * apart / min(cost_of("taker", 1000, 100), cost_of("returner", 1000, 100))
    assert wrong["returner", "taker", 100] == pytest.approx(expected, rel=0.05)


# ---- Which arm takes least ----


FLAT = {("one", "two"): (numpy.log([100, 10000]), numpy.array([0.01, 0.03]))}


@pytest.mark.parametrize(("fills", "two", "winner"), [(100, 1011, "one"), (100, 1009, ""), (1000, 1021, "one"),
                                                      (1000, 1019, ""), (10000, 1029, "")])
def test_no_winner_where_the_error_exceeds_the_gap(fills, two, winner):
    assert figures.standing({"one": 1000, "two": two}, FLAT, fills).winner == winner


def test_what_is_counted_exactly_adds_no_error():
    total = {"one": 101_000, "two": 101_011}
    assert figures.standing(total, FLAT, 100).winner == ""
    assert figures.standing(total, FLAT, 100, by_map={"one": 1000, "two": 1011}).winner == "one"


def test_without_a_known_error_nobody_wins():
    at = figures.standing({"one": 1000, "three": 5000}, FLAT, 100)
    assert at.winner == "" and at.rivals == ("three",)


def test_verdicts_at_held_out_points():
    found = made()
    held = figures.is_held_out(found)
    said = figures.verdicts(found, figures.fits(found)).set_index("fills")
    assert set(said["winner"]) == {"taker"}
    # Measured close to the second, but predicted far from it.
    close = found.copy()
    close.loc[held & (found["arm"] == "kworker") & (found["fills"] == 10000), "kernel"] = 1.0001 * cost_of(
        "taker", 50, 10000)
    assert figures.verdicts(close, figures.fits(close)).set_index("fills")["winner"].to_dict() == {
        100: "taker", 2000: "taker", 10000: ""}


def test_a_map_has_its_corners_and_its_holes():
    found = made()
    whole = figures.surface(found, "rt", steps=5)
    assert len(whole) == 25 and whole["measured"].all() and set(whole["winner"]) == {"taker"}
    assert set(figures.surface(found, "rt", without=("taker",), steps=5)["best"]) == {"kworker", "returner"}
    lost = (found["arm"] == "poster") & (found["drains"] == 1000) & (found["fills"] == 10000)
    holed = figures.surface(found[~lost], "rt", steps=5).set_index(["drains", "fills"])
    assert not holed.loc[(1000, 10000), "measured"] and holed.loc[(1000, 10000), "winner"] == ""
    assert holed.loc[(50, 100), "measured"]
    lost = figures.is_held_out(found) & (found["arm"] == "poster") & (found["fills"] == 10000)
    blind = figures.surface(found[~lost], "rt", steps=5).set_index(["drains", "fills"])["measured"]
    assert not blind.loc[1000, 10000] and blind.loc[1000, 100]


def test_a_lock_pays_by_what_it_saves():
    fitted = figures.fits(made())
    rows = figures.pays(fitted, "rt", "taker", cycles=20, per_instruction=2, steps=3).set_index(["fills", "drains"])
    saved = min(cost_of(arm, 1000, 2000) for arm in MADE if arm != "taker") - cost_of("taker", 1000, 2000)
    assert rows.loc[(2000, 1000), "saved"] == pytest.approx(saved, rel=1e-3)
    assert rows.loc[(2000, 1000), "operations"] == pytest.approx(saved * 2 / 20, rel=1e-3)
    never = figures.pays(fitted, "rt", "returner", cycles=20, steps=3)
    assert (never["saved"] < 0).all() and (never["operations"] == 0).all()


@pytest.mark.filterwarnings("error")
def test_drawings_say_what_they_show(tmp_path):
    found = made()
    lost = (found["arm"] == "poster") & (found["drains"] == 1000) & (found["fills"] == 10000)
    for name, here in (("whole", found), ("holed", found[~lost]), ("bare", found[found["arm"] == "poster"])):
        maps = {"all": figures.surface(here, "rt", steps=7)}
        plot.surface(tmp_path / f"{name}.svg", "rt", maps, here)
        assert "<title>rt: which arm" in (tmp_path / f"{name}.svg").read_text()
    for arm in ("taker", "returner"):  # saves something, saves nothing
        plot.lock(tmp_path / "lock.svg", "rt", figures.pays(figures.fits(found), "rt", arm, 20, steps=3))
        assert "SPDX" in (tmp_path / "lock.svg").read_text()


# ---- Prices ----


def cycles_cell(cycles):
    """Three link orders of five processes that take so many cycles for each operation, and noisy ones of none."""
    runs = [[{"ops": {name: {"short/10": [0, 0, 10 * take]} for name, take in (("nothing", 0), (prices.CACHED, value))}}
             for _ in range(5)] for value in cycles]
    steps = {prices.CACHED: {"instructions": 1, "locked": 0, "functions": {}}}
    return [{"runs": one, "steps": steps} for one in runs]


@pytest.mark.parametrize(("cycles", "counts"), [((50, 51, 52), True), ((32.5, 51, 52), True),
                                                ((32, 51, 52), False)])
def test_a_lock_counts_only_if_link_orders_are_apart(monkeypatch, cycles, counts):
    monkeypatch.setattr(prices, "cell_of", lambda arm: arm)
    cells = {("rt", "unpatched"): cycles_cell((30, 31, 31)), ("rt", "taker"): cycles_cell(cycles)}
    found = prices.lock(cells, "rt", "taker")
    assert found.counts is counts and found.cycles == pytest.approx(20)
    assert prices.lock(cells, "lazy", "taker") is None


def test_a_lock_does_not_count_where_the_same_instructions_differ_as_much(monkeypatch):
    monkeypatch.setattr(prices, "cell_of", lambda arm: arm)
    cells = {("rt", "unpatched"): cycles_cell((30, 31, 31)), ("rt", "taker"): cycles_cell((50, 51, 52)),
             ("rt", "unpatched_again"): cycles_cell((40, 41, 41))}
    assert not prices.lock(cells, "rt", "taker").counts


def test_a_rounding_error_beside_the_edge_counts_as_the_edge():
    (least, *_, most), fills = figures.asked()
    assert figures.corners(least - 1e-9, fills[0]) == [(least, fills[0])]
    assert figures.corners(most + 1e-9, fills[-1]) == [(most, fills[-1])]
