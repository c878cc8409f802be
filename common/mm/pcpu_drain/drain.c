// SPDX-License-Identifier: GPL-2.0-only
/*
 * One CPU's cache of one class: drain it here, or by a kworker there.
 *
 * A kworker whose CPU goes offline between queueing and running is unbound and
 * runs elsewhere, perhaps while that CPU still lives.  It then drains the CPU it
 * runs on, as upstream does; the dead callback drains the CPU that it was queued for.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/preempt.h>
#include <linux/workqueue.h>

#include <trace/events/pcpu_drain.h>

#include "internal.h"

#ifdef CONFIG_PCPU_DRAIN_HOLDS
/* The task that runs a dead callback; the hotplug lock lets only one. */
struct task_struct *pcd_dead_callback;

static void pcd_dead_callback_is(struct task_struct *task)
{
	WRITE_ONCE(pcd_dead_callback, task);
}

/* Was this drain, by a requester, refused half way? */
static bool pcd_was_refused(struct pcd_class *class, int cpu)
{
	return pcd_owner_would_wait(cpu) && class->refused;
}
#else
static inline void pcd_dead_callback_is(struct task_struct *task) { }

static inline bool pcd_was_refused(struct pcd_class *class, int cpu)
{
	return false;
}
#endif

/**
 * pcd_run_drain - drain a CPU's cache, here
 * @class: which class
 * @cpu: the CPU: this one, a dead one, or any where the variant drains remotely
 * @key: what to drain; NULL for everything
 * @pays: clear the pending bit: this drain pays what @cpu owes
 *
 * Context: task context, migration disabled; may sleep.
 * Return: items drained.
 */
unsigned int pcd_run_drain(struct pcd_class *class, int cpu, void *key, bool pays)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);
	unsigned int drained;
	int ticket = 0;
	bool refused;

	trace_pcd_drain_begin(class, cpu);
	/* Only a drain of everything serves whoever waits for the owner. */
	if (!key)
		ticket = pcd_drain_begin(pc, pays);
	drained = class->drain(cpu, key);
	refused = pcd_was_refused(class, cpu);
	atomic64_add(drained, &pc->stats.drained);
	if (!pcd_cpu_is_local(cpu) && !refused)
		atomic64_inc(&pc->stats.remote);
	if (trace_pcd_drain_end_enabled())
		trace_pcd_drain_end(class, cpu, drained, class->count(cpu, key));
	if (!key && !refused)
		pcd_drain_end(pc, ticket);
	return drained;
}

/**
 * pcd_help - count help
 * @class: for which class
 * @cpu: on which CPU
 * @why: what kind
 *
 * Context: any.
 */
void pcd_help(struct pcd_class *class, int cpu, enum pcd_help why)
{
	trace_pcd_help(class, cpu, why);
	atomic64_inc(&per_cpu_ptr(class->pcpu, cpu)->stats.helps[why]);
}

static void pcd_work_fn(struct work_struct *work)
{
	struct pcd_cpu *pc = container_of(work, struct pcd_cpu, work);

	/* Bound to pc->cpu unless that goes down: see the top of this file. */
	migrate_disable();
	pc->drained = pcd_run_drain(pc->class, smp_processor_id(), pc->key, false);
	pc->missed = smp_processor_id() != pc->cpu;
	migrate_enable();
}

/**
 * pcd_cpu_init - set up a class's data for one CPU
 * @class: being registered
 * @cpu: the CPU
 */
void __init pcd_cpu_init(struct pcd_class *class, int cpu)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

	INIT_WORK(&pc->work, pcd_work_fn);
	pc->class = class;
	pc->cpu = cpu;
}

/**
 * pcd_queue - have a CPU drained by its own kworker
 * @class: which class
 * @cpu: the CPU
 * @key: what to drain at least; a request that does not wait must pass NULL, everything
 * @mode: of the request
 *
 * Context: the class's lock is held, so that nobody else queues this work.
 * Return: false if it was queued already and has not begun.
 */
bool pcd_queue(struct pcd_class *class, int cpu, void *key, enum pcd_mode mode)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

	lockdep_assert_held(&class->lock);
	/*
	 * An earlier request may have posted this work, for everything, and returned:
	 * do not narrow the key of such a work.
	 */
	if (key && !work_busy(&pc->work))
		pc->key = key;
	trace_pcd_post(class, cpu, mode);
	if (!queue_work_on(cpu, *class->wq, &pc->work))
		return false;
	atomic64_inc(&pc->stats.works);
	return true;
}

/**
 * pcd_await - wait for a CPU's kworker
 * @class: which class
 * @cpu: the CPU, for which pcd_queue() was called
 * @key: what was to be drained
 * @result: to add to
 *
 * As upstream's flush_work(), it does not wait for an unplug to make progress: if the
 * kworker ran elsewhere, what it missed is reported as left.
 *
 * Context: the class's lock is held; sleeps.
 */
void pcd_await(struct pcd_class *class, int cpu, void *key, struct pcd_result *result)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

	flush_work(&pc->work);
	pc->key = NULL;
	result->drained += pc->drained;
	if (pc->missed || !cpu_online(cpu))
		pcd_leave(class, cpu, key, result);
}

/**
 * pcd_leave - a CPU that is going offline keeps what it has for its dead callback
 * @class: which class
 * @cpu: the CPU
 * @key: what was to be drained
 * @result: to add to
 */
void pcd_leave(struct pcd_class *class, int cpu, void *key, struct pcd_result *result)
{
	unsigned int left = class->count(cpu, key);

	atomic64_add(left, &per_cpu_ptr(class->pcpu, cpu)->stats.left);
	result->left += left;
}

/**
 * pcd_drain_local - drain this CPU's cache, as its owner
 * @class: which class
 * @key: what to drain; NULL for everything
 *
 * Where requesters drain remotely, one may have just detached items of this
 * CPU and still be processing them.  A caller that must know when they are
 * processed uses pcd_drain_all() instead, which waits for that.
 *
 * Context: task context.  May sleep on PREEMPT_RT.
 * Return: items drained.
 */
unsigned int pcd_drain_local(struct pcd_class *class, void *key)
{
	unsigned int drained;

	migrate_disable();
	drained = pcd_run_drain(class, smp_processor_id(), key, false);
	migrate_enable();
	return drained;
}

/**
 * pcd_cpu_dead - drain the cache of a CPU that has gone
 * @class: which class
 * @cpu: the CPU; must be offline
 *
 * Context: a CPU hotplug callback of the PREPARE section, on another CPU.
 */
void pcd_cpu_dead(struct pcd_class *class, int cpu)
{
	WARN_ON_ONCE(cpu_online(cpu));

	migrate_disable();
	pcd_dead_callback_is(current);
	pcd_run_drain(class, cpu, NULL, true);
	pcd_dead_callback_is(NULL);
	migrate_enable();
}
