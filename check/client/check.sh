#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Check that a client is a folder: a sample is put into common/clients/ of a copy of this
# repository, and everything finds it there. Writes build/check/client.tap.
#   check/client/check.sh
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh
# shellcheck source=check/copy.sh
. check/copy.sh

tap_begin client
copy_begin client
cp -r check/client/sample "$copy/common/clients/"

listed() {
	kernel/inputs.sh patched >build/inputs &&
		grep -qx "link common/clients/sample/sample.c mm/pcpu_drain/sample.c" build/inputs &&
		grep -qx "part common/clients/sample/Kconfig" build/inputs
}
test_point "its files and parts are listed" in_copy listed
left_out() {
	kernel/sources.sh --list rt none >build/sources && grep -qx common/clients/sample/sample.c build/sources &&
		! grep -qx common/clients/sample/kunit.c build/sources
}
test_point "its code reaches a kernel that is measured, its tests do not" in_copy left_out
test_point "it is assembled, configured and compiled, for User-Mode Linux" in_copy builds none
test_point "the suite runs in it, and passes" in_copy runs pcd_kunit.arm=none
# tested CASE: with the sample
tested() {
	sed -n "/# Subtest: $1\$/,/ok [0-9]* $1\$/p" build/kunit/sample.console | grep -q "\] *ok [0-9]* sample\$"
}
test_point "the client suite has drained it" in_copy tested client_is_drained
test_point "the client suite has put it under load" in_copy tested client_loses_nothing_under_load
test_point "the contract suite has seen who drains it" in_copy tested client_of_an_upstream_owner
guest() {
	make -s build/guest/init >build/guest.log 2>&1 && grep -q "the sample's hot path" build/guest/init
}
test_point "the guest has its hot path" in_copy guest
test_point "no other file has changed for that" in_copy unchanged

tap_end
