// SPDX-License-Identifier: GPL-2.0-only
/*
 * bypass: isolated CPUs cache nothing, so that there is nothing to drain.
 *
 * The idea is Vlastimil Babka's, who asked it of slab's sheaves.  Linux 7.3 does it with buffer
 * heads, where the scheduler's domains isolate a CPU (bh_lru_install()).
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/pcpu_drain.h>
#include <linux/sched/isolation.h>
#include <linux/tick.h>

DEFINE_STATIC_KEY_FALSE(pcd_uncached_key);
DEFINE_PER_CPU(bool, pcd_uncached_cpu);

/*
 * Isolated is what nohz_full= says, as in the other variants, and a boot CPU that cannot
 * stop its tick is not.  Only the boot CPU is up, and may have cached something before:
 * that goes with the next that it would cache, or by a drain.
 */
static int __init pcd_bypass_init(void)
{
	bool any = false;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (housekeeping_cpu(cpu, HK_TYPE_KERNEL_NOISE) || !tick_nohz_full_cpu(cpu))
			continue;
		per_cpu(pcd_uncached_cpu, cpu) = true;
		any = true;
	}
	if (any)
		static_branch_enable(&pcd_uncached_key);
	return 0;
}
early_initcall(pcd_bypass_init);
