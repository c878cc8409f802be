# SPDX-License-Identifier: GPL-2.0-only
"""What each variant is to maintain, counted from the sources in this repository."""

import pathlib
import re

from bench.report import markdown, strategies

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
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


def table(root=ROOT):
    """Markdown: a row per variant."""
    defects = ledger(root)
    rows = []
    for name in strategies.names()[1:]:
        folder = root / "variants" / name
        mine = [entry for entry in defects if concerns(entry[0], name)]
        in_code = [entry for entry in mine if entry[1] != "design"]
        help_kinds = sorted(set(re.findall(r"`help_(\w+)`", (folder / "README.md").read_text())))
        files, added, removed = patched(folder)
        rows.append([name, sum(code_lines(path) for path in placed(folder, (".c", ".h"))),
                     f"{files} files, +{added} −{removed}", ", ".join(help_kinds) or "none",
                     f"{len(mine)} ({len(in_code)} in code)", sum(entry[2] for entry in in_code)])
    return markdown.table(["variant", ">lines of C", "existing files patched", "help it may need",
                           ">defects in the ledger", ">lines to mend them"], rows)


def shared(root=ROOT):
    """Sentence: what is shared, so that nobody reads the table as all there is."""
    tracked = code_lines(root / "common/mm/pcpu_drain/tracked.c")
    files, added, removed = patched(root / "common")
    new = [line.lstrip("+ \t") for patch in (root / "common").glob("**/patches/*.patch")
           for line in patch.read_text().splitlines() if line.startswith("+")]
    calls = sum(line.startswith("pcd_cached(") for line in new)
    locks = sum(bool(re.search(r"\bpcd_(try|un)?lock\w*\(", line)) for line in new)
    tracking, locking = (" and ".join(strategies.with_file(name)) for name in ("variant.h", "locks.h"))
    return (f"Lines of C without comments. Beside that, {tracking} share "
            f"`tracked.c` ({tracked} lines), and all variants\nthe facade and its clients' patches "
            f"({files} existing files, +{added} −{removed}). Hooks in clients: {calls} calls of `pcd_cached()`\n"
            f"for these; {locks} lines with a lock form, and a drain that may run elsewhere, for {locking}. Defects\n"
            "are those of [variants/LEDGER.md](variants/LEDGER.md), from the first line on; "
            "an entry for \"both\" counts for either.\n"
            + "".join(f"\n**{name}**: {said}\n" for name in strategies.names()
                      if (said := strategies.said(name).get("ledger"))))
