# SPDX-License-Identifier: GPL-2.0-only
"""METHOD.md says what plan.py and the workloads' files say, and no more is judged than sign flips can tell."""

import re

import pytest

from bench import arms, workloads
from bench.report.judgement import loads
from bench.report.rendering import loads as page
from bench.report.rendering import markdown
from bench.workloads import plan

METHOD = (workloads.ROOT / workloads.METHOD).read_text(encoding="utf-8")


def rows(text):
    """The cells of the rows of METHOD.md's table of figures."""
    part = text.split("## Figures with a verdict")[1].split("\n## ")[0]
    return [tuple(cell.strip() for cell in line.strip("|").split("|"))
            for line in part.splitlines() if line.startswith("| ")][2:]


def row(figure):
    """A figure as METHOD.md has it."""
    where = f"`{figure.workload}` {figure.setting}: {figure.label}" + (f" less {figure.less}" if figure.less else "")
    return figure.name, where, f"`{figure.column}`", figure.unit, markdown.number(figure.margin), figure.why


def test_the_page_has_each_figure():
    assert rows(METHOD) == [row(figure) for figure in plan.FIGURES]


def test_the_page_says_from_which_seed_on():
    assert f"from {plan.FIRST_SEED} on" in METHOD and f"**Boots**: {plan.BOOTS} of" in METHOD


def test_no_more_is_judged_than_sign_flips_can_tell():
    number = len(loads.planned())
    assert number <= plan.CONTRASTS
    assert 2 / 2**plan.BOOTS <= 0.05 / (2 * plan.CONTRASTS)
    assert f"{number} contrasts" in METHOD


@pytest.mark.parametrize("facts, said", [
    ({"old": {"COMPARED": "yes", "VERDICT": "yes"}, "other": {}}, []),
    ({"old": {"COMPARED": "yes", "VERDICT": "yes"}, "new": {"COMPARED": "yes"}}, ["before new could be measured"])])
def test_the_page_names_whom_the_method_does_not_judge(monkeypatch, facts, said):
    monkeypatch.setattr(arms, "facts", lambda: facts)
    lines = page.without_verdicts()
    assert len(lines) == len(said) and all(words in line for words, line in zip(said, lines, strict=True))


@pytest.mark.parametrize("name", workloads.names())
def test_settings_name_known_fields(name):
    about = workloads.about(name)
    known = {"parameters", "seeds", "bench", *workloads.OF_THE_MACHINE, "icount_shift", "flavour"}
    for setting, said in about["settings"].items():
        assert set(said) <= known, setting
        assert re.fullmatch(r"[a-z0-9-]+", setting)


@pytest.mark.parametrize("figure", plan.FIGURES, ids=lambda figure: figure.key)
def test_a_verdict_has_as_many_boots_as_it_needs(figure):
    about = workloads.about(figure.workload)
    assert about["settings"][figure.setting].get("seeds", about["seeds"]) >= plan.BOOTS
