/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_H
#define _LINUX_PCPU_DRAIN_H

/*
 * Draining of per-CPU caches on request.
 *
 * A subsystem that keeps a per-CPU cache guards it with a pcd_lock_t and
 * describes it by a struct pcd_class.  The *owner* of a cache is the task (or the
 * interrupt) that fills it, on its CPU; a *requester* on any CPU asks for the caches
 * of a class to be emptied.  How that happens is the variant's business (Kconfig: "How
 * another CPU has a per-CPU cache drained"); neither clients nor callers can tell.
 *
 * common/README.md has the contract.
 */

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct pcd_class;

/* Where only the owner may touch a cache, a drain runs on its CPU, or that CPU is dead. */
static inline void pcd_assert_local_or_dead(int cpu)
{
	lockdep_assert(cpu == raw_smp_processor_id() || !cpu_online(cpu));
}

/*
 * The locks.  A variant's header defines, for pcd_lock_t and pcd_trylock_t:
 *
 *   PCD_LOCK_INIT(name), PCD_TRYLOCK_INIT(name)
 *   pcd_lock(lock), pcd_unlock(lock)
 *   pcd_lock_irqsave(lock, flags), pcd_unlock_irqrestore(lock, flags)
 *   pcd_trylock(lock), pcd_trylock_irqsave(lock, flags)
 *	The owner's forms: @lock is the __percpu variable, and this CPU's instance is
 *	locked.  Context and semantics are those of local_lock() and its family;
 *	pcd_trylock*() take a pcd_trylock_t, and may also fail because another CPU
 *	holds the lock.
 *
 *   pcd_lock_cpu(lock, cpu), pcd_unlock_cpu(lock, cpu)
 *   pcd_lock_cpu_irqsave(lock, cpu, flags),
 *   pcd_unlock_cpu_irqrestore(lock, cpu, flags)
 *	@cpu's lock, for drain functions that process in place what is cached.
 *	Task context.  @cpu must be this CPU or dead.  Where only owners take these
 *	locks, lockdep kernels check that.
 *
 *   pcd_lock_remote(lock, cpu, flags), pcd_unlock_remote(lock, cpu, flags)
 *	A live owner's lock, for drain functions where pcd_owner_would_wait(@cpu) is
 *	true; other variants compile the call away.  Under it detach what is cached,
 *	and do no more: interrupts may be disabled until the unlock.  Task context,
 *	interrupts enabled.  Serves locks that owners take in either form, irq or plain.
 *
 *   pcd_lockdep_assert_held(lock, cpu)
 *	States where fields are touched that @cpu's lock is held, in any of these forms.
 *
 *   pcd_locks_remotely()
 *	May a requester take another CPU's lock, and so run a drain function for it?
 *
 *   pcd_lock_owner(lock, cpu)
 *	For pcd_take(): where the owner of @cpu's lock is noted, if a task that holds the
 *	lock can lose its CPU to another (PREEMPT_RT); else NULL.
 *
 * Every lock form has its own unlock form: do not mix them.
 * One lockdep class per lock variable; never hold two CPUs' instances of one.
 */
#ifdef CONFIG_PCPU_DRAIN_OWN_LOCKS
#include <linux/pcpu_drain_variants.h>
#else
#include <linux/pcpu_drain_local.h>
#endif

#ifndef pcd_lock_owner
#define pcd_lock_owner(lock, cpu)	((void)(lock), (void)(cpu), (void *const *)NULL)
#endif

/*
 * Where requesters hold another CPU out of the kernel instead of taking its lock, a drain
 * function takes by pcd_take() what is cached there.  Elsewhere it is compiled away.
 */
#ifdef CONFIG_PCPU_DRAIN_HOLDS
bool pcd_take(struct pcd_class *class, int cpu, void *const *locker, void *to, void *from,
	      unsigned int words);
extern struct task_struct *pcd_dead_callback;
#else
static __always_inline bool pcd_take(struct pcd_class *class, int cpu, void *const *locker,
				     void *to, void *from, unsigned int words)
{
	return false;
}
#endif

/**
 * pcd_holds - do requesters take by pcd_take() from another, isolated CPU's cache?
 *
 * Context: any.
 * Return: a constant.
 */
