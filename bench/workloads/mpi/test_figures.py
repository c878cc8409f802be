# SPDX-License-Identifier: GPL-2.0-only
"""Figures of the MPI workload from small tables whose answers are known."""

import math

import numpy
import pandas
import pytest

from bench.report.facts import windows
from bench.workloads.mpi import figures, page

GRAIN = 10_000


def boot(arm="unpatched", seed=1, setting="usual", model="rt"):
    return {"workload": "mpi", "model": model, "arm": arm, "setting": setting, "seed": seed}


def window(of, label, number, kernel, **counts):
    columns = {"user": GRAIN, "interruptions": 0, "switches": 0, "from_user/syscall": 0}
    named = {name.replace("_user_", "_user/"): count for name, count in counts.items()}
    return of | {"label": label, "round": number, "kernel": kernel} | columns | named


def quanta(of, kind, kernels, **counts):
    """Windows of steps; kernels: a pair of ranks each."""
    return [window(of, f"{kind} quantum {rank}", number, kernel, **counts)
            for number, pair in enumerate(kernels) for rank, kernel in enumerate(pair)]


def requests(of, kind, number):
    return of | {"label": f"{kind} block 0", "round": 0, "name": "requests", "value": number}


def tables(rows, values=()):
    values = pandas.DataFrame(list(values), columns=[*windows.INDEX, "label", "round", "name", "value"])
    return windows.Tables(pandas.DataFrame(), pandas.DataFrame(rows), values)


def at(frame, **key):
    """The one row of a frame whose index or columns are so."""
    frame = frame.reset_index()
    for name, value in key.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def four(of, quiet, drained, number):
    """A boot with both kinds of work; all steps of a label alike. Returns (windows, values)."""
    rows = quanta(of, "bare quiet", [(0, 0)] * 10)
    rows += quanta(of, "bare drained", [(0, 0)] * 10)
    rows += quanta(of, "calls quiet", [(quiet, quiet)] * 10)
    rows += quanta(of, "calls drained", [(drained, drained)] * 10)
    return rows, [requests(of, "calls drained", number), requests(of, "bare drained", number)]


def both(*boots):
    """Tables of boots as four() gives them."""
    return tables([row for rows, _ in boots for row in rows], [value for _, values in boots for value in values])


def test_a_step_is_as_slow_as_its_slower_rank():
    found = at(figures.loss(tables(quanta(boot(), "calls quiet", [(100, 300), (500, 200)]))), work="calls")
    assert (found["kernel"], found["longest"], found["steps"]) == (400, 500, 2)
    assert found["percent"] == pytest.approx(4)


def test_boots_are_not_pooled():
    rows = quanta(boot(seed=1), "bare quiet", [(0, 0)] * 3) + quanta(boot(seed=2), "bare quiet", [(100, 0)])
    assert list(figures.loss(tables(rows))["kernel"]) == [0, 100]


def test_own_calls_are_the_most_of_any_quantum():
    rows = quanta(boot(), "bare quiet", [(0, 0), (0, 0)])
    rows[2]["from_user/syscall"] = 1
    assert at(figures.loss(tables(rows)), work="bare")["own_calls"] == 1


def test_a_kernel_without_system_calls_has_no_such_column():
    rows = quanta(boot(), "bare quiet", [(0, 0)])
    for row in rows:
        del row["from_user/syscall"]
    assert at(figures.loss(tables(rows)), work="bare")["own_calls"] == 0


def test_requests_are_per_step():
    rows, values = four(boot(), 1000, 1500, 5)
    found = figures.loss(tables(rows, values))
    assert at(found, work="calls", drains="drained")["requests"] == 0.5
    assert at(found, work="calls", drains="quiet")["requests"] == 0


def test_interruptions_are_those_of_the_rank_that_has_more():
    rows = quanta(boot(), "bare drained", [(0, 0), (0, 0)])
    rows[0]["interruptions"], rows[1]["interruptions"] = 1, 2
    assert at(figures.loss(tables(rows)), work="bare")["interruptions"] == 1


def test_outside_is_the_block_less_its_quanta():
    rows = quanta(boot(), "bare quiet", [(10, 20), (10, 20)])
    rows += [window(boot(), f"bare quiet block {rank}", 0, 1060, from_user_syscall=8) for rank in (0, 1)]
    found = at(figures.outside(tables(rows)), work="bare")
    assert (found["kernel"], found["syscalls"]) == ((2 * 1060 - 60) / 4, 4)


