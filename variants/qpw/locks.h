/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_QPW_H
#define _LINUX_PCPU_DRAIN_QPW_H
#ifndef _LINUX_PCPU_DRAIN_H
# error "Do not include directly, include linux/pcpu_drain.h"
#endif

/*
 * qpw: the local_lock becomes, at boot, a per-CPU spinlock that a requester
 * may take from another CPU.
 *
 *   qpw=0	ll: today's local_lock; a kworker on the owner's CPU drains
 *   qpw=1	sl: a spinlock for owner and requester alike
 *
 * The key is set while early parameters are parsed: one CPU, no preemption, no
 * lock of this kind held yet, and it never changes afterwards.  So the lock and
 * unlock of a pair always agree on the mode.
 *
 * Both members must be valid as initialised, since static initialisers run
 * before the mode is known.  Without lock debugging an unlocked spinlock is all
 * zeroes, as is an unlocked local_lock (PREEMPT_RT: both are the same type), so
 * they share the space; with it each has its own.
 */

#include <linux/jump_label.h>
#include <linux/local_lock.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

DECLARE_STATIC_KEY_FALSE(pcd_qpw_key);

/**
 * pcd_qpw_on - are the locks spinlocks?
 *
 * Context: any.
 * Return: true with qpw=1; constant once early parameters are parsed.
 */
static __always_inline bool pcd_qpw_on(void)
{
	return static_branch_unlikely(&pcd_qpw_key);
}

#if defined(CONFIG_DEBUG_LOCK_ALLOC) || defined(CONFIG_DEBUG_SPINLOCK)
#define PCD_QPW_MEMBERS(local_type)					\
	struct {							\
		local_type	ll;					\
		spinlock_t	sl; /* qpw=1 */				\
	}
#define PCD_LOCK_INIT(name)						\
	{ { .ll = INIT_LOCAL_LOCK(name.ll), .sl = __SPIN_LOCK_UNLOCKED(name.sl) } }
#define PCD_TRYLOCK_INIT(name)						\
	{ { .ll = INIT_LOCAL_TRYLOCK(name.ll), .sl = __SPIN_LOCK_UNLOCKED(name.sl) } }
#else
#define PCD_QPW_MEMBERS(local_type)					\
	union {								\
		local_type	ll;					\
		spinlock_t	sl; /* qpw=1 */				\
	}
#define PCD_LOCK_INIT(name)	{ { .sl = __SPIN_LOCK_UNLOCKED(name.sl) } }
#define PCD_TRYLOCK_INIT(name)	{ { .sl = __SPIN_LOCK_UNLOCKED(name.sl) } }
#endif

typedef struct pcd_lock { PCD_QPW_MEMBERS(local_lock_t); } pcd_lock_t;
typedef struct pcd_trylock { PCD_QPW_MEMBERS(local_trylock_t); } pcd_trylock_t;

/*
 * The owner must not move between finding its lock and taking it, and after
 * taking it works on this_cpu data: pin it the way local_lock does.
 */
static __always_inline void pcd_qpw_pin(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_disable();
	else
		preempt_disable();
}

static __always_inline void pcd_qpw_unpin(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_enable();
	else
		preempt_enable();
}

static __always_inline void __pcd_qpw_lock(spinlock_t __percpu *sl)
{
	pcd_qpw_pin();
	spin_lock(this_cpu_ptr(sl));
}

static __always_inline void __pcd_qpw_unlock(spinlock_t __percpu *sl)
{
	spin_unlock(this_cpu_ptr(sl));
	pcd_qpw_unpin();
}

/* As local_lock_irqsave(): PREEMPT_RT leaves interrupts enabled. */
static __always_inline unsigned long __pcd_qpw_irq_save(void)
{
	unsigned long flags = 0;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_disable();
	else
		local_irq_save(flags);
	return flags;
}

static __always_inline void __pcd_qpw_irq_restore(unsigned long flags)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_enable();
	else
		local_irq_restore(flags);
}

static __always_inline unsigned long
__pcd_qpw_lock_irqsave(spinlock_t __percpu *sl)
{
	unsigned long flags = __pcd_qpw_irq_save();

	spin_lock(this_cpu_ptr(sl));
	return flags;
}

static __always_inline void
__pcd_qpw_unlock_irqrestore(spinlock_t __percpu *sl, unsigned long flags)
{
	spin_unlock(this_cpu_ptr(sl));
	__pcd_qpw_irq_restore(flags);
}

/*
 * PREEMPT_RT's spinlocks sleep and wake, which neither NMI nor hard interrupt
 * context may: refuse there, as local_trylock() does.
 */
static __always_inline bool __pcd_qpw_may_trylock(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || !(in_nmi() | in_hardirq());
}

static __always_inline bool __pcd_qpw_trylock(spinlock_t __percpu *sl)
{
	if (!__pcd_qpw_may_trylock())
		return false;
	pcd_qpw_pin();
	if (spin_trylock(this_cpu_ptr(sl)))
		return true;
	pcd_qpw_unpin();
	return false;
}

static __always_inline bool
__pcd_qpw_trylock_irqsave(spinlock_t __percpu *sl, unsigned long *flags)
{
	if (!__pcd_qpw_may_trylock())
		return false;
	*flags = __pcd_qpw_irq_save();
	if (spin_trylock(this_cpu_ptr(sl)))
		return true;
	__pcd_qpw_irq_restore(*flags);
	return false;
}

