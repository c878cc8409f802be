# SPDX-License-Identifier: GPL-2.0-only
"""Advice from a made-up map whose answers are known."""

import argparse

import pytest

from bench import boot
from bench.workloads.map import advise, figures, made_up, prices
from bench.workloads.map.made_up import MADE, cost_of, made


@pytest.fixture(autouse=True)
def made_up_arms(monkeypatch):
    made_up.stand_in(monkeypatch)


def asks(**words):
    return argparse.Namespace(**{"drains": "100", "fills": "1000", "calls": "0", "model": "rt", "ips": "1e9"} | words)


def known(found=None, calls=None, locks=None):
    found = made() if found is None else found
    fitted = figures.fits(found)
    return advise.Known(fitted, figures.curves(figures.errors(found, fitted), "rt"),
                        tuple(figures.missing(found, ["rt"])), calls or dict.fromkeys(MADE, 0), locks or {})


@pytest.mark.parametrize(("words", "line"), [
    ({"drains": "0"}, "DRAINS is 0, and must be more than 0"),
    ({"fills": "-3"}, "FILLS is -3, and must be more than 0"),
    ({"calls": "-1"}, "CALLS is -1, and must be 0 or more than 0"),
    ({"drains": "many"}, "DRAINS is 'many', not a number"),
    ({"drains": ""}, "DRAINS is '', not a number"),
    ({"fills": "nan"}, "FILLS is 'nan', not a number"),
    ({"ips": "inf"}, "IPS is 'inf', not a number"),
    ({"ips": "0"}, "IPS is 0, and must be more than 0"),
    ({"drains": "49"}, "DRAINS=49 is not on the map, which was measured from 50 to 1,000"),
    ({"fills": "10001"}, "FILLS=10001 is not on the map"),
    ({"model": "dynamic"}, "MODEL is 'dynamic'; known: rt, lazy")])
def test_what_makes_no_sense_is_refused_in_a_line(words, line):
    with pytest.raises(boot.UsageError, match=line.replace("(", r"\(")) as said:
        advise.case_of(asks(**words))
    assert "\n" not in str(said.value)


def test_advice_names_the_arm_that_takes_least():
    said = "\n".join(advise.answer(known(), advise.case_of(asks())))
    assert "1000 fills and 0 system calls a second: taker" in said
    assert said.splitlines()[4].split()[:2] == ["taker", advise.thousands(cost_of("taker", 100, 1000))]
    assert "Without taker: returner." in said
    assert "no other rate of drains or fills on this map" in said


def test_system_calls_can_turn_the_answer():
    paid = known(calls={"kworker": 0, "poster": 0, "taker": 100, "returner": 0})
    gap = cost_of("returner", 200, 2000) - cost_of("taker", 200, 2000)
    few, many = (advise.case_of(asks(drains="200", fills="2000", calls=str(calls)))
                 for calls in (0.9 * gap / 100, 1.1 * gap / 100))
    assert advise.standing(paid, few).winner == "taker"
    assert advise.standing(paid, many).best == "returner"
    wrong = figures.error_of(paid.errors, {arm: cost_of(arm, 200, 2000) for arm in MADE}, "taker", "returner", 2000)
    assert advise.standing(paid, few).error == pytest.approx(wrong, rel=0.01)
    turn = next(line for line in advise.changes(paid, few) if "system calls" in line)
    assert not [line for line in advise.changes(paid, few) if "no other rate" in line]
    assert turn.startswith("- from ") and turn.endswith(" on: returner")
    assert float(turn.split()[2].replace(",", "")) == pytest.approx(gap / 100, rel=0.03)


@pytest.mark.parametrize(("price", "line"), [
    (prices.Lock(20.0, True), "cached pages a second on, of all CPUs together: returner. taker adds 20.0 cycles"),
    (prices.Lock(20.0, False), ""), (None, "perhaps what taker adds to a cached page on other CPUs: make cycles")])
def test_advice_says_what_the_winner_costs_all_cpus(price, line):
    said = list(advise.changes(known(locks={"taker": price}), advise.case_of(asks())))
    about = [one for one in said if "cached page" in one]
    assert len(about) == bool(line) and line in "".join(about)
    if "from " in "".join(about):
        gap = cost_of("returner", 100, 1000) - cost_of("taker", 100, 1000)
        assert float(about[0].split()[2].replace(",", "")) == pytest.approx(gap / 20, rel=0.01)


def test_a_hole_is_named_where_it_matters_and_only_there():
    found = made()
    lost = (found["arm"] == "poster") & (found["drains"] == 1000) & (found["fills"] == 2000)
    holed = known(found[~lost])
    advise.check(holed, advise.case_of(asks(drains="60", fills="300")))
    with pytest.raises(boot.UsageError, match="a hole there: no boot of poster at 1000 drains and 2000 fills"):
        advise.check(holed, advise.case_of(asks(drains="300", fills="300")))


def test_nothing_is_said_of_what_lies_behind_a_hole():
    found, walk = made(), (60, 500, 900)
    paid = dict.fromkeys(MADE, 0) | {"taker": 1}
    # So many system calls that few drains do not make up for them.
    calls = (cost_of("kworker", 60, 2000) - cost_of("taker", 60, 2000)) * 1.5
    case = advise.case_of(asks(drains="60", fills="2000", calls=str(calls)))
    assert advise.turn(known(calls=paid), case, "drains", walk)[1] == "taker"
    lost = (found["arm"] == "poster") & (found["drains"] == 1000) & (found["fills"] == 2000)
    assert advise.turn(known(found[~lost], calls=paid), case, "drains", walk) is None


def test_without_a_held_out_point_nobody_knows_how_far_it_is_wrong_near_there():
    found = made()
    lost = figures.is_held_out(found) & (found["arm"] == "poster") & (found["fills"] == 10000)
    holed = known(found[~lost])
    for drains, fills in ((60, 300), (300, 1999), (300, 2000)):
        advise.check(holed, advise.case_of(asks(drains=str(drains), fills=str(fills))))
    with pytest.raises(boot.UsageError, match="how far the map is wrong there: no boot of poster at 50 drains"):
        advise.check(holed, advise.case_of(asks(drains="300", fills="2001")))
    near = advise.case_of(asks(drains="300", fills="1999"))
    assert advise.turn(holed, near, "fills", (2500, 9000)) is None


def test_without_enough_points_it_is_refused():
    found = made()
    few = found[(found["arm"] != "kworker") | (found["fills"] == 100)]
    with pytest.raises(boot.UsageError, match="too few points of kworker to fit"):
        advise.check(known(few), advise.case_of(asks(fills="100")))


def test_a_system_call_without_a_price_is_refused():
    with pytest.raises(boot.UsageError, match="what a system call takes under poster, returner"):
        advise.check(known(calls={"kworker": 0, "taker": 1}), advise.case_of(asks(calls="10")))


def test_no_boots_say_what_measures_them(tmp_path):
    with pytest.raises(boot.UsageError, match="has no boot of rt that ended well; make campaign WORKLOAD=map"):
        advise.known_of(tmp_path, tmp_path, "rt")


def test_a_cpu_that_is_too_slow_is_refused():
    with pytest.raises(boot.UsageError, match="no CPU can do that"):
        list(advise.answer(known(), advise.case_of(asks(fills="10000", ips="1000000"))))
