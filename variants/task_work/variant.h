/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_VARIANT_TASK_WORK_H
#define _MM_PCPU_DRAIN_VARIANT_TASK_WORK_H

/*
 * Whoever cached something has arranged for its drain already: there is nothing
 * left to ask for.  An owner in user mode has nothing cached, so a requester only
 * ever waits for an owner in the kernel.
 */
static inline bool pcd_variant_ask(struct pcd_class *class, int cpu)
{
	return true;
}

static inline void pcd_variant_interrupt(int cpu) { }

static inline bool pcd_variant_owes(int cpu)
{
	/* What another task left unfinished is no debt: the next task has drained it. */
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
