/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_TASK_WORK_H
#define _LINUX_PCPU_DRAIN_TASK_WORK_H

/* What the scheduler and fork call; the rest is in mm/pcpu_drain/task_work.c. */

#ifdef CONFIG_PCPU_DRAIN_TASK_WORK

#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/pcpu_drain_owner.h>
#include <linux/sched.h>

DECLARE_STATIC_KEY_FALSE(pcd_task_key);
void __pcd_task_switched(struct task_struct *prev);

/**
 * pcd_task_fork - a task begins unarmed, even if its parent is armed
 * @task: the child, not yet running
 */
static inline void pcd_task_fork(struct task_struct *task)
{
	task->pcd_armed = false;
}

/* Was @prev switched from in the middle of a drain, or of caching?  Neither migrates. */
static __always_inline bool pcd_left_half_way(struct task_struct *prev)
{
	/*
	 * If so, it stays on this CPU and is not running.  If not, another CPU may run
	 * it by now: at worst we look in vain.  Should it be dead, RCU keeps its
	 * task_struct while preemption is disabled.
	 */
	return data_race(prev->migration_disabled);
}

/**
 * pcd_task_switched - a task begins to run on this CPU
 * @prev: the one that ran before
 *
 * Context: preemption disabled, the runqueue's lock not held.
 */
static __always_inline void pcd_task_switched(struct task_struct *prev)
{
	/* This CPU's own; if an interrupt caches from here on, pcd_arm() finds the new task. */
	if (static_branch_unlikely(&pcd_task_key) &&
	    this_cpu_read(pcd_owners.tracked) &&
	    unlikely(this_cpu_read(pcd_owners.pending) ||
		     this_cpu_read(pcd_owners.unfinished) ||
		     pcd_left_half_way(prev)))
		__pcd_task_switched(prev);
}

#else

static inline void pcd_task_fork(struct task_struct *task) { }
static inline void pcd_task_switched(struct task_struct *prev) { }

#endif

#endif /* _LINUX_PCPU_DRAIN_TASK_WORK_H */
