#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Assemble a kernel tree, or bring one up to date.
#   kernel/assemble.sh [--check] TREE NAME [PATCH...]
# Makes build/linux/TREE-NAME (TREE: unpatched or patched): hard links to the
# pristine source, symbolic links to our files, copies of the files that
# patches change (PATCH...: further ones, such as a planted bug), and what is made of
# the variants' and clients' parts. A file is
# replaced whole, and only if its contents change, so that an interrupted run is
# simply run again and make rebuilds what it must. --check: instead print each PATCH
# that applies to the tree by itself.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

check=
[ "$1" != --check ] || { check=y; shift; }
tree=$1 dir=build/linux/$1-$2
shift 2
source=$(readlink -e build/source) || die "tree $dir: no kernel source yet; run make source"
inputs=$(kernel/inputs.sh "$tree")
[ "$check" ] || for patch; do
	inputs+=$'\n'"patch $patch"
done

# pristine DIR: links if that can be (same filesystem), else copies.
pristine() {
	rm -rf "$1"
	cp -al "$source" "$1" 2>/dev/null || {
		rm -rf "$1"
		cp -a --reflink=auto "$source" "$1"
	}
}

# objects FROM TO: what was built in FROM is a good start, since make rebuilds
# what differs. tools/ notes its absolute path in what it makes.
objects() {
	(cd "$1" && find . \( -type f -links 1 -o -type l \) -print0 |
		xargs -0 cp -a --parents --remove-destination -t "$OLDPWD/$2")
	find "$2/tools" -name '.*.cmd' -exec sed -i "s#$PWD/$1/#$PWD/$dir/#g" {} +
}

# create: the tree as it is before anything of ours is in it.
create() {
	local built=${dir/patched-/unpatched-} space=1000

	# Elsewhere than on the cache's filesystem the source cannot be linked.
	[ "$(stat -c %d "$source/Makefile")" = "$(stat -c %d build)" ] || space=3000
	need_space build/linux $space "tree $dir"
	pristine "$dir.new"
	if [ "$built" != "$dir" ] && [ -e "$built/.pcd-built" ] &&
	   [ "$(cat "$built/.pcd-source")" = "$(cat "$source/.pcd-sha256")" ]; then
		objects "$built" "$dir.new"
	fi
	cp --remove-destination "$source/.pcd-sha256" "$dir.new/.pcd-source"
	rm -rf "$dir"
	mv -T "$dir.new" "$dir"
}

mkdir -p build/linux
lock "build/linux/.lock-$tree"
[ "$(cat "$dir/.pcd-source" 2>/dev/null)" = "$(cat "$source/.pcd-sha256")" ] || create

# A change made here would be in an image, but not in its key.
state=$dir/.pcd-state
edited=$(find "$source/" -type f -newer "$source/.pcd-sha256" -print -quit)
[ -z "$edited" ] || die "tree $dir: $edited, a pristine file, was edited; make the change a patch in common/patches, and run make distclean"
if [ -e "$state" ] && ! grep -qx incomplete "$state"; then
	edited=$(sed -n "s#^place #$dir/#p" "$state" | xargs -r -I{} find {} -type f -newer "$state")
	[ -z "$edited" ] || die "tree $dir: $edited was edited there; make the change a patch in common/patches, then remove $dir"
fi

wanted=$({ echo "$inputs"; awk '$1 != "link" { print $2 }' <<<"$inputs" | xargs -r cat; cat kernel/variants.sh; } | sha256sum)
links=$(sed -n 's/^link //p' <<<"$inputs")
made=$(sed -n 's/^made //p' <<<"$inputs")
# A patched copy of one of our own files follows its original.
copies=$(sed -n 's/^copy //p' "$state" 2>/dev/null || true)
if [ -z "$check" ] && [ "$(head -n1 "$state" 2>/dev/null)" = "$wanted" ] && [ -z "$copies" ]; then
	exit
fi

