// SPDX-License-Identifier: GPL-2.0-only
/*
 * gate: an owner in user mode cannot touch its caches.  So a requester that finds it
 * there holds it there, takes the items out from its own CPU, and lets go.  Whoever
 * enters the kernel meanwhile waits at the door.  Nobody takes a lock: the caches keep
 * their local_locks, which only their owners take.
 *
 * A CPU is held by a bit in the word that context tracking changes at each entry and
 * exit by an atomic addition (include/linux/context_tracking_state.h):
 *
 *	MSB [ RCU's watching counter | HELD | state: kernel, idle, user, guest ] LSB
 *
 *   who, where				from			to
 *   ---------------------------------------------------------------------------
 *   requester, anywhere, irqs off	user or idle,		+ HELD
 *					not watching, no HELD
 *   requester, ~60 instructions later	HELD			- HELD
 *   entry, irqs off			user or idle		kernel (HELD stays)
 *   entry, if HELD			HELD			- (wait for the requester)
 *   interrupt in idle			not watching		watching (HELD stays); wait
 *   NMI begins, ends			any			watching or not (HELD stays)
 *   machine check in user mode		user			kernel (HELD stays); wait
 *								when it is handled
 *   exit, irqs off			kernel			user, not watching
 *
 * A hold is refused:
 *
 *	in the kernel	or a guest, or an NMI from user mode (the state is user, but RCU
 *			watches), or context tracking is not active there
 *	another		somebody else holds it, for another class
 *	offline		a CPU that is online and held cannot go offline: it does so in
 *			the kernel, past the door
 *	locked		PREEMPT_RT: a task there was preempted, or sleeps, inside the lock
 *	changed		since the requester looked how much there is to take
 *
 * The request then waits a jiffy and tries again; after its patience it queues a kworker
 * there (tracked.c).  A request that may not wait leaves that to a worker elsewhere.
 *
 * The races, and what closes them:
 *
 * - The owner enters while a requester sets HELD: both change the word atomically.
 *   Either the requester's cmpxchg fails, or the entry's addition returns HELD.
 * - An NMI from user mode keeps the state.  One that began before the hold shows in
 *   RCU's counter, and the hold is refused.  One that begins after it passes, since the
 *   requester may be in an NMI, too, that waits for this one; it must cache nothing.
 * - A broadcast machine check waits until all CPUs are in their handlers.  A requester
 *   in its own has not let go yet.  So an owner that is hit in user mode goes to its
 *   handler first, and waits before it does anything else.
 * - On PREEMPT_RT user mode does not mean that nobody is inside a cache: a task may have
 *   been preempted there.  Then the lock is taken.  Only that CPU's tasks take it, and
 *   they cannot while the CPU is held, so that one look will do.  Elsewhere preemption
 *   is off inside.
 * - A CPU dies between a requester's look and its hold.  The look under HELD counts.
 *   And a requester never takes the way of the dead callback, which needs no hold: a CPU
 *   that is not online any more may still run, and cache.
 * - Two batches, two holds: the second may be refused.  Then the drain has not emptied
 *   the cache, and serves nobody (@refused in struct pcd_class).
 * - An addition carries, or borrows, into HELD: the bit is between the state, whose
 *   additions cancel each other, and RCU's counter, whose additions go upwards.
 *
 * The requester that holds waits for nobody and cannot be interrupted but by NMIs: so
 * there is no cycle.  Nothing traced or probed runs while it holds.  It has fetched
 * the lines before.
 *
 * Past the door go: NMIs, and a warning in entry code before RCU watches
 * (warn_rcu_enter()).  Neither may cache anything.  Nor may what traces an entry by
 * machine check (user_exit, vtime).  Guests stay out: KVM handles a machine check after
 * it has told context tracking that the guest has been left, so that an owner would wait
 * at the door before it.
 */
#define pr_fmt(fmt) "pcpu_drain: " fmt

#include <linux/context_tracking_state.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/pcpu_drain_gate.h>
#include <linux/preempt.h>
#include <linux/prefetch.h>
#include <linux/printk.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal.h"

