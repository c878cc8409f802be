# SPDX-License-Identifier: GPL-2.0-only
# RESULTS.md from the raw results.

.PHONY: report coverage check-report check-report-units check-controls

report: source			## make RESULTS.md, its pages and figures from results/
	$(STAGE) report "making RESULTS.md" $(python) bench.report.report

check-report: source
	$(python) check.results

coverage: deps			## simulate how often the report's intervals and tests are right (kept for the report)
	$(STAGE) coverage "simulating intervals and tests" $(python) bench.report.judgement.coverage --keep results/instrument/coverage.json

check-report-units: source
	$(pytest) --tap report-units bench/report/tests --ignore bench/report/tests/test_controls.py

check-controls: deps
	$(pytest) --tap controls bench/report/tests/test_controls.py
