#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Look at a kernel's options in Kconfig's menus, starting from its fragments.
#   kernel/menuconfig.sh MODEL KERNEL
# What is changed there is shown afterwards, to be put into a fragment.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

model=$1 kernel=$2
tree=$(tree_of "$kernel")
dir=build/linux/$tree-$model
kernel/assemble.sh "$tree" "$model"

mapfile -t fragments < <(fragments "$model" "$kernel")
cd "$dir"
scripts/kconfig/merge_config.sh -n -Q -O . "${fragments[@]/#/$OLDPWD/}" >/dev/null
cp .config .pcd-before
make menuconfig
if scripts/diffconfig .pcd-before .config | grep .; then
	echo "Changed, as above, for this once. To keep it, put each line as CONFIG_...= into"
	echo "kernel/base.config (all kernels), kernel/$model.config or $(fragment_of "$kernel"); then: make kernels"
fi
