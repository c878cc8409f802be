# SPDX-License-Identifier: GPL-2.0-only
"""Claims and answers by their rules, from made-up figures."""

import pytest

from bench import arms
from bench.report.facts import evidence
from bench.report.judgement import answers, claims
from bench.report.rendering import answers as shown
from bench.report.rendering import claims as told

BASE, *OTHERS = answers.candidates()


class Known:
    """Figures by their words, as evidence.Evidence gives them."""

    def __init__(self, **figures):
        self.figures = figures

    def number(self, words):
        if words not in self.figures:
            raise evidence.Missing(f"{words} was not measured")
        return self.figures[words]


def claim(**how):
    return {"id": "C99", "who": "somebody", "says": "it is so", "rule": "a < b",
            "figures": {"a": "one", "b": "two"}} | how


@pytest.mark.parametrize("one, outcome", [(1, claims.Outcome.HOLDS), (3, claims.Outcome.NOT)])
def test_a_claim_holds_by_its_expression(one, outcome):
    assert claims.judge(claim(holds="a < b"), Known(one=one, two=2)).outcome == outcome


def test_a_claim_holds_only_under_conditions_that_are_true():
    judged = claims.judge(claim(when={"with a": "a < b", "with b": "b < a"}), Known(one=1, two=2))
    assert judged.outcome == claims.Outcome.WHEN and judged.conditions == ("with a",)
    assert "with a" in told.verdict(judged) and "with b" not in told.verdict(judged)


def test_a_claim_whose_figure_is_missing_is_open_and_says_which():
    judged = claims.judge(claim(holds="a < b"), Known(one=1))
    assert judged.outcome == claims.Outcome.OPEN and "two was not measured" in told.verdict(judged)


def test_a_question_is_answered_once_its_figures_are_there():
    asked = claim(answered="on the page of drains")
    assert claims.judge(asked, Known(one=1)).outcome == claims.Outcome.OPEN
    assert told.verdict(claims.judge(asked, Known(one=1, two=2))) == "**answered**: on the page of drains"


def test_every_claim_of_this_repository_is_whole_and_stands_once():
    numbers = [one["id"] for one in claims.every()]
    assert len(numbers) == len(set(numbers))


def test_an_expression_sees_nothing_but_the_figures():
    with pytest.raises(NameError):
        claims.true("open('x')", {"a": 1})


@pytest.mark.parametrize("cell, disturbs", [
    ("KWORKER, ON_ITS_CPU, FOR_DRAIN, DRAINED, NO_HELP", 1), ("KWORKER, ON_ITS_CPU, FOR_NOTHING, POSTED, NO_HELP", 1),
    ("KWORKER, ON_ITS_CPU, FOR_NOTHING, NOTHING, NO_HELP", 0), ("REQUESTER, ELSEWHERE, FOR_DRAIN, DRAINED, NO_HELP", 0),
    ("REQUESTER, ELSEWHERE, FOR_OWNER, DRAINED, NO_HELP", 1)])
def test_a_request_disturbs_an_owner_that_stays_in_its_state(tmp_path, monkeypatch, cell, disturbs):
    header = tmp_path / "contract.h"
    header.write_text(f'.arm = "mine",\n[IN_GUEST] = {{ {cell} }},\n')
    monkeypatch.setattr(evidence.contract, "headers", lambda: [header])
    assert evidence.Evidence(tmp_path, None).contract("mine", "IN_GUEST") == disturbs


def user(*steps, **other):
    return {"name": "somebody", "model": "rt", "sure": "counted", "changes": "nothing",
            "step": [{"figure": f"{name} {{arm}}", "margin": margin, "says": f"{name} is {{}}"}
                     for name, margin in steps]} | other


def figures(name, *values):
    return {f"{name} {arm}": value for arm, value in zip(answers.candidates(), values, strict=False)}


def every(name, value):
    return figures(name, *[value] * len(answers.candidates()))


def test_steps_are_taken_among_what_the_one_before_has_left():
    known = Known(**every("noise", 9), **figures("price", *range(9, 0, -1)))
    known.figures |= {f"noise {OTHERS[0]}": 0, f"noise {OTHERS[1]}": 0.5}
    found = answers.answer(known, user(("noise", 1), ("price", 0)))
    assert found.arms == (OTHERS[1],)


def test_what_is_missing_ends_the_answer():
    found = answers.answer(Known(**every("price", 1)), user(("noise", 1), ("price", 0)))
    assert found.arms == () and "was not measured" in shown.row(found)[2] and shown.row(found)[1] == "not measured yet"


def test_where_the_base_will_do_nothing_need_be_changed():
    found = answers.answer(Known(**every("noise", 0)), user(("noise", 1)))
    assert shown.row(found)[1].startswith(f"**{BASE}**: change nothing")


def test_a_reason_has_beside_it_what_it_rules_out():
    one, other, *rest = answers.candidates()
    known = Known(**every("noise", 7) | {f"noise {one}": 0, f"noise {other}": 0}, **every("size", 3),
                  **figures("price", 2, 1))
    found = answers.answer(known, user(("noise", 1), ("size", 0), ("price", 0)))
    assert shown.row(found)[2] == f"noise is 0 ({', '.join(f'{arm} 7' for arm in rest)}); price is 1 ({one} 2)"


def test_the_price_of_several_arms_is_said_arm_by_arm():
    one, other = OTHERS[:2]
    known = Known(**every("noise", 9) | {f"noise {one}": 0, f"noise {other}": 0},
                  **every("price", 100) | {f"price {one}": 103, f"price {other}": 150})
    found = answers.answer(known, user(("noise", 1), cost=[{"figure": "price {arm}", "says": "a fault {}"}]))
    assert shown.costs(found) == f"a fault {one} +3, 3.0 %; {other} +50, 50.0 %"


def test_users_of_this_repository_name_no_arm():
    text = answers.FILE.read_text(encoding="utf-8").replace(" unpatched", "")
    assert not [arm for arm in arms.names() if arm != "none" and arm in text]
