#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the KUnit suite as User-Mode Linux.
#   kunit/build-uml.sh KERNEL PROGRAM [PATCH]
# KERNEL: a variant; PROGRAM: where to put the program; PATCH: a planted bug.
# One tree for all variants, switched in place: 2 to 4 minutes the first time on
# 2 cores, seconds after an edit.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

kernel=$1 program=$2
shift 2
dir=build/linux/patched-uml
fragments=(kunit/uml.config "kernel/$kernel.config" kernel/kunit.config)

lock build/linux/.lock-build-patched-uml
kernel/assemble.sh patched uml "$@" 8>&-

export CCACHE_DIR=$CACHE/ccache CCACHE_COMPILERCHECK=content CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G
export CCACHE_SLOPPINESS=include_file_ctime,include_file_mtime
unset ARCH O KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKELEVEL
kbuild=(make -j"$(nproc)" ARCH=um "CC=ccache gcc" "HOSTCC=ccache gcc")

cat "${fragments[@]}" >"$dir/.pcd-fragments"
(cd "$dir" && KCONFIG_ALLCONFIG=.pcd-fragments KCONFIG_CONFIG=.pcd-config "${kbuild[@]}" -s allnoconfig) ||
	die "kunit: Kconfig failed for $kernel"
kernel/configcheck.sh "uml-$kernel" "$dir/.pcd-config" "${fragments[@]}" ||
	die "kunit: the fragments ask for what Kconfig does not grant (above)"
mv "$dir/.pcd-config" "$dir/.config"
"${kbuild[@]}" -C "$dir" linux || die "kunit: the build failed in $dir (its first error is above)"

mkdir -p "$(dirname "$program")"
cp "$dir/linux" "$program.new"
mv "$program.new" "$program"
