// SPDX-License-Identifier: GPL-2.0-only
/*
 * deferred_wq: work for an isolated CPU is queued while its owner is in the
 * kernel, and flushed before it returns to user mode.
 *
 * The idea is Michal Hocko's and Frederic Weisbecker's (mails of February and
 * March 2026, "Re: [PATCH 0/4] Introduce QPW for per-cpu operations"); no code
 * for it was ever posted.
 *
 * A word per CPU says where the owner is and how far its work has come:
 *
 *	 31     4  3         2         1         0
 *	+---------+---------+---------+---------+---------+
 *	| WAKING  | RUNNING | QUEUED  | POSTED  | USER    |
 *	+---------+---------+---------+---------+---------+
 *
 *	USER	the owner has claimed user mode: send it nothing
 *	POSTED	a request came meanwhile: queue the work when the owner enters the kernel
 *	QUEUED	the work is queued, or is about to be, and has not begun
 *	RUNNING	the work is draining (d->lock is held)
 *	WAKING	how many are queueing the work, and have not yet woken the kworker
 *
 *   who, where				from		to
 *   ---------------------------------------------------------------------------
 *   requester, anywhere		USER		USER|POSTED
 *   requester, owner when it caches,	no USER,	POSTED off, QUEUED on, WAKING + 1;
 *   entry kick, exit loop		no QUEUED	then queue_work_on()
 *   any of these, when that is over	WAKING		WAKING - 1
 *   any of these			QUEUED		- (a drain is yet to begin)
 *   exit, interrupts off		0		USER
 *   exit, interrupts off		not 0		- (run the exit loop again)
 *   entry, interrupts off		USER		0
 *   entry, interrupts off		USER|POSTED	POSTED, and an irq_work
 *   strict requester			USER|POSTED	- (and an irq_work sent there)
 *   work begins			QUEUED		RUNNING
 *   work ends, interrupts off,		RUNNING		0
 *   nothing pending
 *   work begins on another CPU		QUEUED		POSTED
 *   (unplug)
 *
 * The races, and what closes them:
 *
 * - A requester sees the owner in the kernel, is delayed, and queues after the owner
 *   has gone to user mode.  So it sets QUEUED *before* it queues, in the same atomic
 *   operation that finds USER clear, and with interrupts off until it has queued:
 *   from then on the exit claim fails.  An owner that meets QUEUED without a work to
 *   flush runs its exit loop again, for as long as one queue_work_on() takes.  Only the
 *   drain takes QUEUED back, when it begins: whoever else did it might take back a later
 *   request's QUEUED.
 * - A requester has queued the work, and the owner (",run") or a kworker that was awake
 *   does it at once; only then does queue_work_on() wake the kworker, with no lock held.
 *   That interrupt would hit the owner in user mode.  So the exit claim fails also while
 *   WAKING is not 0, and the owner runs its exit loop again.  One window is left: the
 *   interrupt is sent while the owner, interrupts off, is between its last look at its
 *   flags and the claim.  It then arrives in user mode, and finds nothing to do.
 * - A request comes while the work is draining: QUEUED is set again beside
 *   RUNNING, and the work runs again.
 * - The kworker is preempted in the middle of its drain: RUNNING keeps the owner,
 *   or any other task, from leaving, and its exit loop waits for the work.
 * - The owner that drains itself (",run") is preempted, by the kworker that was queued
 *   anew, or by a task that would leave the kernel: both wait for d->lock, which on
 *   PREEMPT_RT lends the owner their priority.  The owner takes d->lock before it cancels
 *   the work: otherwise such a task would find neither work nor lock to wait for, and
 *   spin in its exit loop.  The owner cancels the work only once it is queued: otherwise
 *   a queueing at that moment is lost, and QUEUED stays for ever.
 * - Something is cached (eager) between a requester's set_bit() and its look at the
 *   word: the bit alone does not promise a drain, QUEUED or RUNNING does.
 * - A request comes between the claim and user mode, or between two entries: it
 *   finds USER and is posted, which the next entry sees in its own atomic operation.
 *   POSTED stays until the work is queued: an interrupt exits before the irq_work comes,
 *   since interrupts are off until then, and its exit finds POSTED.
 *
 * - A strict request finds USER: it is posted as any other.  It then sends the owner's
 *   CPU the irq_work that an entry queues, and the irq_work's interrupt is an entry.  If
 *   the owner has entered by itself meanwhile, the second of the two finds POSTED gone,
 *   or the irq_work queued already.
 *
 * Entry must not queue work itself.  It may be the entry of a machine check, whose
 * handler waits until all CPUs are in it (mce_start()); one of these may hold the lock
 * of this CPU's worker pool.  Hence the irq_work, which takes no lock.
 * A virtual machine is entered without claim and left without entry, so it counts as
 * the kernel, and is disturbed as upstream.  KVM calls resume_user_mode_work() before it
 * enters one, but only if TIF_NOTIFY_RESUME is set, which here only the claim does.
 *
 * The workqueue is our own.  If a system workqueue were flushed here, a work on it that
 * waits for a child to return to user mode, as usermode helpers do, would wait for
 * this very flush.
 */
