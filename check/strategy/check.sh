#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that a strategy is a folder: a sample is put into variants/ of a copy of this
# repository, and everything finds it there. Writes build/check/strategy.tap.
#   check/strategy/check.sh
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh

top=$PWD copy=$PWD/build/check/strategy
export CACHE
tap_begin strategy
need_space build 500 "strategy"
# Its kernel tree stays, so that make finds there what it has built before.
mkdir -p "$copy/build"
find "$copy" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z -- . ':!results' | xargs -0 cp -P --parents -t "$copy"
ln -sfn "$(readlink -e build/source)" "$copy/build/source"
cp -r check/strategy/sample "$copy/variants/"
# The sample's contract is none's.
sed 's/"none"/"sample1"/' variants/none/contract.h >"$copy/variants/sample/contract.h"
# in_copy COMMAND...: there
in_copy() (
	cd "$copy" && "$@"
)

listed() {
	bench/arms.sh | grep -q "^sample1	KERNEL	sample$" && kernel/variants.sh | grep -qx sample
}
test_point "its arm and its kernel are listed" in_copy listed
known() {
	make -n rt-sample lazy-sample-kunit >/dev/null
}
test_point "make knows its images" in_copy known
says 1 "a campaign would boot it" ".*lazy-sample1" in_copy /usr/bin/python3 -m bench.campaign --cells no-such
built() {
	kunit/build-uml.sh sample build/kunit/uml-sample >build/uml.log 2>&1 || {
		tail -n 3 build/uml.log | sed 's/^/# /'
		return 1
	}
}
test_point "it is assembled, configured and compiled, for User-Mode Linux" in_copy built
ran() {
	kunit/run-uml.sh build/kunit/uml-sample sample=1 pcd_kunit.arm=sample1 >build/kunit/sample.console &&
		grep -q "pcpu_drain: sample=1" build/kunit/sample.console &&
		/usr/bin/python3 -m kunit.judge --name kunit-sample build/kunit/sample.console >/dev/null
}
test_point "the suite runs in it, and passes" in_copy ran
tabled() {
	/usr/bin/python3 -m kunit.contract && grep -q "^| owner's state .*none.*sample1" common/README.md
}
page() {
	rm -rf build/page
	mkdir build/page
	/usr/bin/python3 -B -m check.strategy.made_up_page sample1 build/page &&
		grep -q "does the sample spare the owner?" build/page/RESULTS.md &&
		grep -q "| \*\*sample1\*\* | The sample strategy" build/page/RESULTS.md &&
		grep -q "^| rt | sample1 |" build/page/results/report/drain.md
}
test_point "a report shows it, and what its folder asks" in_copy page
unchanged() {
	local name

	git -C "$top" ls-files -- . ':!results' | while read -r name; do
		cmp -s "$top/$name" "$name" || echo "# $name had to be changed"
	done | grep . && return 1
	return 0
}
test_point "no other file has changed for that" in_copy unchanged
test_point "it has its place in the contract's table" in_copy tabled

tap_end
