#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Install the host packages that are missing ("debs": with those that `make debs`
# needs besides), by apt-get as root or through sudo.
# Without either: print the command and stop. Not Debian 12: look for what the
# packages bring, and say what is missing. Nothing missing: say nothing.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

# package, and what shows on another distribution that it is there: a command, a
# header or a Python module
packages='
gcc		gcc
libc6-dev	/usr/include/stdio.h
make		make
bc		bc
flex		flex
bison		bison
libelf-dev	/usr/include/gelf.h
lz4		lz4
cpio		cpio
xz-utils	xz
patch		patch
ccache		ccache
mmdebstrap	mmdebstrap
debian-archive-keyring	/usr/share/keyrings/debian-archive-keyring.gpg
libncurses-dev	/usr/include/ncurses.h
python3		/usr/bin/python3
python3-scipy	python:scipy
python3-pandas	python:pandas
python3-statsmodels	python:statsmodels
python3-matplotlib	python:matplotlib
python3-pytest	python:pytest
python3-tap	python:tap
python3-more-itertools	python:more_itertools
python3-yaml	python:yaml
git		git
perl		perl
sparse		sparse
spin		spin
clang-19	clang-19
gcc-aarch64-linux-gnu	aarch64-linux-gnu-gcc
lld-19		ld.lld-19
llvm-19		llvm-ar-19
shellcheck	shellcheck
'

# What Kbuild's bindeb-pkg needs.
debs='
dpkg-dev	dpkg-buildpackage
debhelper	dh_prep
kmod		/usr/sbin/depmod
rsync		rsync
libdw-dev	/usr/include/elfutils/libdw.h
libssl-dev	/usr/include/openssl/ssl.h
'
[ "${1:-}" != debs ] || packages+=$debs

present() {
	case $1 in
	/*) [ -e "$1" ] ;;
	python:*) /usr/bin/python3 -c "import ${1#*:}" 2>/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing=()
# shellcheck source=/dev/null
if [ "$(. "${OS_RELEASE:-/etc/os-release}" && echo "$ID$VERSION_ID")" = debian12 ]; then
	installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p')
	while read -r package _; do
		[ -z "$package" ] || grep -qxF "$package" <<<"$installed" || missing+=("$package")
	done <<<"$packages"
else
	while read -r package shown; do
		[ -z "$package" ] || present "$shown" || missing+=("$package ($shown)")
	done <<<"$packages"
	[ ${#missing[@]} -eq 0 ] ||
		die "deps: this is not Debian 12, so nothing is installed for you; missing (as Debian calls it): $(IFS=,; echo "${missing[*]}")"
fi
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install --yes --no-install-recommends ${missing[*]}"
by=
if [ "$(id -u)" -ne 0 ]; then
	# Asks for the password here, where it can.
	{ command -v sudo >/dev/null && sudo -v; } ||
		die "deps: packages are missing and this is neither root nor sudo; have an administrator run: apt-get update && $install"
	by="sudo -n"
fi
need_space /usr 2500 "deps"
setup/stage.sh deps "installing ${#missing[@]} host packages" sh -c "
	export DEBIAN_FRONTEND=noninteractive
	$by apt-get -q update && $by env DEBIAN_FRONTEND=noninteractive $install || {
		echo 'error: deps: apt-get cannot install ${missing[*]}; is the network up? It was asked: $install' && exit 1; }"