#define pr_fmt(fmt) "pcpu_drain: " fmt

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/pcpu_drain_deferred_wq.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <linux/tick.h>
#include <linux/workqueue.h>

#include <trace/events/pcpu_drain.h>

#include "internal.h"

#define PCD_USER	BIT(0)
#define PCD_POSTED	BIT(1)
#define PCD_QUEUED	BIT(2)
#define PCD_RUNNING	BIT(3)
#define PCD_WAKING	BIT(4)	/* and up: a number */

struct pcd_deferred {
	atomic_t word;
	int cpu;
	struct mutex lock;		/* who holds it drains */
	struct work_struct work;
	struct irq_work kick;
};

static DEFINE_PER_CPU(struct pcd_deferred, pcd_deferred);

DEFINE_STATIC_KEY_FALSE(pcd_deferred_key);

static struct workqueue_struct *pcd_deferred_wq __ro_after_init;
static bool pcd_eager __ro_after_init;
static bool pcd_run __ro_after_init;

/*
 * Post the request, or queue the work, unless a drain is yet to begin anyway.  The
 * caller has set pending bits, then issued a full barrier, and has interrupts off.
 * Return false if the owner is in user mode.
 */
static bool pcd_deferred_queue(struct pcd_deferred *d)
{
	int new, old = atomic_read(&d->word);

	lockdep_assert_irqs_disabled();
	do {
		if (old & PCD_QUEUED)
			return true;
		if (old & PCD_USER)
			new = old | PCD_POSTED;
		else
			new = ((old & ~PCD_POSTED) | PCD_QUEUED) + PCD_WAKING;
		/* Full barrier: pairs with __pcd_claim_user() and __pcd_kernel_entered(). */
	} while (!atomic_try_cmpxchg(&d->word, &old, new));

	if (new & PCD_USER)
		return false;
	queue_work_on(d->cpu, pcd_deferred_wq, &d->work);
	smp_mb__before_atomic();	/* pairs with __pcd_claim_user() */
	atomic_sub(PCD_WAKING, &d->word);
	return true;
}

/**
 * pcd_variant_ask - have a CPU drain a class
 * @class: the class
 * @cpu: the CPU
 *
 * Context: any but NMI.
 * Return: false if it is in user mode; it then drains after it next enters the kernel.
 */
bool pcd_variant_ask(struct pcd_class *class, int cpu)
{
	unsigned long flags;
	bool in_kernel;

	set_bit(class->bit, &per_cpu_ptr(&pcd_owners, cpu)->pending);
	/* If we find QUEUED, its work finds our bit: pairs with (J). */
	smp_mb__after_atomic();
	local_irq_save(flags);
	in_kernel = pcd_deferred_queue(per_cpu_ptr(&pcd_deferred, cpu));
	local_irq_restore(flags);
	return in_kernel;
}

/**
 * pcd_variant_interrupt - have a CPU do now what was posted there
 * @cpu: the CPU, which pcd_variant_ask() found in user mode
 *
 * The owner flushes the work before it returns to user mode, whatever its priority.
 *
 * Context: task context.
 */
