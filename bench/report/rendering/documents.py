# SPDX-License-Identifier: GPL-2.0-only
"""The pages of the report: which there are, and how their links are written.

Sections are written as if they stood in the top folder and on one page; a link to a heading, "#name", leads to
whichever page has it.
"""

import os
import pathlib
import re

FRONT = pathlib.PurePath("RESULTS.md")
FOLDER = pathlib.PurePath("results/report")
FIGURES = pathlib.PurePath("results/figures")
# What is told apart from the front page, in the order of reading: {name: (title, what one finds there)}.
TITLES = {
    "claims": ("The debate's claims", "what was claimed, the rule that decides it, the figures, the verdict"),
    "workload": ("Workload", "verdicts and all figures of"),
    "verdicts": ("Verdicts", "each primary contrast with interval, margin, p values, and whether settings change it"),
    "reading": ("How to read the figures", "units, intervals, differences, and the words that tables use"),
    "trust": ("Can you trust this lab?", "controls, settings of the lab, the instrument, intervals and tests"),
    "drain": ("What a drain takes from the isolated CPU", "by cause and kind of entry, interrupts off, per fill"),
    "hotpaths": ("Hot paths", "instructions of system calls, faults and switches; the isolated CPU first"),
    "cycles": ("Hot paths in cycles", "on this host's processor, in user space; and what a door costs on two cores"),
    "latency": ("cyclictest under drains", "shortest, mean, 99th percentile, longest"),
    "requests": ("What a request costs", "the requester's time and instructions"),
    "items": ("Items cached, drained, posted, left", "and the help that strategies needed"),
    "anatomy": ("One drain, who ran what when", "a time line for each arm"),
    "boots": ("Boots", "machine, workload, how each boot ended, what they share"),
    "maintenance": ("What each variant is to maintain", "lines, patches, defects"),
}
HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-only -->
# {title}

Made by `make report`, never edited by hand. The answers, and the other pages: [RESULTS.md]({up}).

"""
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")


def anchor(title):
    """GitHub's name of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def place(name):
    """Where a page lies, from the top folder; name: of TITLES, or "LAB-" or "WORKLOAD-" and one of them."""
    return FOLDER / f"{name}.md"


class Pages:
    """Pages in the making: what stands on each, in the order in which it was added."""

    def __init__(self):
        self.texts = {}

    def add(self, where, *parts):
        """Add what is not empty to the page where: FRONT or place()."""
        self.texts.setdefault(where, []).extend(filter(None, parts))

    def further(self):
        """(place, title, what one finds there) of all pages but the front, in the order of reading."""
        found = []
        for where in self.texts:
            lab, _, name = where.stem.rpartition("-")
            if where != FRONT and self.texts[where]:
                title, what = TITLES[name]
                if name == "workload":
                    title, what, lab = f"{title} {lab}", f"{what} {lab}", ""
                found.append((list(TITLES).index(name), title, where, title + (f" (lab: {lab})" if lab else ""), what))
        return [tuple(rest) for _, _, *rest in sorted(found)]

    def put(self, out):
        """Write all pages into a folder that stands for the top folder."""
        titles = {where: title for where, title, _ in self.further()}
        (out / FOLDER).mkdir(parents=True, exist_ok=True)
        for where, text in self.whole().items():
            head = HEAD.format(title=titles[where], up=os.path.relpath(FRONT, where.parent)) if where in titles else ""
            (out / where).write_text(head + text, encoding="utf-8")

    def whole(self):
        """{place: text} of all pages that hold something, each with its links as they lead from there."""
        texts = {where: "\n".join(parts) for where, parts in self.texts.items() if parts}
        homes = {}
        for where, text in texts.items():
            for title in HEADING.findall(text):
                homes.setdefault(anchor(title), where)
        return {where: LINK.sub(lambda link, where=where: relative(link[1], where, homes), text)
                for where, text in texts.items()}


def relative(link, where, homes):
    """A link of the top folder's or to a heading, as it leads from a page; homes: {heading's name: its page}."""
    path, _, heading = link.partition("#")
    if re.match(r"\w+:", link):
        return link
    target = pathlib.PurePath(path) if path else homes.get(heading, where)
    if target == where:
        return f"#{heading}"
    return os.path.relpath(target, where.parent) + (f"#{heading}" if heading else "")
