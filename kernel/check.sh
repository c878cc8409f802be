#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that kernels are what they are said to be. Writes build/check/kernels.tap.
#   kernel/check.sh MODEL
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

model=$1
tap_begin kernels
scratch=$(mktemp -d build/.check-kernels.XXXXXX)
trap 'rm -rf "$scratch" "build/linux/patched-$model-again"' EXIT

# --- a config line that Kconfig did not grant is one line that says so
refused() {	# WHAT WANTED-LINE GOT-LINE TEXT
	echo "$2" >"$scratch/fragment"
	echo "$3" >"$scratch/config"
	says 1 "$1" "$4" kernel/configcheck.sh an-image "$scratch/config" "$scratch/fragment"
}
refused "a symbol with another value is named" "CONFIG_A=y" "CONFIG_A=m" \
	"error: an-image: CONFIG_A: wanted y, got m"
refused "an absent symbol is named" "CONFIG_A=y" "CONFIG_AB=y" \
	"error: an-image: CONFIG_A: wanted y, got is not set"
refused "a symbol that is set against the fragment is named" "# CONFIG_A is not set" "CONFIG_A=y" \
	"error: an-image: CONFIG_A: wanted is not set, got y"
echo "CONFIG_A=y" >"$scratch/config"
says 0 "a config that holds passes in silence" "" \
	kernel/configcheck.sh an-image "$scratch/config" "$scratch/config"

# --- one variant is built in, and neither the others nor the demo are
mapfile -t variants < <(kernel/variants.sh)
built_in() {	# KERNEL
	printf '%s\n' "${variants[@]}" demo | tr '[:lower:]' '[:upper:]' | sed 's/.*/CONFIG_PCPU_DRAIN_&=y/' |
		grep -xF -f - "build/images/$model-$1/config" || true
}
builds_in_itself() {	# KERNEL
	[ "$(built_in "$1")" = "CONFIG_PCPU_DRAIN_${1^^}=y" ]
}
builds_in_none() {	# KERNEL
	[ -z "$(built_in "$1")" ]
}
for kernel in "${variants[@]}"; do
	test_point "$model-$kernel has its variant, and no other" builds_in_itself "$kernel"
done
for kernel in unpatched rebuilt; do
	test_point "$model-$kernel has no variant" builds_in_none "$kernel"
done

# --- a patch that needs fuzz is refused, and named with its file
sed 's/^ obj-y += page_frag_cache.o$/ obj-y += page_frag_cash.o/' \
	common/patches/0001-*.patch >"$scratch/fuzzy.patch"
says 1 "a patch with a wrong context line is refused" \
	"error: tree .*: $scratch/fuzzy.patch does not apply as it is to mm/Makefile" \
	kernel/assemble.sh unpatched "$model" "$scratch/fuzzy.patch"

# --- reproducible: in place after another variant, and from nothing elsewhere
bzimage() {
	sha256sum <"$1/bzImage"
}
again() {	# KERNEL
	rm -rf "$scratch/images"
	TREE_SUFFIX=-again IMAGE_CACHE=$PWD/$scratch/images kernel/build.sh "$model" "$1" >"$scratch/log" 2>&1 || {
		tail -n 3 "$scratch/log"
		return 1
	}
	[ "$(bzimage "$scratch/images/$model-$1"-*)" = "$(bzimage "build/images/$model-$1")" ]
}
last=${variants[1]}
test_point "$model-$last built from nothing in another directory is the same image" again "$last"
for kernel in "${variants[0]}" "${variants[@]:2}"; do
	test_point "$model-$kernel built there after $last is the same image" again "$kernel"
	last=$kernel
done

# --- a configuration is taken from the cache only if Kconfig would say the same
dir=build/linux/patched-$model-again
remembered() (	# what is in the cache already, or is from now on
	kbuild_settings
	kconfig "$dir" kernel/base.config "kernel/$model.config" "$scratch/option"
	cp "$dir/.pcd-config" "$scratch/config"
	ask_kconfig "$dir" kernel/base.config "kernel/$model.config" "$scratch/option"
	diff "$scratch/config" "$dir/.pcd-config"
)
key() (	# DIR FRAGMENT...
	kbuild_settings
	kbuild+=("${extra[@]}")
	kconfig_key "$@"
)
keyed() {
	local extra=() place=$scratch/tree/mm/Kconfig keys

	mkdir -p "${place%/*}"
	cp "$dir/.pcd-source" "$dir/.pcd-state" "$scratch/tree"
	cp "$dir/mm/Kconfig" "$place"
	keys=$(key "$scratch/tree" "$scratch/option")
	[ "$keys" = "$(key "$scratch/tree" "$scratch/option")" ] || return
	echo "# a comment more" >>"$place"
	keys+=$'\n'$(key "$scratch/tree" "$scratch/option")
	keys+=$'\n'$(key "$scratch/tree" "$scratch/option" kernel/kunit.config)
	echo another source >"$scratch/tree/.pcd-source"
	keys+=$'\n'$(key "$scratch/tree" "$scratch/option")
	extra=(ARCH=um)
	keys+=$'\n'$(key "$scratch/tree" "$scratch/option")
	[ "$(sort -u <<<"$keys" | wc -l)" = 5 ]
}
for line in CONFIG_KUNIT=y CONFIG_BLOCK=y; do
	echo $line >"$scratch/option"
	test_point "what Kconfig made before of $line is what it makes of it" remembered
done
test_point "other Kconfig files, fragments, sources or settings are another question" keyed

# --- whatever of ours was compiled into the last of them is in its key
accounted() {	# KERNEL
	kernel/sources.sh --list "$model" "$1" | sort >"$scratch/listed"
	(cd "build/linux/patched-$model-again" && ar t vmlinux.a | sed 's#[^/]*$#.&.cmd#' | xargs cat) |
		grep -oE '[A-Za-z0-9_./-]+\.[ch]\b' | sort -u >"$scratch/compiled"
	grep -q '^mm/pcpu_drain/core.c$' "$scratch/compiled"
	kernel/inputs.sh patched | awk '$1 == "link" { print $3, $2 }' | sort | join - "$scratch/compiled" |
		cut -d' ' -f2 | sort | comm -23 - "$scratch/listed" >"$scratch/forgotten"
	sed 's/^/# compiled, but not in the key: /' "$scratch/forgotten"
	[ ! -s "$scratch/forgotten" ]
}
test_point "whatever of ours $model-$last was made of is in its key" accounted "$last"

tap_end
