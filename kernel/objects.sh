# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Compile what is ours, and no whole kernel: for checks of many configurations in
# one tree that is switched in place. To be sourced after kernel/lib.sh.

objects_tree=build/linux/patched-objects
kernels=(none variants/*/)
kernels=("${kernels[@]#variants/}")
kernels=("${kernels[@]%/}")

# objects_begin: the tree is this run's alone; in the end it is as it should be.
objects_begin() {
	need_space build 1000 "objects"
	lock build/linux/.lock-build-patched-objects
	trap 'rm -rf "$scratch"; kernel/assemble.sh patched objects 8>&-' EXIT
	scratch=$(mktemp -d build/.check-objects.XXXXXX)
	kbuild_settings
}

# our_objects: all code of ours: our folder, the files that patches change, the
# entry code, since patches change its headers, and buffer heads, if there are
# any, since their caches are a class.
our_objects() {
	kernel/inputs.sh patched | sed -n 's/^patch //p' | xargs sed -n 's#^+++ b/\([^\t]*\)\.c\>.*#\1.o#p' | sort -u
	echo mm/pcpu_drain/
	echo kernel/entry/
	! grep -q '^CONFIG_BUFFER_HEAD=y' $objects_tree/.config || echo fs/buffer.o
}

# nothing_missing OBJECT...: whatever of ours one of them uses is in another.
nothing_missing() {
	nm "$@" | awk '
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
	"${kbuild[@]}" -s -C $objects_tree "${objects[@]}" &&
		(cd $objects_tree && nothing_missing "${objects[@]/%\//\/built-in.a}")
}
