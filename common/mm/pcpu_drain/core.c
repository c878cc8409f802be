// SPDX-License-Identifier: GPL-2.0-only
/*
 * The facade's core: one request drains one class's caches on all CPUs.
 *
 * A request, in the order of its steps (the generation scheme is that of
 * __lru_add_drain_all() in mm/folio.c, from which this was generalised):
 *
 *	(B) note the generation		requests begun so far
 *	    drain the requester's own cache
 *	    take class->lock		one request at a time
 *	(C) a newer one came between?	then it saw all that we want drained:
 *					take its result and go ("ride")
 *	(D) begin a generation
 *	    each CPU with something cached:
 *		drain it from here, where the variant can; else ask its owner,
 *		where the variant tracks it; else queue work
 *	    wait for owners and work
 *
 * An owner that is asked drains by itself (tracked.c); if it takes too long, or
 * the request is one that MUST be kept, work is queued all the same, and counted
 * as help.
 *
 * Who may touch CPU x's cache meanwhile is the class lock's business: the
 * owner, the kworker bound to x, a requester that holds x's lock (only where
 * pcd_variant_drains_remotely()), and x's dead callback.
 *
 * A kworker whose CPU goes offline between queueing and running is unbound and
 * runs elsewhere, perhaps while x still lives.  It then drains the CPU that it
 * is on, as upstream does, and x's dead callback drains x: a request that meets
 * an unplug may return before that, and says so in @left.  Should the unplug be
 * called off after all, x keeps its cache until the next request; only a MUST
 * request asks again until x is drained or gone.  (Where owners are asked, a waiting
 * one queues work each time its patience ends.)
 */
#include <linux/cpu.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/pcpu_drain.h>

/* Only grows, and only before the secondary CPUs are up. */
LIST_HEAD(pcd_classes);

static unsigned int __pcd_run_drain(struct pcd_class *class, int cpu, void *key,
				    bool pays)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);
	unsigned int drained;
	int ticket = 0;

	trace_pcd_drain_begin(class, cpu);
	/* Only a drain of everything serves whoever waits for the owner. */
	if (!key)
		ticket = pcd_drain_begin(pc, pays);
	drained = class->drain(cpu, key);
	atomic64_add(drained, &pc->stats.drained);
	if (!pcd_cpu_is_local(cpu))
		atomic64_inc(&pc->stats.remote);
	if (trace_pcd_drain_end_enabled())
		trace_pcd_drain_end(class, cpu, drained, class->count(cpu, key));
	if (!key)
		pcd_drain_end(pc, ticket);
	return drained;
}

static unsigned int pcd_run_drain(struct pcd_class *class, int cpu, void *key)
{
	return __pcd_run_drain(class, cpu, key, false);
}

#ifdef CONFIG_PCPU_DRAIN_TRACKED
/**
 * pcd_pay - drain this CPU's cache for what it owes
 * @class: which class
 *
 * Context: task context, may sleep.  The variant sees to it that the CPU does not
 * return to user mode before it is through.
 */
void pcd_pay(struct pcd_class *class)
{
	migrate_disable();
	__pcd_run_drain(class, smp_processor_id(), NULL, true);
	migrate_enable();
}
#endif

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
	pc->drained = pcd_run_drain(pc->class, smp_processor_id(), pc->key);
	pc->missed = smp_processor_id() != pc->cpu;
	migrate_enable();
}

/**
 * pcd_class_register - make a class known
 * @class: with the client's members set
 *
 * Until then requests for it are refused with a warning.
 *
 * Context: early initcall (before the secondary CPUs are up).
 */
void __init pcd_class_register(struct pcd_class *class)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

		INIT_WORK(&pc->work, pcd_work_fn);
		pc->class = class;
		pc->cpu = cpu;
	}
	mutex_init_with_key(&class->lock, &class->lock_key);
	pcd_tracked_register(class);
	list_add_tail(&class->list, &pcd_classes);
	class->registered = true;
}

/**
 * pcd_class_find - look a class up
 * @name: its name
 *
 * Return: the class, or NULL.
 */
struct pcd_class *pcd_class_find(const char *name)
{
	struct pcd_class *class;

	list_for_each_entry(class, &pcd_classes, list)
		if (!strcmp(class->name, name))
			return class;
	return NULL;
}

/*
 * Have @cpu drained by its own kworker, to be awaited unless @mode is POST. False:
 * that was queued already.
 */
static bool pcd_queue(struct pcd_class *class, int cpu, void *key,
		      enum pcd_mode mode)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

	/*
	 * An earlier request may have posted this work, for everything, and
	 * gone. Before the key is narrowed that must be over; without a key
	 * it serves us as well, if it has not begun.
	 */
	if (key && mode != PCD_POST) {
		flush_work(&pc->work);
		pc->key = key;
	}
	trace_pcd_post(class, cpu, mode);
	if (!queue_work_on(cpu, *class->wq, &pc->work))
		return false;
	atomic64_inc(&pc->stats.works);
	return true;
}

