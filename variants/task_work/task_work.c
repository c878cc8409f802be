// SPDX-License-Identifier: GPL-2.0-only
/*
 * task_work: nobody queues anything on an isolated CPU.  Whoever caches something
 * there arms the current task, which drains on its way back to user mode.
 *
 * The idea is Frederic Weisbecker's ("mm: Drain LRUs upon resume to userspace on
 * nohz_full CPUs", 2024 and 2025); its known holes are closed here.
 *
 * What holds at any time on an isolated CPU, interrupts enabled:
 *
 *	it owes a drain (pending)					=>
 *		the current task is armed			(user tasks)
 *		or a kworker is queued, or about to be		(idle)
 *		or another task runs before user mode		(kernel threads,
 *								 dying tasks)
 *	a drain is under way there, and its cache is not empty, or
 *	something was cached, pcd_cached() is yet to come (PREEMPT_RT)	=>
 *		its task runs, or the current one is armed	(user tasks)
 *		or its task ends it before user mode		(idle, others)
 *
 * armed: the task has our head in its list of task works.  It looks at what its CPU owes
 * before it returns to user mode, dies, or (an io worker) sleeps for want of work.
 *
 *   event on the CPU		not armed			armed
 *   ---------------------------------------------------------------------------
 *   something is cached	arm, or leave it to the		only note what
 *				switch, or kick (idle)		is owed
 *   the task is switched to	arm, if anything is owed	owe what another task
 *				or left half way		has left half way
 *   its task work runs		-				drain until nothing
 *								is owed: not armed
 *   it forks			the child is not armed		the child is not
 *
 * The races, and what closes them:
 *
 * - An interrupt caches something between the look at pcd_armed and arming: the head
 *   would be queued twice.  So interrupts are off from the look on.
 * - An interrupt caches something after the task work has found nothing left: so
 *   pcd_armed is cleared with interrupts off, together with that last look.
 * - A drain caches something itself: the task is still armed, so that only the bit is
 *   set, and the loop finds it.
 * - The filler sleeps, and another task takes the CPU to user mode: that one is
 *   armed when it is switched to.  The filler stays armed, and looks at what the CPU
 *   owes on which it then is.
 * - A task is preempted, or sleeps, in the middle of its drain: its bit is clear
 *   already, and the cache not empty.  Or, on PREEMPT_RT, it has cached something and
 *   not yet called pcd_cached(): no bit is set yet.  Both have migration disabled; the
 *   switch from the task sees that, and sets @unfinished.  The next task that can be
 *   armed owes whatever is cached then.  Its drain waits for the caching task's lock.
 * - Nobody is left to return to user mode (idle): an irq_work queues a kworker, since
 *   the look may be made where work must not be queued.
 * - A dying CPU goes idle owing something: no kick, its dead callback drains.
 * - Kernel threads cannot be armed, and may run for long: a requester's patience
 *   ends, and it helps itself.  The same holds for user workers that never run task
 *   works (vhost); io workers run theirs.
 */
#define pr_fmt(fmt) "pcpu_drain: " fmt

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/pcpu_drain_task_work.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <linux/workqueue.h>

#include <trace/events/pcpu_drain.h>

#include "../internal.h"
#include "internal.h"

DEFINE_STATIC_KEY_FALSE(pcd_task_key);

/* Help for a CPU without a task that returns to user mode. */
struct pcd_kick {
	struct irq_work irq_work;
	struct work_struct work;
};

static DEFINE_PER_CPU(struct pcd_kick, pcd_kicks);

/* Help, in a kworker: drain what the CPU owes on which it runs. */
static void pcd_kick_work(struct work_struct *work)
{
	pcd_drain_pending();
	local_irq_enable();
}

static void pcd_count_help(unsigned long pending)
{
	struct pcd_class *class;

	list_for_each_entry(class, &pcd_classes, list)
		if (pending & BIT(class->bit))
			pcd_help(class, smp_processor_id(), PCD_HELP_IDLE);
}