# Make what folders share, and apply all patches to copies of the files that they name.
scratch=$dir.patched
rm -rf "$scratch"
mkdir "$scratch"
trap 'rm -rf "$scratch"' EXIT
while read -r file place; do
	[ "$file" ] || continue
	mkdir -p "$scratch/$(dirname "$place")"
	kernel/variants.sh fill "$file" "$place" >"$scratch/$place"
done <<<"$made"
origin() {	# PLACE -> the file it has before patches
	awk -v place="$1" '$2 == place { print $1 }' <<<"$links" | grep . || echo "$source/$1"
}
files=
copies=
# apply PATCH [OPTION...]: to scratch, which gets what it names
apply() {
	local file from

	while read -r file; do
		[ ! -e "$scratch/$file" ] || continue
		mkdir -p "$scratch/$(dirname "$file")"
		from=$(origin "$file")
		[ ! -e "$from" ] || cp --no-preserve=mode "$from" "$scratch/$file"
		[ "$from" = "$source/$file" ] || copies+="copy $file"$'\n'
		files+="$file"$'\n'
	done < <(sed -n 's#^+++ b/\([^\t]*\).*#\1#p' "$1")
	said=$(patch -d "$scratch" -p1 -F0 --batch --no-backup-if-mismatch "${@:2}" <"$1")
}
sed -n 's/^patch //p' <<<"$inputs" >"$scratch/.patches"
while read -r patch; do
	apply "$patch" || {
		failed=$(sed -n 's/^patching file //p' <<<"$said" | while read -r file; do
			[ ! -e "$scratch/$file.rej" ] || echo "$file"
		done | paste -sd' ')
		die "tree $dir: $patch does not apply as it is to ${failed:-a file that is not there}; rebase it on this source (no fuzz is allowed)"
	}
done <"$scratch/.patches"
if [ "$check" ]; then
	for patch; do
		if apply "$patch" --dry-run; then echo "$patch"; else echo "$patch: $said" >&2; fi
	done
	exit
fi

# put FROM PLACE [COMMAND...]: replace a file whole, with a new time.
put_copy() {
	cmp -s "$1" "$dir/$2" && [ ! -L "$dir/$2" ] && return
	mkdir -p "$(dirname "$dir/$2")"
	cp --no-preserve=all --remove-destination "$1" "$dir/$2.pcd-new"
	chmod --reference="$1" "$dir/$2.pcd-new"
	touch "$dir/$2.pcd-new"
	mv -T "$dir/$2.pcd-new" "$dir/$2"
}
put_link() {
	[ "$(readlink -f "$dir/$2")" != "$PWD/$1" ] || return 0
	mkdir -p "$(dirname "$dir/$2")"
	# make follows the link and looks at the time of what it points to
	touch "$1"
	ln -sr "$1" "$dir/$2.pcd-new"
	mv -T "$dir/$2.pcd-new" "$dir/$2"
}

# First note every file that is or will be ours, so that none is forgotten.
places=$({ sed -n 's/^place //p' "$state" 2>/dev/null || true
	echo "$files"
	cut -s -d' ' -f2 <<<"$links"$'\n'"$made"; } | sed '/^$/d' | sort -u)
note() {	# FIRST-LINE
	echo "$1"
	# shellcheck disable=SC2086 # one per word
	printf 'place %s\n' $places
	printf %s "$copies"
}
note incomplete >"$state.new"
mv "$state.new" "$state"

for place in $places; do
	link=$(awk -v place="$place" '$2 == place { print $1 }' <<<"$links")
	if [ -e "$scratch/$place" ]; then
		put_copy "$scratch/$place" "$place"
	elif [ -n "$link" ]; then
		put_link "$link" "$place"
	elif [ -e "$source/$place" ]; then
		put_copy "$source/$place" "$place"
	else
		rm -f "$dir/$place" "$dir/${place%.c}.o"
	fi
done
places=$(for place in $places; do
	[ ! -e "$dir/$place" ] || echo "$place"
done)
note "$wanted" >"$state.new"
mv "$state.new" "$state"
