#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Link the kernel objects of an image into a program of user space.
#   bench/cycles/link.sh IMAGE ORDER CC...
# Makes build/cycles/IMAGE/order-ORDER: the kernel objects in an order that follows
# from the number, the program, compiled and linked by CC; beside it .objects, the
# order, and .missing, "SYMBOL ADDRESS" of what no object defines: nothing is mapped
# there, so that whoever gets there faults, and is told what was missing.
set -euo pipefail

image=$1 order=$2
shift 2
kernel=build/cycles/$image/kernel program=build/cycles/$image/order-$order
work=$(mktemp -d "build/cycles/$image/.link.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Private to their files, but the lab fills or reads them by hand.
mapfile -t private < <(cat bench/cycles/kernel/private.h variants/*/cycles.h |
	sed -nE 's/^DECLARE_PER_CPU\([^,]*, (\w+)\);.*/\1/p; s/^unsigned int (\w+)\(.*\);$/\1/p')
for object in "$kernel"/*.o; do
	objcopy "${private[@]/#/--globalize-symbol=}" "$object" "$work/${object##*/}"
done
find "$work" -name '*.o' -printf '%f\n' | LC_ALL=C sort | shuf --random-source=<(yes "$order" | head -c 4096) >"$program.objects"
sed "s#^#$work/#" "$program.objects" | xargs ld -r -o "$work/all"

# A prefix keeps the kernel's names and libc's apart.
objcopy --prefix-symbols=k_ "$work/all" "$work/kernel.o"
nm -u "$work/kernel.o" | awk '
	$2 ~ /^k_(const_current_task|__ref_stack_chk_guard)$/ { next }
	{ printf "%s 0x%x\n", substr($2, 3), 0x10000000 + 4096 * n++ }' >"$program.missing"
{
	# As the kernel's own linker script has them.
	echo 'k_const_current_task = k_current_task;'
	echo 'k___ref_stack_chk_guard = k___stack_chk_guard;'
	sed 's/\(.*\) \(.*\)/k_\1 = \2;/' "$program.missing"
} >"$work/missing.ld"

"$@" -static -no-pie -z noexecstack -pthread -o "$work/program" bench/cycles/*.c "$work/kernel.o" "$work/missing.ld" \
	-Wl,-T,bench/cycles/link.ld -Wl,--no-warn-rwx-segments
mv "$work/program" "$program"