static void pcd_kick(struct irq_work *irq_work)
{
	struct pcd_kick *kick = container_of(irq_work, struct pcd_kick, irq_work);
	/* Only this CPU's own tasks and interrupts change it. */
	unsigned long pending = READ_ONCE(this_cpu_ptr(&pcd_owners)->pending);

	/* Drained meanwhile, or has the kworker yet to begin? */
	if (!pending || !queue_work_on(smp_processor_id(), mm_percpu_wq, &kick->work))
		return;
	/* The kworker begins after this interrupt, so the event comes before its drain. */
	trace_pcd_arrange(PCD_BY_KWORKER);
	pcd_count_help(pending);
}

/* A task, in its task works: drain what its CPU owes. */
static void pcd_task_work(struct callback_head *head)
{
	pcd_drain_pending();
	current->pcd_armed = false;
	local_irq_enable();
}

/* Does the current task never look at its task works? */
static bool pcd_never_looks(void)
{
	return current->flags & PF_KTHREAD ||
	       (current->flags & (PF_USER_WORKER | PF_IO_WORKER)) == PF_USER_WORKER;
}

/* See to it that somebody here drains; interrupts are off. */
static void pcd_arm(void)
{
	if (current->pcd_armed)
		return;
	if (is_idle_task(current)) {
		/* A dying CPU's irq_work would stay queued for ever, and no later one be queued. */
		if (cpu_online(smp_processor_id()))
			irq_work_queue(this_cpu_ptr(&pcd_kicks.irq_work));
		return;
	}
	/* The next task that can be armed drains; the same below, if this task is dying. */
	if (pcd_never_looks())
		return;
	init_task_work(&current->pcd_work, pcd_task_work);
	if (task_work_add(current, &current->pcd_work, TWA_RESUME))
		return;
	current->pcd_armed = true;
	trace_pcd_arrange(PCD_BY_OWNER);
}

/**
 * __pcd_cached - something was cached on this CPU
 * @class: what kind
 *
 * Context: see pcd_cached().
 */
void __pcd_cached(struct pcd_class *class)
{
	struct pcd_owner *owner = this_cpu_ptr(&pcd_owners);
	unsigned long flags;

	/*
	 * If the bit is set, a drain is arranged for already.  It clears the bit
	 * before it begins, and so finds what was cached just now.
	 */
	if (test_bit(class->bit, &owner->pending))
		return;

	local_irq_save(flags);
	set_bit(class->bit, &owner->pending);
	pcd_arm();
	local_irq_restore(flags);
}

/*
 * Owe what another task may have left half way.  That task goes on when it runs again,
 * and until then the cache is not empty.  An empty cache is not drained again:
 * otherwise two tasks that contend for a lock in their drains would repeat each
 * other's drain for ever, since whenever one has to wait the other begins to run.
 * Interrupts are off.
 */
static void pcd_owe_unfinished(void)
{
	struct pcd_owner *owner = this_cpu_ptr(&pcd_owners);
	struct pcd_class *class;

	if (!owner->unfinished)
		return;
	owner->unfinished = false;
	list_for_each_entry(class, &pcd_classes, list)
		if (!class->upstream && class->count(smp_processor_id(), NULL))
			set_bit(class->bit, &owner->pending);
}

/**
 * __pcd_task_switched - the current task begins to run here
 * @prev: the one that ran before
 *
 * Context: preemption disabled.
 */
void __pcd_task_switched(struct task_struct *prev)
{
	unsigned long flags;

	if (pcd_left_half_way(prev))
		this_cpu_write(pcd_owners.unfinished, true);
	/* The next task that can be armed drains. */
	if (pcd_never_looks() && !is_idle_task(current))
		return;

	local_irq_save(flags);
	/* An armed task must know it too; the idle task need not, it has no user mode. */
	if (!is_idle_task(current))
		pcd_owe_unfinished();
	if (this_cpu_read(pcd_owners.pending))
		pcd_arm();
	local_irq_restore(flags);
}

static int __init pcd_task_init(void)
{
	int cpu;

	if (!pcd_tracked_init())
		return 0;
	for_each_possible_cpu(cpu) {
		struct pcd_kick *kick = per_cpu_ptr(&pcd_kicks, cpu);

		/* Hard: otherwise it would wait for a thread on PREEMPT_RT. */
		kick->irq_work = IRQ_WORK_INIT_HARD(pcd_kick);
		INIT_WORK(&kick->work, pcd_kick_work);
	}
	static_branch_enable(&pcd_cached_key);
	static_branch_enable(&pcd_task_key);
	return 0;
}
early_initcall(pcd_task_init);