/* The same for whoever waits for that work; it disturbs a CPU that drains by itself. */
static void pcd_queue_awaited(struct pcd_class *class, int cpu, void *key,
			      enum pcd_mode mode)
{
	if (pcd_queue(class, cpu, key, mode) && pcd_tracks(cpu) && !class->upstream)
		pcd_help(class, cpu, PCD_HELP_MUST);
}

/* @cpu is going offline, and keeps what it has for its dead callback. */
static void pcd_leave(struct pcd_class *class, int cpu, void *key,
		      struct pcd_result *result)
{
	unsigned int left = class->count(cpu, key);

	atomic64_add(left, &per_cpu_ptr(class->pcpu, cpu)->stats.left);
	result->left += left;
}

/* Wait for the kworker of @cpu. */
static void pcd_await(struct pcd_class *class, int cpu, void *key,
		      enum pcd_mode mode, struct pcd_result *result)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

	flush_work(&pc->work);
	result->drained += pc->drained;
	while (mode == PCD_MUST && pc->missed && cpu_online(cpu)) {
		/* Give the unplug time to get on, or to fail. */
		schedule_timeout_uninterruptible(1);
		pcd_queue_awaited(class, cpu, key, mode);
		flush_work(&pc->work);
		result->drained += pc->drained;
	}
	pc->key = NULL;
	if (pc->missed || !cpu_online(cpu))
		pcd_leave(class, cpu, key, result);
}

#ifdef CONFIG_PCPU_DRAIN_TRACKED
/* Ask the owner; then it is to be awaited, or else was posted. */
static void pcd_ask_owner(struct pcd_class *class, int cpu, unsigned int items,
			  enum pcd_mode mode, struct pcd_result *result)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);
	bool in_kernel;

	pcd_ask(pc);
	in_kernel = pcd_variant_ask(class, cpu);
	trace_pcd_ask(class, cpu, in_kernel);
	if (in_kernel && mode != PCD_POST) {
		__cpumask_set_cpu(cpu, &class->waited);
		return;
	}
	atomic64_add(items, &pc->stats.posted);
	result->posted += items;
}

/* Wait for the drain, by anyone; help if it is not done at the deadline. */
static void pcd_await_owner(struct pcd_class *class, int cpu, void *key,
			    enum pcd_mode mode, unsigned long deadline,
			    struct pcd_result *result)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

	while (!wait_event_timeout(class->served, pcd_served(pc), PCD_LOOK)) {
		if (time_before(jiffies, deadline))
			continue;
		if (!cpu_online(cpu)) {
			pcd_leave(class, cpu, key, result);
			return;
		}
		if (pcd_queue(class, cpu, NULL, mode))
			pcd_help(class, cpu, PCD_HELP_PATIENCE);
		deadline = jiffies + PCD_PATIENCE;
	}
	/* Help that has come too late is not to disturb anybody any more. */
	cancel_work(&pc->work);
	/* Unless debugfs has cleared it meanwhile. */
	result->drained += max_t(s64, atomic64_read(&pc->stats.drained) - pc->before, 0);
}

static void pcd_await_owners(struct pcd_class *class, void *key,
			     enum pcd_mode mode, unsigned long deadline,
			     struct pcd_result *result)
{
	int cpu;

	for_each_cpu(cpu, &class->waited)
		pcd_await_owner(class, cpu, key, mode, deadline, result);
	cpumask_clear(&class->waited);
}
#else
static inline void pcd_ask_owner(struct pcd_class *class, int cpu,
				 unsigned int items, enum pcd_mode mode,
				 struct pcd_result *result) { }
static inline void pcd_await_owners(struct pcd_class *class, void *key,
				    enum pcd_mode mode, unsigned long deadline,
				    struct pcd_result *result) { }
#endif

/* Requester's own part, with class->lock held. */
static struct pcd_result pcd_drain_cpus(struct pcd_class *class, void *key,
					enum pcd_mode mode)
{
	bool remotely = pcd_variant_drains_remotely() && !class->upstream;
	struct pcd_result result = {};
	unsigned long deadline;
	unsigned int items;
	int cpu;

	lockdep_assert_held(&class->lock);

	cpumask_clear(&class->busy);
	for_each_possible_cpu(cpu) {
		items = class->count(cpu, key);
		if (!items)
			continue;
		if (remotely) {
			migrate_disable();
			result.drained += pcd_run_drain(class, cpu, key);
			migrate_enable();
			continue;
		}
		if (!cpu_online(cpu)) {
			pcd_leave(class, cpu, key, &result);
			continue;
		}
		if (pcd_tracks(cpu) && !class->upstream && mode != PCD_MUST) {
			pcd_ask_owner(class, cpu, items, mode, &result);
			continue;
		}
		if (mode == PCD_POST) {
			pcd_queue(class, cpu, key, mode);
			atomic64_add(items, &per_cpu_ptr(class->pcpu, cpu)->stats.posted);
			result.posted += items;
		} else {
			pcd_queue_awaited(class, cpu, key, mode);
			__cpumask_set_cpu(cpu, &class->busy);
		}
	}