def test_prices_of_a_set_and_of_a_request():
    found = at(figures.prices(both(four(boot(), 1000, 1500, 5), four(boot(setting="sets-4"), 4000, 4000, 5))),
               setting="usual")
    assert (found["per_set"], found["per_request"], found["bare_per_request"]) == (1000, 1000, 0)
    found = at(figures.prices(both(four(boot(setting="sets-4"), 4000, 4000, 5))), setting="sets-4")
    assert found["per_set"] == 1000


def test_no_request_has_no_price():
    rows, _ = four(boot(), 1000, 1500, 5)
    assert numpy.isnan(at(figures.prices(tables(rows)), arm="unpatched")["per_request"])


def test_prices_are_compared_by_seed():
    found = figures.dearer(both(four(boot(seed=1), 1000, 1000, 5), four(boot(seed=2), 2000, 2000, 5),
                                four(boot("other", 1), 1300, 1000, 5), four(boot("other", 2), 2100, 2000, 5)),
                           "unpatched")
    assert list(found["per_set"]) == [300, 100]


def test_a_boot_without_a_partner_is_not_compared():
    found = figures.dearer(both(four(boot(seed=1), 1000, 1000, 5), four(boot("other", 2), 1, 1, 5)), "unpatched")
    assert found["per_set"].isna().all()


def test_crossover():
    given = both(four(boot(), 1000, 1500, 5), four(boot("other"), 1250, 1250, 5), four(boot("cheap"), 900, 900, 5))
    found = figures.crossover(given, "unpatched")
    # 1 % of 10^9 is 10^7, at 250 a set.
    assert (at(found, arm="other")["sets"], at(found, arm="other")["grain"]) == (40_000, 25_000)
    assert (at(found, arm="cheap")["sets"], at(found, arm="cheap")["grain"]) == (numpy.inf, 0)
    # A request takes 1000 of unpatched and nothing of the other: 10^4 requests give 10^7 back, and the 1 % besides.
    assert at(figures.crossover(given, "unpatched", requests=10_000), arm="other")["sets"] == 80_000


def test_drains_alone_can_be_too_dear():
    given = both(four(boot(), 1000, 1000, 5), four(boot("other"), 1100, 1600, 5))
    assert at(figures.crossover(given, "unpatched", requests=20_000), arm="other")["sets"] == 0


def test_nothing_to_compare_with():
    with pytest.raises(ValueError, match="no boot of absent"):
        figures.crossover(both(four(boot(), 1, 1, 1)), "absent")


def test_arithmetic_is_held_to_other_settings():
    found = figures.arithmetic(both(four(boot(), 1000, 1000, 5), four(boot(setting="sets-4"), 4100, 4100, 5)))
    assert list(found.index.get_level_values("setting")) == ["sets-4"]
    row = at(found, setting="sets-4")
    assert (row["reckoned"], row["measured"], row["missed"]) == pytest.approx((40, 41, 1))


def test_a_boot_lacks_quiet_steps():
    rows = figures.steps(tables(quanta(boot(), "bare drained", [(50, 50)])))
    with pytest.raises(ValueError, match="not both quiet and drained"):
        figures.excess(rows, "drained")


def test_excess_is_over_the_mean_quiet_step():
    rows = quanta(boot(), "bare quiet", [(10, 0), (30, 0)]) + quanta(boot(), "bare drained", [(120, 0), (20, 0)])
    rows = figures.steps(tables(rows))
    assert figures.excess(rows, "drained").tolist() == [[100, 0]]
    assert figures.excess(rows, "quiet").tolist() == [[-10, 10]]


def test_resampling_one_node_gives_its_mean_and_many_the_largest():
    of_boots, random = numpy.array([[0, 0, 0, 8]]), numpy.random.default_rng(1)
    assert set(figures.resampled(of_boots, 1, random)) == {2}
    assert figures.resampled(of_boots, 200, random).min() == 8


