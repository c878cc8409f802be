/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_DEMO_H
#define _LINUX_PCPU_DRAIN_DEMO_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct pcd_demo_hold - for tests: keep an owner inside its cache, lock held
 * @inside: set when it is there
 * @release: set by the test to let it go on
 */
struct pcd_demo_hold {
	bool inside;
	bool release;
};

/**
 * struct pcd_demo_item - something to cache
 * @node: in the depot
 * @key: whose it is; a request may name one key
 * @cached: times that it was put less times that it came out again
 * @hold: for tests: where to wait while it is being put, or NULL
 */
struct pcd_demo_item {
	struct list_head node;
	void *key;
	int cached;
	struct pcd_demo_hold *hold;
};

void pcd_demo_put(struct pcd_demo_item *item);
struct pcd_demo_item *pcd_demo_get(void);
unsigned int pcd_demo_empty_depot(struct list_head *items);
unsigned int pcd_demo_violations(void);

#endif /* _LINUX_PCPU_DRAIN_DEMO_H */