static __always_inline bool pcd_holds(void)
{
	return IS_ENABLED(CONFIG_PCPU_DRAIN_HOLDS);
}

/*
 * The owner's announcement.  In variants that track isolated CPUs, whoever caches
 * something on one calls pcd_cached().  The variant may then arrange at once for a
 * drain before that CPU next returns to user mode.
 */
#ifdef CONFIG_PCPU_DRAIN_TRACKED
#include <linux/jump_label.h>
#include <linux/pcpu_drain_owner.h>

DECLARE_STATIC_KEY_FALSE(pcd_cached_key);
void __pcd_cached(struct pcd_class *class);

/**
 * pcd_cached - the owner has just cached something
 * @class: in its cache of this class
 *
 * Context: any but NMI, on the CPU whose cache it is, with no lock of a workqueue,
 * runqueue or task (pi_lock) held.  From before the caching until this returns, hold
 * the cache's lock or disable preemption or migration: by that the variant recognises
 * a task that is preempted in between.  Requesters, and the next drain there, may have
 * to wait for such a task to go on.  Costs a static branch; where that is enabled,
 * since there are isolated CPUs, also a test on all other CPUs.
 */
static __always_inline void pcd_cached(struct pcd_class *class)
{
	/* Where requesters take what is cached, nobody needs to know of it. */
	if (!pcd_holds() && static_branch_unlikely(&pcd_cached_key) &&
	    this_cpu_read(pcd_owners.tracked))
		__pcd_cached(class);
}
#else
static inline void pcd_cached(struct pcd_class *class) { }
#endif

/* Where isolated CPUs cache nothing, who would cache something asks first. */
#ifdef CONFIG_PCPU_DRAIN_UNCACHED
#include <linux/jump_label.h>

DECLARE_STATIC_KEY_FALSE(pcd_uncached_key);
DECLARE_PER_CPU(bool, pcd_uncached_cpu);

/**
 * pcd_uncached - is this CPU to cache nothing?
 *
 * If so, what would be cached goes where a drain would put it.  Drains and counts do not
 * ask: what is cached all the same is drained as ever.
 *
 * Context: any, on the CPU whose cache it is: hold the cache's lock, or disable preemption
 * or migration.  Costs a static branch; where that is enabled, since there are isolated
 * CPUs, also a test on all other CPUs.
 * Return: the same on each CPU from the early initcalls on, before others than the boot CPU
 * are up.
 */
static __always_inline bool pcd_uncached(void)
{
	return static_branch_unlikely(&pcd_uncached_key) && this_cpu_read(pcd_uncached_cpu);
}
#else
static __always_inline bool pcd_uncached(void)
{
	return false;
}
#endif

/**
 * enum pcd_mode - what a requester wants
 * @PCD_WAIT: drain all CPUs and wait for it.  Exception: where the variant leaves an
 *	isolated CPU in user mode alone, the drain is only posted there.  For callers
 *	that lose no more than a hint if it is posted
 * @PCD_POST: arrange that all CPUs will be drained, and do not wait
 * @PCD_STRICT: as %PCD_WAIT, but never posted: an owner in user mode is interrupted
 *	if need be.  For callers that need the drain for success or progress
 * @PCD_MUST: as %PCD_STRICT, and never rides on somebody else's request
 */
enum pcd_mode {
	PCD_WAIT,
	PCD_POST,
	PCD_STRICT,
	PCD_MUST,
};

/**
 * struct pcd_result - what became of a request, in items
 * @drained: items taken out of caches by this request, or by the one that it rode
 *	on; approximate where a class peeks at what interrupts cache.  Of a CPU whose
 *	owner was awaited: what anybody took out meanwhile, of any key.  A drain counts
 *	when it ends, so the requester may be served before that and miss it
 * @posted: items whose drain was arranged for but not awaited (a racy peek):
 *	an isolated CPU drains them before it next returns to user mode
 * @left: items found still cached on a CPU that is going offline; its dead
 *	callback drains them (a racy peek)
 */
struct pcd_result {
	unsigned int drained;
	unsigned int posted;
	unsigned int left;
};

