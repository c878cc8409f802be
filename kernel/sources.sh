#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print one hash of all sources that reach a kernel image, as they are now: the
# source_sha256 of an image built from them.
#   kernel/sources.sh MODEL KERNEL [kunit]
# MODEL changes nothing today. Another variant's C files do not reach an image,
# its options do.
set -euo pipefail

kernel=$2 flavour=${3:-}
tree=patched
[ "$kernel" != unpatched ] || tree=unpatched

inputs=$(kernel/inputs.sh "$tree")
base=$(cat build/source/.pcd-sha256)
{
	while read -r kind file rest; do
		case $kind:$file in
		link:*Kconfig*) ;;
		link:variants/"$kernel"/*) ;;
		link:variants/*) continue ;;
		link:kunit/*) [ -n "$flavour" ] || continue ;;
		esac
		echo "$kind ${rest:-patch} $(sha256sum <"$file")"
	done <<<"$inputs"
	echo "$base"
} | sha256sum | cut -d' ' -f1
