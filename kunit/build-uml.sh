#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the KUnit suite as User-Mode Linux.
#   kunit/build-uml.sh KERNEL PROGRAM [PATCH]
# KERNEL: a variant; PROGRAM: where to put the program; PATCH: a planted bug.
# One tree for all variants, switched in place: 2 to 4 minutes the first time on
# 2 cores, seconds after an edit. Programs are kept in the cache under a key of
# all that reaches them.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

kernel=$1 program=$2
shift 2
dir=build/linux/patched-uml
fragments=(kunit/uml.config "$(fragment_of "$kernel")" kernel/kunit.config)

[ -e build/source ] || die "kunit: no kernel source yet; run make source"
kbuild_settings
kbuild+=(ARCH=um)
inputs=$(kernel/inputs.sh patched)
mapfile -t files < <(cut -d' ' -f2 <<<"$inputs")
key=$({ echo "$inputs" "${kbuild[@]:2}"
	cat "${files[@]}" kernel/variants.sh "${fragments[@]}" build/source/.pcd-sha256 "$@"
	gcc --version; } | sha256sum | cut -c1-16)
stored=$CACHE/images/uml-$kernel-$key

if [ ! -d "$stored" ]; then
	need_space build 1000 "kunit"
	lock build/linux/.lock-build-patched-uml
	kernel/assemble.sh patched uml "$@" 8>&-
	configure "kunit $kernel" "$dir" "${fragments[@]}"
	"${kbuild[@]}" -C "$dir" linux || die "kunit: the build failed in $dir (its first error is above)"
	store "$stored" "$dir/linux" linux
fi
keep "$stored"

# Never half a program under a name that is used.
mkdir -p "$(dirname "$program")"
cp "$stored/linux" "$program.new"
mv "$program.new" "$program"
