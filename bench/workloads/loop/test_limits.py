# SPDX-License-Identifier: GPL-2.0-only
"""limits.py: a boot that could not come to anything is refused before it is tried."""

import pytest

from bench import boot
from bench.workloads.loop import limits


def test_blocks_and_calls_that_do_not_fit_into_half_a_period_are_refused_before_a_boot():
    def refused(*given, **other):
        boot.load_spec("virtual", "rt", "unpatched", 701, "loop", workload=given, **other)

    refused(("blocks", "1529"))
    with pytest.raises(boot.UsageError, match=r"^workload loop: blocks is 100000: at most 1529 of them fit into half "
                       r"of a period, period_us 1370$"):
        refused(("blocks", "100000"))
    with pytest.raises(boot.UsageError, match="at most 1529 "):
        refused(("blocks", "1530"))
    refused(("blocks", "100000"), ("period_us", "1000000"))
    with pytest.raises(boot.UsageError, match="at most 382 "):
        refused(("blocks", "383"), setting="shift-2")
    refused(("calls", "3425"))
    with pytest.raises(boot.UsageError, match="calls is 3426: at most 3425 "):
        refused(("calls", "3426"))
    refused(("blocks", "x"))  # the guest says that, at once
    boot.load_spec("kvm", "rt", "unpatched", 701, "loop", workload=(("blocks", "100000"),))  # time is time there


def test_a_block_is_as_long_as_in_the_guest():
    assert f"#define SPIN_BLOCK {limits.SPIN_BLOCK}\n" in (boot.ROOT / "bench/guest/spin.h").read_text()