def test_reckoned_until_nearly_all_steps_are_hit():
    rows = figures.reckoned(0.5, 1000, GRAIN, last=1000)
    independent = [(row["nodes"], row["percent"]) for row in rows if row["drains"] == "independent"]
    assert independent == [(1, 5), (2, 7.5), (5, 10 * (1 - 1 / 32))]
    assert {row["percent"] for row in rows if row["drains"] == "synchronous"} == {5}
    assert [row["nodes"] for row in figures.reckoned(0, 0, GRAIN, last=10)] == [1, 1, 2, 2, 5, 5, 10, 10]


def nodes_of(found, work, **key):
    rows = found[found["work"] == work]
    for name, value in key.items():
        rows = rows[rows[name] == value]
    return rows


def test_measurement_ends_at_a_tenth_of_the_steps():
    given = both(*(four(boot(seed=seed), 1000, 1500, 5) for seed in range(1, 6)))
    found = figures.more_nodes(given)
    drained = nodes_of(found, "calls", how="measured", drains="independent")
    assert list(drained["nodes"]) == [1, 2, 5]  # 5 boots of 10 steps
    assert set(drained["percent"]) == {5}
    assert set(nodes_of(found, "calls", drains="none")["percent"]) == {0}
    assert set(nodes_of(found, "bare")["percent"]) == {0}


def test_reckoned_from_the_price_of_a_request():
    given = both(four(boot(seed=1), 1000, 1500, 5), four(boot(seed=2), 1000, 2500, 5))
    first = nodes_of(figures.more_nodes(given), "calls", how="reckoned", nodes=1, drains="independent").iloc[0]
    # Half a request per step; it takes 1000 in one boot and 3000 in the other.
    assert first["hit"] == pytest.approx(1 - numpy.exp(-0.5))
    assert first["percent"] == pytest.approx(100 * first["hit"] * 2000 / GRAIN)


def test_rarer_drains_are_reckoned_alone():
    found = figures.more_nodes(both(four(boot(), 1000, 1500, 5)), rarer=10)
    assert set(found["how"]) == {"reckoned"}
    assert nodes_of(found, "calls", nodes=1).iloc[0]["hit"] == pytest.approx(1 - numpy.exp(-0.05))


def test_drains_that_save_something_cost_nothing():
    found = figures.more_nodes(both(four(boot(), 1000, 900, 5)))
    assert set(nodes_of(found, "calls", how="reckoned")["percent"]) == {0}


@pytest.mark.parametrize("rarer", [0, -1, 0.5])
def test_drains_cannot_be_more_frequent_than_measured(rarer):
    with pytest.raises(ValueError, match="rarer"):
        figures.more_nodes(both(four(boot(), 1, 1, 1)), rarer=rarer)


def test_labels_for_pages():
    rows, values = four(boot(), 1000, 1500, 5)
    rows += [window(boot(), f"{kind} block {rank}", 0, 20_000) for rank in (0, 1)
             for kind in ("bare quiet", "bare drained", "calls quiet", "calls drained")]
    found = figures.of(tables(rows, values))
    assert list(found.index.get_level_values("label")) == [
        "no calls, drained", "no calls, quiet", "with calls, drained", "with calls, quiet"]
    row = at(found, label="with calls, drained")
    assert (row["loss"], row["outside"], row["requests"]) == (15, 500, 0.5)


def test_no_boot():
    with pytest.raises(ValueError, match="no window"):
        figures.loss(tables([]))


def test_unknown_label():
    with pytest.raises(ValueError, match="unknown label 'drain'"):
        figures.loss(tables([window(boot(), "drain", 1, 5)]))


def test_a_step_of_one_rank():
    with pytest.raises(ValueError, match="not of 2 ranks"):
        figures.loss(tables(quanta(boot(), "bare quiet", [(1, 2)])[:1]))


@pytest.mark.parametrize("dearer, sets", [
    ([50.0] * 12, "4,397"), ([-50.0] * 12, "never"), ([-50.0, 60.0] * 6, "not told apart")])
def test_a_crossover_counts_only_where_prices_are_told_apart(dearer, sets):
    quiet = {"sets": 4397.0 if dearer[0] > 0 else math.inf, "grain": 227406.0 if dearer[0] > 0 else 0.0}
    assert page.row("one", quiet, quiet, pandas.Series(dearer))[1] == sets


def test_drains_alone_may_be_the_loss():
    assert page.row("one", {"sets": 9.0, "grain": 9.0}, {"sets": 0.0}, pandas.Series([5.0] * 12))[3] == "at once"
