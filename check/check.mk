# SPDX-License-Identifier: GPL-2.0-only
# All checks: every target named check-... in a makefile here, these first.

CHECKS := $(shell awk -F: '/^check-[a-z0-9 -]+:/ { \
	n = split($$1, names, " "); for (i = 1; i <= n; i++) if (!seen[names[i]]++) print names[i] }' \
	check/check.mk bench/report.mk $(MAKEFILE_LIST))

.PHONY: check check-units check-style check-w1 check-sparse

check: $(prepare)		## run all checks; the last line sums them
	@check/run $(CHECKS)

check-units: deps
	$(pytest) --tap units check/tests

check-style: source ruff
	check/style.py --kernel build/source --ruff build/tools/ruff

# Guest and plugin C as bench.mk builds it, but by each compiler.
check-w1: export USER_CFLAGS = $(wordlist 2,99,$(cc_common)) $(cycles_style) -D_GNU_SOURCE -fPIC

check-w1 check-sparse: source
	check/compile.py $(@:check-%=%)
