# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A copy of this repository in build/check/copy, for checks that put a folder into it. To
# be sourced after setup/lib.sh. One at a time (APART in check.mk): they share its kernel tree.

top=$PWD copy=$PWD/build/check/copy
export CACHE

# copy_begin WHAT: all tracked files but raw results, as they are now.
copy_begin() {
	need_space build 500 "$1"
	# Its kernel tree stays, so that make finds there what it has built before.
	mkdir -p "$copy/build"
	find "$copy" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	git ls-files -z -- . ':!results' | xargs -0 cp -P --parents -t "$copy"
	ln -sfn "$(readlink -e build/source)" "$copy/build/source"
}

# in_copy COMMAND...: there
in_copy() (
	cd "$copy" && "$@"
)

# builds KERNEL: the suite as User-Mode Linux, build/kunit/uml-sample of the copy
builds() {
	kunit/build-uml.sh "$1" build/kunit/uml-sample >build/uml.log 2>&1 || {
		tail -n 3 build/uml.log | sed 's/^/# /'
		return 1
	}
}

# runs BOOT-PARAMETER...: it passes; what it said is in build/kunit/sample.console
runs() {
	kunit/run-uml.sh build/kunit/uml-sample "$@" >build/kunit/sample.console &&
		/usr/bin/python3 -m kunit.judge --name kunit-sample build/kunit/sample.console >/dev/null
}

# unchanged: no tracked file is another than here
unchanged() {
	local name

	git -C "$top" ls-files -- . ':!results' | while read -r name; do
		cmp -s "$top/$name" "$name" || echo "# $name had to be changed"
	done | grep . && return 1
	return 0
}
