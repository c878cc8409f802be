#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Write one variant as patches that git am applies to a plain kernel tree.
#   kernel/series.sh VARIANT [COVER]
# Makes build/series/VARIANT/*.patch: the facade, the clients, the hooks, the variant, the
# tests, a patch each. Each step builds: a hook does nothing until its variant can be
# chosen. COVER: a file, the cover letter with its subject first. What only this testbed
# needs (bench/kernel-changes) stays out. Author and sign-off are those of git's settings.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

variant=$1 cover=${2:-}
source=$(readlink -e build/source) || die "series: no kernel source yet; run make source"
git config user.email >/dev/null || die "series: git does not know who signs; set git config user.name and user.email"
# In all that is called here there are this variant and none, which is how it is without any.
WITHOUT=$(kernel/variants.sh | grep -vx -e "$variant" -e none | paste -sd' ')
export WITHOUT
inputs=$(kernel/inputs.sh patched)
out=$PWD/build/series/$variant
tree=$out.tree
rm -rf "$out" "$tree"
mkdir -p "$out" "$tree"

in_tree() { git -C "$tree" -c core.hooksPath=/dev/null "$@"; }

# of KIND FOLDER: "FILE PLACE" of what is of a folder
of() { awk -v kind="$1" -v folder="$2" '$1 == kind && index($2, folder) == 1 { print $2, $3 }' <<<"$inputs"; }

# begin: only the files of the plain kernel that patches change
begin() {
	local patches

	mapfile -t patches < <(of patch '' | cut -d' ' -f1)
	plain_files "$source" "$tree" "${patches[@]}"
	in_tree init --quiet
	in_tree add .
	in_tree commit --quiet --message "what patches change"
	in_tree tag plain
}

# add FILES: links of a folder, or one file of it
add() {
	of link "$1" | while read -r file place; do
		mkdir -p "$tree/$(dirname "$place")"
		cp --no-preserve=mode "$file" "$tree/$place"
	done
}

# fill FILES [LEFT-OUT]: what variants and clients share, but for lines that match
fill() {
	of made "$1" | while read -r file place; do
		mkdir -p "$tree/$(dirname "$place")"
		# Nothing matches a^. And no blank line is left at the end.
		printf '%s\n' "$(kernel/variants.sh fill "$file" "$place" | grep -vE "${2:-a^}")" >"$tree/$place"
	done
}

# commit SUBJECT: what the tree has now; the rest of the message is the input
commit() {
	in_tree add .
	{ printf '%s\n\n' "$1" && cat; } | in_tree commit --quiet --signoff --file -
}

# apply FOLDER: its patches
apply() {
	of patch "$1" | while read -r patch _; do
		in_tree am --quiet --signoff "$PWD/$patch" </dev/null ||
			die "series: $patch does not apply as it is to this source"
		in_tree commit --quiet --amend --reset-author --no-edit
	done
}

# facade: without a variant to choose, and without tests
facade() {
	add common/
	rm -r "$tree/mm/pcpu_drain/kunit"
	WITHOUT="$WITHOUT $variant" fill common/ kunit
	commit "mm: add a facade for draining per-CPU caches" <<-'EOF'
		Several subsystems keep per-CPU caches that another CPU sometimes needs
		emptied. Each has generations, a mutex and work items of its own for that,
		and each interrupts whatever runs on the owner's CPU, isolated or not.

		Put that behind a facade. A class says how the cache of a CPU is drained;
		the facade says who drains it, and where: a kworker on the owner's CPU, as
		today, unless a variant is built in. A demonstration cache shows what a
		client is.
	EOF
	apply common/patches/
	apply common/clients/
}

hooks() {
	add "variants/$variant/hooks.h"
	[ "$(in_tree status --porcelain)" ] || return 0
	commit "mm: declare the hooks of $variant" <<-'EOF'
		They are empty as long as the variant cannot be chosen.
	EOF
	apply "variants/$variant/"
}

# variant: its files. What its page says first is the message, as it is in the cover letter.
variant() {
	[ "$variant" != none ] || return 0
	add "variants/$variant/"
	rm -f "$tree/mm/pcpu_drain/contract_$variant.h"
	fill common/ kunit
	/usr/bin/python3 -B -m bench.report.rendering.mail "$variant" |
		commit "mm: let $variant drain the caches of isolated CPUs"
}

tests() {
	add kunit/
	add common/clients/
	add "variants/none/"
	add "variants/$variant/"
	fill common/
	fill kunit/
	commit "mm: test the contract of per-CPU draining" <<-'EOF'
		One suite for all variants: nothing is lost or drained twice, nothing is
		touched without its lock, and what is said to be drained is. contract.h of
		a variant says who drains in each state of the owner.
	EOF
}

begin
facade
hooks
variant
tests
in_tree format-patch --quiet ${cover:+--cover-letter} --output-directory "$out" plain
if [ "$cover" ]; then
	letter=$out/0000-cover-letter.patch
	subject=$(head -n1 "$cover") body=$(tail -n+3 "$cover") awk '{
		sub(/\*\*\* SUBJECT HERE \*\*\*/, ENVIRON["subject"])
		if ($0 == "*** BLURB HERE ***") print ENVIRON["body"]; else print
	}' "$letter" >"$letter.new"
	mv "$letter.new" "$letter"
fi
rm -rf "$tree"
printf '%s\n' "$out"/*.patch | sed "s,^$PWD/,,"
