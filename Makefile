# SPDX-License-Identifier: GPL-2.0-only
# A testbed for ways to drain per-CPU caches of isolated CPUs. Start: make results

# What may be set, on the command line or in the environment.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pcpu-drain
KERNEL_SRC ?=
MIRROR ?=
WITHIN ?=
LAB ?= virtual
export CACHE KERNEL_SRC MIRROR

.DELETE_ON_ERROR:
# Each stage uses all cores by itself; who runs what uses one says SIDE_BY_SIDE=y.
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
STAGE = @setup/stage.sh

# $(call known,NAME,VALUES): NAME's values, separated by blanks or commas, are some of VALUES
comma := ,
known = $(if $(filter-out $2,$(subst $(comma), ,$($1))),$(error unknown $1=$($1); known: $2))
$(call known,LAB,virtual kvm)
# $(call number,NAME): NAME's value is a number from 1 on.
number = $(if $(shell echo "$($1)" | grep -x "[1-9][0-9]*"),,$(error $1 is '$($1)', not a number from 1 on))
$(if $(WITHIN),$(call number,WITHIN))

include setup/common.mk setup/setup.mk kernel/kernel.mk

# The stages of a job in their order, for "stage k of n".
prepare := source $(chosen) $(osnoise) guest-root guest qemu plugin
# What vouches for the virtual lab, where the image that it boots is wanted anyway.
vouch   := $(if $(filter virtual,$(LAB)),$(if $(filter rt-$(call kernel_of,$(example)),$(chosen)),instrument))
plan     = $(or $(if $(filter results,$(MAKECMDGOALS)),$(prepare) $(fuller) $(loads:%=campaign-%) $(vouch) report), \
		$(if $(filter kernels,$(MAKECMDGOALS)),source $(chosen)))
export PLAN ?= $(plan)

include kunit/kunit.mk bench/bench.mk bench/cycles/cycles.mk bench/door/door.mk bench/report.mk check/check.mk

.PHONY: help results clean distclean

help:				## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  make MODEL-KERNEL one kernel image: $(IMAGES)"
	@echo "To be set, NAME=value: MODEL ARM CELLS CELL SEED BOOT WORKLOAD SETTING ONLY SEEDS QUICK JOBS LAB VARIANT MUTANTS FRAGMENT DIR NAME DRAINS FILLS CALLS IPS STRESS_SECONDS WITHIN CACHE KERNEL_SRC MIRROR"

results: $(prepare) campaign $(vouch) report	## from nothing to RESULTS.md (cycles apart)

clean:				## remove what this clone has built (build/)
	rm -rf build

distclean: clean		## remove the caches as well (CACHE=)
	rm -rf "$(CACHE)"
