#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build one kernel image, or take it from the cache.
#   kernel/build.sh MODEL KERNEL [full|hz100|hz250|kunit|kasan]
# MODEL: rt lazy; KERNEL: unpatched, rebuilt, osnoise, or a variant; full: with what a
# lean kernel leaves out; hz100, hz250: with another tick; kunit: with tests and
# lockdep; kasan: and with KASAN.
# (Checks build once more: TREE_SUFFIX chooses another tree, IMAGE_CACHE another cache.)
# Links build/images/MODEL-KERNEL[-FLAVOUR]/ to bzImage, System.map, config and
# image.json in the cache, which keeps them under a key of all that reaches them.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

model=$1 kernel=$2 flavour=${3:-}
image=$model-$kernel${flavour:+-$flavour}
name=$model${flavour:+-${flavour/kunit/debug}}${TREE_SUFFIX:-}
# What it switches reaches most objects: not in the tree of what is measured.
[ "$kernel" != osnoise ] || name+=-osnoise
tree=$(tree_of "$kernel")
mapfile -t fragments < <(fragments "$@")
for fragment in "${fragments[@]}"; do
	[ -r "$fragment" ] || die "kernel $image: no $fragment; known: $(cd kernel && echo *.config)"
done
[ -e build/source ] || die "kernel $image: no kernel source yet; run make source"

kbuild_settings
compiler=$(gcc --version | head -n1)
source_sha256=$(kernel/sources.sh "$@")
key=$(echo "$source_sha256" "$compiler" "$(ld --version | head -n1)" "${kbuild[*]:2}" "$KBUILD_BUILD_TIMESTAMP" |
	sha256sum | cut -c1-16)
stored=${IMAGE_CACHE:-$CACHE/images}/$image-$key

if [ ! -d "$stored" ]; then
	need_space build 1000 "kernel $image"
	need_space "${stored%/*}" 100 "kernel $image"
	dir=build/linux/$tree-$name
	build_tree "kernel $image" "$tree" "$name"
	touch "$dir/.pcd-built"
	[ "$(kernel/sources.sh "$@")" = "$source_sha256" ] ||
		die "kernel $image: its sources changed while it was built; run again"

	printf '{"kernel_release":"%s","config_sha256":"%s","source_sha256":"%s","compiler":"%s","model":"%s","kernel":"%s"}\n' \
		"$(cat "$dir/include/config/kernel.release")" "$(sha256sum <"$dir/.config" | cut -d' ' -f1)" \
		"$source_sha256" "$compiler" "$model" "$kernel" >"$dir/.pcd-image.json"
	store "$stored" "$dir/arch/x86/boot/bzImage" bzImage "$dir/System.map" System.map \
		"$dir/.config" config "$dir/.pcd-image.json" image.json
fi

[ -z "${IMAGE_CACHE:-}" ] || exit 0
keep "$stored"

mkdir -p build/images
[ "$(readlink "build/images/$image")" = "$stored" ] || {
	rm -rf "build/images/$image"
	ln -sfn "$stored" "build/images/$image"
}
