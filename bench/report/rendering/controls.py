# SPDX-License-Identifier: GPL-2.0-only
"""Print what each control of the results in a folder gave; exit 1 if one failed."""

import argparse
import pathlib
import sys

from bench import archive
from bench.report.judgement import controls
from bench.report.rendering import words

HELD = {True: "held", False: "FAILED", None: "not run in full"}


def failures(results):
    """One line for each control of the results in a folder that failed."""
    return [f"{lab}: {words.outcome(one)}: {words.reason(one.found)}"
            for lab, found in controls.read_labs(results).items() for one in found.failed]


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__)
    parser.add_argument("results", type=pathlib.Path, nargs="?", help="folder of labs (default: what results/ holds)")
    args = parser.parse_args()
    labs = controls.read_labs(args.results or archive.unpacked(), None if args.results else archive.KEPT)
    for lab, found in labs.items():
        for one in found.outcomes:
            print(f"{lab}: {words.outcome(one)}: {HELD[one.held]}: {words.reason(one.found)}")
    return int(any(found.failed for found in labs.values()))


if __name__ == "__main__":
    sys.exit(main())