	/*
	 * Where nothing was cached, see also where a drain has put it: pairs
	 * with the order in which that drain, a class's own, has done both.
	 */
	smp_rmb();			/* (K) */

	/* From here on owners have been asked, whoever else is awaited first. */
	deadline = jiffies + PCD_PATIENCE;
	for_each_cpu(cpu, &class->busy)
		pcd_await(class, cpu, key, mode, &result);
	pcd_await_owners(class, key, mode, deadline, &result);

	return result;
}

/* Did the newest request drain all that @key covers? */
static bool pcd_last_covers(struct pcd_class *class, void *key)
{
	return !class->last_key || class->last_key == key;
}

static void pcd_account_request(struct pcd_class *class, u64 start, bool rode)
{
	struct pcd_stats *stats = &raw_cpu_ptr(class->pcpu)->stats;
	u64 ns = max_t(u64, ktime_get_ns() - start, 1);

	atomic64_inc(&stats->requests);
	if (rode)
		atomic64_inc(&stats->rides);
	atomic64_inc(&stats->completion[min(ilog2(ns), PCD_HIST_BUCKETS - 1)]);
}

/**
 * pcd_drain_all - have the caches of a class drained on all CPUs
 * @class: which class
 * @key: what to drain, in the class's own terms; NULL for everything
 * @mode: whether to wait, and how much it matters
 *
 * With %PCD_WAIT and %PCD_MUST, all that was cached on an online CPU before the
 * call, in the sense of happens-before, has left its cache on return.  There are
 * two exceptions, and the result tells them: a CPU that is going offline, where
 * what it still holds is @left for its dead callback; and, with %PCD_WAIT only, an
 * isolated CPU in user mode that the variant does not disturb (@posted).  A
 * requester that finds an overlapping request of somebody else may return that
 * one's result instead.
 *
 * Context: may sleep.  Must not be called from the class's own work.
 * Return: what became of it, in items.
 */
struct pcd_result pcd_drain_all(struct pcd_class *class, void *key,
				enum pcd_mode mode)
{
	struct pcd_result result = {};
	unsigned int gen, own;
	u64 start;
	bool ride;

	/* Too early: no class to speak of, or nowhere to run its work. */
	if (WARN_ON(!class->registered || !*class->wq))
		return result;

	start = ktime_get_ns();
	trace_pcd_request(class, mode);

	/*
	 * (A) Between all caching that we want drained and the load at (B).
	 * Pairs with the smp_mb() at (D), which stands between its store and
	 * its looking at the caches: if (B) does not see that store, that
	 * looking sees our caching.
	 */
	smp_mb();

	/* (B) Pairs with the WRITE_ONCE() at (D), by way of (A). */
	gen = READ_ONCE(class->gen);

	/* It helps everyone if we do our own local drain immediately. */
	own = pcd_drain_local(class, key);

	if (class->hold_cpus)
		cpus_read_lock();
	mutex_lock(&class->lock);

	/* (C) Ride on a request that began after (B); its wait is over too. */
	ride = mode != PCD_MUST && gen != class->gen && pcd_last_covers(class, key);
	if (ride) {
		result = class->last;
	} else if (mode == PCD_POST) {
		/* Nobody may ride on a request that waits for nothing. */
		result = pcd_drain_cpus(class, key, mode);
	} else {
		/*
		 * (D) Store the new generation before looking at any CPU's
		 * cache: the store pairs with (B), the barrier with (A).
		 */
		WRITE_ONCE(class->gen, class->gen + 1);
		smp_mb();	/* (D) */
		result = pcd_drain_cpus(class, key, mode);
		class->last = result;
		class->last_key = key;
	}

	mutex_unlock(&class->lock);
	if (class->hold_cpus)
		cpus_read_unlock();

	result.drained += own;
	trace_pcd_served(class, &result);
	pcd_account_request(class, start, ride);
	return result;
}

/**
 * pcd_drain_local - drain this CPU's cache, as its owner
 * @class: which class
 * @key: what to drain; NULL for everything
 *
 * Where requesters drain remotely, one may have just detached items of this
 * CPU and still be at work on them: who must know that they are through asks by
 * pcd_drain_all(), which waits for that.
 *
 * Context: task context.  May sleep on PREEMPT_RT.
 * Return: items drained.
 */
unsigned int pcd_drain_local(struct pcd_class *class, void *key)
{
	unsigned int drained;

	migrate_disable();
	drained = pcd_run_drain(class, smp_processor_id(), key);
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
	__pcd_run_drain(class, cpu, NULL, true);
	migrate_enable();
}
