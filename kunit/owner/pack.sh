#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Pack the program that plays owners as an initramfs; the same bytes each time.
#   kunit/owner/pack.sh PROGRAM OUT
set -eu

tree=$(mktemp -d "$2.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/proc" "$tree/cgroups"
cp "$1" "$tree/owner"
chmod 755 "$tree" "$tree/proc" "$tree/cgroups" "$tree/owner"
find "$tree" -exec touch -d @0 {} +
(cd "$tree" && find . -mindepth 1 | LC_ALL=C sort |
	cpio --quiet --reproducible -R 0:0 -H newc -o) >"$2.new"
mv "$2.new" "$2"
