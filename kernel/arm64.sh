#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check other architectures: on arm64 every variant compiles without a warning, the
# hooks in its entry code included; where isolated CPUs return to user mode in a way that no variant
# can follow, Kconfig refuses all of them. Writes build/check/arm64.tap.
#   kernel/arm64.sh
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh
tap_begin arm64
objects_name=arm64
# shellcheck source=kernel/objects.sh
. kernel/objects.sh

objects_begin
kernel/assemble.sh patched "$objects_name" 8>&-
native=("${kbuild[@]}")

# configured KERNEL LINE...: what Kconfig makes of the fragments of a test kernel (of
# those for x86 what it knows), and whether the lines and the variant hold in it.
configured() {
	local kernel=$1

	shift
	printf '%s\n' "$@" CONFIG_SMP=y CONFIG_NO_HZ_FULL=y "CONFIG_PCPU_DRAIN_${kernel^^}=y" >"$scratch/wanted"
	mapfile -t fragments < <(fragments lazy "$kernel")
	kconfig "$objects_tree" "${fragments[@]}" kernel/kunit.config "$scratch/wanted" &&
		kernel/configcheck.sh "$kernel" "$objects_tree/.pcd-config" "$scratch/wanted"
}
compiles() {	# KERNEL
	configured "$1" CONFIG_ARM64=y CONFIG_PREEMPT_LAZY=y CONFIG_PCPU_DRAIN_KUNIT_TEST=y CONFIG_WERROR=y &&
		mv "$objects_tree/.pcd-config" "$objects_tree/.config" && compile_ours
}

kbuild=("${native[@]}" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- "CC=ccache aarch64-linux-gnu-gcc")
for kernel in "${kernels[@]}"; do
	NM=aarch64-linux-gnu-nm test_point "arm64: $kernel compiles" compiles "$kernel"
done

# Kconfig asks the compiler little, so that the native one will do.
refused() {	# ARCH LINE...
	local arch=$1

	shift
	kbuild=("${native[@]}" "ARCH=$arch")
	for kernel in "${kernels[@]:1}"; do
		says 1 "$arch: $kernel is refused" \
			"error: $kernel: CONFIG_PCPU_DRAIN_${kernel^^}: wanted y, got is not set" configured "$kernel" "$@"
	done
}
refused powerpc CONFIG_PPC64=y
refused csky CONFIG_CPU_CK860=y

tap_end
