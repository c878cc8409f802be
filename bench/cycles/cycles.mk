# SPDX-License-Identifier: GPL-2.0-only
# The cycles lab: the kernel's own objects in user space.

# A neutral rebuild has the same objects.
cycles_images := $(filter-out %-rebuilt,$(chosen))
# Those whose report.toml says how many locked instructions a lock operation has.
cycles_check  := lazy-unpatched rt-unpatched $(foreach m,$(MODELS),$(patsubst variants/%/report.toml,$m-%, \
	$(shell grep -lE '^locked' variants/*/report.toml)))

.PHONY: cycles check-cycles $(sort $(cycles_images:%=cycles-%) $(cycles_check:%=cycles-%))

cycles: $(cycles_images:%=cycles-%)	## measure hot paths in cycles, in user space: results/cycles (5 min, quiet machine)
	$(STAGE) cycles "measuring cycles" $(python) bench.cycles.lab --cc "$(cycles_cc)" --images "$(cycles_images)"

$(sort $(cycles_images:%=cycles-%) $(cycles_check:%=cycles-%)): source
	$(STAGE) $@ "compiling kernel objects of $(@:cycles-%=%)" bench/cycles/objects.sh $(subst -, ,$(@:cycles-%=%))

check-cycles: $(cycles_check:%=cycles-%)
	$(python) bench.cycles.check --cc "$(cycles_cc)"
