#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that each variant's series applies to a plain kernel by git am, and that checkpatch
# has nothing to say of a patch. Writes build/check/series.tap. That each step builds
# takes too long for a check: see kernel/README.md.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

source=$(readlink -e build/source) || die "check-series: no kernel source yet; run make source"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GIT_COMMITTER_NAME=Check GIT_COMMITTER_EMAIL=check@localhost GIT_AUTHOR_NAME=Check GIT_AUTHOR_EMAIL=check@localhost
# As check-style, in which each has its reason; and a #include or a source line that names a file.
ignored=$(/usr/bin/python3 -B -c 'from check.style import CHECKPATCH_IGNORE as of
print(",".join({name for _, names in of for name in names} - {"MISSING_SIGN_OFF", "NO_AUTHOR_SIGN_OFF"}))'),EMBEDDED_FILENAME

written() { kernel/series.sh "$1" >/dev/null; }

# applies VARIANT: to the files of the plain kernel, of which only those that patches name are needed
applies() {
	local plain=$scratch/$1

	git init --quiet "$plain"
	plain_files "$source" "$plain" build/series/"$1"/*.patch
	git -C "$plain" add . && git -C "$plain" commit --quiet --message plain &&
		git -C "$plain" am --quiet "$PWD/build/series/$1"/*.patch
}

# Most patches are in all series: each is looked at once.
declare -A seen=()
clean() {	# VARIANT
	local patch id new=()

	for patch in build/series/"$1"/*.patch; do
		id=$(git patch-id --stable <"$patch" | cut -d' ' -f1)
		[ "${seen[$id]:-}" ] || new+=("$patch")
		seen[$id]=y
	done
	[ ${#new[@]} = 0 ] || GIT_DIR=none "$source/scripts/checkpatch.pl" "--root=$source" --strict --terse --no-summary \
		--show-types --quiet --ignore "$ignored" "${new[@]}"
}

tap_begin series
for variant in $(kernel/variants.sh); do
	test_point "$variant: a series" written "$variant"
	test_point "$variant: git am applies it" applies "$variant"
	test_point "$variant: checkpatch --strict" clean "$variant"
done
tap_end
