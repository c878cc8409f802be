#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is compared: the arms, from the only place that reads their files.
#   bench/arms.sh		each line ARM<tab>KEY<tab>VALUE, arms in the order of pages
#   bench/arms.sh words		the same for make: each word ARM/KEY/VALUE, blanks as |
#   bench/arms.sh kernels	the kernels, in that order
#   bench/arms.sh get KEY ARM	one value, or an empty line
# An arm is a file: variants/KERNEL/arms/ARM, or bench/arms/ARM where no variant is in
# the kernel, which then bears the arm's name. Its second line is a comment that says
# what it is, the others are KEY=VALUE:
#   ORDER	its place on pages; without it the arm comes last
#   BOOT	boot parameters
#   CONTROL	what it controls: no strategy, but a control of the lab
#   EXAMPLE	yes: it stands for all where one arm is enough
#   COMPARED	yes: it is run with every workload, and page one of RESULTS.md compares it
#   VERDICT	yes: the workloads' METHOD.md judges it
#   KUNIT	MODEL.ISOLATION[.dither]: runs of the suite beyond one with isolcpus=domain
#   LIMITS	CPUS:INSTRUCTIONS:LOCKED more than unpatched that a hot path may take
# and KERNEL, SAYS: the kernel, the second line. (WITHOUT=: names of variants to leave out.)
set -euo pipefail
shopt -s nullglob

arms() {
	local GLOBIGNORE=

	# shellcheck disable=SC2086 # names
	[ -z "${WITHOUT:-}" ] || GLOBIGNORE=$(printf 'variants/%s/*/*:' $WITHOUT)

	awk -v OFS='\t' '
	BEGIN {
		form["ORDER"] = "^[0-9]+$"
		asked["ORDER"] = "a number"
		form["KUNIT"] = "^(rt|lazy)\\.(nohz_full|domain|isolcpus|all|boot|empty)(\\.dither)?$"
		asked["KUNIT"] = "MODEL.ISOLATION or MODEL.ISOLATION.dither (kunit/run-qemu.sh)"
		form["LIMITS"] = "^(isolated|not_isolated|housekeeping):[0-9]+:[0-9]+$"
		asked["LIMITS"] = "isolated, not_isolated or housekeeping, and two numbers: CPUS:INSTRUCTIONS:LOCKED"
	}
	function complain(where, why) {
		print "error: " where ": " why > "/dev/stderr"
		failed = 1
		exit 1
	}
	function fail(why) { complain(FILENAME ":" FNR, why) }
	FNR == 1 {
		n = split(FILENAME, part, "/")
		arm = part[n]
		if (arm in say)
			fail("there are two arms of that name")
		if ((arm part[2]) !~ /^[a-z0-9_]+$/)
			fail("names of arms and variants are of a to z, 0 to 9 and _")
		order[arm] = 99
		say[arm] = arm OFS "KERNEL" OFS (part[1] == "variants" ? part[2] : arm)
		next
	}
	FNR == 2 && sub(/^# */, "") { said[FILENAME]; say[arm] = say[arm] "\n" arm OFS "SAYS" OFS $0; next }
	FNR == 2 { fail("say in a comment what the arm is") }
	/^#/ { next }
	!match($0, /^(ORDER|BOOT|CONTROL|EXAMPLE|COMPARED|VERDICT|KUNIT|LIMITS)=/) {
		fail("\"" $0 "\" is no setting of an arm; known: ORDER BOOT CONTROL EXAMPLE COMPARED VERDICT KUNIT LIMITS")
	}
	{
		key = substr($0, 1, RLENGTH - 1)
		value = substr($0, RLENGTH + 1)
		if ((arm, key) in known)
			fail(key " is set twice")
		known[arm, key]
		if (value ~ /\t/)
			fail("a tab in a value; blanks will do")
		n = split(value, word, " ")
		for (i = 1; i <= n; i++)
			if ((key in form) && word[i] !~ form[key])
				fail(key ": \"" word[i] "\" is not " asked[key])
		if (key == "ORDER")
			order[arm] = value
		say[arm] = say[arm] "\n" arm OFS key OFS value
	}
	END {
		if (failed)
			exit 1
		for (i = 1; i < ARGC; i++)
			if (!(ARGV[i] in said))
				complain(ARGV[i], "say in its second line, a comment, what the arm is")
		for (arm in say) {
			gsub(/\n/, "\n" order[arm] OFS, say[arm])
			print order[arm], say[arm]
		}
	}' bench/arms/* variants/*/arms/* | LC_ALL=C sort -s -t$'\t' -k1,1n -k2,2 | cut -f2-
}

case ${1:-} in
"") arms ;;
kernels) arms | awk -F'\t' '$2 == "KERNEL" && !seen[$3]++ { print $3 }' ;;
words) arms | grep -v $'\tSAYS\t' | tr ' \t' '|/' ;;
get) arms | awk -F'\t' -v key="$2" -v arm="$3" '
	$1 == arm && $2 == key { print $3; found = 1 }
	END { if (!found) print "" }' ;;
*) echo "usage: bench/arms.sh [words | kernels | get KEY ARM]" >&2; exit 2 ;;
esac
