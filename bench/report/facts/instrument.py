# SPDX-License-Identifier: GPL-2.0-only
"""What `make instrument` and `make again` have kept about plugin and seeds."""

import hashlib

from bench.report import plan
from check import tapfile

DIGEST = "results_sha256"  # of digest(), where a check is about all boots


def digest(results):
    """One hash of what all boots gave of the lab that is judged: of their names, the guest's lines and the plugin's.

    results: the folder of labs.
    """
    total = hashlib.sha256()
    for path in sorted((results / plan.JUDGED_LAB).glob("*/*/*.jsonl")):
        if path.name in ("guest.jsonl", "counts.jsonl"):
            total.update(f"{path.relative_to(results)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


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
