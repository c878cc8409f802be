#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# List what this repository adds to a pristine kernel tree, in order.
#   kernel/inputs.sh TREE		(unpatched or patched)
# One line each: "patch FILE"; "link FILE PLACE-IN-THE-TREE"; "made FILE PLACE", a file
# that kernel/variants.sh fills, and "part FILE" for what it takes.
# (WITHOUT=: names of variants to leave out.)
set -euo pipefail
shopt -s nullglob
# shellcheck disable=SC2086 # names
[ -z "${WITHOUT:-}" ] || GLOBIGNORE=$(printf 'variants/%s/*:' $WITHOUT)

case $1 in
unpatched)
	patches=(bench/kernel-changes/patches/*.patch bench/kernel-changes/patches-unpatched/*.patch)
	lists=(bench/kernel-changes/tree.list bench/kernel-changes/tree-unpatched.list)
	;;
patched)
	for folder in variants/*/; do
		[[ " ${WITHOUT:-} " == *" $(basename "$folder") "* ]] || compgen -G "$folder/arms/*" >/dev/null ||
			{ echo "error: $folder has no arms/, so that nothing would use it; variants/README.md says what one is" >&2; exit 1; }
	done
	patches=(common/patches/*.patch common/clients/*/patches/*.patch variants/*/patches/*.patch)
	patches+=(bench/kernel-changes/patches/*.patch)
	lists=(common/tree.list common/clients/*/tree.list variants/*/tree.list kunit/tree.list)
	lists+=(bench/kernel-changes/tree.list)
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
	while read -r file place made rest; do
		case $file in
		"" | \#*) continue ;;
		esac
		if [ -z "$place" ] || [ "${made:-made}" != made ] || [ -n "$rest" ] || [ ! -f "$folder/$file" ]; then
			echo "error: $list: '$file $place' must name a file of $folder/ and its place in the kernel tree" >&2
			exit 1
		fi
		echo "${made:-link} $folder/$file $place"
		[ -z "$made" ] || kernel/variants.sh parts "$folder/$file" | sed 's/^/part /'
	done <"$list"
done
