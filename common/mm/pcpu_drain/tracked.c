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
 * The requester's patience ends for all owners at once.  It then queues work on the CPU
 * of each that has not drained yet, goes on waiting for the drain by anyone, and repeats
 * this after each further patience.  A CPU that is going offline by then may have no
 * kworker any more, and its teardown may itself wait for the requester (blk-mq's waits
 * for I/O): such a CPU gets help once, and what it then holds is reported as left.
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
 * Isolated is what nohz_full= says (HK_TYPE_KERNEL_NOISE), which does not change after
 * boot.  The scheduler's domains may change, and do not count.  Nor does the boot CPU, on
 * kernels that can suspend: there it keeps its tick, and context tracking is off on it.
 *
 * Context: early initcall.
 * Return: true if there is any.
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
 * If no bit is left, the class works as upstream.
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

/* Items drained since the request asked: not negative, should debugfs have cleared them. */
static unsigned int pcd_drained_since(struct pcd_cpu *pc)
{
	return max_t(s64, atomic64_read(&pc->stats.drained) - pc->before, 0);
}

/**
 * pcd_ask_owner - ask a CPU to drain by itself; note whether it is awaited or posted
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
	if (pcd_variant_take(class, cpu)) {
		result->drained += pcd_drained_since(pc);
		return;
	}
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
	pcd_variant_posted(class);
	atomic64_add(items, &pc->stats.posted);
	result->posted += items;
}

/* Take CPUs that have drained off the mask; true: none is left on it. */
static bool pcd_settle_owners(struct pcd_class *class, struct pcd_result *result)
{
	int cpu;

	for_each_cpu(cpu, &class->waited) {
		struct pcd_cpu *pc = per_cpu_ptr(class->pcpu, cpu);

		if (!pcd_served(pc))
			continue;
		__cpumask_clear_cpu(cpu, &class->waited);
		/* Help that is queued but no longer needed must disturb nobody. */
		cancel_work(&pc->work);
		result->drained += pcd_drained_since(pc);
	}
	return cpumask_empty(&class->waited);
}

/* Try again to drain them from here; true: some could be. */
static bool pcd_take_owners(struct pcd_class *class)
{
	bool any = false;
	int cpu;

	if (!pcd_holds())
		return false;
	for_each_cpu(cpu, &class->waited)
		any |= pcd_variant_take(class, cpu);
	return any;
}

/* Queue work on the CPUs of owners that have not drained; @again: not for the first time. */
static void pcd_help_owners(struct pcd_class *class, void *key, enum pcd_mode mode,
			    bool again, struct pcd_result *result)
{
	int cpu;

	for_each_cpu(cpu, &class->waited) {
		/* Unlocked peeks: an unplug may begin, proceed or fail at any time. */
		if (!cpu_online(cpu) || (again && !cpu_active(cpu))) {
			__cpumask_clear_cpu(cpu, &class->waited);
			pcd_leave(class, cpu, key, result);
		} else if (pcd_queue(class, cpu, NULL, mode)) {
			pcd_help(class, cpu, PCD_HELP_PATIENCE);
		}
	}
}

/**
 * pcd_await_owners - wait until all that were asked have been drained, by anyone
 * @class: which class
 * @key: what was to be drained
 * @mode: of the request
 * @result: to add to
 *
 * Waits no longer than %PCD_PATIENCE and then the slowest kworker; for a CPU that is
 * going offline, twice %PCD_PATIENCE.
 *
 * Context: the class's lock is held; sleeps.
 */
void pcd_await_owners(struct pcd_class *class, void *key, enum pcd_mode mode,
		      struct pcd_result *result)
{
	unsigned long deadline = jiffies + PCD_PATIENCE;
	bool again = false;

	while (!wait_event_timeout(class->served, pcd_settle_owners(class, result), PCD_LOOK)) {
		if (pcd_take_owners(class) || time_before(jiffies, deadline))
			continue;
		pcd_help_owners(class, key, mode, again, result);
		again = true;
		deadline = jiffies + PCD_PATIENCE;
	}
}

/* Drain a class that this CPU owes; see pcd_drain_pending(). */
static void pcd_pay(struct pcd_class *class)
{
	migrate_disable();
	pcd_run_drain(class, smp_processor_id(), NULL, true);
	migrate_enable();
}

/**
 * pcd_drain_pending - drain what this CPU owes until it owes nothing
 *
 * Lowest bit first: a drain fills caches of later classes only.  So the loop ends as
 * soon as interrupts cache nothing more.
 *
 * Context: task context, may sleep.  Returns with interrupts disabled, on a CPU
 * that owes nothing.
 */
void pcd_drain_pending(void)
{
	unsigned long pending;

	for (;;) {
		local_irq_disable();
		/* Unlocked: a request that sets a bit after this look arranges its own drain. */
		pending = READ_ONCE(this_cpu_ptr(&pcd_owners)->pending);
		if (!pending)
			return;
		local_irq_enable();
		pcd_pay(pcd_class_of[__ffs(pending)]);
	}
}
