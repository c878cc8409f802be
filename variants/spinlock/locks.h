/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_SPINLOCK_H
#define _LINUX_PCPU_DRAIN_SPINLOCK_H
#ifndef _LINUX_PCPU_DRAIN_H
# error "Do not include directly, include linux/pcpu_drain.h"
#endif

/* spinlock: a per-CPU spinlock, for owner and requester alike. */

#include <linux/lockdep.h>
#include <linux/pcpu_drain_spin.h>
#include <linux/spinlock.h>

typedef spinlock_t pcd_lock_t;
typedef spinlock_t pcd_trylock_t;

#define PCD_LOCK_INIT(name)			__SPIN_LOCK_UNLOCKED(name)
#define PCD_TRYLOCK_INIT(name)			__SPIN_LOCK_UNLOCKED(name)

#define pcd_lock(lock)				__pcd_spin_lock(lock)
#define pcd_unlock(lock)			__pcd_spin_unlock(lock)
#define pcd_lock_irqsave(lock, flags)		(flags = __pcd_spin_lock_irqsave(lock))
#define pcd_unlock_irqrestore(lock, flags)	__pcd_spin_unlock_irqrestore(lock, flags)
#define pcd_trylock(lock)			__pcd_spin_trylock(lock)
#define pcd_trylock_irqsave(lock, flags)	__pcd_spin_trylock_irqsave(lock, &(flags))

#define pcd_lock_cpu(lock, cpu)			spin_lock(per_cpu_ptr(lock, cpu))
#define pcd_unlock_cpu(lock, cpu)		spin_unlock(per_cpu_ptr(lock, cpu))
#define pcd_lock_cpu_irqsave(lock, cpu, flags)				\
	spin_lock_irqsave(per_cpu_ptr(lock, cpu), flags)
#define pcd_unlock_cpu_irqrestore(lock, cpu, flags)			\
	spin_unlock_irqrestore(per_cpu_ptr(lock, cpu), flags)

static inline bool pcd_locks_remotely(void)
{
	return true;
}

#define pcd_lock_remote(lock, cpu, flags)				\
	(flags = __pcd_spin_lock_remote(per_cpu_ptr(lock, cpu)))
#define pcd_unlock_remote(lock, cpu, flags)				\
	__pcd_spin_unlock_remote(per_cpu_ptr(lock, cpu), flags)

#define pcd_lockdep_assert_held(lock, cpu)				\
	lockdep_assert_held(per_cpu_ptr(lock, cpu))

#endif /* _LINUX_PCPU_DRAIN_SPINLOCK_H */
