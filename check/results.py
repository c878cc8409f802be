# SPDX-License-Identifier: GPL-2.0-only
"""check-report: RESULTS.md and its figures are what results/ gives now, and METHOD.md is the one that was followed."""

import hashlib
import json
import subprocess
import sys

from check import tapfile

NO_RESULTS = 3  # exit status of bench.report.report --check
POINT = "RESULTS.md is what results/ gives"
METHOD, FOLLOWED = "bench/METHOD.md", "METHOD.md is the one that the campaign followed"


def followed(root, tap):
    """Nothing may be decided once a campaign has begun: its file has the hash of METHOD.md as it was then."""
    campaign = root / "results/virtual/campaign.json"
    if not campaign.exists():
        tap.skip(FOLLOWED, "no results yet; make results makes them")
        return
    then = json.loads(campaign.read_text(encoding="utf-8"))["shared"].get("method_sha256")
    now = hashlib.sha256((root / METHOD).read_bytes()).hexdigest()
    changed = f"{METHOD} has changed since {campaign.relative_to(root)} was written; make results anew, or restore it"
    tap.point(FOLLOWED, [] if then == now else [changed])


def main():
    done = subprocess.run([sys.executable, "-m", "bench.report.report", "--check"], cwd=tapfile.ROOT,
                          capture_output=True, text=True, check=False)
    with tapfile.Writer("report") as tap:
        if done.returncode == NO_RESULTS:
            tap.skip(POINT, "no results yet; make results makes them")
        else:
            tap.point(POINT, done.stderr.splitlines() or ["failed silently"] if done.returncode else [])
        followed(tapfile.ROOT, tap)
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
