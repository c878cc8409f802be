# SPDX-License-Identifier: GPL-2.0-only
# Kernel trees and images. An image is $(MODEL)-$(KERNEL), e.g. rt-none.

MODELS  := rt lazy
# What is compared: ARM/KEY/VALUE each (bench/arms.sh).
arm_facts := $(shell bench/arms.sh words)
# $(call arm_fact,ARM,KEY): its value, if any
arm_fact = $(subst |, ,$(patsubst $1/$2/%,%,$(filter $1/$2/%,$(arm_facts))))
$(if $(arm_facts),,$(error the arms cannot be read; see above))
arms    := $(foreach f,$(arm_facts),$(if $(findstring /KERNEL/,$f),$(firstword $(subst /, ,$f))))
KERNELS := $(shell bench/arms.sh kernels)
# One that stands for all where one is enough.
example := $(firstword $(foreach a,$(arms),$(if $(call arm_fact,$a,EXAMPLE),$a)) $(lastword $(arms)))
IMAGES  := $(foreach m,$(MODELS),$(KERNELS:%=$m-%))
# Not measured: with it a lab in real time sees whether the host is quiet.
OSNOISE := lazy-osnoise
osnoise := $(if $(filter kvm,$(LAB)),$(OSNOISE))

# What MODEL= and ARM= (an arm, or a kernel's name) leave of them.
MODEL ?=
ARM   ?=
# Arms that are controls of the lab: no strategy, so nothing to test in them.
controls := $(foreach a,$(arms),$(if $(call arm_fact,$a,CONTROL),$a))
$(call known,MODEL,$(MODELS))
$(call known,ARM,$(sort $(arms) $(KERNELS)))
kernel_of = $(or $(call arm_fact,$1,KERNEL),$1)
chosen  := $(foreach m,$(or $(MODEL),$(MODELS)),$(addprefix $m-,$(or $(call kernel_of,$(ARM)),$(KERNELS))))

# Images that are made otherwise: with more in them, with another tick, with tests, with KASAN.
FLAVOURS := full hz100 hz250 kunit kasan
flavoured := $(foreach f,$(FLAVOURS),$(IMAGES:%=%-$f))

.PHONY: tree menuconfig kernels debs series $(IMAGES) $(OSNOISE) $(flavoured) check-kernels check-removal check-configs check-arm64 check-series

tree: source			## assemble the kernel trees under build/linux
	$(STAGE) tree "assembling the kernel trees" sh -c 'for m in $(or $(MODEL),$(MODELS)); do \
		kernel/assemble.sh unpatched $$m && kernel/assemble.sh patched $$m || exit; done'

menuconfig: source		## look at the options of a kernel (ARM= MODEL=rt)
	@kernel/menuconfig.sh $(or $(MODEL),rt) $(or $(call kernel_of,$(ARM)),none)

kernels: $(chosen)		## build all images (or those that MODEL=, ARM= leave)

# A fragment of one's own, such as a driver.
FRAGMENT ?=
$(if $(FRAGMENT),$(if $(wildcard $(FRAGMENT)),,$(error FRAGMENT=$(FRAGMENT): no such file)))
export FRAGMENT
debs_of = $(or $(MODEL),rt)-$(call kernel_of,$(ARM))

debs: source			## build a Debian package of a kernel for real machines (ARM= MODEL=rt FRAGMENT=)
	$(if $(ARM),,$(error ARM= is missing; known: $(sort $(arms) $(KERNELS))))
	@setup/deps.sh debs
	$(STAGE) debs "building the package of $(debs_of)" kernel/debs.sh $(subst -, ,$(debs_of))

# The cover letter has the figures of results/.
variants = $(shell kernel/variants.sh)
ifneq ($(filter series,$(MAKECMDGOALS)),)
$(if $(filter-out 1,$(words $(VARIANT)))$(filter-out $(variants),$(VARIANT)),$(error VARIANT= must be one variant; known: $(variants)))
endif
series: source			## write a variant as patches for git am, with a cover letter (VARIANT=)
	@mkdir -p build/series
	$(STAGE) series "writing the cover letter" $(python) bench.report.rendering.cover --out build/series/$(VARIANT).cover $(VARIANT)
	@kernel/series.sh $(VARIANT) build/series/$(VARIANT).cover

# `make rt-none`: one image; `make rt-none-kunit`: with tests and lockdep; `make rt-none-full`: a fuller one
$(IMAGES) $(OSNOISE): source
	$(STAGE) $@ "building kernel $@" kernel/build.sh $(subst -, ,$@)

$(flavoured): source
	$(STAGE) $@ "building kernel $@" kernel/build.sh $(subst -, ,$@)

# Configs proved, fuzz refused, images reproducible; one model stands for both.
check-kernels: $(KERNELS:%=rt-%)
	kernel/check.sh rt

# The other two compile our objects only, one model each.
check-removal: source
	kernel/removal.sh rt

check-configs: source
	kernel/configs.sh lazy

check-arm64: source
	kernel/arm64.sh

check-series: source
	kernel/sendable.sh
