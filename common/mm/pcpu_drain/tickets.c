// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a requester learns that what it asked an isolated CPU for is done, whoever
 * did it.
 *
 * Only a drain that pays clears a pending bit, since the variant may know of those
 * alone should they be preempted half way; any other leaves the debt, and an empty
 * drain, behind.  A requester is served when
 *
 *   - a drain has finished that began after it asked: those take the number of
 *     the newest request when they begin and publish it when they end; or
 *   - nothing is cached: a drain may be preempted for long when it or another has
 *     emptied the cache already, and nobody may be going to drain again.
 *
 * A drain, on the owner's CPU (or for a dead one):	A requester:
 *
 *	if it pays: clear the pending bit,		asked++ (its number)
 *		smp_mb()	(F)			smp_mb()	(G)
 *	ticket = asked					ask, by the bit too
 *	empty the cache
 *	done = max(done, ticket)			done >= its number?
 *
 * A drain that misses the number at (F) began before the request.  It may have
 * cleared the bit before it was asked for, so the bit that is set behind (G) stays,
 * and another drain follows; or else it leaves nothing cached that was so before.
 *
 * A clear bit and no drain under way do not mean that nothing is cached: on
 * PREEMPT_RT whoever caches may be preempted before he has said so.  A drain then
 * waits for his lock, as a kworker's does upstream, and a variant that asks nobody
 * must have the next task drain.  The requester looks at the cache itself.
 */
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/wait.h>

#include "internal.h"

/**
 * pcd_drain_begin - a drain of all that a CPU has cached begins
 * @pc: the class's data for that CPU
 * @pays: for what that CPU owes
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
 * pcd_drain_end - and now it is out
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
	/* Another drain may publish a newer one; release: pairs with pcd_served(). */
	while (ticket - done > 0 &&
	       !atomic_try_cmpxchg_release(&pc->done, &done, ticket))
		;
	/* (L) Its barrier pairs with the one of wait_event_timeout(). */
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
	/* A peek as good as the one that the request began with. */
	if (pc->class->count(pc->cpu, NULL))
		return false;
	smp_rmb();			/* as (K) in core.c */
	return true;
}
