// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a requester learns that the drain that it asked an isolated CPU for is done,
 * whoever did it.
 *
 * Only a drain that pays clears the pending bit: if any other drain is preempted half
 * way, the variant may not know of it.  So other drains leave the bit set, and a
 * further drain, of an empty cache, follows.  A requester is served when
 *
 *   - a drain that began after it asked has finished: a drain takes the number of
 *     the newest request when it begins, and publishes it when it ends; or
 *   - nothing is cached: a drain may be preempted for long after the cache was
 *     emptied, and perhaps nobody will drain again.
 *
 * A drain, on the owner's CPU (or for a dead one):	A requester:
 *
 *	if it pays: clear the pending bit,		asked++ (its number)
 *		smp_mb()	(F)			smp_mb()	(G)
 *	ticket = asked					ask, by the bit too
 *	empty the cache
 *	done = max(done, ticket)			done >= its number?
 *
 * A drain that misses the request's number at (F) began before the request.  Where
 * requests set the bit, they do so behind (G), after that drain has cleared it: the bit
 * stays, and another drain follows.  Otherwise it leaves nothing that was cached before.
 *
 * A clear bit and no drain under way do not mean that nothing is cached: on PREEMPT_RT
 * a task may be preempted between caching and pcd_cached().  A drain then waits for
 * that task's lock, as a kworker's does upstream.  A variant whose requests ask nobody
 * must have the next task drain.  The requester looks at the cache itself.
 */
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/wait.h>

#include "internal.h"

/**
 * pcd_drain_begin - a drain of all that a CPU has cached begins
 * @pc: the class's data for that CPU
 * @pays: clear the pending bit: this drain pays what that CPU owes
 *
 * Context: migration disabled, on that CPU unless it is dead.
 * Return: for pcd_drain_end().
 */
int pcd_drain_begin(struct pcd_cpu *pc, bool pays)
{
	struct pcd_owner *owner = per_cpu_ptr(&pcd_owners, pc->cpu);

	if (!owner->tracked)
		return 0;
	if (pays) {
		clear_bit(pc->class->bit, &owner->pending);
		smp_mb__after_atomic();		/* (F) pairs with (G) */
	}
	return atomic_read(&pc->asked);
}

/**
 * pcd_drain_end - the drain has ended: all is out of the cache
 * @pc: the class's data for that CPU
 * @ticket: from pcd_drain_begin()
 *
 * Context: as pcd_drain_begin(); may wake requesters.
 */
void pcd_drain_end(struct pcd_cpu *pc, int ticket)
{
	int done = atomic_read(&pc->done);

	if (!pcd_tracks(pc->cpu))
		return;
	/* Another drain may publish a newer number.  Release: pairs with pcd_served(). */
	while (ticket - done > 0 &&
	       !atomic_try_cmpxchg_release(&pc->done, &done, ticket))
		;
	/* (L) wq_has_sleeper()'s barrier pairs with wait_event_timeout()'s in tracked.c. */
	if (wq_has_sleeper(&pc->class->served))
		wake_up_all(&pc->class->served);
}

/**
 * pcd_ask - take a number, before a CPU's owner is asked
 * @pc: the class's data for that CPU
 *
 * Context: the class's lock is held.
 */
void pcd_ask(struct pcd_cpu *pc)
{
	lockdep_assert_held(&pc->class->lock);
	pc->before = atomic64_read(&pc->stats.drained);
	pc->want = atomic_inc_return(&pc->asked);	/* (G) pairs with (F) */
}

/**
 * pcd_served - is all out that was cached when the request asked?
 * @pc: the class's data for the CPU that it asked
 *
 * Context: any.
 */
bool pcd_served(struct pcd_cpu *pc)
{
	/* Acquire: pairs with the release in pcd_drain_end(). */
	if (atomic_read_acquire(&pc->done) - pc->want >= 0)
		return true;
	/* As racy as the peek with which the request began. */
	if (pc->class->count(pc->cpu, NULL))
		return false;
	smp_rmb();			/* as (K) in core.c */
	return true;
}