/**
 * enum pcd_help - why a variant had to disturb an isolated CPU, which it is to avoid
 * @PCD_HELP_STRICT: a request that may not be posted interrupted an owner in user
 *	mode
 * @PCD_HELP_PATIENCE: an owner stayed in the kernel for longer than the requester's
 *	patience, so work was queued on its CPU; the owner may still drain first
 * @PCD_HELP_IDLE: nobody was left on an isolated CPU to return to user mode, so
 *	that a kworker had to be queued there
 */
enum pcd_help {
	PCD_HELP_STRICT,
	PCD_HELP_PATIENCE,
	PCD_HELP_IDLE,
	/* private: how many there are */
	PCD_HELPS
};

/**
 * enum pcd_by - who drains what an isolated CPU owes
 * @PCD_BY_OWNER: the task that is about to return to user mode
 * @PCD_BY_KWORKER: a kworker, queued on that CPU by itself
 */
enum pcd_by {
	PCD_BY_OWNER,
	PCD_BY_KWORKER,
};

/* Completion times, in powers of two of a nanosecond; the last bucket is open. */
#define PCD_HIST_BUCKETS 32

/**
 * struct pcd_stats - what happened to one class, as seen from one CPU
 * @requests: requests made by this CPU
 * @rides: of these, requests that were served by an overlapping one
 * @drained: items drained out of this CPU's cache through the facade, including the
 *	owner's own calls and the dead callback
 * @posted: items of this CPU that were only arranged for
 * @left: items of this CPU that a request left behind
 * @works: work items of this class queued on this CPU, as upstream does or as help;
 *	work by which a variant drains all classes of an isolated CPU does not count
 * @remote: drains of this CPU's cache done by another CPU, dead or alive
 * @helps: by enum pcd_help, how often work was queued for it
 * @completion: requests made by this CPU, by floor(log2(nanoseconds))
 *
 * A posted drain, another CPU's and the owner's own may finish at the same
 * time, hence atomics; they only count and order nothing.
 */
struct pcd_stats {
	atomic64_t requests;
	atomic64_t rides;
	atomic64_t drained;
	atomic64_t posted;
	atomic64_t left;
	atomic64_t works;
	atomic64_t remote;
	atomic64_t helps[PCD_HELPS];
	atomic64_t completion[PCD_HIST_BUCKETS];
};

/**
 * struct pcd_cpu - a class's data for one CPU
 * @work: the drain, for a kworker on that CPU
 * @class: the class it belongs to
 * @cpu: the CPU whose data this is
 * @key: what @work drains: everything (NULL), unless a waiting request that named a
 *	key has queued @work
 * @drained: items that @work drained; read after it was flushed
 * @missed: @work ran elsewhere, since @cpu was going down; read after the flush, too
 * @asked: how many requests have asked the owner; each takes its number from it
 * @done: the highest such number that a finished drain has served
 * @want: number of the newest request; guarded by the class's lock
 * @before: @stats.drained when that request asked; guarded by the class's lock
 * @stats: accounting
 */
struct pcd_cpu {
	struct work_struct work;
	struct pcd_class *class;
	int cpu;
	void *key;
	unsigned int drained;
	bool missed;
#ifdef CONFIG_PCPU_DRAIN_TRACKED
	atomic_t asked;
	atomic_t done;
	int want;
	u64 before;
#endif
	struct pcd_stats stats;
};

