// SPDX-License-Identifier: GPL-2.0-only
/*
 * Isolated CPUs that drain by themselves what they cache, for variants in which
 * a requester asks the owner instead of queueing work on its CPU.
 *
 * A CPU's mask of pending classes says what it owes; the variant sees to it that
 * somebody there pays before the CPU returns to user mode.  A requester waits
 * for the drain, by anyone: the owner on its way out, a kworker, another task, a
 * dead CPU's callback.  How it learns of that: tickets.c.
 *
 * Its patience ends for all owners at once.  Then it queues work on the CPU of
 * each that is not served yet, and waits on for the drain by anyone, and so again
 * after each further patience.  A CPU that is on its way out by then may have no
 * kworker any more, and its teardown may itself wait for the requester (blk-mq's
 * waits for I/O): it has had its help once, and what it holds is left.
 */
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/sched/isolation.h>
#include <linux/tick.h>
#include <linux/wait.h>

#include <trace/events/pcpu_drain.h>

#include "internal.h"

DEFINE_STATIC_KEY_FALSE(pcd_cached_key);
DEFINE_PER_CPU(struct pcd_owner, pcd_owners);

static struct pcd_class *pcd_class_of[BITS_PER_LONG] __ro_after_init;
static unsigned int pcd_nr_classes __ro_after_init;

/**
 * pcd_tracked_init - find the CPUs that are isolated
 *
 * Isolated is what nohz_full= says (HK_TYPE_KERNEL_NOISE), which does not change
 * after boot; not the scheduler's domains, which may.  The boot CPU keeps its tick
 * on kernels that can suspend, and nothing tracks there when it is in user mode.
 *
 * Context: early initcall.
 * Return: is there any?
 */
bool __init pcd_tracked_init(void)
{
	bool any = false;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (housekeeping_cpu(cpu, HK_TYPE_KERNEL_NOISE) ||
		    !tick_nohz_full_cpu(cpu))
			continue;
		per_cpu(pcd_owners.tracked, cpu) = true;
		any = true;
	}
	return any;
}

/**
 * pcd_tracked_register - give a class its bit
 * @class: being registered
 *
 * If none is left it works as upstream.
 */
void __init pcd_tracked_register(struct pcd_class *class)
{
	init_waitqueue_head(&class->served);
	if (WARN_ON(pcd_nr_classes == BITS_PER_LONG)) {
		class->upstream = true;
		return;
	}
	class->bit = pcd_nr_classes;
	pcd_class_of[pcd_nr_classes++] = class;
}

/**
 * pcd_ask_owner - have a CPU drain by itself, and note to wait for it, or that it is posted
 * @class: which class
 * @cpu: the CPU, which is tracked
 * @items: what was found cached there
 * @mode: of the request
 * @result: to add to
 *
 * Context: the class's lock is held.
 */
void pcd_ask_owner(struct pcd_class *class, int cpu, unsigned int items,
		   enum pcd_mode mode, struct pcd_result *result)
{
	struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);
	bool in_kernel;

	pcd_ask(pc);
	in_kernel = pcd_variant_ask(class, cpu);
	trace_pcd_ask(class, cpu, in_kernel);
	if (!in_kernel && pcd_never_posts(mode)) {
		pcd_help(class, cpu, PCD_HELP_STRICT);
		pcd_variant_interrupt(cpu);
		in_kernel = true;
	}
	if (in_kernel && mode != PCD_POST) {
		__cpumask_set_cpu(cpu, &class->waited);
		return;
	}
	atomic64_add(items, &pc->stats.posted);
	result->posted += items;
}

/* Take those who are served off the list; true: nobody is left on it. */
static bool pcd_settle_owners(struct pcd_class *class, struct pcd_result *result)
{
	int cpu;

	for_each_cpu(cpu, &class->waited) {
		struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

		if (!pcd_served(pc))
			continue;
		__cpumask_clear_cpu(cpu, &class->waited);
		/* Help that has come too late is not to disturb anybody any more. */
		cancel_work(&pc->work);
		/* Unless debugfs has cleared it meanwhile. */
		result->drained += max_t(s64, atomic64_read(&pc->stats.drained) - pc->before, 0);
	}
	return cpumask_empty(&class->waited);
}

/* Queue work on the CPUs of all who are not served; @again: that has been done before. */
static void pcd_help_owners(struct pcd_class *class, void *key, enum pcd_mode mode,
			    bool again, struct pcd_result *result)
{
	int cpu;

	for_each_cpu(cpu, &class->waited) {
		/* Peeks: an unplug may begin, get on or fail at any time. */
		if (!cpu_online(cpu) || (again && !cpu_active(cpu))) {
			__cpumask_clear_cpu(cpu, &class->waited);
			pcd_leave(class, cpu, key, result);
		} else if (pcd_queue(class, cpu, NULL, mode)) {
			pcd_help(class, cpu, PCD_HELP_PATIENCE);
		}
	}
}

/**
 * pcd_await_owners - wait for the drain of all who were asked, by anyone
 * @class: which class
 * @key: what was to be drained
 * @mode: of the request
 * @result: to add to
 *
 * Not longer than %PCD_PATIENCE and what the slowest of the kworkers then takes;
 * of a CPU that is going offline twice %PCD_PATIENCE.
 *
 * Context: the class's lock is held; sleeps.
 */
void pcd_await_owners(struct pcd_class *class, void *key, enum pcd_mode mode,
		      struct pcd_result *result)
{
	unsigned long deadline = jiffies + PCD_PATIENCE;
	bool again = false;

	while (!wait_event_timeout(class->served, pcd_settle_owners(class, result), PCD_LOOK)) {
		if (time_before(jiffies, deadline))
			continue;
		pcd_help_owners(class, key, mode, again, result);
		again = true;
		deadline = jiffies + PCD_PATIENCE;
	}
}

/* Drain this CPU's cache for what it owes; see pcd_drain_pending(). */
static void pcd_pay(struct pcd_class *class)
{
	migrate_disable();
	pcd_run_drain(class, smp_processor_id(), NULL, true);
	migrate_enable();
}

/**
 * pcd_drain_pending - drain what this CPU owes until it owes nothing
 *
 * Lowest bit first: drains fill caches of later classes only, and those of
 * interrupts come to an end.
 *
 * Context: task context, may sleep.  Returns with interrupts disabled, on a CPU
 * that owes nothing.
 */
void pcd_drain_pending(void)
{
	unsigned long pending;

	for (;;) {
		local_irq_disable();
		/* The bits of other CPUs' requests are their own business. */
		pending = READ_ONCE(this_cpu_ptr(&pcd_owners)->pending);
		if (!pending)
			return;
		local_irq_enable();
		pcd_pay(pcd_class_of[__ffs(pending)]);
	}
}
