#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compile the kernel objects of one kernel that the cycles lab runs, or take them
# from the cache.
#   bench/cycles/objects.sh [--sources] MODEL KERNEL
# Makes build/cycles/MODEL-KERNEL/kernel/*.o, by Kbuild with that kernel's flags.
# --sources: print one hash of all that they and the program around them are made
# from instead, but for the compiler; the lab keeps it with what it measures.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh
export LC_ALL=C # the order of files is hashed

sources=
[ "$1" != --sources ] || { sources=y; shift; }
model=$1 kernel=$2
image=$model-$kernel
tree=patched
[ "$kernel" != unpatched ] || tree=unpatched
dir=build/linux/$tree-cycles
here=bench/cycles

# What is ours, what clients call, and the locks that both come down to.
objects=(mm/pcd_cycles/ mm/folio.o mm/mlock.o mm/slub.o kernel/locking/spinlock.o)
[ "$model" != rt ] || objects+=(kernel/locking/spinlock_rt.o kernel/locking/rtmutex_api.o kernel/rcu/tree.o)
[ $tree = unpatched ] || objects+=(mm/pcpu_drain/)

patches=("$here"/patches/*.patch)
[ $tree = unpatched ] || patches+=("$here"/patches-patched/*.patch)
mapfile -t fragments < <(fragments "$model" "$kernel")
[ $tree = unpatched ] || fragments+=("$here/cycles.config")
own=variants/$kernel/cycles.h
kernels=$(kernel/sources.sh "$model" "$kernel") || die "sources of $image: see above"
from=$({ echo "$kernels"; cat "${patches[@]}" $here/kernel/* $here/cycles.config "$0"; [ ! -e "$own" ] || cat "$own"; } | sha256sum | cut -d' ' -f1)
if [ "$sources" ]; then
	{ echo "$from"; cat $here/*.[ch] $here/link.* $here/{lab,program}.py $here/cycles.mk; } | sha256sum | cut -d' ' -f1
	exit
fi
key=$({ echo "$from"; gcc --version; ld --version; } | sha256sum | cut -c1-16)
stored=$CACHE/cycles/$image-$key

kbuild_settings

# compiled: the objects themselves, where one that was asked for is a folder.
compiled() {
	local object

	for object in "${objects[@]}"; do
		case $object in
		*/) (cd "$dir/$object" && ar t built-in.a) | sed "s#^\($object\)\?#$dir/$object#" ;;
		*) echo "$dir/$object" ;;
		esac
	done
}

if [ ! -d "$stored" ]; then
	need_space build 1000 "kernel objects of $image"
	lock build/linux/.lock-build-$tree-cycles
	kernel/assemble.sh $tree cycles "${patches[@]}" 8>&-
	mkdir -p "$dir/mm/pcd_cycles"
	for file in "$here"/kernel/*; do
		ln -srf "$file" "$dir/mm/pcd_cycles/"
	done
	[ ! -e "$own" ] || ln -srfT "$own" "$dir/mm/pcd_cycles/variant.h"
	# make sees no new time in a link that leads elsewhere.
	rm -f "$dir/mm/pcd_cycles/ops.o"
	configure "kernel objects of $image" "$dir" "${fragments[@]}"
	# shellcheck disable=SC2154 # kbuild_settings sets it
	"${kbuild[@]}" -s -C "$dir" "${objects[@]}" ||
		die "kernel objects of $image: make failed in $dir; mend the first error above"
	copies=()
	while read -r object; do
		place=${object#"$dir/"}
		copies+=("$object" "${place//\//__}")
	done < <(compiled)
	store "$stored" "${copies[@]}"
fi
keep "$stored"
mkdir -p "build/cycles/$image"
ln -sfn "$stored" "build/cycles/$image/kernel"
