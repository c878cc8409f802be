#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that every variant compiles in configurations that it is not measured in,
# or that Kconfig refuses it there. Writes build/check/configs.tap.
#   kernel/configs.sh MODEL
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
tap_begin configs
objects_begin
kernel/assemble.sh patched objects 8>&-

# configured KERNEL LINE...: over the fragments of a test kernel; what has to hold
# in the end are the lines and the variant.
configured() {
	local kernel=$1 fragments

	shift
	printf '%s\n' "$@" >"$scratch/lines"
	echo "CONFIG_PCPU_DRAIN_${kernel^^}=y" | cat "$scratch/lines" - >"$scratch/wanted"
	mapfile -t fragments < <(fragments "$model" "$kernel")
	kconfig "$objects_tree" "${fragments[@]}" kernel/kunit.config "$scratch/lines" || return
	kernel/configcheck.sh "$kernel" "$objects_tree/.pcd-config" "$scratch/wanted"
}
compiles() {	# KERNEL LINE...
	configured "$@" && mv "$objects_tree/.pcd-config" "$objects_tree/.config" && compile_ours
}

for kernel in "${kernels[@]}"; do
	compiles_with() {	# WHAT LINE...
		test_point "$kernel compiles $1" compiles "$kernel" "${@:2}"
	}
	if [ "$kernel" = none ]; then
		compiles_with "without SMP" "# CONFIG_SMP is not set"
	else
		says 1 "$kernel without SMP is refused" \
			"error: $kernel: CONFIG_PCPU_DRAIN_${kernel^^}: wanted y, got is not set" \
			configured "$kernel" "# CONFIG_SMP is not set"
	fi
	compiles_with "without NO_HZ_FULL" "# CONFIG_NO_HZ_FULL is not set"
	compiles_with "without MEMCG" "# CONFIG_MEMCG is not set"
	compiles_with "without debugfs and tracepoints" "# CONFIG_DEBUG_FS is not set" \
		"# CONFIG_FTRACE is not set" "# CONFIG_TRACEPOINTS is not set"
	compiles_with "with buffer heads" "CONFIG_BLOCK=y" "CONFIG_EXT2_FS=y" "CONFIG_BUFFER_HEAD=y"
done

tap_end
