#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Prove that a kernel's final .config holds every line of its fragments.
#   configcheck.sh IMAGE CONFIG FRAGMENT...
# One error line per line that does not hold; exits 1 if there is any.
# Kconfig drops what it cannot grant without a word: a variant would silently
# be the baseline.
set -eu

image=$1 config=$2
shift 2

awk -v image="$image" '
function symbol(line) {		# CONFIG_X of "CONFIG_X=v" or "# CONFIG_X is not set"
	if (match(line, /CONFIG_[A-Za-z0-9_]+/))
		return substr(line, RSTART, RLENGTH)
	return ""
}
function value(line) {		# "is not set", or what follows the first "="
	return line ~ /^# CONFIG_[A-Za-z0-9_]+ is not set$/ ? "is not set" : substr(line, index(line, "=") + 1)
}
!/^CONFIG_[A-Za-z0-9_]+=/ && !/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { next }
FILENAME == ARGV[1] { got[symbol($0)] = value($0); next }
{ wanted[symbol($0)] = value($0); from[symbol($0)] = FILENAME }
END {
	for (s in wanted) {
		g = s in got ? got[s] : "is not set"	# absent = its dependencies fail
		if (g == wanted[s])
			continue
		printf "error: %s: %s: wanted %s, got %s (asked for by %s; look at its dependencies: make menuconfig)\n",
			image, s, wanted[s], g, from[s] | "sort >&2"
		bad = 1
	}
	close("sort >&2")
	exit bad
}' "$config" "$@"
