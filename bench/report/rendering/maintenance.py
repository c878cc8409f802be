# SPDX-License-Identifier: GPL-2.0-only
"""What each variant is to maintain, as a table."""

from bench.report.facts import sizes, strategies
from bench.report.rendering import markdown


def table():
    """A row per variant."""
    rows = []
    for name in strategies.names()[1:]:
        found = sizes.of(name)
        files, added, removed = found["patched"]
        in_code = [lines for _, by, lines in found["defects"] if by != "design"]
        rows.append([name, found["lines"], f"{files} files, +{added} −{removed}", ", ".join(found["help"]) or "none",
                     f"{len(found['defects'])} ({len(in_code)} in code)", sum(in_code)])
    return markdown.table(["variant", ">lines of C", "existing files patched", "help it may need",
                           ">defects in the ledger", ">lines to mend them"], rows)


def shared():
    """What is shared, so that nobody reads the table as all there is."""
    found = sizes.shared()
    files, added, removed = found["patched"]
    tracking, locking = (" and ".join(strategies.with_file(name)) for name in ("variant.h", "locks.h"))
    return (f"Lines of C without comments. Beside that, {tracking} share "
            f"`tracked.c` ({found['tracked']} lines),\n{locking} `pcpu_drain_spin.h` ({found['spin']} lines), and all "
            f"variants the facade and its clients' patches\n({files} existing files, +{added} −{removed}). Hooks in "
            f"clients: {found['calls']} calls of `pcd_cached()`\nfor the former; {found['locks']} lines with a lock "
            f"form, and a drain that may run elsewhere, for the latter. Defects\nare those of "
            "[variants/LEDGER.md](variants/LEDGER.md), from the first line on; an entry for \"both\" counts for "
            "either.\n"
            + "".join(f"\n**{name}**: {said}\n" for name in strategies.names()
                      if (said := strategies.said(name).get("ledger"))))