/*
 * A live owner's lock, taken by a requester on another CPU.
 *
 * Without PREEMPT_RT an owner that waits for its lock spins, with preemption disabled,
 * and interrupts disabled too if it uses an irq form.  So the requester holds the lock
 * with interrupts off: the owner waits for the requester's few instructions, and never
 * for its interrupts.  An owner in turn holds its lock for a whole batch, and for the
 * interrupts that come meanwhile.  So the requester waits with interrupts on: they are
 * off only during each attempt.  Queueing for the spinlock would allow only one of the
 * two, since whoever is next in its queue holds up those behind.
 *
 * The price is that the requester's attempts do not queue.  At most two want this lock:
 * the owner and, because of the class's mutex, one requester.  The owner queues, and so
 * waits for one hold at most.  The requester gets in with the first attempt that meets
 * the lock free.  An owner is outside of its lock for longer than inside, since it has
 * to come by what it caches; and no attempt depends on earlier ones.  Between attempts
 * the requester only reads, which leaves the owner its cache line.
 *
 * PREEMPT_RT: the lock sleeps, and interrupts stay enabled.  A requester that is
 * preempted inside runs at the priority of the owner that waits; a hard interrupt is
 * short there, and the rest of it is a thread.
 */
static __always_inline unsigned long __pcd_qpw_lock_remote(spinlock_t *sl)
{
	unsigned long flags = 0;

	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		spin_lock(sl);
		return flags;
	}
	for (;;) {
		local_irq_save(flags);
		might_lock(sl);		/* lockdep checks no trylock for deadlock */
		if (spin_trylock(sl))
			return flags;
		local_irq_restore(flags);
		while (spin_is_locked(sl))
			cpu_relax();
	}
}

static __always_inline void
__pcd_qpw_unlock_remote(spinlock_t *sl, unsigned long flags)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_unlock(sl);
	else
		spin_unlock_irqrestore(sl, flags);
}

/*
 * Macros, because each serves both lock types; all that they do is choose the
 * member.
 */
#define pcd_lock(lock)							\
	do {								\
		if (pcd_qpw_on())					\
			__pcd_qpw_lock(&(lock)->sl);			\
		else							\
			local_lock(&(lock)->ll);			\
	} while (0)

#define pcd_unlock(lock)						\
	do {								\
		if (pcd_qpw_on())					\
			__pcd_qpw_unlock(&(lock)->sl);			\
		else							\
			local_unlock(&(lock)->ll);			\
	} while (0)

#define pcd_lock_irqsave(lock, flags)					\
	do {								\
		if (pcd_qpw_on())					\
			flags = __pcd_qpw_lock_irqsave(&(lock)->sl);	\
		else							\
			local_lock_irqsave(&(lock)->ll, flags);		\
	} while (0)

#define pcd_unlock_irqrestore(lock, flags)				\
	do {								\
		if (pcd_qpw_on())					\
			__pcd_qpw_unlock_irqrestore(&(lock)->sl, flags); \
		else							\
			local_unlock_irqrestore(&(lock)->ll, flags);	\
	} while (0)

#define pcd_trylock(lock)						\
	(pcd_qpw_on() ? __pcd_qpw_trylock(&(lock)->sl)			\
		      : (bool)local_trylock(&(lock)->ll))

#define pcd_trylock_irqsave(lock, flags)				\
	(pcd_qpw_on() ? __pcd_qpw_trylock_irqsave(&(lock)->sl, &(flags)) \
		      : (bool)local_trylock_irqsave(&(lock)->ll, flags))

#define pcd_lock_cpu(lock, cpu)						\
	do {								\
		if (pcd_qpw_on()) {					\
			spin_lock(&per_cpu_ptr(lock, cpu)->sl);		\
		} else {						\
			local_lock(&(lock)->ll);			\
			pcd_assert_local_or_dead(cpu);			\
		}							\
	} while (0)

#define pcd_unlock_cpu(lock, cpu)					\
	do {								\
		if (pcd_qpw_on())					\
			spin_unlock(&per_cpu_ptr(lock, cpu)->sl);	\
		else							\
			local_unlock(&(lock)->ll);			\
	} while (0)

#define pcd_lock_cpu_irqsave(lock, cpu, flags)				\
	do {								\
		if (pcd_qpw_on()) {					\
			spin_lock_irqsave(&per_cpu_ptr(lock, cpu)->sl, flags); \
		} else {						\
			local_lock_irqsave(&(lock)->ll, flags);		\
			pcd_assert_local_or_dead(cpu);			\
		}							\
	} while (0)

#define pcd_unlock_cpu_irqrestore(lock, cpu, flags)			\
	do {								\
		if (pcd_qpw_on())					\
			spin_unlock_irqrestore(&per_cpu_ptr(lock, cpu)->sl, flags); \
		else							\
			local_unlock_irqrestore(&(lock)->ll, flags);	\
	} while (0)

static __always_inline bool pcd_locks_remotely(void)
{
	return pcd_qpw_on();
}

#define pcd_lock_remote(lock, cpu, flags)				\
	(flags = __pcd_qpw_lock_remote(&per_cpu_ptr(lock, cpu)->sl))

#define pcd_unlock_remote(lock, cpu, flags)				\
	__pcd_qpw_unlock_remote(&per_cpu_ptr(lock, cpu)->sl, flags)

#define pcd_lockdep_assert_held(lock, cpu)				\
	do {								\
		if (!IS_ENABLED(CONFIG_LOCKDEP))			\
			break;						\
		if (pcd_qpw_on())					\
			lockdep_assert_held(&per_cpu_ptr(lock, cpu)->sl); \
		else							\
			lockdep_assert_held(this_cpu_ptr(&(lock)->ll));	\
	} while (0)

#endif /* _LINUX_PCPU_DRAIN_QPW_H */
