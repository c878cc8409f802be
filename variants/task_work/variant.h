/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_VARIANT_TASK_WORK_H
#define _MM_PCPU_DRAIN_VARIANT_TASK_WORK_H

/*
 * Whoever cached something has arranged for its drain already: there is nothing
 * left to ask for.  And an owner in user mode has nothing cached, so that the
 * requester always waits for one in the kernel.
 */
static inline bool pcd_variant_ask(struct pcd_class *class, int cpu)
{
	return true;
}

static inline void pcd_variant_interrupt(int cpu) { }

static inline bool pcd_variant_owes(int cpu)
{
	/* Another task's unfinished drain has been repeated. */
	return pcd_tracks(cpu) && READ_ONCE(per_cpu(pcd_owners.pending, cpu));
}

static inline bool pcd_variant_clean_in_user(void)
{
	return true;
}

static inline bool pcd_variant_owner_drains(void)
{
	return true;
}

#endif /* _MM_PCPU_DRAIN_VARIANT_TASK_WORK_H */
