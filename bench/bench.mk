# SPDX-License-Identifier: GPL-2.0-only
# The lab: guest, counting plugin, boots.

SEEDS   ?= 12
JOBS    ?= $(shell nproc)
CELLS   ?=
CELL    ?=
ONLY    ?=
VARIANT ?=
DIR     ?=
NAME    ?=
WORKLOAD ?=
QUICK   ?=
SETTING ?=
$(call number,SEEDS)
$(call number,JOBS)
workloads := $(patsubst bench/workloads/%/workload.json,%,$(wildcard bench/workloads/*/workload.json))
$(call known,WORKLOAD,faults $(workloads))
$(call known,QUICK,1)
# What a campaign runs: faults has kinds of boots, the controls of the lab among them, and runs in any lab.
loads := $(or $(subst $(comma), ,$(WORKLOAD)),faults $(if $(ONLY)$(filter-out virtual,$(LAB)),,$(workloads)))
$(foreach name,CELLS CELL,$(call known,$(name),$(foreach m,$(MODELS),$(arms:%=$m-%))))
# The kinds of boots that the lab's own file names.
$(call known,ONLY,$(shell sed -n '/^KINDS = /s/[^a-z ]//gp' "bench/$(LAB).py"))

# The quick try: unpatched and one arm.
try_arm    := $(or $(ARM),$(example))
try_model  := $(or $(MODEL),rt)
try_images := $(try_model)-unpatched $(try_model)-$(call kernel_of,$(try_arm))
ifneq ($(filter try,$(MAKECMDGOALS)),)
$(call known,ARM,$(filter-out unpatched $(controls),$(arms)))
plan := source $(try_images) guest-root guest qemu plugin try
endif

.PHONY: guest plugin campaign instrument again show cell anatomy lock-holds advise check-plugin check-lab-repeat check-lab-verdicts check-lab-controls check-hotpaths probe import check-kvm-probe check-import check-archive check-workloads check-lock-holds check-lab-questions try check-try compare

try: $(try_images) guest qemu plugin	## what one drain takes, upstream and under one arm: two boots (ARM= MODEL=rt)
	$(STAGE) try "booting unpatched and $(try_arm)" $(python) bench.tryout boot --model "$(try_model)" --arm "$(try_arm)"
	@$(python) bench.tryout say --model "$(try_model)" --arm "$(try_arm)"

guest: guest-root		## build the guest: build/guest/initramfs.cpio
	$(STAGE) guest "building the guest" $(MAKE) build/guest/initramfs.cpio build/guest/osnoise.cpio \
		build/guest/interrupts.cpio $(workloads:%=build/guest/%.cpio)

plugin: deps			## build what is loaded into QEMU, the counting plugin above all
	$(STAGE) plugin "building the counting plugin" $(MAKE) build/plugin/pcd_count.so \
		build/plugin/pcd_locks.so build/preload/main_loop.so build/preload/slow_cpus.so

# Fuller images, for workloads that need them: of the kernels whose arms are compared everywhere.
full_loads := $(patsubst bench/workloads/%/workload.json,%,$(shell grep -ls '^ "flavour": "full"' bench/workloads/*/workload.json))
compared   := $(sort $(foreach a,$(arms),$(if $(call arm_fact,$a,COMPARED),$(call kernel_of,$a))))
fuller     := $(if $(filter $(full_loads),$(loads)),$(patsubst %,%-full,$(filter $(foreach m,$(MODELS),$(compared:%=$m-%)),$(chosen))))

define run_campaign
	$(STAGE) campaign-$1 "booting $1" $(python) bench.campaign --lab "$(LAB)" $(if $(filter-out faults,$1),--workload $1) \
		--seeds "$(SEEDS)" --jobs "$(JOBS)" --cells "$(CELLS)" \
		--model "$(MODEL)" --arm "$(ARM)" --only "$(ONLY)" --setting "$(SETTING)" $(if $(QUICK),--quick)

endef
campaign: $(chosen) $(fuller) $(osnoise) guest qemu plugin	## boot all cells, SEEDS=12 each, JOBS= at a time (WORKLOAD=spin SETTING=other; of faults ONLY=drain,hotpath; QUICK=1)
	$(foreach one,$(loads),$(call run_campaign,$(one)))

# As make check does, but what comes out is kept beside the boots that it vouches for.
instrument: rt-$(call kernel_of,$(example)) lazy-unpatched guest qemu plugin	## check plugin and seeds, and keep the outcome for RESULTS.md
	$(STAGE) instrument "checking plugin and seeds" $(python) bench.checks plugin lab-repeat --keep

SAMPLE ?=
$(if $(SAMPLE),$(call number,SAMPLE))
again: $(IMAGES) $(fuller) guest qemu plugin	## make all boots of results/ once more, 4 h or WITHIN=30: the same? (kept for the report; SAMPLE=1: of each cell whose kernel sources have changed, a boot of each kind)
	$(STAGE) again "making boots again" $(python) bench.checks again --keep $(if $(WITHIN),--within "$(WITHIN)") \
		$(if $(SAMPLE),--sample "$(SAMPLE)")

