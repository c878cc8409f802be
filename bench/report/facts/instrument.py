# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` and `make again` have kept about plugin and seeds."""

import hashlib

from bench.report import plan
from bench.report.facts import read
from check import tapfile

DIGEST = "results_sha256"  # of digest(): of which boots a check was
NEWER = "newer-kernels.json"  # for made_again()


def digest(results, cells=f"{plan.JUDGED_LAB}/*"):
    """One hash of what boots gave: of their names, the guest's lines and the plugin's.

    results: the folder of labs; cells: a pattern in it, all of the lab that is judged if it is not named.
    """
    total = hashlib.sha256()
    for path in sorted(results.glob(f"{cells}/*/*.jsonl")):
        if path.name in ("guest.jsonl", "counts.jsonl"):
            total.update(f"{path.relative_to(results)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def made_again(kept, results):
    """{(campaign, cell, kernel as MODEL-KERNEL, source_sha256): boots} of cells of which so many boots were made again
    by a kernel of these sources, and all gave the same bytes as those in results.

    A campaign is the folder of its cells in results. What does not read as it should, or is of other boots, vouches for
    nothing.
    """
    try:
        rows = read.load(kept / "instrument" / NEWER)["cells"]
        return {(row["campaign"], row["cell"], row["kernel"], row["source_sha256"]): row["boots"] for row in rows
                if 0 < row["boots"] == row["same"]
                and row[DIGEST] == digest(results, f"{row['campaign']}/{row['cell']}")}
    except (read.Unreadable, KeyError, TypeError):
        return {}


def failed(kept):
    """Names of the points that failed; none if nothing was checked."""
    found = []
    for path in sorted((kept / "instrument").glob("*.tap")):
        try:
            points, all_failures = tapfile.points(path), tapfile.read(path).failed
        except UnicodeDecodeError:
            points, all_failures = [], 1
        found += [point.whole for point in points if not point.passed]
        if all_failures > sum(not point.passed for point in points):
            found.append(f"all of {path.name} there")
    return found
