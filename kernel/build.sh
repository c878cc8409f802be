#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build one kernel image, or take it from the cache.
#   kernel/build.sh MODEL KERNEL [kunit]
# MODEL: rt lazy; KERNEL: unpatched, or a variant; kunit: with tests and lockdep.
# (Checks build once more: TREE_SUFFIX chooses another tree, IMAGE_CACHE another cache.)
# Links build/images/MODEL-KERNEL[-kunit]/ to bzImage, System.map, config and
# image.json in the cache, which keeps them under a key of all that reaches them.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

model=$1 kernel=$2 flavour=${3:-}
image=$model-$kernel${flavour:+-$flavour}
fragments=(kernel/base.config "kernel/$model.config" "kernel/$kernel.config")
name=$model
if [ -n "$flavour" ]; then
	fragments+=("kernel/$flavour.config" kernel/debug.config)
	name=$model-debug
fi
name+=${TREE_SUFFIX:-}
tree=patched
[ "$kernel" != unpatched ] || tree=unpatched
for fragment in "${fragments[@]}"; do
	[ -r "$fragment" ] || die "kernel $image: no $fragment; known: $(cd kernel && echo *.config)"
done
[ -e build/source ] || die "kernel $image: no kernel source yet; run make source"

# All that names a time, a place or a person is pinned.
export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 +0000' KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=pcpu-drain KBUILD_BUILD_HOST=pcpu-drain
export LC_ALL=C TZ=UTC
# Unless the next are unset, a user's own habits would get in.
unset CFLAGS CPPFLAGS LDFLAGS KCFLAGS KCPPFLAGS KAFLAGS ARCH CROSS_COMPILE LLVM O KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKELEVEL
export CCACHE_DIR=$CACHE/ccache CCACHE_COMPILERCHECK=content CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G
# Trees are made of links: their inode times say nothing about their contents.
export CCACHE_SLOPPINESS=include_file_ctime,include_file_mtime
kbuild=(make -j"$(nproc)" "CC=ccache gcc" "HOSTCC=ccache gcc")

compiler=$(gcc --version | head -n1)
source_sha256=$(kernel/sources.sh "$model" "$kernel" "$flavour")
wanted=$(grep -hE '^CONFIG_|^# CONFIG_.* is not set' "${fragments[@]}")
key=$({ echo "$source_sha256" "$compiler" "$(ld --version | head -n1)" "${kbuild[*]:2}" "$KBUILD_BUILD_TIMESTAMP"
	echo "$wanted"; } | sha256sum | cut -c1-16)
images=${IMAGE_CACHE:-$CACHE/images}
stored=$images/$image-$key

if [ ! -d "$stored" ]; then
	need_space build 1000 "kernel $image"
	need_space "$images" 100 "kernel $image"
	dir=build/linux/$tree-$name
	mkdir -p build/linux "$images"
	# One build in a tree at a time.
	lock "build/linux/.lock-build-$tree-$name"
	kernel/assemble.sh "$tree" "$name" 8>&-

	(cd "$dir" && scripts/kconfig/merge_config.sh -m -Q -O . "${fragments[@]/#/../../../}" >/dev/null &&
		mv .config .pcd-fragments && KCONFIG_ALLCONFIG=.pcd-fragments KCONFIG_CONFIG=.pcd-config "${kbuild[@]}" -s allnoconfig) ||
		die "kernel $image: Kconfig failed"
	kernel/configcheck.sh "$image" "$dir/.pcd-config" "${fragments[@]}" ||
		die "kernel $image: its fragments ask for what Kconfig does not grant (above)"
	mv "$dir/.pcd-config" "$dir/.config"

	rm -f "$dir/.pcd-built"
	"${kbuild[@]}" -C "$dir" bzImage || die "kernel $image: make failed in $dir; mend the first error above"
	touch "$dir/.pcd-built"
	[ "$(kernel/sources.sh "$model" "$kernel" "$flavour")" = "$source_sha256" ] ||
		die "kernel $image: its sources changed while it was built; run again"

	new=$(mktemp -d "$images/.new-$image.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	cp "$dir/arch/x86/boot/bzImage" "$dir/System.map" "$new"
	cp "$dir/.config" "$new/config"
	printf '{"kernel_release":"%s","config_sha256":"%s","source_sha256":"%s","compiler":"%s","model":"%s","kernel":"%s"}\n' \
		"$(cat "$dir/include/config/kernel.release")" "$(sha256sum <"$new/config" | cut -d' ' -f1)" \
		"$source_sha256" "$compiler" "$model" "$kernel" >"$new/image.json"
	chmod 755 "$new"
	mv -T "$new" "$stored" 2>/dev/null || [ -d "$stored" ]
fi

[ -z "${IMAGE_CACHE:-}" ] || exit 0

# What nobody has asked for in a month goes.
touch "$stored"
find "$images" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +

mkdir -p build/images
[ "$(readlink "build/images/$image")" = "$stored" ] || {
	rm -rf "build/images/$image"
	ln -sfn "$stored" "build/images/$image"
}
