# SPDX-License-Identifier: GPL-2.0-only
"""check-report: RESULTS.md and its figures are what results/ gives now, by a method that is older than they are."""

import datetime
import json
import subprocess
import sys

from check import tapfile

NO_RESULTS = 3  # exit status of report.py --check
POINT = "RESULTS.md is what results/ gives"
METHOD, OLDER = "bench/METHOD.md", "METHOD.md is older than the first boot"


def git(*words):
    return subprocess.run(["git", *words], cwd=tapfile.ROOT, capture_output=True, text=True, check=False).stdout.strip()


def first_boot():
    """When the first boot of the workload and its controls began, or None without any."""
    return min((datetime.datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["started_utc"])
                for path in (tapfile.ROOT / "results/virtual").glob("*/*/manifest.json")), default=None)


def method_is_older(tap):
    """Nothing may be decided when a campaign has begun; by the repository's own dates."""
    began, changed = first_boot(), git("log", "-1", "--format=%cI", "--", METHOD)
    if not began:
        tap.skip(OLDER, "no results yet; make results makes them")
    elif not changed or git("rev-parse", "--is-shallow-repository") == "true":
        tap.skip(OLDER, "no history here; clone it whole")
    elif git("status", "--porcelain", "--", METHOD):
        tap.point(OLDER, [f"{METHOD} has changes that are not committed; a campaign must follow them"])
    else:
        late = datetime.datetime.fromisoformat(changed) >= began
        tap.point(OLDER, [f"{METHOD} changed {changed}, the first boot began {began.isoformat()}; make results anew"]
                  if late else [])


done = subprocess.run([sys.executable, "-m", "bench.report.report", "--check"], cwd=tapfile.ROOT, capture_output=True,
                      text=True, check=False)
with tapfile.Writer("report") as tap:
    if done.returncode == NO_RESULTS:
        tap.skip(POINT, "no results yet; make results makes them")
    else:
        tap.point(POINT, done.stderr.splitlines() or ["failed silently"] if done.returncode else [])
    method_is_older(tap)
sys.exit(tap.failed > 0)
