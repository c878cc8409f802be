# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts of setup/ and kernel/ share. To be sourced by a script that
# runs in the top folder of the clone.

: "${CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/pcpu-drain}"

# die MESSAGE: one line (what, where, what next), then the end.
die() {
	echo "error: $*" >&2
	exit 1
}

# lock FILE: one at a time, in all clones. Children inherit it, so what a killed
# run left running still holds it.
lock() {
	mkdir -p "${1%/*}"
	exec 8>"$1"
	flock -n 8 || {
		echo "waiting for another run to release $1"
		flock 8
	}
}

# need_space DIR MB WHAT: say what is needed before starting, not when it is full.
need_space() {
	local free

	mkdir -p "$1"
	free=$(df --output=avail -BM "$1" | tail -n1 | tr -dc 0-9)
	[ "$free" -ge "$2" ] ||
		die "$3: needs $2 MB in $1, there are $free MB; free some (the cache can be elsewhere: make CACHE=...)"
}

# debian_mirror: the mirror that this machine's own apt sources name, or $MIRROR.
debian_mirror() {
	local mirror=${MIRROR:-}

	# shellcheck disable=SC2016 # apt's own variables
	[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null |
		awk '$1 ~ /^(bookworm|oldstable|stable)$/ && $2 == "main" { print $3; exit }')
	[ -n "$mirror" ] || die "no Debian 12 mirror in this machine's apt sources; name one: make MIRROR=http://..."
	echo "$mirror"
}
