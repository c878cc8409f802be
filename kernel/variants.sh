#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What folders of variants put into files that all share.
#   kernel/variants.sh			the variants, in the order of pages
#   kernel/variants.sh parts FILE	the variants' files whose text goes into FILE
#   kernel/variants.sh fill FILE PLACE	FILE as it is at PLACE in a kernel tree
# A line "# each variant: Makefile" in FILE stands for the Makefile of each folder that
# has one; "/* each variant: locks.h */" for an #include of each locks.h, where its
# tree.list puts that, if the variant is built in.
# (A check leaves one variant's folder out: WITHOUT=NAME.)
set -euo pipefail

mark='^(# |/\* )each variant: ([^ ]+)( \*/)?$'

variants() {
	bench/arms.sh kernels | while read -r name; do
		[ ! -d "variants/$name" ] || echo "$name"
	done
}

# having PART: the variants whose folder has it
having() {
	variants | while read -r name; do
		[ ! -e "variants/$name/$1" ] || echo "$name"
	done
}

include() {	# VARIANT HEADER PLACE-OF-THE-INCLUDING-FILE
	local place

	place=$(awk -v file="$2" '$1 == file { print $2 }' "variants/$1/tree.list")
	case $place in
	"") echo "error: variants/$1/tree.list does not say where $2 goes in the kernel tree" >&2; return 1 ;;
	include/*) place="<${place#include/}>" ;;
	*) place="\"$(realpath -m --relative-to="$(dirname "$3")" "$place")\"" ;;
	esac
	printf '%s\n' "#ifdef CONFIG_PCPU_DRAIN_${1^^}" "#include $place" "#endif"
}

fill() {	# FILE PLACE
	local line name part

	while IFS= read -r line; do
		if [[ ! $line =~ $mark ]]; then
			printf '%s\n' "$line"
			continue
		fi
		part=${BASH_REMATCH[2]}
		for name in $(having "$part"); do
			case $part in
			*.h) include "$name" "$part" "$2" ;;
			*) sed '/^# SPDX/d' "variants/$name/$part" ;;
			esac
			[ "$part" != Kconfig ] || echo
		done
	done <"$1"
}

case ${1:-} in
"") variants ;;
parts)
	sed -nE "s,$mark,\2,p" "$2" | sed '/\.h$/d' | while read -r part; do
		having "$part" | sed "s,.*,variants/&/$part,"
	done
	;;
fill) fill "$2" "$3" ;;
*) echo "usage: kernel/variants.sh [parts FILE | fill FILE PLACE]" >&2; exit 2 ;;
esac
