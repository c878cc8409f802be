/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_DEMO_H
#define _LINUX_PCPU_DRAIN_DEMO_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * enum pcd_demo_place - for tests: where to keep an owner that caches
 * @PCD_DEMO_INSIDE: with the lock held
 * @PCD_DEMO_STORED: when the item is in its slot and does not count yet
 */
enum pcd_demo_place {
	PCD_DEMO_INSIDE,
	PCD_DEMO_STORED,
};

/**
 * struct pcd_demo_hold - for tests: keep an owner inside its cache, lock held
 * @at: where
 * @inside: set when the owner is there
 * @release: set by the test to let it go on
 */
struct pcd_demo_hold {
	enum pcd_demo_place at;
	bool inside;
	bool release;
};

/**
 * struct pcd_demo_item - something to cache
 * @node: its place in the depot
 * @key: whose it is; a request may name one key
 * @cached: how often it was put, minus how often it came out
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
