# SPDX-License-Identifier: GPL-2.0-only
"""The page of claims, and what page one says of them."""

import collections

from bench.report.judgement.claims import Outcome
from bench.report.rendering import markdown

HEAD = """\
Each was made or asked on the kernel's lists. *Rule*: what decides it here. Rules on the first campaign's figures (hot
paths, page faults beside cyclictest) were written when these were known; rules on workloads before these were run.
*Open*: what is missing, and what would settle it.
"""


def verdict(judged):
    """The outcome in words, with its conditions or what is missing."""
    if judged.outcome == Outcome.WHEN:
        return f"**{judged.outcome}** {'; '.join(judged.conditions)}"
    return f"**{judged.outcome}**" + (f": {judged.why}" if judged.why else "")


def figures(judged):
    """The figures behind it, by name."""
    return "; ".join(f"{name.replace('_', ' ')} {markdown.number(value)}" for name, value in judged.figures.items())


def made(claim):
    """How the figures came about."""
    return "; ".join(part for part in (claim.get("kind", ""), claim.get("lab", ""),
                                       f"`{claim['command']}`" if "command" in claim else "") if part)


def table(every):
    """A row per claim."""
    rows = [[f'<a id="{judged.claim["id"].lower()}"></a>{judged.claim["id"]}',
             f"{judged.claim['says']} ({judged.claim['who']})", judged.claim.get("anchor", "–"), judged.claim["rule"],
             figures(judged) or "–", made(judged.claim) or "–", verdict(judged)] for judged in every]
    return markdown.table(["id", "claim (who)", "published", "rule", "figures", "kind; lab; command", "verdict"], rows)


def page(every):
    """All claims."""
    return "\n".join(("## What became of each claim\n", HEAD, counted(every), table(every)))


def counted(every):
    """How many hold, and which."""
    found = collections.defaultdict(list)
    for judged in every:
        found[judged.outcome].append(judged.claim["id"])
    said = [f"{len(found[outcome])} {words} ({', '.join(found[outcome])})"
            for outcome, words in ((Outcome.HOLDS, "hold"), (Outcome.NOT, "do not hold"),
                                   (Outcome.WHEN, "hold only under a condition"), (Outcome.ANSWERED, "are answered"),
                                   (Outcome.OPEN, "are open"))
            if found[outcome]]
    return f"Of {len(every)} claims of the debate, {', '.join(said)}.\n"
