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
 * An owner that is asked drains by itself (tracked.c); if it takes too long, work
 * is queued all the same, and counted as help.
 *
 * Who may touch CPU x's cache meanwhile is the class lock's business: the
 * owner, the kworker bound to x, a requester that holds x's lock (only where
 * pcd_locks_remotely()), and x's dead callback.
 *
 * Nobody waits for an unplug to make progress.  x's dead callback drains what is left
 * there: a request that meets an unplug may return before that, and reports what is
 * left in @left; upstream says nothing.  Should the unplug be called off after all, x
 * keeps its cache until the next request.
 *
 * Layers, each calls only those below it: requests (core.c), isolated CPUs that
 * drain by themselves (tracked.c) and the variant, one CPU's cache (drain.c), who
 * has been served (tickets.c).
 */
#include <linux/cpu.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/pcpu_drain.h>

/* Grows only before the secondary CPUs are up, so readers need no lock. */
LIST_HEAD(pcd_classes);

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

	for_each_possible_cpu(cpu)
		pcd_cpu_init(class, cpu);
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

/* Drain each CPU that has something cached, or have it drained; class->lock is held. */
static struct pcd_result pcd_drain_cpus(struct pcd_class *class, void *key,
					enum pcd_mode mode)
{
	bool remotely = pcd_locks_remotely() && !class->upstream;
	struct pcd_result result = {};
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
			result.drained += pcd_run_drain(class, cpu, key, false);
			migrate_enable();
			continue;
		}
		if (!cpu_online(cpu)) {
			pcd_leave(class, cpu, key, &result);
			continue;
		}
		if (pcd_tracks(cpu) && !class->upstream) {
			pcd_ask_owner(class, cpu, items, mode, &result);
			continue;
		}
		pcd_queue(class, cpu, key, mode);
		if (mode != PCD_POST) {
			__cpumask_set_cpu(cpu, &class->busy);
			continue;
		}
		atomic64_add(items, &per_cpu_ptr(class->pcpu, cpu)->stats.posted);
		result.posted += items;
	}

	/*
	 * If a count was zero, this requester must also see where a drain put the
	 * items: pairs with the drain's release, see @count in struct pcd_class.
	 */
	smp_rmb();			/* (K) */

	/* Owners first: help for them must not wait for other CPUs' kworkers. */
	pcd_await_owners(class, key, mode, &result);
	for_each_cpu(cpu, &class->busy)
		pcd_await(class, cpu, key, &result);

	return result;
}

/* Did the newest request do all that a request for @key in @mode must do? */
static bool pcd_last_serves(struct pcd_class *class, void *key, enum pcd_mode mode)
{
	if (mode == PCD_MUST || (class->last_key && class->last_key != key))
		return false;
	return !class->last.posted || !pcd_never_posts(mode);
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
 * @mode: whether to wait, and whether a drain may be posted
 *
 * Unless @mode is %PCD_POST, all that was cached on an online CPU before the call, in
 * the sense of happens-before, has left its cache on return.  There are two
 * exceptions, and the result tells of them: a CPU that is going offline, where what it
 * still holds is @left for its dead callback; and, with %PCD_WAIT only, an isolated
 * CPU in user mode that the variant does not disturb (@posted).  A requester that
 * finds an overlapping request of somebody else may return that one's result
 * instead: %PCD_STRICT only if that posted nothing, %PCD_MUST never.
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

	/* Too early: the class is not registered, or its workqueue does not exist yet. */
	if (WARN_ON(!class->registered || !*class->wq))
		return result;

	start = ktime_get_ns();
	trace_pcd_request(class, mode);

	/*
	 * (A) Orders all caching that we want drained before the load at (B).
	 * Pairs with the smp_mb() at (D), which orders the store there before
	 * the look at the caches: if (B) does not see that store, that look
	 * sees our caching.
	 */
	smp_mb();

	/* (B) Pairs with the WRITE_ONCE() at (D), by way of (A). */
	gen = READ_ONCE(class->gen);

	/* It helps everyone if we do our own local drain immediately. */
	own = pcd_drain_local(class, key);

	if (class->cpus_held)
		lockdep_assert_cpus_held();
	mutex_lock(&class->lock);

	/* (C) Ride on a request that began after (B); its wait is over too. */
	ride = gen != class->gen && pcd_last_serves(class, key, mode);
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

	result.drained += own;
	trace_pcd_served(class, &result);
	pcd_account_request(class, start, ride);
	return result;
}
