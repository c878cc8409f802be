# SPDX-License-Identifier: GPL-2.0-only
"""The cover letter of a series, from made-up figures."""

import pytest

from bench import arms
from bench.report import plan
from bench.report.facts import strategies
from bench.report.judgement import answers
from bench.report.rendering import cover, mail

VERDICT = [arm for arm in answers.candidates() if arm != plan.BASE]
VARIANTS = list(dict.fromkeys(arms.fact(arm, "KERNEL") for arm in VERDICT))


class Known:
    """Each figure is 1,234,567.8, but 1 of the base."""

    def number(self, words):
        return 1 if plan.BASE in words.split() else 1234567.8


@pytest.mark.parametrize("name", VARIANTS)
def test_a_letter_is_a_mail_in_plain_text(name):
    subject, empty, *lines = cover.letter(Known(), name).splitlines()
    assert subject.endswith(f"by {name}") and empty == ""
    assert max(map(len, lines)) <= cover.WIDTH
    assert not any(mark in line for line in lines for mark in ("](", "**", "`", "<a "))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_letter_has_the_variants_arms_and_no_other_beside_the_base(name):
    head, = [line.split() for line in cover.letter(Known(), name).splitlines() if line.startswith("PREEMPT_RT ")]
    assert head[1:] == [plan.BASE, *(arm for arm in VERDICT if arms.fact(arm, "KERNEL") == name)]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_letter_answers_all_that_was_said_of_it(name):
    letter = " ".join(cover.letter(Known(), name).split())
    assert all(mail.plain(f"{claim['says']} ({claim['who']})") in letter
               for claim in strategies.said(name).get("claim", ()))


def test_a_letter_has_no_title_without_a_text(monkeypatch):
    monkeypatch.setattr(cover, "objections", lambda *_: "")
    monkeypatch.setattr(cover, "against", lambda _: "")
    letter = cover.letter(Known(), VARIANTS[0])
    assert "What was said of it" not in letter and "against it" not in letter
    monkeypatch.setattr(cover, "against", lambda _: "- It is slow.")
    assert "What can be said against it:\n\n- It is slow.\n\n" in cover.letter(Known(), VARIANTS[0])


def test_plain_text_has_no_markup():
    assert mail.plain('*it* [holds](a.md#b) `now`<a id="c1"></a>') == "it holds now"


PAGE = """<!-- SPDX -->
# own: it is of its [own](../a.md)

What *it* does.
On two lines.

| a | b |
|---|---|

And more.

## Constraints
- One `x`.
- Two.
"""


def test_a_page_s_first_words_end_where_a_heading_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(strategies, "ROOT", tmp_path)
    page = tmp_path / "variants/own/README.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    assert mail.section("own") == "What it does. On two lines.\n\nAnd more.\n"
    assert mail.section("own", "Constraints") == "- One x.\n- Two."
    with pytest.raises(ValueError, match="has no section Use"):
        mail.section("own", "Use")
    page.write_text("<!-- SPDX -->\n# own\n\n## Constraints\n- One.\n")
    with pytest.raises(ValueError, match="says nothing under its title"):
        mail.section("own")
