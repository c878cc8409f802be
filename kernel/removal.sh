#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that each variant can be removed, folder and Kconfig entry, and the others
# do not notice: their patches apply, they compile. Writes build/check/removal.tap.
#   kernel/removal.sh MODEL
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh
# shellcheck source=kernel/objects.sh
. kernel/objects.sh

model=$1
tap_begin removal
objects_begin

# entry_removed VARIANT: a patch that takes its entry out of our Kconfig.
entry_removed() {
	awk -v entry="config PCPU_DRAIN_${1^^}" '
		/^[^ \t#]/ { gone = $0 == entry }
		!gone' common/mm/pcpu_drain/Kconfig >"$scratch/Kconfig"
	! diff -u --label a/mm/pcpu_drain/Kconfig --label b/mm/pcpu_drain/Kconfig common/mm/pcpu_drain/Kconfig "$scratch/Kconfig"
}

assembles() {	# VARIANT
	entry_removed "$1" >"$scratch/$1.patch" &&
		WITHOUT=$1 kernel/assemble.sh patched objects "$scratch/$1.patch" 8>&-
}

compiles() (	# KERNEL
	mapfile -t fragments < <(fragments "$model" "$1")
	configure "$1" "$objects_tree" "${fragments[@]}" kernel/kunit.config
	compile_ours
)

for removed in "${kernels[@]:1}"; do
	test_point "without $removed: the tree assembles" assembles "$removed"
	for kernel in "${kernels[@]}"; do
		[ "$kernel" = "$removed" ] ||
			WITHOUT=$removed test_point "without $removed: $kernel compiles" compiles "$kernel"
	done
done

tap_end
