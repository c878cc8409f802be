#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What folders of variants and clients put into files that all share.
#   kernel/variants.sh			the variants, in the order of pages
#   kernel/variants.sh parts FILE	the folders' files whose text goes into FILE
#   kernel/variants.sh fill FILE PLACE	FILE as it is at PLACE in a kernel tree
# A line "# each variant: Makefile" in FILE stands for the Makefile of each folder that
# has one, "# each client: Makefile" for those in common/clients/; "/* each variant: locks.h */"
# for an #include of each locks.h, where its tree.list puts that, if the variant is built in.
# (WITHOUT=: names of variants to leave out.)
set -euo pipefail

mark='^(# |/\* )each (variant|client): ([^ ]+)( \*/)?$'

variants() {
	bench/arms.sh kernels | while read -r name; do
		[ ! -d "variants/$name" ] || echo "$name"
	done
}

# having KIND PART: the variants' or clients' folders that have it
having() {
	case $1 in
	variant) variants | sed 's,^,variants/,' ;;
	client) printf '%s\n' common/clients/*/ | sed 's,/$,,' ;;
	esac | while read -r folder; do
		[ ! -e "$folder/$2" ] || echo "$folder"
	done
}

include() {	# FOLDER HEADER PLACE-OF-THE-INCLUDING-FILE
	local name=${1##*/} place

	place=$(awk -v file="$2" '$1 == file { print $2 }' "$1/tree.list")
	case $place in
	"") echo "error: $1/tree.list does not say where $2 goes in the kernel tree" >&2; return 1 ;;
	include/*) place="<${place#include/}>" ;;
	*) place="\"$(realpath -m --relative-to="$(dirname "$3")" "$place")\"" ;;
	esac
	printf '%s\n' "#ifdef CONFIG_PCPU_DRAIN_${name^^}" "#include $place" "#endif"
}

fill() {	# FILE PLACE
	local line folder part

	while IFS= read -r line; do
		if [[ ! $line =~ $mark ]]; then
			printf '%s\n' "$line"
			continue
		fi
		part=${BASH_REMATCH[3]}
		for folder in $(having "${BASH_REMATCH[2]}" "$part"); do
			case $part in
			*.h) include "$folder" "$part" "$2" ;;
			*) sed '/^# SPDX/d' "$folder/$part" ;;
			esac
			[ "$part" != Kconfig ] || echo
		done
	done <"$1"
}

case ${1:-} in
"") variants ;;
parts)
	sed -nE "s,$mark,\2 \3,p" "$2" | sed '/\.h$/d' | while read -r kind part; do
		having "$kind" "$part" | sed "s,$,/$part,"
	done
	;;
fill) fill "$2" "$3" ;;
*) echo "usage: kernel/variants.sh [parts FILE | fill FILE PLACE]" >&2; exit 2 ;;
esac
