#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print one hash of all sources that reach a kernel image, as they are now: the
# source_sha256 of an image built from them. Fragments are sources as well.
#   kernel/sources.sh MODEL KERNEL [full|hz100|hz250|kunit|kasan|metal]
# --list: print the files of this repository instead.
# Of another variant only this reaches an image: its options, what it has built, its patches, and
# the headers that these include.
set -euo pipefail
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

list=
[ "$1" != --list ] || { list=y; shift; }
kernel=$2 flavour=${3:-}
tree=$(tree_of "$kernel")

inputs=$(kernel/inputs.sh "$tree")
included=$(sed -n 's/^patch //p' <<<"$inputs" | xargs sed -n 's/^+ *#include [<"]\([^>"]*\).*/\1/p')

# "KIND FILE [PLACE]" of what reaches the image.
reaching() {
	while read -r kind file place; do
		case $kind:$file in
		*:kunit/*) [[ $flavour = k* ]] || continue ;;
		part:* | made:* | link:*Kconfig*) ;;
		link:variants/"$kernel"/*) ;;
		link:common/clients/*) [[ $flavour = k* || $place != mm/pcpu_drain/kunit/* ]] || continue ;;
		link:variants/*) grep -qxF "${place#include/}" <<<"$included" || continue ;;
		esac
		echo "$kind $file $place"
	done <<<"$inputs"
}

if [ "$list" ]; then
	reaching | cut -d' ' -f2
	fragments "$@"
	exit
fi
{
	reaching | while read -r kind file place; do
		echo "$kind ${place:-patch} $(sha256sum <"$file")"
	done
	fragments "$@" | xargs grep -hE '^CONFIG_|^# CONFIG_.* is not set'
	cat build/source/.pcd-sha256
} | sha256sum | cut -d' ' -f1
