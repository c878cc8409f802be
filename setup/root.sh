#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unpack Debian packages and what they depend on into a folder of their own.
#   setup/root.sh NAME "SUITE..." PACKAGE...
# Leaves $CACHE/roots/NAME-KEY/ (KEY: of suites and packages) and prints that
# path. packages.txt in it lists what came, with versions. apt verifies every
# package against Debian's keyring; nothing is installed, no package's script is
# run, and nothing outside of $CACHE changes.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

name=$1 suites=$2
shift 2
key=$(printf '%s\n' "$suites" "$@" | sha256sum | cut -c1-12)
root=$CACHE/roots/$name-$key
if [ ! -d "$root" ]; then
	need_space "$CACHE/roots" 1000 "root $name"
	lock "$CACHE/roots/.lock-$name" >&2
fi
if [ -d "$root" ]; then
	echo "$root"
	exit
fi

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $keyring ] || die "root $name: no $keyring to verify packages with; install debian-archive-keyring"
mirror=$(debian_mirror)
sources=
# Release files of suites in the making expire within days; a mirror that lags
# still serves what Debian signed.
options=(--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"')
for suite in $suites; do
	sources+="deb [signed-by=$keyring] $mirror $suite main"$'\n'
	case $suite in
	*-backports) options+=(--aptopt="APT::Default-Release \"$suite\"") ;;
	esac
done

log=$CACHE/roots/.log-$name
rm -rf "$CACHE/roots/.new-$name"
new=$CACHE/roots/.new-$name
mkdir "$new"
trap 'rm -rf "$new"' EXIT

# As a tar through a pipe: who runs this owns the files, whatever mmdebstrap's mode.
# shellcheck disable=SC2016 # $1 is for the hook's own shell
if ! printf '%s' "$sources" |
	mmdebstrap --variant=extract --mode=chrootless --format=tar --include="$(IFS=,; echo "$*")" \
		"${options[@]}" \
		--extract-hook='cd "$1/var/cache/apt/archives" && ls *.deb >"$1/packages.txt"' \
		"${suites%% *}" - - 2>"$log" |
	tar -x -C "$new" --no-same-owner --exclude='./dev/*' 2>"$log.tar"
then
	why=$(grep -m1 'No space left' "$log" "$log.tar" || grep -m1 '^E: .*\(Unable to locate\|no installation candidate\|resolve\|Failed\|NO_PUBKEY\|not signed\|expired\)' "$log" ||
		tail -n1 "$log")
	# Never a mirror's address in an output that may be kept.
	why=$(sed -E 's#[a-z+]+://[^ ]*#(the mirror)#g' <<<"$why")
	die "root $name: $* of $suites cannot be had: $why; is the network up? Details: $log"
fi
[ -s "$new/packages.txt" ] || die "root $name: mmdebstrap unpacked no package; see $log"
chmod 755 "$new"
mv -T "$new" "$root"
echo "$root"
