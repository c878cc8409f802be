/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_LOCAL_H
#define _LINUX_PCPU_DRAIN_LOCAL_H
#ifndef _LINUX_PCPU_DRAIN_H
# error "Do not include directly, include linux/pcpu_drain.h"
#endif

/*
 * The locks of variants in which only the owner touches its cache: today's
 * local_lock, to the instruction.
 */

#include <linux/build_bug.h>
#include <linux/local_lock.h>
#include <linux/lockdep.h>

typedef local_lock_t pcd_lock_t;
typedef local_trylock_t pcd_trylock_t;

#define PCD_LOCK_INIT(name)			INIT_LOCAL_LOCK(name)
#define PCD_TRYLOCK_INIT(name)			INIT_LOCAL_TRYLOCK(name)

#define pcd_lock(lock)				local_lock(lock)
#define pcd_unlock(lock)			local_unlock(lock)
#define pcd_lock_irqsave(lock, flags)		local_lock_irqsave(lock, flags)
#define pcd_unlock_irqrestore(lock, flags)	local_unlock_irqrestore(lock, flags)
#define pcd_trylock(lock)			local_trylock(lock)
#define pcd_trylock_irqsave(lock, flags)	local_trylock_irqsave(lock, flags)

/*
 * A dead CPU's cache has no other user, so any lock will do; this CPU's own lock
 * gives the drain function the same context as everywhere else.
 */
#define pcd_lock_cpu(lock, cpu)						\
	do {								\
		local_lock(lock);					\
		pcd_assert_local_or_dead(cpu);				\
	} while (0)
#define pcd_unlock_cpu(lock, cpu)					\
	do {								\
		(void)(cpu);						\
		local_unlock(lock);					\
	} while (0)
#define pcd_lock_cpu_irqsave(lock, cpu, flags)				\
	do {								\
		local_lock_irqsave(lock, flags);			\
		pcd_assert_local_or_dead(cpu);				\
	} while (0)
#define pcd_unlock_cpu_irqrestore(lock, cpu, flags)			\
	do {								\
		(void)(cpu);						\
		local_unlock_irqrestore(lock, flags);			\
	} while (0)

static inline bool pcd_locks_remotely(void)
{
	return false;
}

/* Unreachable, since pcd_locks_remotely() is false; a reachable call fails to build. */
#define pcd_lock_remote(lock, cpu, flags)				\
	do {								\
		(void)(lock), (void)(cpu);				\
		(flags) = 0;						\
		BUILD_BUG();						\
	} while (0)
#define pcd_unlock_remote(lock, cpu, flags)				\
	do {								\
		(void)(lock), (void)(cpu), (void)(flags);		\
		BUILD_BUG();						\
	} while (0)

/* A spinlock that sleeps: not NULL also while somebody waits for it. */
#ifdef CONFIG_PREEMPT_RT
#define pcd_lock_owner(lk, cpu)	((void *const *)&per_cpu_ptr(lk, cpu)->lock.owner)
#endif

#define pcd_lockdep_assert_held(lock, cpu)				\
	do {								\
		(void)(cpu);						\
		if (IS_ENABLED(CONFIG_LOCKDEP))				\
			lockdep_assert_held(this_cpu_ptr(lock));	\
	} while (0)

#endif /* _LINUX_PCPU_DRAIN_LOCAL_H */
