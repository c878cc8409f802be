#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# List what this repository adds to a pristine kernel tree, in order.
#   kernel/inputs.sh TREE		(unpatched or patched)
# One line each: "patch FILE", or "link FILE PLACE-IN-THE-TREE".
# (A check leaves one variant's folder out: WITHOUT=qpw.)
set -euo pipefail
shopt -s nullglob
GLOBIGNORE=${WITHOUT:+variants/$WITHOUT/*}

case $1 in
unpatched)
	patches=(bench/kernel/patches/*.patch bench/kernel/patches-unpatched/*.patch)
	lists=(bench/kernel/tree.list bench/kernel/tree-unpatched.list)
	;;
patched)
	patches=(common/patches/*.patch variants/*/patches/*.patch bench/kernel/patches/*.patch)
	lists=(common/tree.list variants/*/tree.list kunit/tree.list bench/kernel/tree.list)
	;;
*)
	echo "error: unknown tree $1; known: unpatched patched" >&2
	exit 1
	;;
esac

for patch in "${patches[@]}"; do
	echo "patch $patch"
done
for list in "${lists[@]}"; do
	[ -e "$list" ] || continue
	folder=$(dirname "$list")
	while read -r file place rest; do
		case $file in
		"" | \#*) continue ;;
		esac
		if [ -z "$place" ] || [ -n "$rest" ] || [ ! -f "$folder/$file" ]; then
			echo "error: $list: '$file $place' must name a file of $folder/ and its place in the kernel tree" >&2
			exit 1
		fi
		echo "link $folder/$file $place"
	done <"$list"
done
