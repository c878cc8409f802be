/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_VARIANT_DEFERRED_WQ_H
#define _MM_PCPU_DRAIN_VARIANT_DEFERRED_WQ_H

bool pcd_variant_ask(struct pcd_class *class, int cpu);
void pcd_variant_interrupt(int cpu);
bool pcd_variant_owes(int cpu);
bool pcd_variant_clean_in_user(void);
bool pcd_variant_owner_drains(void);

#endif /* _MM_PCPU_DRAIN_VARIANT_DEFERRED_WQ_H */
