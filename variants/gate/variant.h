/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_VARIANT_GATE_H
#define _MM_PCPU_DRAIN_VARIANT_GATE_H

/* Nobody wakes a request when an owner leaves the kernel: it looks at each jiffy. */
#define PCD_LOOK 1

bool pcd_variant_take(struct pcd_class *class, int cpu);
void pcd_variant_posted(struct pcd_class *class);

/* There is nobody to ask: the request waits, and takes again. */
static inline bool pcd_variant_ask(struct pcd_class *class, int cpu)
{
	return true;
}

static inline void pcd_variant_interrupt(int cpu) { }

static inline bool pcd_variant_owes(int cpu)
{
	return false;
}

static inline bool pcd_variant_clean_in_user(void)
{
	return false;
}

static inline bool pcd_variant_owner_drains(void)
{
	return false;
}

#endif /* _MM_PCPU_DRAIN_VARIANT_GATE_H */