/* What became of an attempt to take something out of another CPU's cache. */
enum pcd_hold {
	PCD_TAKEN,
	PCD_IN_KERNEL,
	PCD_ANOTHER,
	PCD_OFFLINE,
	PCD_LOCKED,
	PCD_CHANGED,
	PCD_HOLDS
};

/* Another's hold is over by then, unless its CPU has got an NMI. */
#define PCD_ATTEMPTS 100

/* What happened at one CPU's door.  Times are nanoseconds. */
struct pcd_gate {
	/* Its own, interrupts off. */
	bool in_machine_check;
	u64 passes;		/* entries that did not wait though it was held */
	u64 waits;
	u64 longest_wait;

	/* Of those who hold it. */
	atomic64_t holds[PCD_HOLDS] ____cacheline_aligned_in_smp;
	atomic64_t longest_hold;
};

static DEFINE_PER_CPU(struct pcd_gate, pcd_gates);

static bool pcd_gate_on __ro_after_init = true;

#ifdef CONFIG_CONTEXT_TRACKING_IDLE

/* ---- the owner, at the door ---- */

static noinstr void pcd_wait_at_door(atomic_t *state)
{
	u64 start = local_clock_noinstr(), ns;

	/* Acquire: the requester has left our caches; pairs with its release. */
	while (raw_atomic_read_acquire(state) & CT_HELD)
		cpu_relax();
	ns = local_clock_noinstr() - start;
	raw_cpu_inc(pcd_gates.waits);
	if (ns > raw_cpu_read(pcd_gates.longest_wait))
		raw_cpu_write(pcd_gates.longest_wait, ns);
}

/**
 * __pcd_door - this CPU was held when it entered the kernel
 *
 * Context: interrupts disabled, RCU has just begun to watch; perhaps an NMI.
 */
noinstr void __pcd_door(void)
{
	if (in_nmi() || raw_cpu_read(pcd_gates.in_machine_check))
		raw_cpu_inc(pcd_gates.passes);
	else
		pcd_wait_at_door(this_cpu_ptr(&context_tracking.state));
}

/**
 * pcd_machine_check_begin - a machine check has hit user mode: do not wait before it
 *
 * Context: interrupts disabled, RCU not watching.
 */
noinstr void pcd_machine_check_begin(void)
{
	raw_cpu_write(pcd_gates.in_machine_check, true);
}

/**
 * pcd_machine_check_end - it is handled: wait until nobody holds this CPU any more
 *
 * Context: interrupts disabled.
 */
noinstr void pcd_machine_check_end(void)
{
	atomic_t *state = this_cpu_ptr(&context_tracking.state);

	raw_cpu_write(pcd_gates.in_machine_check, false);
	/* As at the door; if it is held no more, this pairs with the release as well. */
	if (raw_atomic_read_acquire(state) & CT_HELD)
		pcd_wait_at_door(state);
}

/* ---- the requester ---- */

/* What is to be taken: found before the hold, so that little is left to do in it. */
struct pcd_haul {
	int cpu;
	atomic_t *state;
	void *const *locker;		/* not NULL: a task there is inside; or NULL */
	unsigned long *to, *from;	/* empty if its first word is 0 */
	unsigned long found;		/* that word, before the hold */
	unsigned int words;
};

/* Can a CPU in this state not touch its caches? */
static __always_inline bool pcd_may_hold(int state)
{
	switch (state & CT_STATE_MASK) {
	case CT_STATE_USER:
	case CT_STATE_IDLE:
		return !(state & CT_RCU_WATCHING);
	default:
		return false;
	}
}

/* Copy it out, and leave it empty; the CPU is held. */
static __always_inline enum pcd_hold pcd_take_held(struct pcd_haul haul)
{
	unsigned int i;

	if (!arch_test_bit(haul.cpu, cpumask_bits(cpu_online_mask)))
		return PCD_OFFLINE;
	if (haul.locker && *haul.locker)
		return PCD_LOCKED;
	if (haul.from[0] != haul.found)
		return PCD_CHANGED;
	for (i = 1; i < haul.words; i++)
		haul.to[i] = haul.from[i];
	haul.from[0] = 0;
	return PCD_TAKEN;
}

