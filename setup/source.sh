#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Put a pristine kernel source tree into the cache and link it: build/source.
# KERNEL_SRC (environment): a 7.3 tree or tarball; empty: Debian's package.
# .pcd-sha256 in the tree says what it was made from.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

series=7.3
package=linux-source-$series
src=${KERNEL_SRC:-}

# check_series TREE WHERE
check_series() {
	local found

	[ -f "$1/Kconfig" ] ||
		die "source: $2 holds no kernel tree (no Kconfig); give KERNEL_SRC= a Linux $series tree or tarball"
	found=$(awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 } END { print v "." p }' "$1/Makefile")
	[ "$found" = "$series" ] ||
		die "source: $2 is Linux $found; the patches are for $series: give KERNEL_SRC= a Linux $series tree or tarball"
}

# unpack TARBALL DIR
unpack() {
	tar -x -f "$1" -C "$2" --strip-components=1 --no-same-owner 2>"$CACHE/source/.log" ||
		die "source: $1 is no tarball that tar can read, or the disk is full ($(head -n1 "$CACHE/source/.log")); give KERNEL_SRC= a Linux $series tree or tarball"
}

case $src in
"")	id=debian-$series ;;
*)
	[ -e "$src" ] || die "source: KERNEL_SRC=$src does not exist; give a Linux $series tree or tarball"
	if [ -d "$src" ]; then
		check_series "$src" "KERNEL_SRC=$src"
		[ ! -e "$src/include/config" ] ||
			die "source: KERNEL_SRC=$src was built in; run make mrproper there, or give a tarball"
		# Names, sizes and times stand for the contents, which are hashed once.
		id=tree-$(cd "$src" && find . -path ./.git -prune -o -type f -printf '%p %s %T@\n' |
			LC_ALL=C sort | sha256sum | cut -c1-12)
	else
		id=tar-$(sha256sum "$src" | cut -c1-12)
	fi
	;;
esac

tree=$CACHE/source/$id
mkdir -p build
if [ ! -d "$tree" ]; then
	need_space "$CACHE/source" 3000 "kernel source"
	lock "$CACHE/source/.lock"
fi
if [ ! -d "$tree" ]; then
	new=$CACHE/source/.new
	rm -rf "$new"
	mkdir "$new"
	trap 'rm -rf "$new"' EXIT
	if [ -z "$src" ]; then
		root=$(setup/root.sh source "trixie trixie-backports" $package)
		tarball=$root/usr/src/$package.tar.xz
		[ -f "$tarball" ] || die "source: package $package brought no $tarball; give KERNEL_SRC= a Linux $series tree or tarball"
		sum=$(sha256sum "$tarball" | cut -d' ' -f1)
		unpack "$tarball" "$new"
		check_series "$new" "$package"
		rm -rf "$root"
	elif [ -d "$src" ]; then
		sum=$(cd "$src" && find . -path ./.git -prune -o -type f -print0 | LC_ALL=C sort -z |
			xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
		tar -c -C "$src" --exclude=./.git . | tar -x -C "$new" --no-same-owner
	else
		sum=$(sha256sum "$src" | cut -d' ' -f1)
		unpack "$src" "$new"
		check_series "$new" "KERNEL_SRC=$src"
	fi
	echo "$sum" >"$new/.pcd-sha256"
	# Trees are built on hard links to these files: nobody may write to them.
	find "$new" -type f -exec chmod a-w {} +
	mv -T "$new" "$tree"
fi
[ "$(readlink build/source)" = "$tree" ] || ln -sfn "$tree" build/source