void pcd_variant_interrupt(int cpu)
{
	/* With preemption off it stays online.  If it is offline, it is not in user mode. */
	preempt_disable();
	if (cpu_online(cpu))
		irq_work_queue_on(&per_cpu_ptr(&pcd_deferred, cpu)->kick, cpu);
	preempt_enable();
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
	struct pcd_deferred *d = this_cpu_ptr(&pcd_deferred);
	unsigned long flags;

	/* A drain is yet to begin on this CPU, or looks again before it ends. */
	if (test_bit(class->bit, &owner->pending) &&
	    atomic_read(&d->word) & (PCD_QUEUED | PCD_RUNNING))
		return;

	local_irq_save(flags);
	set_bit(class->bit, &owner->pending);
	smp_mb__after_atomic();		/* pairs with (J), if we find QUEUED */
	/* A drain that is under way here looks at pending bits once more. */
	if (!(atomic_read(&d->word) & PCD_RUNNING)) {
		trace_pcd_arrange(PCD_BY_KWORKER);
		pcd_deferred_queue(d);
	}
	local_irq_restore(flags);
}

/* Drain what this CPU owes.  The caller is the work, or has cancelled it. */
static void pcd_deferred_drain(struct pcd_deferred *d)
{
	lockdep_assert_held(&d->lock);
	/* From here on a request queues the work anew. */
	atomic_xor(PCD_QUEUED | PCD_RUNNING, &d->word);
	smp_mb__after_atomic();		/* (J) pairs with who sets pending bits */

	pcd_drain_pending();

	/*
	 * Interrupts are off: nothing becomes pending here without work being queued.
	 * User mode is not claimed before this atomic: pairs with __pcd_claim_user().
	 */
	atomic_andnot(PCD_RUNNING, &d->word);
	local_irq_enable();
}

static void pcd_deferred_work(struct work_struct *work)
{
	struct pcd_deferred *d = container_of(work, struct pcd_deferred, work);

	migrate_disable();
	mutex_lock(&d->lock);
	if (smp_processor_id() == d->cpu)
		pcd_deferred_drain(d);
	else
		/*
		 * Unplugged: that CPU's dead callback drains, or its next exit queues again.
		 * A request finds QUEUED or POSTED in the word, never neither: pairs with
		 * the cmpxchg in pcd_deferred_queue().
		 */
		atomic_xor(PCD_QUEUED | PCD_POSTED, &d->word);
	mutex_unlock(&d->lock);
	migrate_enable();
}

static void pcd_deferred_kick(struct irq_work *kick)
{
	struct pcd_deferred *d = this_cpu_ptr(&pcd_deferred);

	/* The exit loop, or a request, may have queued the work already. */
	if (atomic_read(&d->word) & PCD_POSTED) {
		trace_pcd_arrange(PCD_BY_KWORKER);
		pcd_deferred_queue(d);
	}
}

bool __pcd_claim_user(void)
{
	struct pcd_deferred *d = this_cpu_ptr(&pcd_deferred);
	int old = 0;

	/* Full barrier if done, pairs with pcd_deferred_queue(): it finds USER, or we its bits. */
	if (likely(atomic_try_cmpxchg(&d->word, &old, PCD_USER)))
		return true;
	/* The kernel was entered without __ct_user_exit(). */
	if (WARN_ON_ONCE(old & PCD_USER))
		return true;
	set_thread_flag(TIF_NOTIFY_RESUME);
	return false;
}

void __pcd_kernel_entered(void)
{
	struct pcd_deferred *d = this_cpu_ptr(&pcd_deferred);
	int old = PCD_USER;

	/* Full barrier, pairs with pcd_deferred_queue(): it sets POSTED, or finds no USER. */
	if (likely(atomic_try_cmpxchg(&d->word, &old, 0)))
		return;
	/* A request that comes now finds POSTED: pairs with pcd_deferred_queue(). */
	atomic_andnot(PCD_USER, &d->word);
	if (old & PCD_POSTED)
		irq_work_queue(&d->kick);
}