BOOT ?=
show:				## unpack a boot of results/ and say what it is (BOOT=rt-unpatched/603)
	$(if $(BOOT),,$(error BOOT= is missing: CELL/SEED, such as rt-unpatched/603, or a name of results/virtual/index.jsonl))
	@$(python) bench.archive show "$(BOOT)"

# A seed of the first workload, or the name of another kind's boot; with WORKLOAD=, a boot of that workload.
SEED ?=
cell_model = $(firstword $(subst -, ,$(CELL)))
cell_of    = $(if $(filter-out faults,$(WORKLOAD)),workloads/$(WORKLOAD),virtual)
cell_boot  = "$(CELL)/$(if $(filter-out 0% 1% 2% 3% 4% 5% 6% 7% 8% 9%,$(SEED)),$(SEED),seed-$(SEED))"
ifneq ($(filter cell,$(MAKECMDGOALS)),)
$(if $(filter-out 1,$(words $(CELL)) $(words $(SEED))),$(error one CELL= and one SEED= are needed: CELL=rt-unpatched SEED=603, or SEED=dose-1000-603))
# Before anything is built.
$(if $(shell grep -s '"boot": $(cell_boot)' results/$(cell_of)/index.jsonl),,$(error no boot $(cell_boot) in results/$(cell_of)/index.jsonl, which has them all, a line each))
endif
cell: $(if $(CELL),$(cell_model)-$(call kernel_of,$(CELL:$(cell_model)-%=%))$(if $(filter $(full_loads),$(WORKLOAD)),-full)) guest qemu plugin	## make one boot of results/ anew: the same? (CELL=rt-unpatched SEED=603; WORKLOAD=spin SEED=other-701)
	@$(python) bench.again $(cell_of)/$(cell_boot)

# Any image will do.
probe: $(firstword $(chosen)) guest qemu	## say within 20 s whether this machine can run LAB=kvm
	@$(python) bench.probe --lab "$(if $(filter file,$(origin LAB)),kvm,$(LAB))"

# Apart from campaigns, with a guest and a plugin of its own.
lock-holds: $(MODELS:%=%-$(call kernel_of,$(or $(ARM),$(example)))) guest qemu plugin	## how long requester and owner hold the owner's lock, and the other waits (ARM= SEEDS=12; kept for the report only without either)
	@$(python) bench.lock_holds --arm "$(or $(ARM),$(example))" --seeds "$(SEEDS)" --jobs "$(JOBS)" \
		$(if $(ARM),,--keep)

# Rates per second of the reader's own; IPS: instructions that the CPU executes.
DRAINS ?=
FILLS  ?=
CALLS  ?=
IPS    ?=
advise: deps			## which arm takes least of an isolated CPU (DRAINS= FILLS= CALLS= a second, MODEL=rt, IPS=1e9)
	@$(python) bench.workloads.map.advise --drains "$(DRAINS)" --fills "$(FILLS)" --calls "$(CALLS)" \
		--model "$(MODEL)" --ips "$(IPS)"

