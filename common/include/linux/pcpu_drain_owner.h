/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_OWNER_H
#define _LINUX_PCPU_DRAIN_OWNER_H

/*
 * What an isolated CPU knows of its own debts, for variants in which it drains by
 * itself.  Hooks look at it inline, so that a CPU that is not isolated, or owes
 * nothing, calls nothing.
 */

#include <linux/percpu.h>
#include <linux/types.h>

/**
 * struct pcd_owner - what an isolated CPU, which drains by itself, must still drain
 * @pending: a bit for each class that this CPU must drain before it next returns to
 *	user mode; set atomically by the owner or by requesters, cleared
 *	by the drain when it begins.  Never set unless @tracked
 * @unfinished: a task may have been switched out here half way through a drain or
 *	through caching; only this CPU changes it.  Never set unless @tracked
 * @tracked: this CPU is isolated; constant after boot
 */
struct pcd_owner {
	unsigned long pending;
	bool unfinished;
	bool tracked;
};

DECLARE_PER_CPU(struct pcd_owner, pcd_owners);

#endif /* _LINUX_PCPU_DRAIN_OWNER_H */
