#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Plant each bug of kunit/mutants/ in turn, in User-Mode Linux, and see that the
# test which its "Reddens:" line names fails.
#   kunit/mutants.sh [PATCH...]		writes build/check/mutants.tap
# About 10 s each once the tree is built.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

folder=build/kunit/mutants
tap=build/check/mutants.tap
[ $# -gt 0 ] || set -- kunit/mutants/*.patch

header() { sed -n "s/^$1: //p" "$2"; }

# reddens PATCH: leave in $folder/NAME.failed the cases that fail with it planted.
reddens() {
	local name arm KERNEL BOOT
	name=$(basename "$1" .patch)
	arm=$(header Arm "$1")
	# shellcheck source=/dev/null
	. "bench/arms/$arm"
	kunit/build-uml.sh "$KERNEL" "$folder/$name.linux" "$1" >"$folder/$name.log" 2>&1 ||
		die "mutant $name does not build; see $folder/$name.log"
	# shellcheck disable=SC2086 # BOOT holds words
	kunit/run-uml.sh "$folder/$name.linux" $BOOT >"$folder/$name.console"
	kunit/judge.py --failed "$folder/$name.console" >"$folder/$name.failed"
	rm "$folder/$name.linux"
}

mkdir -p "$folder" build/check
# Leave the tree as it should be, whatever happens.
trap 'kernel/assemble.sh patched uml >/dev/null' EXIT
{
	echo "TAP version 14"
	echo "1..$#"
} >"$tap"
number=0 bad=0
for patch; do
	number=$((number + 1))
	name=$(basename "$patch" .patch)
	wanted=$(header Reddens "$patch")
	reddens "$patch"
	if grep -qx "$wanted" "$folder/$name.failed"; then
		verdict=ok
	else
		verdict="not ok" bad=1
	fi
	echo "$verdict $number - $name turns $wanted red" >>"$tap"
	echo "[$number/$#] $verdict: $name: $(paste -sd' ' "$folder/$name.failed")"
done
exit $bad
