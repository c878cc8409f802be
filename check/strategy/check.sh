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
# shellcheck source=check/copy.sh
. check/copy.sh

tap_begin strategy
copy_begin strategy
cp -r check/strategy/sample "$copy/variants/"
# The sample's contract is none's.
sed 's/"none"/"sample1"/' variants/none/contract.h >"$copy/variants/sample/contract.h"

listed() {
	bench/arms.sh | grep -q "^sample1	KERNEL	sample$" && kernel/variants.sh | grep -qx sample
}
test_point "its arm and its kernel are listed" in_copy listed
known() {
	make -n rt-sample lazy-sample-kunit >/dev/null
}
test_point "make knows its images" in_copy known
says 1 "a campaign would boot it" ".*lazy-sample1" in_copy /usr/bin/python3 -m bench.campaign --cells no-such
test_point "it is assembled, configured and compiled, for User-Mode Linux" in_copy builds sample
ran() {
	runs sample=1 pcd_kunit.arm=sample1 && grep -q "pcpu_drain: sample=1" build/kunit/sample.console
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
		grep -q "| \*\*sample1\*\* | The sample strategy" build/page/results/report/drain.md &&
		grep -q "^| rt | sample1 |" build/page/results/report/drain.md
}
test_point "a report shows it, and what its folder asks" in_copy page
test_point "no other file has changed for that" in_copy unchanged
test_point "it has its place in the contract's table" in_copy tabled

tap_end
