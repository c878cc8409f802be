# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Compile what is ours, and no whole kernel: for checks of many configurations in
# one tree that is switched in place, patched-objects or what $objects_name says. To be
# sourced after kernel/lib.sh.

objects_name=${objects_name:-objects}
objects_tree=build/linux/patched-$objects_name
# For whoever sources this.
# shellcheck disable=SC2034
mapfile -t kernels < <(kernel/variants.sh)

# objects_begin: the tree is this run's alone; in the end it is as it should be.
objects_begin() {
	need_space build 1000 "objects"
	lock "build/linux/.lock-build-patched-$objects_name"
	trap 'rm -rf "$scratch"; kernel/assemble.sh patched "$objects_name" 8>&-' EXIT
	scratch=$(mktemp -d build/.check-objects.XXXXXX)
	kbuild_settings
}

# built OBJECT: does the tree's configuration build it, and the folders that it is in?
built() {
	local option path=$1

	[[ $path != arch/x86/* ]] || grep -qx CONFIG_X86=y "$objects_tree/.config" || return
	while [ "${path%/*}" != "$path" ]; do
		option=$(sed -n "s/^obj-\$(\(CONFIG_\w*\))\s*+=.*\b$(basename "$path" .o)\(\.o\|\/\).*/\1/p" \
			"$objects_tree/${path%/*}/Makefile" 2>/dev/null)
		[ -z "$option" ] || grep -qx "$option=y" "$objects_tree/.config" || return
		path=${path%/*}
	done
}

# our_objects: all code of ours that is built: our folder, the files that patches
# change, the entry code, an architecture's own too, since patches change its
# headers, and buffer heads, since their caches are a class.
our_objects() {
	local object

	{
		kernel/inputs.sh patched | sed -n 's/^patch //p' | xargs sed -n 's#^+++ b/\([^\t]*\)\.c\>.*#\1.o#p' | sort -u
		echo fs/buffer.o
	} | while read -r object; do
		! built "$object" || echo "$object"
	done
	! grep -qx CONFIG_ARM64=y "$objects_tree/.config" || echo arch/arm64/kernel/entry-common.o
	echo mm/pcpu_drain/
	echo kernel/entry/
}

# nothing_missing OBJECT...: whatever of ours one of them uses is in another.
nothing_missing() {
	"${NM:-nm}" "$@" | awk '
		NF == 2 && $2 ~ /pcd_/ { wanted[$2] }
		NF == 3 { there[$3] }
		END {
			for (symbol in wanted)
				if (!(symbol in there)) {
					print "# nothing defines " symbol
					missing = 1
				}
			exit missing
		}'
}

# compile_ours: what is ours, in the tree as it is configured.
compile_ours() {
	local objects

	mapfile -t objects < <(our_objects)
	# shellcheck disable=SC2154 # kbuild_settings sets it
	"${kbuild[@]}" -s -C "$objects_tree" "${objects[@]}" &&
		(cd "$objects_tree" && nothing_missing "${objects[@]/%\//\/built-in.a}")
}
