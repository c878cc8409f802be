#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Pack the guest's initramfs; the same input gives the same bytes.
#   pack.sh ROOT INIT LIST OUT [PROGRAM...]
# ROOT: an unpacked Debian; LIST: the files of it that the guest needs; OUT: a
# cpio archive, not compressed (unpacking takes an emulated CPU longer); PROGRAM:
# goes to /usr/bin.
set -eu
root=$1 init=$2 list=$3 out=$4
shift 4

tree=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$tree"' EXIT

grep -v '^#' "$list" | while read -r file; do
	mkdir -p "$tree/${file%/*}"
	cp -L "$root/$file" "$tree/$file" || {
		echo "error: $root has no $file, which $list names" >&2
		exit 1
	}
done
cp "$init" "$tree/init"
mkdir "$tree/tmp"
for program; do
	mkdir -p "$tree/usr/bin"
	cp "$program" "$tree/usr/bin/"
done

find "$tree" -exec touch -d @0 {} +
find "$tree" -type d -exec chmod 755 {} +
(cd "$tree" && find . -mindepth 1 | LC_ALL=C sort |
	cpio --quiet --reproducible -R 0:0 -H newc -o) >"$out.new"
mv "$out.new" "$out"
