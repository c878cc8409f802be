# SPDX-License-Identifier: GPL-2.0-only
"""Make a report from made-up boots of a few arms and of one more.

`python3 -m check.strategy.made_up_page ARM OUT` in the top folder of a clone writes OUT/results and OUT/RESULTS.md.
"""

import pathlib
import sys

from bench.report import report
from bench.report.tests import synthetic

arm, out = sys.argv[1], pathlib.Path(sys.argv[2])
synthetic.campaign(out / "results")
for seed in (1, 2, 3):
    synthetic.boot(out / "results", "rt", arm, seed, per_drain=7)
report.write(out / "results", out, lambda boots: None)
