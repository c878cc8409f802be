# SPDX-License-Identifier: GPL-2.0-only
# Kernel trees and images. An image is $(MODEL)-$(KERNEL), e.g. rt-qpw.

MODELS  := rt lazy
KERNELS := unpatched rebuilt none qpw task_work deferred_wq
IMAGES  := $(foreach m,$(MODELS),$(KERNELS:%=$m-%))
# Not measured: with it a lab in real time sees whether the host is quiet.
GATE    := lazy-osnoise
gate    := $(if $(filter kvm,$(LAB)),$(GATE))

# What MODEL= and ARM= (an arm, or a kernel's name) leave of them.
MODEL ?=
ARM   ?=
arms  := $(notdir $(wildcard bench/arms/*))
# Arms that are controls of the lab: no strategy, so nothing to test in them.
controls := $(notdir $(shell grep -ls '^CONTROL=' bench/arms/*))
$(call known,MODEL,$(MODELS))
$(call known,ARM,$(sort $(arms) $(KERNELS)))
kernel_of = $(if $(filter $1,$(arms)),$(shell sed -n 's/^KERNEL=//p' bench/arms/$1),$1)
chosen  := $(foreach m,$(or $(MODEL),$(MODELS)),$(addprefix $m-,$(or $(call kernel_of,$(ARM)),$(KERNELS))))

.PHONY: tree menuconfig kernels debs $(IMAGES) $(GATE) $(IMAGES:%=%-kunit) $(IMAGES:%=%-kasan) check-kernels check-removal check-configs check-arm64

tree: source			## assemble the kernel trees under build/linux
	$(STAGE) tree "assembling the kernel trees" sh -c 'for m in $(or $(MODEL),$(MODELS)); do \
		kernel/assemble.sh unpatched $$m && kernel/assemble.sh patched $$m || exit; done'

menuconfig: source		## look at the options of a kernel (ARM=qpw MODEL=rt)
	@kernel/menuconfig.sh $(or $(MODEL),rt) $(or $(call kernel_of,$(ARM)),none)

kernels: $(chosen)		## build all images (or those that MODEL=, ARM= leave)

# A fragment of one's own, such as a driver.
FRAGMENT ?=
$(if $(FRAGMENT),$(if $(wildcard $(FRAGMENT)),,$(error FRAGMENT=$(FRAGMENT): no such file)))
export FRAGMENT
debs_of = $(or $(MODEL),rt)-$(call kernel_of,$(ARM))

debs: source			## build a Debian package of a kernel for real machines (ARM=qpw MODEL=rt, FRAGMENT=)
	$(if $(ARM),,$(error ARM= is missing; known: $(sort $(arms) $(KERNELS))))
	@setup/deps.sh debs
	$(STAGE) debs "building the package of $(debs_of)" kernel/debs.sh $(subst -, ,$(debs_of))

# `make rt-qpw`: one image; `make rt-qpw-kunit`: with tests and lockdep
$(IMAGES) $(GATE): source
	$(STAGE) $@ "building kernel $@" kernel/build.sh $(subst -, ,$@)

$(IMAGES:%=%-kunit) $(IMAGES:%=%-kasan): source
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
