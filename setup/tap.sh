# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Test points in TAP 14 for the checks that are scripts. To be sourced.

# tap_begin NAME: write build/check/NAME.tap, from now on.
tap_begin() {
	tap_count=0 tap_failed=0
	tap_file=build/check/$1.tap
	mkdir -p "${tap_file%/*}"
	echo "TAP version 14" >"$tap_file"
}

# test_point NAME COMMAND...: ok if the command succeeds.
test_point() {
	local name=$1 result=ok

	shift
	"$@" || { result="not ok"; tap_failed=$((tap_failed + 1)); }
	tap_count=$((tap_count + 1))
	echo "$result $tap_count - $name" | tee -a "$tap_file"
}

# says STATUS NAME PATTERN COMMAND...: it exits with STATUS (0, or any other) and
# its output is one line that matches PATTERN, or nothing where that is empty.
says() {
	local status=$1 name=$2 pattern=$3

	shift 3
	test_point "$name" said "$status" "$pattern" "$@"
}
said() {
	local wanted=$1 pattern=$2 status=0 output

	shift 2
	output=$("$@" 2>&1) || status=$?
	if [ $((status != 0)) = "$wanted" ] && [ "$(grep -c . <<<"$output")" -le 1 ] && grep -q "^$pattern" <<<"$output"; then
		return 0
	fi
	echo "# exit $status, said: $output"
	return 1
}

# tap_end: that was all; fails if a point did.
tap_end() {
	echo "1..$tap_count" >>"$tap_file"
	[ "$tap_failed" = 0 ]
}
