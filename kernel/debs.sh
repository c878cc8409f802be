#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build a kernel for real machines as a Debian package, by Kbuild's bindeb-pkg.
#   kernel/debs.sh MODEL KERNEL
# FRAGMENT (environment): a file of further options, such as a driver.
# Leaves in build/debs/MODEL-KERNEL/: linux-image-*.deb, config, System.map and
# image.json, as an image of the virtual lab has them.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

model=$1 kernel=$2
what="packages of $model-$kernel"
out=build/debs/$model-$kernel
tree=$(tree_of "$kernel")
[ -e build/source ] || die "$what: no kernel source yet; run make source"
# configure() takes its fragments by their path from here.
extra=${FRAGMENT:+$(realpath --relative-to=. "$FRAGMENT")}
[ -z "$extra" ] || [ -r "$extra" ] || die "$what: cannot read FRAGMENT=$FRAGMENT"
mapfile -t fragments < <(fragments "$model" "$kernel" metal)
for fragment in "${fragments[@]}"; do
	[ -r "$fragment" ] || die "$what: no $fragment; known: $(cd kernel && echo *.config)"
done

kbuild_settings
compiler=$(gcc --version | head -n1)
# In a package's name an underscore is not allowed.
release=-pcd-$model-${kernel//_/-}
source_sha256=$(kernel/sources.sh "$model" "$kernel" metal)
[ -z "$extra" ] || source_sha256=$(sha256sum - "$extra" <<<"$source_sha256" | sha256sum | cut -d' ' -f1)
if grep -qsF "\"source_sha256\":\"$source_sha256\",\"compiler\":\"$compiler\"" "$out/image.json"; then
	echo "note: $(echo "$out"/*.deb) is there already"
	exit
fi

need_space build/linux 7000 "$what"
dir=build/linux/$tree-metal-$model
# One build in a tree at a time.
lock "build/linux/.lock-build-$tree-metal-$model"
kernel/assemble.sh "$tree" "metal-$model" 8>&-
printf '# The name of the kernel says what it is.\nCONFIG_LOCALVERSION="%s"\n' "$release" >"$dir/.pcd-name.config"
# Read by configure: what a real machine needs besides.
# shellcheck disable=SC2034
defconfig=arch/x86/configs/x86_64_defconfig
configure "$what" "$dir" "${fragments[@]}" ${extra:+"$extra"} "$dir/.pcd-name.config"

# The image alone: no headers, and what Kbuild always makes of linux-libc-dev
# would replace the distribution's own.
export KDEB_SOURCENAME=linux-pcd KDEB_COMPRESS=gzip KDEB_CHANGELOG_DIST=bookworm DEB_BUILD_OPTIONS=terse
export DEB_BUILD_PROFILES=pkg.$KDEB_SOURCENAME.nokernelheaders
version=$("${kbuild[@]}" -s -C "$dir" kernelversion)-1+${source_sha256:0:12}
rm -rf "$dir/.pcd-built" "${dir%/*}"/*"$release"_*.deb
KDEB_PKGVERSION=$version "${kbuild[@]}" -C "$dir" bindeb-pkg || die "$what: make failed in $dir; mend the first error above"
touch "$dir/.pcd-built"

rm -rf "$out" "$out.new"
mkdir -p "$out.new"
mv "${dir%/*}"/linux-image-*"${release}_$version"_*.deb "$out.new"
rm -f "${dir%/*}"/linux-libc-dev_"$version"_*.deb "${dir%/*}/${KDEB_SOURCENAME}_$version"_*
cp "$dir/System.map" "$out.new"
cp "$dir/.config" "$out.new/config"
cp "$dir/arch/x86/boot/bzImage" "$out.new"
printf '{"kernel_release":"%s","config_sha256":"%s","source_sha256":"%s","compiler":"%s","model":"%s","kernel":"%s"}\n' \
	"$(cat "$dir/include/config/kernel.release")" "$(sha256sum <"$dir/.config" | cut -d' ' -f1)" \
	"$source_sha256" "$compiler" "$model" "$kernel" >"$out.new/image.json"
mv -T "$out.new" "$out"
echo "note: $(echo "$out"/*.deb); as root on the machine: apt install ./$(basename "$out"/*.deb)"
