# SPDX-License-Identifier: GPL-2.0-only
# KUnit: one suite for all variants, in User-Mode Linux (seconds) and in QEMU.

# Arms that have the facade; all of them get the suite.
KUNIT_ARMS := $(filter-out unpatched $(controls),$(arms))
KUNIT_KERNELS := $(filter $(foreach arm,$(KUNIT_ARMS),$(call kernel_of,$(arm))),$(KERNELS))
KUNIT_MODELS := rt lazy

# $(call field,N,RUN): the N-th part of a run's name
field = $(word $(1),$(subst ., ,$(2)))

# Runs in QEMU: MODEL.ARM.ISOLATION.LAB. All arms with CPUs that do run at once and
# the strictest isolation; and what an arm's KUNIT= names: MODEL.ISOLATION, or for a
# replayable schedule (another KUNIT_SEED is another schedule) MODEL.ISOLATION.dither.
# An arm of each way to drain has the laxer isolation (nohz_full); those that track
# isolated CPUs are dithered, by each isolation and on each model once.
further := $(foreach a,$(KUNIT_ARMS),$(foreach r,$(call arm_fact,$a,KUNIT),$(call field,1,$r).$a.$(call field,2,$r).$(or $(call field,3,$r),mttcg)))
KUNIT_DITHERED ?= $(patsubst %.dither,%,$(filter %.dither,$(further)))
KUNIT_SEED ?= 1
QEMU_RUNS := $(foreach model,$(KUNIT_MODELS),$(KUNIT_ARMS:%=$(model).%.domain.mttcg)) \
	$(filter %.mttcg,$(further)) $(KUNIT_DITHERED:%=%.dither-$(KUNIT_SEED))

UML_CONSOLES := $(KUNIT_ARMS:%=build/kunit/uml-%.console)
# What run where: rt, lazy and dither are a check each.
qemu_runs = $(if $(filter dither,$(1)),$(filter-out %.mttcg,$(QEMU_RUNS)),$(filter $(1).%.mttcg,$(QEMU_RUNS)))

.PHONY: kunit kunit-kasan stress check-kunit-uml check-kunit-rt check-kunit-lazy check-kunit-dither check-contract check-mutants mutants

# The loop of a developer: edit, `make kunit ARM=`, read.
$(if $(filter kunit kunit-kasan stress,$(MAKECMDGOALS)),$(if $(ARM),$(call known,ARM,$(KUNIT_ARMS))))
kunit: ARM := $(or $(ARM),$(example))
kunit: source			## build and run an arm's suite in UML (ARM=): minutes once, then seconds
	kunit/build-uml.sh $(call kernel_of,$(ARM)) build/kunit/uml-$(ARM)
	kunit/run-uml.sh build/kunit/uml-$(ARM) $(call arm_fact,$(ARM),BOOT) >build/kunit/uml-$(ARM).console
	@build/source/tools/testing/kunit/kunit.py parse $(CURDIR)/build/kunit/uml-$(ARM).console

# One after the other: all variants share a tree.
check-kunit-uml: source
	@set -e; for kernel in $(KUNIT_KERNELS); do \
		kunit/build-uml.sh $$kernel build/kunit/uml-program-$$kernel; \
	done
	$(MAKE) --no-print-directory $(UML_CONSOLES)
	$(python) kunit.judge --name kunit-uml $(UML_CONSOLES)

build/kunit/uml-%.console: FORCE
	kunit/run-uml.sh build/kunit/uml-program-$(call kernel_of,$*) $(call arm_fact,$*,BOOT) >$@

# $(call qemu_images,RUNS): the images that they need
qemu_images = $(sort $(foreach run,$(1),$(call field,1,$(run))-$(call kernel_of,$(call field,2,$(run)))-kunit))

# One at a time, as each has five threads whose owners are to be in time; but two at a
# time of what is counted by instruction, which is one thread each.
check-kunit-dither: side_by_side = -j2 SIDE_BY_SIDE=y
check-kunit-rt: $(call qemu_images,$(call qemu_runs,rt))
check-kunit-lazy: $(call qemu_images,$(call qemu_runs,lazy))
check-kunit-dither: $(call qemu_images,$(call qemu_runs,dither)) plugin
check-kunit-rt check-kunit-lazy check-kunit-dither: consoles = $(patsubst %,build/kunit/%.console,$(call qemu_runs,$(@:check-kunit-%=%)))
check-kunit-rt check-kunit-lazy check-kunit-dither: source qemu build/kunit/owner.cpio
	$(MAKE) --no-print-directory $(side_by_side) $(consoles)
	$(python) kunit.judge --name $(@:check-%=%) $(consoles)

