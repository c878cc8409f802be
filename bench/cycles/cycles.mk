# SPDX-License-Identifier: GPL-2.0-only
# The cycles lab: the kernel's own objects in user space.

cycles_style  := -D__packed='__attribute__((packed))' -D'__aligned(n)=__attribute__((aligned(n)))'
cycles_cc     := $(cc_common) -D_GNU_SOURCE $(cycles_style)
# A neutral rebuild has the same objects.
cycles_images := $(filter-out %-rebuilt,$(chosen))
cycles_check  := lazy-unpatched lazy-none rt-unpatched $(foreach m,$(MODELS),$(m)-$(call kernel_of,$(example)))

.PHONY: cycles check-cycles $(sort $(cycles_images:%=cycles-%) $(cycles_check:%=cycles-%))

cycles: $(cycles_images:%=cycles-%)	## measure hot paths in cycles, in user space: results/cycles (5 min, quiet machine)
	$(STAGE) cycles "measuring cycles" bench/cycles/lab.py --cc "$(cycles_cc)" --images "$(cycles_images)"

$(sort $(cycles_images:%=cycles-%) $(cycles_check:%=cycles-%)): source
	$(STAGE) $@ "compiling kernel objects of $(@:cycles-%=%)" bench/cycles/objects.sh $(subst -, ,$(@:cycles-%=%))

check-cycles: $(cycles_check:%=cycles-%)
	bench/cycles/check.py --cc "$(cycles_cc)"