/* Queue what is posted; false: there is nothing to wait for. */
static bool pcd_deferred_begin(struct pcd_deferred *d)
{
	int word;

	local_irq_disable();
	/* Unlocked: requests may set more bits at once; the exit claim finds those. */
	word = atomic_read(&d->word);
	if (word & PCD_POSTED)
		pcd_deferred_queue(d);
	local_irq_enable();
	return word;
}

/* Do the work instead of the kworker, unless that has begun it. */
static bool pcd_deferred_take(struct pcd_deferred *d)
{
	bool taken;

	mutex_lock(&d->lock);
	/*
	 * Never cancel an idle work: that marks it as pending for a moment, and a
	 * requester that has set QUEUED and queues just then finds it queued already.
	 * Once it is pending, nobody queues it again before a drain: that takes our lock.
	 */
	taken = work_pending(&d->work) && cancel_work(&d->work);
	if (taken) {
		trace_pcd_arrange(PCD_BY_OWNER);
		pcd_deferred_drain(d);
	}
	mutex_unlock(&d->lock);
	return taken;
}

void __pcd_resume_user_mode(void)
{
	struct pcd_deferred *d;
	bool wait;

	migrate_disable();
	d = this_cpu_ptr(&pcd_deferred);
	wait = pcd_deferred_begin(d) && !(pcd_run && pcd_deferred_take(d));
	migrate_enable();
	if (wait)
		flush_work(&d->work);
}

bool pcd_variant_owes(int cpu)
{
	struct pcd_deferred *d = per_cpu_ptr(&pcd_deferred, cpu);
	int word = atomic_read(&d->word);

	/* What is posted since the claim is for the next entry. */
	return pcd_tracks(cpu) &&
	       ((word & ~PCD_POSTED) != PCD_USER || work_pending(&d->work));
}

bool pcd_variant_clean_in_user(void)
{
	return pcd_eager;
}

bool pcd_variant_owner_drains(void)
{
	return pcd_run;
}

static bool pcd_deferred_parse(char *arg)
{
	char *when = strsep(&arg, ",");

	if (!when || (strcmp(when, "eager") && strcmp(when, "lazy")) ||
	    (arg && strcmp(arg, "run")))
		return false;
	pcd_eager = !strcmp(when, "eager");
	pcd_run = arg;
	return true;
}

static int __init pcd_deferred_setup(char *arg)
{
	char copy[16];

	/* The last one given counts. */
	pcd_eager = false;
	pcd_run = false;
	if (arg && strscpy(copy, arg) >= 0 && pcd_deferred_parse(copy))
		return 0;
	pr_err("deferred_wq=%s: unknown, want eager or lazy, with or without \",run\"; going on with lazy\n",
	       arg ?: "");
	return -EINVAL;
}
early_param("deferred_wq", pcd_deferred_setup);

static int __init pcd_deferred_init(void)
{
	int cpu;

	if (!tick_nohz_full_enabled())
		return 0;
	/* Never freezable: a task that is frozen may wait for it. */
	pcd_deferred_wq = alloc_workqueue("pcd_deferred", WQ_MEM_RECLAIM | WQ_PERCPU, 0);
	if (!pcd_deferred_wq) {
		pr_err("no memory for a workqueue; isolated CPUs are drained as all others\n");
		return -ENOMEM;
	}
	/* No CPU is tracked: nothing is ever queued there, and the keys stay off. */
	if (!pcd_tracked_init())
		return 0;
	for_each_possible_cpu(cpu) {
		struct pcd_deferred *d = per_cpu_ptr(&pcd_deferred, cpu);

		d->cpu = cpu;
		mutex_init(&d->lock);
		INIT_WORK(&d->work, pcd_deferred_work);
		/* Hard: otherwise it would wait for a thread on PREEMPT_RT. */
		d->kick = IRQ_WORK_INIT_HARD(pcd_deferred_kick);
	}
	static_branch_enable(&pcd_deferred_key);
	if (pcd_eager)
		static_branch_enable(&pcd_cached_key);
	return 0;
}
early_initcall(pcd_deferred_init);
