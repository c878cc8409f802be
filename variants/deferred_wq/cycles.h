/* SPDX-License-Identifier: GPL-2.0-only */
/* For the cycles lab: see bench/cycles/kernel/variant.h. */

#define CYC_VARIANT_KEYS

DECLARE_PER_CPU(atomic_t, pcd_deferred);	/* its first member */

/* BIT(2) is PCD_QUEUED: the work is queued already. */
static inline void cyc_variant_owner(void)
{
	atomic_set(raw_cpu_ptr(&pcd_deferred), BIT(2));
}
