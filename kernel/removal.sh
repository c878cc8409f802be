#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that each variant's folder can be removed, and the others do not notice: their
# patches apply, they compile. Writes build/check/removal.tap.
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

assembles() {	# VARIANT
	WITHOUT=$1 kernel/assemble.sh patched objects 8>&- && ! grep -qiw "PCPU_DRAIN_$1" "$objects_tree/mm/pcpu_drain/Kconfig"
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
