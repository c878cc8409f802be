/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_SPIN_H
#define _LINUX_PCPU_DRAIN_SPIN_H
#ifndef _LINUX_PCPU_DRAIN_H
# error "Do not include directly, include linux/pcpu_drain.h"
#endif

/*
 * For variants in which a requester takes an owner's lock too, from another CPU: what
 * the forms of a per-CPU spinlock do.  pcpu_drain.h says what each form promises.
 */

#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/spinlock.h>

/*
 * The owner must not move between finding its lock and taking it, and after
 * taking it works on this_cpu data: pin it the way local_lock does.
 */
static __always_inline void __pcd_spin_pin(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_disable();
	else
		preempt_disable();
}

static __always_inline void __pcd_spin_unpin(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_enable();
	else
		preempt_enable();
}

static __always_inline void __pcd_spin_lock(spinlock_t __percpu *sl)
{
	__pcd_spin_pin();
	spin_lock(this_cpu_ptr(sl));
}

static __always_inline void __pcd_spin_unlock(spinlock_t __percpu *sl)
{
	spin_unlock(this_cpu_ptr(sl));
	__pcd_spin_unpin();
}

/* As local_lock_irqsave(): PREEMPT_RT leaves interrupts enabled. */
static __always_inline unsigned long __pcd_spin_irq_save(void)
{
	unsigned long flags = 0;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_disable();
	else
		local_irq_save(flags);
	return flags;
}

static __always_inline void __pcd_spin_irq_restore(unsigned long flags)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		migrate_enable();
	else
		local_irq_restore(flags);
}

static __always_inline unsigned long
__pcd_spin_lock_irqsave(spinlock_t __percpu *sl)
{
	unsigned long flags = __pcd_spin_irq_save();

	spin_lock(this_cpu_ptr(sl));
	return flags;
}

static __always_inline void
__pcd_spin_unlock_irqrestore(spinlock_t __percpu *sl, unsigned long flags)
{
	spin_unlock(this_cpu_ptr(sl));
	__pcd_spin_irq_restore(flags);
}

/*
 * PREEMPT_RT's spinlocks sleep and wake, which neither NMI nor hard interrupt
 * context may: refuse there, as local_trylock() does.
 */
static __always_inline bool __pcd_spin_may_trylock(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || !(in_nmi() | in_hardirq());
}

static __always_inline bool __pcd_spin_trylock(spinlock_t __percpu *sl)
{
	if (!__pcd_spin_may_trylock())
		return false;
	__pcd_spin_pin();
	if (spin_trylock(this_cpu_ptr(sl)))
		return true;
	__pcd_spin_unpin();
	return false;
}

static __always_inline bool
__pcd_spin_trylock_irqsave(spinlock_t __percpu *sl, unsigned long *flags)
{
	if (!__pcd_spin_may_trylock())
		return false;
	*flags = __pcd_spin_irq_save();
	if (spin_trylock(this_cpu_ptr(sl)))
		return true;
	__pcd_spin_irq_restore(*flags);
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
static __always_inline unsigned long __pcd_spin_lock_remote(spinlock_t *sl)
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
__pcd_spin_unlock_remote(spinlock_t *sl, unsigned long flags)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_unlock(sl);
	else
		spin_unlock_irqrestore(sl, flags);
}

#endif /* _LINUX_PCPU_DRAIN_SPIN_H */