/* The steal: hold the CPU, take, let go.  Interrupts are off. */
static noinstr enum pcd_hold pcd_hold_and_take(const struct pcd_haul *of)
{
	/* In registers, as far as they go: what is stored to @to might be @of. */
	const struct pcd_haul haul = *of;
	int old = raw_atomic_read(haul.state);
	enum pcd_hold hold;

	if (!pcd_may_hold(old))
		return PCD_IN_KERNEL;
	if (old & CT_HELD)
		return PCD_ANOTHER;
	/* Full barrier: pairs with the additions of exit (its stores) and entry. */
	if (!raw_atomic_try_cmpxchg(haul.state, &old, old | CT_HELD))
		return pcd_may_hold(old) ? PCD_ANOTHER : PCD_IN_KERNEL;
	hold = pcd_take_held(haul);
	smp_mb__before_atomic();	/* release: pairs with pcd_wait_at_door() */
	raw_atomic_andnot(CT_HELD, haul.state);
	return hold;
}

/* The same, counted. */
static enum pcd_hold pcd_try_to_take(const struct pcd_haul *haul)
{
	struct pcd_gate *gate = per_cpu_ptr(&pcd_gates, haul->cpu);
	enum pcd_hold hold;
	unsigned long flags;
	s64 longest, ns;
	u64 start;

	local_irq_save(flags);
	start = local_clock();
	hold = pcd_hold_and_take(haul);
	ns = local_clock() - start;
	local_irq_restore(flags);

	atomic64_inc(&gate->holds[hold]);
	longest = atomic64_read(&gate->longest_hold);
	while (hold != PCD_IN_KERNEL && hold != PCD_ANOTHER && ns > longest &&
	       !atomic64_try_cmpxchg_relaxed(&gate->longest_hold, &longest, ns))
		;
	return hold;
}

/**
 * pcd_take - take what is cached out of the cache of a CPU in user mode, or idle
 * @class: which class
 * @cpu: the CPU, not this one
 * @locker: pcd_lock_owner() of the cache's lock; NULL if disabled preemption or
 *	interrupts guard it
 * @to: receives it; its first word must hold what the caller has found at @from
 * @from: the cache; it is empty if, and only if, its first word is 0
 * @words: how many words that first word says are in use, itself included
 *
 * Context: task context, migration disabled, inside @class's drain function, its lock
 * held.
 * Return: false if @cpu is in the kernel, or otherwise would not have it: then @from is
 * as it was.
 */
bool pcd_take(struct pcd_class *class, int cpu, void *const *locker, void *to, void *from,
	      unsigned int words)
{
	const struct pcd_haul haul = {
		.cpu = cpu,
		.state = &per_cpu_ptr(&context_tracking, cpu)->state,
		.locker = locker,
		.to = to,
		.from = from,
		.found = *(unsigned long *)to,
		.words = words,
	};
	int attempts = PCD_ATTEMPTS;
	enum pcd_hold hold;

	lockdep_assert_held(&class->lock);
	prefetch_range(from, words * sizeof(long));
	prefetchw(from);
	do {
		hold = pcd_try_to_take(&haul);
	} while (hold == PCD_ANOTHER && --attempts);
	if (hold == PCD_TAKEN)
		return true;
	class->refused = true;
	return false;
}

/* Could it be held, as it is now?  A peek, to begin no drain in vain. */
static bool pcd_may_be_held(int cpu)
{
	if (pcd_may_hold(atomic_read(&per_cpu_ptr(&context_tracking, cpu)->state)))
		return true;
	atomic64_inc(&per_cpu_ptr(&pcd_gates, cpu)->holds[PCD_IN_KERNEL]);
	return false;
}

#else	/* User-Mode Linux: no CPU is tracked */

static bool pcd_may_be_held(int cpu)
{
	return false;
}

bool pcd_take(struct pcd_class *class, int cpu, void *const *locker, void *to, void *from,
	      unsigned int words)
{
	return false;
}

