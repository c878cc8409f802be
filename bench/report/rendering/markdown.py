# SPDX-License-Identifier: GPL-2.0-only
"""Figures and tables as GitHub's Markdown."""

import math
import re


def minus(text):
    """A formatted number, with the minus that pages have."""
    return text.replace("-", "−")


def number(value):
    """A number as a reader wants it: whole from 100 up, else three digits."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 100:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.0e}"
    return "0" if text == "-0" else minus(text)


def signed(value):
    """A difference, with its sign."""
    return ("+" if value > 0 else "") + number(value)


def interval(estimate, show=number):
    """low .. high, or "all equal" where the boots do not differ."""
    if estimate is None:
        return "–"
    return "all equal" if estimate.exact else f"{show(estimate.low)} .. {show(estimate.high)}"


def percent(share):
    """A ratio in percent, in parentheses; nothing where there is none."""
    return "" if share is None else f" ({signed(100 * share)} %)"


def claims(text):
    """The text with each claim, C and a number, linked to what was claimed."""
    return re.sub(r"\bC(\d\d)\b", r"[C\1](results/report/claims.md#c\1)", text)


# Kernel entries as a reader knows them.
ENTRIES = {"reschedule": "IPI (reschedule)", "call function": "IPI (function call)", "irq work": "IPI (irq work)",
           "timer": "timer or tick"}


def cause(name):
    """A kernel entry, or "task: entry", as tables and figures say it."""
    task, colon, entry = name.replace("_", " ").rpartition(": ")
    return task + colon + ENTRIES.get(entry, entry)


def table(head, rows):
    """A table; a column is aligned right if its head starts with ">"."""
    lines = [[cell.removeprefix(">") for cell in head],
             ["--:" if cell.startswith(">") else "---" for cell in head],
             *([str(cell) for cell in row] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def folded(summary, *parts):
    """Parts that a reader opens at a click."""
    return f"<details><summary>{summary}</summary>\n\n" + "\n".join(parts) + "\n</details>\n"
