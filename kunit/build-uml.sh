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

kernel=$1 program=$2
shift 2
dir=build/linux/patched-uml
fragments=(kunit/uml.config "kernel/$kernel.config" kernel/kunit.config)

[ -e build/source ] || die "kunit: no kernel source yet; run make source"
inputs=$(kernel/inputs.sh patched)
mapfile -t files < <(cut -d' ' -f2 <<<"$inputs")
key=$({ echo "$inputs"
	cat "${files[@]}" "${fragments[@]}" build/source/.pcd-sha256 "$@"
	gcc --version; } | sha256sum | cut -c1-16)
stored=$CACHE/images/uml-$kernel-$key

# put FROM TO: never half a program under a name that is used.
put() {
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2.new"
	mv "$2.new" "$2"
}

if [ -e "$stored/linux" ]; then
	touch "$stored"
	put "$stored/linux" "$program"
	exit
fi

need_space build 1000 "kunit"
lock build/linux/.lock-build-patched-uml
kernel/assemble.sh patched uml "$@" 8>&-

export CCACHE_DIR=$CACHE/ccache CCACHE_COMPILERCHECK=content CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G
export CCACHE_SLOPPINESS=include_file_ctime,include_file_mtime
unset ARCH O KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKELEVEL
kbuild=(make -j"$(nproc)" ARCH=um "CC=ccache gcc" "HOSTCC=ccache gcc")

(cd "$dir" && scripts/kconfig/merge_config.sh -m -Q -O . "${fragments[@]/#/../../../}" >/dev/null &&
	mv .config .pcd-fragments && KCONFIG_ALLCONFIG=.pcd-fragments KCONFIG_CONFIG=.pcd-config "${kbuild[@]}" -s allnoconfig) ||
	die "kunit: Kconfig failed for $kernel"
kernel/configcheck.sh "uml-$kernel" "$dir/.pcd-config" "${fragments[@]}" ||
	die "kunit: the fragments ask for what Kconfig does not grant (above)"
mv "$dir/.pcd-config" "$dir/.config"
"${kbuild[@]}" -C "$dir" linux || die "kunit: the build failed in $dir (its first error is above)"

put "$dir/linux" "$stored/linux"
put "$dir/linux" "$program"