run_qemu = kunit/run-qemu.sh $(call field,4,$(1)) $(call field,3,$(1)) \
	build/images/$(call field,1,$(1))-$(call kernel_of,$(call field,2,$(1)))-kunit \
	pcd_kunit.arm=$(call field,2,$(1)) $(call arm_fact,$(call field,2,$(1)),BOOT)
build/kunit/%.console: FORCE
	$(call run_qemu,$*) >$@
	@# A thread of QEMU may still meet a breakpoint of the kernel's text patching that is
	@# gone already, as no processor does: then once more, and the judge counts it.
	@rm -f $@.int3; ! grep -q "Oops: int3" $@ || { mv $@ $@.int3; $(call run_qemu,$*) >$@; }

# Not in `make check`: a kernel more, and each run takes three times as long.
kunit-kasan: kasan = $(or $(MODEL),lazy)-$(call kernel_of,$(or $(ARM),$(example)))-kasan
kunit-kasan: source qemu build/kunit/owner.cpio	## run an arm's suite in QEMU under KASAN (ARM= MODEL=lazy)
	$(MAKE) --no-print-directory $(kasan)
	KUNIT_LIMIT=1200 kunit/run-qemu.sh mttcg domain build/images/$(kasan) kasan.fault=panic \
		pcd_kunit.arm=$(or $(ARM),$(example)) $(call arm_fact,$(or $(ARM),$(example)),BOOT) >build/kunit/kasan.console
	$(python) kunit.judge --name kunit-kasan build/kunit/kasan.console

# Nor this: ten minutes of a machine whose memory is fought over. Fuller kernels can compact it.
STRESS_SECONDS ?= 600
$(call number,STRESS_SECONDS)
stress: ARM := $(or $(ARM),$(example))
stress: image = $(or $(MODEL),lazy)-$(call kernel_of,$(ARM))-full
stress: source guest-root qemu	## stress-ng on isolated CPUs while all caches are drained, 10 min (ARM= MODEL=lazy, STRESS_SECONDS=60)
	$(MAKE) --no-print-directory $(image) build/kunit/stress.cpio
	KUNIT_LIMIT=$$(($(STRESS_SECONDS) * 3 + 600)) KUNIT_CPUS=4 KUNIT_MEMORY=256 KUNIT_INITRD=build/kunit/stress.cpio \
		kunit/run-qemu.sh mttcg nohz_full build/images/$(image) movablecore=0 \
		stress_seconds=$(STRESS_SECONDS) $(call arm_fact,$(ARM),BOOT) >build/kunit/stress-$(ARM).console
	$(python) kunit.judge --name stress --says "stress: passed" build/kunit/stress-$(ARM).console

build/kunit/stress: kunit/stress/stress.c bench/guest/files.c bench/guest/files.h bench/guest/compiler.h
	$(call compile,$(guest_cc))

build/kunit/stress.cpio: build/kunit/stress bench/workloads/plain/files.list bench/guest/pack.sh
	bench/guest/pack.sh build/guest/root build/kunit/stress bench/workloads/plain/files.list $@

build/kunit/owner: $(wildcard kunit/owner/*.[ch])
	$(call compile,$(guest_cc))

build/kunit/owner.cpio: build/kunit/owner kunit/owner/pack.sh
	kunit/owner/pack.sh $< $@

check-contract: deps		# the table of common/README.md says what KUnit checks
	$(python) kunit.contract --check

check-mutants: source		# those that run in UML; that the others apply, `make mutants` runs them
	kunit/mutants.sh --quick

mutants_there := $(notdir $(wildcard kunit/mutants/*.patch))
$(call known,MUTANTS,$(foreach m,$(mutants_there),$(firstword $(subst -, ,$m))))
mutants: source qemu build/kunit/owner.cpio	## plant each bug of kunit/mutants (or MUTANTS="20 21"), see its test fail
	kunit/mutants.sh $(subst $(comma), ,$(MUTANTS))

FORCE:

include kunit/models/models.mk