import: deps			## take raw results from elsewhere into results/imported-NAME (DIR=a lab's folder NAME=host1)
	$(if $(DIR),,$(error DIR= is missing: a folder with a lab's results, such as build/boots/kvm of another machine))
	$(if $(NAME),,$(error NAME= is missing: what the report is to call it, such as NAME=host1))
	@$(python) bench.import_results "$(DIR)" --name "$(NAME)"

imported = $(patsubst results/imported-%,%,$(wildcard results/imported-*))
compare: deps			## compare the arms of results that were imported (NAME=host1)
	$(if $(filter $(NAME),$(imported)),,$(error NAME=$(NAME) was not imported; there are: $(or $(imported),none yet; make import DIR= NAME= takes some)))
	@$(python) bench.archive unpack >/dev/null
	@$(python) bench.compare "build/results/imported-$(NAME)"

# An arm, or a kernel's name: all its arms.
drawable := $(sort $(filter-out $(controls),$(arms) $(KERNELS)))
$(call known,VARIANT,$(drawable))
$(if $(filter anatomy,$(MAKECMDGOALS)),$(if $(VARIANT),,$(error VARIANT= is missing; known: $(drawable))))
anatomy_model := $(or $(MODEL),rt)
anatomy_arms  := $(if $(filter $(VARIANT),$(arms)),$(VARIANT),$(foreach a,$(arms),$(if \
	$(filter $(VARIANT),$(call kernel_of,$a)),$a)))

anatomy: $(if $(VARIANT),$(anatomy_model)-$(call kernel_of,$(VARIANT))) guest qemu plugin	## trace and draw one drain (VARIANT= MODEL=rt)
	$(STAGE) anatomy "tracing one drain" $(python) bench.campaign --lab "$(LAB)" --jobs "$(JOBS)" \
		--cells "$(anatomy_arms:%=$(anatomy_model)-%)" --only anatomy
	@for arm in $(anatomy_arms); do \
		$(python) bench.report.rendering.anatomy --lab "$(LAB)" "$(anatomy_model)-$$arm" || exit; \
	done

# What each client's folder knows of it.
client_guests := $(wildcard common/clients/*/guest.c)

build/guest/init: $(wildcard bench/guest/*.[ch]) $(client_guests)
	$(call compile,$(guest_cc))

# Only what is run, and nothing in it that varies: times, inodes, owners, order.
build/guest/initramfs.cpio: build/guest/init bench/guest/files.list bench/guest/pack.sh build/guest/root/packages.txt
	bench/guest/pack.sh build/guest/root build/guest/init bench/guest/files.list $@

# The other guest, which looks at the host: one program, and nothing of Debian's.
build/guest/osnoise: bench/guest/osnoise/init.c $(addprefix bench/guest/,channel.c files.c machine.c params.c proofs.c random.c run.c tasks.c) $(wildcard bench/guest/*.h)
	$(call compile,$(guest_cc))

build/guest/osnoise.cpio: build/guest/osnoise bench/guest/pack.sh
	bench/guest/pack.sh build/guest/root build/guest/osnoise /dev/null $@

# And the one for who holds whose lock: the same workload, and interrupts.
build/guest/interrupts/init: bench/guest/interrupts/init.c $(filter-out bench/guest/init.c,$(wildcard bench/guest/*.[ch])) $(client_guests)
	$(call compile,$(guest_cc))

build/guest/interrupts.cpio: build/guest/interrupts/init bench/guest/files.list bench/guest/pack.sh build/guest/root/packages.txt
	bench/guest/pack.sh build/guest/root build/guest/interrupts/init bench/guest/files.list $@

# A guest for each workload: what all share, and its own program.
library := $(addprefix bench/guest/,ballast.c channel.c cpus.c files.c machine.c pad.c params.c proofs.c random.c run.c tasks.c)
$(workloads:%=build/guest/%/init): build/guest/%/init: $(library) $(wildcard bench/guest/*.h bench/workloads/common/*.[ch])
# NAME.mk may set NAME_packages, the packages of a Debian of its own, and NAME_programs, what its init runs besides.
include $(wildcard bench/workloads/*/*.mk)
# The Debian that the files.list of workload $1 is about.
root_of = build/guest/$(if $($1_packages),$1/)root
define workload_guest
build/guest/$1/init: $(wildcard bench/workloads/$1/*.[ch])
	$$(call compile,$$(guest_cc) -pthread)
build/guest/$1.cpio: build/guest/$1/init $($1_programs) bench/guest/pack.sh $(wildcard bench/workloads/$1/files.list) $(root_of)/packages.txt
	bench/guest/pack.sh $(root_of) $$< $(or $(wildcard bench/workloads/$1/files.list),/dev/null) $$@ $($1_programs)
endef
$(foreach one,$(workloads),$(eval $(call workload_guest,$(one))))

build/plugin/pcd_locks.so: bench/plugin/locks/pcd_locks.c bench/plugin/symbols.c $(wildcard bench/plugin/*.h) bench/guest/marks.h
	$(call compile,$(plugin_cc))

build/plugin/pcd_count.so: $(wildcard bench/plugin/*.[ch]) bench/guest/marks.h
	$(call compile,$(plugin_cc))

build/preload/%.so: bench/preload/%.c bench/preload/preload.h
	$(call compile,$(plugin_cc))

check-kvm-probe: rt-unpatched guest qemu
	$(pytest) --tap kvm-probe bench/tests/test_kvm.py

check-import: deps
	$(pytest) --tap import bench/tests/test_compare.py bench/tests/test_import.py \
		bench/tests/test_metal.py

check-archive: deps
	$(pytest) --tap archive bench/tests/test_archive.py bench/tests/test_instrument.py

check-workloads: deps
	$(pytest) --tap workloads bench/workloads

check-try: deps
	$(pytest) --tap try bench/tests/test_tryout.py

check-lock-holds: deps
	$(pytest) --tap lock-holds bench/tests/test_lock_holds.py

check-lab-questions: deps
	$(pytest) --tap lab-questions bench/tests/test_lab_questions.py

# Repeated is a boot of each kind, whatever its kernel.
check-hotpaths check-lab-repeat: $(IMAGES)
check-plugin: lazy-unpatched
check-lab-controls: rt-unpatched rt-rebuilt rt-$(call kernel_of,$(lastword $(arms)))
check-plugin check-lab-repeat check-lab-verdicts check-lab-controls check-hotpaths: rt-$(call kernel_of,$(example)) guest qemu plugin
	$(python) bench.checks $(@:check-%=%)
