# SPDX-License-Identifier: GPL-2.0-only
# RESULTS.md from the raw results.

pytest = PYTHONPATH=check /usr/bin/python3 -B -m pytest -q -p no:cacheprovider -p pytest_tap

.PHONY: report check-report check-report-units

report: source			## make RESULTS.md and its figures from results/
	$(STAGE) report "making RESULTS.md" bench/report/report.py

check-report: source
	check/results.py

check-report-units: deps
	$(pytest) --tap report-units bench/report/tests
