/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_CYCLES_PRIVATE_H
#define _PCD_CYCLES_PRIVATE_H

/* What is private to its file; link.sh reads here what to make global. Included by ops.c, once. */

/* How their structs begin; cyc_begin() looks. */
struct lock_and_batch {
	pcd_lock_t lock;
	struct folio_batch batch;
};

struct lock_and_count {
	pcd_lock_t lock;
	unsigned int nr;
};

DECLARE_PER_CPU(struct lock_and_batch, cpu_fbatches);
DECLARE_PER_CPU(struct lock_and_batch, mlock_fbatch);
DECLARE_PER_CPU(struct lock_and_count, demo_caches);

unsigned int demo_count(int cpu, void *key);
unsigned int demo_drain(int cpu, void *key);

#endif /* _PCD_CYCLES_PRIVATE_H */
