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
#include <linux/pcpu_drain_spin.h>
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
 * Macros, because each serves both lock types; all that they do is choose the
 * member.
 */
#define pcd_lock(lock)							\
	do {								\
		if (pcd_qpw_on())					\
			__pcd_spin_lock(&(lock)->sl);			\
		else							\
			local_lock(&(lock)->ll);			\
	} while (0)

#define pcd_unlock(lock)						\
	do {								\
		if (pcd_qpw_on())					\
			__pcd_spin_unlock(&(lock)->sl);			\
		else							\
			local_unlock(&(lock)->ll);			\
	} while (0)

#define pcd_lock_irqsave(lock, flags)					\
	do {								\
		if (pcd_qpw_on())					\
			flags = __pcd_spin_lock_irqsave(&(lock)->sl);	\
		else							\
			local_lock_irqsave(&(lock)->ll, flags);		\
	} while (0)

#define pcd_unlock_irqrestore(lock, flags)				\
	do {								\
		if (pcd_qpw_on())					\
			__pcd_spin_unlock_irqrestore(&(lock)->sl, flags); \
		else							\
			local_unlock_irqrestore(&(lock)->ll, flags);	\
	} while (0)

#define pcd_trylock(lock)						\
	(pcd_qpw_on() ? __pcd_spin_trylock(&(lock)->sl)			\
		      : (bool)local_trylock(&(lock)->ll))

#define pcd_trylock_irqsave(lock, flags)				\
	(pcd_qpw_on() ? __pcd_spin_trylock_irqsave(&(lock)->sl, &(flags)) \
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
	(flags = __pcd_spin_lock_remote(&per_cpu_ptr(lock, cpu)->sl))

#define pcd_unlock_remote(lock, cpu, flags)				\
	__pcd_spin_unlock_remote(&per_cpu_ptr(lock, cpu)->sl, flags)

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