/**
 * struct pcd_class - a kind of per-CPU cache that can be drained
 * @name: how user space calls it (debugfs, tracepoints)
 * @count: how many items that @key covers are cached on @cpu now.  Any
 *	context, takes no lock, may race with the owner (use data_race()).
 *	Zero means that every item has reached its destination: a drain puts an item
 *	where it belongs before it lowers the count, in this order (by a release, which
 *	pairs with (K) in core.c, or a lock that whoever looks there takes).  Excepted
 *	are items detached because pcd_owner_would_wait(): they no longer count, and
 *	other requests wait for them at @lock.
 *	A class that cannot tell answers 1; if its drain is preempted, requests may
 *	wait until their patience ends.  Where owners drain unasked, a class must not
 *	do that: what counts is drained again after each switch from a task that may
 *	have left something half way, so the count must come to zero.
 *	A CPU whose count is zero is left alone.  A NULL @key covers everything.
 * @drain: empty @cpu's cache of what @key covers and return the number of
 *	items.  May fill caches of classes registered later, but of none registered
 *	before.  Task context, migration disabled; takes the class's locks
 *	itself by pcd_lock_cpu(), and so waits for whoever is caching.  It should not
 *	sleep if nothing is cached: another task may repeat it.  Called on @cpu,
 *	or for a dead @cpu, or, where the variant allows it, from another CPU.
 * @wq: where the class's work items run
 * @upstream: the cache has no pcd_lock_t, or its owner does not call pcd_cached():
 *	its drain is queued on its CPU, whatever the variant
 * @cpus_held: every requester already holds the CPU hotplug lock, so that no request
 *	meets an unplug; for classes whose callers could not bear one
 * @pcpu: per-CPU data: a static DEFINE_PER_CPU(struct pcd_cpu, ...)
 *
 * The client sets the members above; the rest is the core's, set up by
 * pcd_class_register().
 *
 * @lock: one request at a time
 * @lock_key: lockdep's key; it makes each class's @lock a lockdep class of its own
 * @gen: waiting requests begun, see pcd_drain_all()
 * @last_key: what the newest request drained; guarded by @lock
 * @last: the newest request's result; guarded by @lock
 * @busy: CPUs whose kworker the newest request waits for; guarded by @lock
 * @waited: CPUs whose owner the newest request waits for; guarded by @lock
 * @served: wait queue of requests that wait for owners
 * @bit: the class's bit in masks of classes
 * @list: all classes
 * @registered: requests are accepted
 * @refused: the newest attempt to take from a CPU was refused, perhaps half way; guarded
 *	by @lock
 */
struct pcd_class {
	const char *name;
	unsigned int (*count)(int cpu, void *key);
	unsigned int (*drain)(int cpu, void *key);
	struct workqueue_struct **wq;
	bool upstream;
	bool cpus_held;

	struct pcd_cpu __percpu *pcpu;

	struct mutex lock;	/* one request at a time */
	struct lock_class_key lock_key;
	unsigned int gen;
	void *last_key;
	struct pcd_result last;
	struct cpumask busy;
#ifdef CONFIG_PCPU_DRAIN_TRACKED
	struct cpumask waited;
	struct wait_queue_head served;
	unsigned int bit;
#endif
	struct list_head list;
	bool registered;
#ifdef CONFIG_PCPU_DRAIN_HOLDS
	bool refused;
#endif
};

void pcd_class_register(struct pcd_class *class);

struct pcd_result pcd_drain_all(struct pcd_class *class, void *key,
				enum pcd_mode mode);
unsigned int pcd_drain_local(struct pcd_class *class, void *key);
void pcd_cpu_dead(struct pcd_class *class, int cpu);

/**
 * pcd_cpu_is_local - is a drain function running on the CPU that it drains?
 * @cpu: the CPU to be drained
 *
 * Context: inside a class's drain function (migration is disabled).
 * Return: false where the drain is done from elsewhere, so that per-CPU state
 * beside the cache itself is out of reach.
 */
static inline bool pcd_cpu_is_local(int cpu)
{
	return cpu == smp_processor_id();
}

/**
 * pcd_owner_would_wait - does a drain function hold up the owner by its lock?
 * @cpu: the CPU to be drained
 *
 * If true, detach what is cached under pcd_lock_remote(), unlock, then process it; where
 * pcd_holds(), take it by pcd_take() instead.
 * If false (this is the owner's CPU, or @cpu is dead), process it under
 * pcd_lock_cpu(), before it stops counting as cached: nobody waits for a dead
 * callback.  Ask once per drain, since @cpu may come or go meanwhile.
 *
 * Context: inside a class's drain function (migration is disabled).
 * Return: true for a live CPU other than this one, if requesters take its lock, or
 * hold it.
 */
static inline bool pcd_owner_would_wait(int cpu)
{
#ifdef CONFIG_PCPU_DRAIN_HOLDS
	/* A CPU that is not online may still run: only its dead callback knows that it is dead. */
	return !pcd_cpu_is_local(cpu) && READ_ONCE(pcd_dead_callback) != current;
#endif
	return pcd_locks_remotely() && !pcd_cpu_is_local(cpu) && cpu_online(cpu);
}

#endif /* _LINUX_PCPU_DRAIN_H */
