#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""check-report: RESULTS.md and its figures are what results/ gives now."""

import subprocess
import sys

import tapfile

NO_RESULTS = 3  # exit status of report.py --check
POINT = "RESULTS.md is what results/ gives"

done = subprocess.run(["bench/report/report.py", "--check"], cwd=tapfile.ROOT, capture_output=True, text=True,
                      check=False)
with tapfile.Writer("report") as tap:
    if done.returncode == NO_RESULTS:
        tap.skip(POINT, "no results yet; make results makes them")
    else:
        tap.point(POINT, done.stderr.splitlines() or ["failed silently"] if done.returncode else [])
sys.exit(tap.failed > 0)