#endif

/**
 * pcd_variant_take - drain a CPU from here
 * @class: which class
 * @cpu: the CPU, which is tracked
 *
 * Context: the class's lock is held; may sleep.
 * Return: true if nothing is left there of what was cached when the request asked.
 */
bool pcd_variant_take(struct pcd_class *class, int cpu)
{
	bool promising;

	migrate_disable();
	promising = pcd_cpu_is_local(cpu) || (cpu_online(cpu) && pcd_may_be_held(cpu));
	if (promising) {
		class->refused = false;
		pcd_run_drain(class, cpu, NULL, false);
	}
	migrate_enable();
	return promising && pcd_served(per_cpu_ptr(class->pcpu, cpu));
}

/* ---- a request that may not wait ---- */

static unsigned long pcd_posted;	/* a bit for each class */

static void pcd_posted_fn(struct work_struct *work)
{
	struct pcd_class *class;

	list_for_each_entry(class, &pcd_classes, list) {
		if (!test_and_clear_bit(class->bit, &pcd_posted))
			continue;
		if (class->cpus_held)
			cpus_read_lock();
		pcd_drain_all(class, NULL, PCD_WAIT);
		if (class->cpus_held)
			cpus_read_unlock();
	}
}

static DECLARE_WORK(pcd_posted_work, pcd_posted_fn);

/**
 * pcd_variant_posted - see to it that a class is drained, and do not wait for it
 * @class: which class
 *
 * A worker on some housekeeping CPU makes a request that waits.
 *
 * Context: any but NMI.
 */
void pcd_variant_posted(struct pcd_class *class)
{
	set_bit(class->bit, &pcd_posted);
	smp_mb__after_atomic();		/* a work that is queued already finds the bit */
	queue_work(system_dfl_wq, &pcd_posted_work);
}

/* ---- to watch it: pcpu_drain/gate ---- */

static const char * const pcd_hold_names[] = {
	[PCD_TAKEN] = "taken",
	[PCD_IN_KERNEL] = "kernel",
	[PCD_ANOTHER] = "another",
	[PCD_OFFLINE] = "offline",
	[PCD_LOCKED] = "locked",
	[PCD_CHANGED] = "changed",
};

static int pcd_gate_show(struct seq_file *m, void *unused)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		struct pcd_gate *gate = per_cpu_ptr(&pcd_gates, cpu);

		seq_printf(m, "%d", cpu);
		for (i = 0; i < PCD_HOLDS; i++)
			seq_printf(m, " %s %lld", pcd_hold_names[i],
				   atomic64_read(&gate->holds[i]));
		/* The CPU's own, which it changes without an atomic: peeks. */
		seq_printf(m, " longest_hold %lld waits %llu longest_wait %llu passes %llu\n",
			   atomic64_read(&gate->longest_hold), READ_ONCE(gate->waits),
			   READ_ONCE(gate->longest_wait), READ_ONCE(gate->passes));
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pcd_gate);

static int __init pcd_gate_debugfs(void)
{
	struct dentry *dir;

	if (!IS_ENABLED(CONFIG_DEBUG_FS))
		return 0;
	dir = debugfs_lookup("pcpu_drain", NULL);
	debugfs_create_file("gate", 0400, dir, NULL, &pcd_gate_fops);
	dput(dir);
	return 0;
}
late_initcall_sync(pcd_gate_debugfs);

/* ---- boot ---- */

static int __init pcd_gate_setup(char *arg)
{
	/* The last one given counts. */
	pcd_gate_on = true;
	if (arg && !strcmp(arg, "1"))
		return 0;
	if (arg && !strcmp(arg, "0")) {
		pcd_gate_on = false;
		return 0;
	}
	pr_err("gate=%s: unknown, want 0 or 1; going on with gate=1\n", arg ?: "");
	return -EINVAL;
}
early_param("gate", pcd_gate_setup);

static int __init pcd_gate_init(void)
{
	if (pcd_gate_on)
		pcd_tracked_init();
	return 0;
}
early_initcall(pcd_gate_init);
