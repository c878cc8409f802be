/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_TASK_WORK_H
#define _LINUX_PCPU_DRAIN_TASK_WORK_H

/* What the scheduler and fork call; the rest is in mm/pcpu_drain/task_work.c. */

#ifdef CONFIG_PCPU_DRAIN_TASK_WORK

#include <linux/jump_label.h>
#include <linux/pcpu_drain_owner.h>
#include <linux/sched.h>

DECLARE_STATIC_KEY_FALSE(pcd_task_key);
void __pcd_task_switched(void);

/**
 * pcd_task_fork - a task begins unarmed, whatever its parent is
 * @task: the child, not yet running
 */
static inline void pcd_task_fork(struct task_struct *task)
{
	task->pcd_armed = false;
}

/**
 * pcd_task_switched - a task begins to run on this CPU
 *
 * Context: preemption disabled, the runqueue's lock not held.
 */
static __always_inline void pcd_task_switched(void)
{
	/* This CPU's own; an interrupt that caches from here on finds the new task. */
	if (static_branch_unlikely(&pcd_task_key) &&
	    unlikely(this_cpu_read(pcd_owners.pending) ||
		     this_cpu_read(pcd_owners.draining)))
		__pcd_task_switched();
}

#else

static inline void pcd_task_fork(struct task_struct *task) { }
static inline void pcd_task_switched(void) { }

#endif

#endif /* _LINUX_PCPU_DRAIN_TASK_WORK_H */
