# SPDX-License-Identifier: GPL-2.0-only
# All checks: every target named check-... in a makefile here.

CHECKS := $(shell awk -F: '/^check-[a-z0-9 -]+:/ { \
	n = split($$1, names, " "); for (i = 1; i <= n; i++) if (!seen[names[i]]++) print names[i] }' \
	$(MAKEFILE_LIST))
# First what is cheap and looks at much, so that a failure is told early.
FIRST := $(addprefix check-,style units contract setup import report sparse kunit-uml w1)
# As many run side by side as there are processors. Alone: whose owners are to be in time, and who counts cycles.
ALONE := $(addprefix check-,kunit-rt kunit-lazy cycles)
# One at a time of those that share a tree, or boots.
APART := 'check-sparse check-w1' 'check-removal check-configs' 'check-kunit-uml check-mutants check-strategy check-client' 'check-plugin check-hotpaths'
# The rest; together what is alone, as all others have to end before it.
REST := $(filter-out $(FIRST) $(ALONE),$(CHECKS)) $(ALONE)

.PHONY: check check-units check-style check-strategy check-client check-w1 check-sparse

# The number of commits; where they are not all here, the last one's time.
turn = $$(if $$(git rev-parse --is-shallow-repository); then git log -1 --format=%ct; else git rev-list --count HEAD; fi || echo 0)

# Minutes count from the start of make: packages may have to come first.
check: since := $(firstword $(file </proc/uptime))
check: deps			## run all checks, or what WITHIN=60 minutes allow; the last line sums them
	@$(python) check.run $(if $(WITHIN),--within $(WITHIN) --since $(since)) --turn $(turn) \
		--alone $(ALONE) --apart $(APART) --then $(REST) -- $(FIRST)

check-units: source
	$(pytest) --tap units check/tests

check-strategy check-client: source
	check/$(@:check-%=%)/check.sh

check-style: source ruff
	$(python) check.style --kernel build/source --ruff build/tools/ruff

# What runs outside of the kernel, as it is built, but by each compiler.
check-w1: export USER_CFLAGS = $(cc_flags) -fPIC

check-w1 check-sparse: source
	$(python) check.compile $(@:check-%=%)
