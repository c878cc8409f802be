# SPDX-License-Identifier: GPL-2.0-only
# KUnit: one suite for all variants, in User-Mode Linux (seconds) and in QEMU.

# Arms that have the facade; all of them get the suite.
KUNIT_ARMS := $(filter-out unpatched,$(notdir $(wildcard bench/arms/*)))
KUNIT_KERNELS := $(sort $(foreach arm,$(KUNIT_ARMS),$(shell sed -n 's/^KERNEL=//p' bench/arms/$(arm))))
KUNIT_MODELS := rt lazy

UML_CONSOLES := $(KUNIT_ARMS:%=build/kunit/uml-%.console)
QEMU_CONSOLES := $(foreach model,$(KUNIT_MODELS),$(KUNIT_ARMS:%=build/kunit/$(model)-%.console))

arm_kernel = $(shell sed -n 's/^KERNEL=//p' bench/arms/$(1))
arm_boot = $(shell sed -n 's/^BOOT=//p' bench/arms/$(1))

.PHONY: kunit check-kunit-uml check-kunit-qemu mutants

# The loop of a developer: edit, `make kunit ARM=qpw1`, read.
kunit: ARM := $(or $(ARM),qpw1)
kunit: source			## build and run the suite in UML (ARM=qpw1), in seconds
	@$(if $(filter $(ARM),$(KUNIT_ARMS)),,echo "error: kunit: no suite for ARM=$(ARM); known: $(KUNIT_ARMS)" >&2; exit 1)
	kunit/build-uml.sh $(call arm_kernel,$(ARM)) build/kunit/uml-$(ARM)
	kunit/run-uml.sh build/kunit/uml-$(ARM) $(call arm_boot,$(ARM)) >build/kunit/uml-$(ARM).console
	@build/source/tools/testing/kunit/kunit.py parse $(CURDIR)/build/kunit/uml-$(ARM).console

# One after the other: all variants share a tree.
check-kunit-uml: source
	@set -e; for kernel in $(KUNIT_KERNELS); do \
		kunit/build-uml.sh $$kernel build/kunit/uml-program-$$kernel; \
	done
	$(MAKE) --no-print-directory $(UML_CONSOLES)
	kunit/judge.py --name kunit-uml $(UML_CONSOLES)

build/kunit/uml-%.console: FORCE
	kunit/run-uml.sh build/kunit/uml-program-$(call arm_kernel,$*) $(call arm_boot,$*) >$@

check-kunit-qemu: source qemu
	@set -e; for model in $(KUNIT_MODELS); do for kernel in $(KUNIT_KERNELS); do \
		kernel/build.sh $$model $$kernel kunit; \
	done; done
	$(MAKE) --no-print-directory $(QEMU_CONSOLES)
	kunit/judge.py --name kunit-qemu $(QEMU_CONSOLES)

define qemu_console
build/kunit/$(1)-$(2).console: FORCE
	@mkdir -p build/kunit
	kunit/run-qemu.sh build/images/$(1)-$(call arm_kernel,$(2))-kunit $(call arm_boot,$(2)) >$$@
endef
$(foreach model,$(KUNIT_MODELS),$(foreach arm,$(KUNIT_ARMS),$(eval $(call qemu_console,$(model),$(arm)))))

mutants: source			## plant each bug of kunit/mutants, see its test fail (6 min)
	kunit/mutants.sh

FORCE:
