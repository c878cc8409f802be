# SPDX-License-Identifier: GPL-2.0-only
"""What each variant is to maintain, counted from the sources in this repository."""

import pathlib
import re

from bench.report.facts import strategies

ROOT = pathlib.Path(__file__).resolve().parents[3]
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def code_lines(path):
    """Lines of a C file that are neither empty nor comment only."""
    text = COMMENT.sub("", path.read_text())
    return sum(1 for line in text.splitlines() if line.strip())


def patched(folder):
    """(existing files changed, lines added, lines removed) by the patches of a folder and of those in it."""
    files, added, removed = set(), 0, 0
    for patch in sorted(folder.glob("**/patches/*.patch")):
        for line in patch.read_text().splitlines():
            if line.startswith("+++ "):
                files.add(line)
            elif line.startswith("+"):
                added += 1
            elif line.startswith("-") and line != "---" and not line.startswith("--- "):
                removed += 1
    return len(files), added, removed


def placed(folder, ends):
    """Files of a folder's tree.list whose place in the kernel tree ends so; tests' own left out."""
    lines = (folder / "tree.list").read_text().splitlines()
    pairs = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [folder / here for here, there in pairs if there.endswith(ends) and "contract" not in there]


def ledger(root=ROOT):
    """Rows (where, found by, lines) of the ledger of defects."""
    rows = [line.strip("|").split("|") for line in (root / "variants/LEDGER.md").read_text().splitlines()
            if re.match(r"\| 20\d\d-", line)]
    return [(row[1].strip(), row[3].strip(), int(row[4])) for row in rows]


def concerns(where, variant):
    """Is a ledger entry about this variant? "both" is those that track isolated CPUs."""
    return variant in where or (where.startswith("both") and variant in strategies.with_file("variant.h"))


def of(name, root=ROOT):
    """What one variant is to maintain, as a dict; its defects as rows of the ledger."""
    folder = root / "variants" / name
    return {"lines": sum(code_lines(path) for path in placed(folder, (".c", ".h"))), "patched": patched(folder),
            "help": sorted(set(re.findall(r"`help_(\w+)`", (folder / "README.md").read_text()))),
            "defects": [entry for entry in ledger(root) if concerns(entry[0], name)]}


def shared(root=ROOT):
    """What variants share, as a dict: lines of tracked.c and of the spinlock's forms, for those that track or bring
    locks; patches, and in these calls and locks of the facade."""
    new = [line.lstrip("+ \t") for patch in (root / "common").glob("**/patches/*.patch")
           for line in patch.read_text().splitlines() if line.startswith("+")]
    return {"tracked": code_lines(root / "common/mm/pcpu_drain/tracked.c"), "patched": patched(root / "common"),
            "spin": code_lines(root / "common/include/linux/pcpu_drain_spin.h"),
            "calls": sum(line.startswith("pcd_cached(") for line in new),
            "locks": sum(bool(re.search(r"\bpcd_(try|un)?lock\w*\(", line)) for line in new)}
