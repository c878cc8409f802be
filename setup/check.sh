#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check what set-up says to bad input, and that a killed run leaves nothing half
# made. Writes build/check/setup.tap. Needs no network.
set -euo pipefail
# shellcheck source=setup/tap.sh
. setup/tap.sh

tap_begin setup
mkdir -p build
scratch=$(mktemp -d "$PWD/build/.check-setup.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export CACHE=$scratch/cache

# kernel_tree DIR SERIES: what a source tree shows of itself.
kernel_tree() {
	mkdir -p "$1"
	printf 'VERSION = %s\nPATCHLEVEL = %s\n' "${2%.*}" "${2#*.}" >"$1/Makefile"
	touch "$1/Kconfig"
}

# fake NAME BODY: a command that is found before the machine's own.
mkdir "$scratch/bin"
fake() {
	printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1"
	chmod +x "$scratch/bin/$1"
}

# --- kernel source
# In a folder of its own, so that the clone's build/source stays as it is.
mkdir "$scratch/clone"
ln -s "$PWD/setup" "$scratch/clone/setup"
source_of() {
	(cd "$scratch/clone" && KERNEL_SRC=$1 setup/source.sh)
}
kernel_tree "$scratch/6.12" 6.12
kernel_tree "$scratch/7.3" 7.3
kernel_tree "$scratch/built" 7.3
mkdir -p "$scratch/built/include/config"
tar -C "$scratch" -cJf "$scratch/6.12.tar.xz" 6.12
tar -C "$scratch" -cJf "$scratch/7.3.tar.xz" 7.3
echo "no tarball" >"$scratch/text"
says 1 "KERNEL_SRC= that is not there" "error: source: KERNEL_SRC=/nowhere does not exist" source_of /nowhere
says 1 "KERNEL_SRC= a tree of 6.12" "error: source: KERNEL_SRC=.* is Linux 6.12; the patches are for 7.3" source_of "$scratch/6.12"
says 1 "KERNEL_SRC= a tarball of 6.12" "error: source: KERNEL_SRC=.* is Linux 6.12; the patches are for 7.3" source_of "$scratch/6.12.tar.xz"
says 1 "KERNEL_SRC= a file that is no tarball" "error: source: .*/text is no tarball" source_of "$scratch/text"
says 1 "KERNEL_SRC= a tree that was built in" "error: source: .* was built in; run make mrproper" source_of "$scratch/built"
says 1 "KERNEL_SRC= a folder without a kernel" "error: source: .* holds no kernel tree" source_of "$scratch/bin"
mkdir -p "$CACHE/source/.new/left-by-a-killed-run"
says 0 "KERNEL_SRC= a tarball of 7.3" "" source_of "$scratch/7.3.tar.xz"
test_point "nothing of a killed run is in it" test ! -e "$scratch/clone/build/source/left-by-a-killed-run"
says 0 "KERNEL_SRC= a tree of 7.3" "" source_of "$scratch/7.3"

# --- packages
says 1 "no network" "error: root x: hello of bookworm cannot be had" \
	env MIRROR=http://127.0.0.1:9/ setup/root.sh x bookworm hello
test_point "nothing is left of it" test -z "$(ls "$CACHE/roots")"
fake df 'echo Avail; echo 5M'
says 1 "too little disk" "error: root y: needs [0-9]* MB in .*, there are 5 MB" \
	env PATH="$scratch/bin:$PATH" setup/root.sh y bookworm hello
rm "$scratch/bin/df"
fake dpkg-query 'echo bash installed'
fake id 'echo 1000'
fake sudo 'exit 1'
echo 'ID=debian VERSION_ID=12' >"$scratch/debian"
echo 'ID=other VERSION_ID=1' >"$scratch/other"
says 1 "neither root nor sudo: the command to run" "error: deps: .*: apt-get update && apt-get install .* gcc " \
	env PATH="$scratch/bin:$PATH" OS_RELEASE="$scratch/debian" setup/deps.sh
for command in bash sh sed grep id; do
	ln -sf "$(type -P $command)" "$scratch/bin/$command"
done
says 1 "another distribution: what is missing" "error: deps: this is not Debian 12.*flex" \
	env PATH="$scratch/bin" OS_RELEASE="$scratch/other" setup/deps.sh

# --- progress
# An interrupted stage ends all that it started. (TERM: INT is ignored by what a
# script starts in the background.)
interrupt() {
	setup/stage.sh check-interrupt "waiting" sh -c "sleep 1000 & echo \$! >$scratch/pid; wait" >/dev/null 2>&1 &
	until [ -s "$scratch/pid" ]; do
		sleep 0.1
	done
	kill -TERM $!
	! wait $! && ! grep -q '^State:.[RSD]' "/proc/$(cat "$scratch/pid")/status" 2>/dev/null
}
test_point "an interrupted stage ends what it started" interrupt

# --- make
says 1 "an unknown MODEL" ".*unknown MODEL=x; known: rt lazy" make -s help MODEL=x
says 1 "an unknown ARM" ".*unknown ARM=x; known: .*unpatched" make -s help ARM=x
says 1 "an unknown LAB" ".*unknown LAB=x; known: virtual" make -s help LAB=x
for minutes in x 0 -3 1.5; do
	says 1 "WITHIN=$minutes" ".*WITHIN is '$minutes', not a number from 1 on" make -s check WITHIN=$minutes
done

tap_end
