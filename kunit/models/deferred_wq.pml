/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deferred_wq: the word of an isolated CPU (variants/deferred_wq/deferred_wq.c).
 *
 * One isolated CPU with its owners (tasks that come from user mode and return to
 * it), its kworker, interrupts and scheduler; requesters on other CPUs, one per
 * class. Each process names the function that it stands for.
 *
 * Switches:	EAGER	the work is queued when something is cached, else lazy
 *		RUN	",run": the owner cancels the work and does it itself
 *		LIVE	for liveness: scheduled by priority, only so many interrupts
 *			and stays in the kernel. The owners come before the kworker,
 *			which nothing boosts; KWORKER_FIRST: after it
 *		OWNERS, CLASSES, REQUESTS	how many; requests are per requester
 *		BROKEN_...	a twin, see there
 * run.py has the runs and what each is to say; README.md the sizes.
 *
 * Safety (assertions): whoever goes to user mode leaves no drain under way, no work
 * queued, no drain owed but to a requester who is about to post it, nothing that
 * was posted before, and if eager nothing cached. No work is queued, and so no
 * interrupt sent, once user mode is claimed. One drains at a time. A requester
 * that is told "drained" has nothing left of what was cached before it asked.
 * Liveness: a requester that waits is served, without help, though the owners
 * sleep for ever; who wants to go to user mode gets there.
 *
 * Left out: memory order, since spin's is sequentially consistent. The barriers
 * that make it so: atomic_try_cmpxchg() on the word; between set_bit() of pending
 * and the look at the word, smp_mb__after_atomic(), against (J); (F), (G) of
 * tracked.c. What interrupts off make one step for their own CPU is one step here
 * where other CPUs cannot tell. Also left out: unplug, NMIs, several tasks that
 * request the same class (they take turns by class->lock), MUST and help (they
 * drain beside the word, as drain(0, false) does), the wait queue.
 */

#define USER	1
#define POSTED	2
#define QUEUED	4
#define RUNNING	8

#ifndef OWNERS
#define OWNERS	2
#endif
#ifndef CLASSES
#define CLASSES	1
#endif
#ifndef REQUESTS
#define REQUESTS 1
#endif

/* Tasks of the isolated CPU are known by their _pid. */
#define KWORKER		OWNERS
#define NOBODY		(OWNERS + 1)
#define FIRST_REQUESTER	(OWNERS + 1)

/* A task's every step; spin's "provided" would make processes look unfair. */
#define HERE		(cur == _pid)
#define BIT(c)		(1 << (c))

/* The CPU's struct pcd_deferred and pcd_owner; per class a bit, or an index. */
byte word, pending, cache;
byte asked[CLASSES], done[CLASSES];
byte lock = NOBODY, drainer = NOBODY;
bool work_pending, work_running, kick_pending;
bool claimed;	/* the work is marked as pending, but by who cancels it */

/* The CPU itself: who has it, who wants it, who waits for what. */
byte cur = NOBODY;
bool runnable[OWNERS + 1], flushing[OWNERS], locking[OWNERS + 1];
bool irqs_off, in_user;

/* For assertions: items that a request is about; that were posted; requesters
 * between their two steps; who waits.
 */
byte marked, posted, asking;
bool waiting[CLASSES], leaving;

#if OWNERS == 2
#define OWNER	(runnable[1] -> 1 : (runnable[0] -> 0 : NOBODY))
#else
#define OWNER	(runnable[0] -> 0 : NOBODY)
#endif
#ifdef KWORKER_FIRST
#define BEST	(runnable[KWORKER] -> KWORKER : OWNER)
#else
#define BEST	(OWNER == NOBODY && runnable[KWORKER] -> KWORKER : OWNER)
#endif

/* Nobody is to preempt it first. */
#ifdef LIVE
#define MAY_STAY	(BEST == _pid)
#else
#define MAY_STAY	true
#endif

#ifdef BROKEN_RIDE	/* a requester rides on a drain that may have looked already */
#define RIDE		(QUEUED | RUNNING)
#else
#define RIDE		QUEUED
#endif

/* queue_work_on(); QUEUED was set before. */
inline queue_work() {
	assert(!(word & USER));
	assert(!work_pending);
	if
	:: claimed	/* taken for queued */
	:: else -> work_pending = 1; runnable[KWORKER] = 1
	fi
}

/* pcd_deferred_queue() on the CPU itself, where nobody sees it half done. */
inline queue_here() {
	assert(!(word & USER));
	if
	:: !(word & QUEUED) -> word = (word & ~POSTED) | QUEUED; queue_work()
	:: else
	fi
}

/* __pcd_run_drain(): pcd_drain_begin(), class->drain(), pcd_drain_end() */
inline drain(c, pays) {
	atomic { HERE ->
		if
		:: pays -> pending = pending & ~BIT(c)
		:: else
		fi }
#ifndef BROKEN_TICKET	/* the number is read when all is out */
	atomic { HERE -> ticket = asked[c] }
#endif
	atomic { HERE -> cache = cache & ~BIT(c); marked = marked & ~BIT(c); posted = posted & ~BIT(c) }
#ifdef BROKEN_TICKET
	atomic { HERE -> ticket = asked[c] }
#endif
	atomic { HERE -> done[c] = (ticket > done[c] -> ticket : done[c]); ticket = 0 }
}

inline mutex_lock() {
	do
	:: atomic { HERE && lock == NOBODY -> lock = _pid; break }
	:: atomic { HERE && lock != NOBODY -> locking[_pid] = 1; runnable[_pid] = 0; cur = NOBODY }
	od
}

#define WAKE(sleepers, task) \
	if \
	:: sleepers[task] -> sleepers[task] = 0; runnable[task] = 1 \
	:: else \
	fi

inline mutex_unlock() {
	atomic { HERE ->
		lock = NOBODY;
		WAKE(locking, 0);
#if OWNERS == 2
		WAKE(locking, 1);
#endif
		WAKE(locking, KWORKER) }
}

/* pcd_deferred_drain() */
inline deferred_drain() {
	atomic { HERE ->
		assert(word & QUEUED);
		assert(drainer == NOBODY);
		word = word ^ (QUEUED | RUNNING);
		drainer = _pid }
	do	/* pcd_drain_pending() */
	:: atomic { HERE && (pending & 1) -> skip } drain(0, true)
#if CLASSES == 2
	:: atomic { HERE && pending == 2 -> skip } drain(1, true)
#endif
#ifdef BROKEN_LOOK	/* interrupts are on between the last look and the end */
	:: atomic { HERE && !pending -> skip }
#else
	:: atomic { HERE && !pending -> irqs_off = 1 }
#endif
		atomic { HERE -> drainer = NOBODY; word = word & ~RUNNING; irqs_off = 0; break }
	od
}

/* A task of the isolated CPU that comes from user mode and returns to it. */
active [OWNERS] proctype owner()
{
	byte ticket;
	bool again;

stay:	/* a system call, exception or interrupt; what it caches: interrupt() */
	if
	:: HERE -> goto leave
#ifdef LIVE
	:: atomic { HERE -> runnable[_pid] = 0; cur = NOBODY } false
#endif
#if OWNERS == 2
	/* pcd_drain_local(); help's pcd_work_fn() */
#ifdef BROKEN_LOCAL	/* it clears the bit, and is preempted */
	:: drain(0, true)
#else
	:: drain(0, false)
#endif
#endif
	fi;

leave:	/* exit_to_user_mode_prepare(), pcd_claim_user() */
	if
	:: atomic { HERE && !word && MAY_STAY ->
		word = USER;
		in_user = 1;
		leaving = 0;
		assert(!work_pending && drainer == NOBODY);
		assert(!posted);
		assert(!(pending & ~asking));
#ifdef EAGER
		assert(!cache);
#endif
		goto user }
	:: atomic { HERE && word -> leaving = 1 }
	fi;

	/* exit_to_user_mode_loop(), pcd_resume_user_mode() */
	atomic { HERE ->
		if
		:: word & POSTED -> queue_here()
		:: else
		fi }
#ifdef BROKEN_TAKE	/* it cancels the work before it has the lock */
	if
	:: atomic { HERE && work_pending -> work_pending = 0 }
		mutex_lock();
		deferred_drain();
		mutex_unlock();
		goto leave
	:: HERE && !work_pending
	fi;
#elif defined(RUN)
	mutex_lock();
	if
#ifdef BROKEN_CANCEL	/* it cancels what may not have been queued yet */
	:: HERE ->
#else
	:: atomic { HERE && !work_pending -> skip } mutex_unlock()
	:: atomic { HERE && work_pending -> skip }
#endif
		if	/* cancel_work() */
		:: atomic { HERE && work_pending -> work_pending = 0 }
			deferred_drain();
			mutex_unlock();
			goto leave
		:: atomic { HERE && !work_pending -> claimed = 1; irqs_off = 1 }
			atomic { HERE -> claimed = 0; irqs_off = 0 }
			mutex_unlock()
		fi
	fi;
#endif
	/* flush_work() */
	if
	:: atomic { HERE && (work_pending || work_running) ->
		flushing[_pid] = 1; runnable[_pid] = 0; cur = NOBODY }
	:: HERE && !work_pending && !work_running
	fi;
#ifdef BROKEN_CLEAR	/* the exit takes QUEUED back, not the work */
	atomic { HERE -> word = word & ~QUEUED };
#endif
	goto leave;

user:
#ifdef LIVE
	if
	:: BEST != _pid		/* the scheduler's interrupt */
	:: !again -> again = 1
	:: again = 1; BEST != _pid
	fi;
#endif
	/* pcd_kernel_entered() */
	atomic { HERE ->
		in_user = 0;
		if
		:: word & POSTED -> kick_pending = 1;
#ifdef BROKEN_ENTRY	/* the irq_work alone knows what was posted */
			word = 0
#else
			word = POSTED
#endif
		:: else -> word = 0
		fi }
	if
	:: HERE -> goto stay
	:: HERE -> goto leave	/* at once, no interrupt between: a machine check */
	fi
}

/* pcd_deferred_work() */
active proctype kworker()
{
	byte ticket;

end:	do
	:: atomic { HERE && work_pending -> work_pending = 0; work_running = 1 }
#ifdef RUN
		mutex_lock();
#endif
		deferred_drain();
#ifdef RUN
		mutex_unlock();
#endif
		atomic { HERE ->
			work_running = 0;
#if OWNERS == 2
			WAKE(flushing, 1);
#endif
			WAKE(flushing, 0) }
	:: atomic { HERE && !work_pending -> runnable[_pid] = 0; cur = NOBODY }
	od
}

/* pcd_drain_cpus(): pcd_ask(), pcd_variant_ask(), pcd_await_owner() */
active [CLASSES] proctype requester()
{
	byte c = _pid - FIRST_REQUESTER, want, n;

	do
	:: n < REQUESTS ->
		n++;
		d_step { marked = marked | (cache & BIT(c)); asked[c]++; want = asked[c]; waiting[c] = 1 }
		d_step { pending = pending | BIT(c); asking = asking | BIT(c) }
		/* pcd_deferred_queue() */
		if
		:: atomic { word & USER ->
			word = word | POSTED;
			asking = asking & ~BIT(c);
			posted = posted | (marked & BIT(c));
			marked = marked & ~BIT(c);
			goto served }
		:: atomic { !(word & USER) && (word & RIDE) -> asking = asking & ~BIT(c) }
#ifdef BROKEN_LATE	/* QUEUED is set when it queues, not when it decides to */
		:: !(word & (USER | RIDE)) ->
			d_step { word = (word & ~POSTED) | QUEUED; asking = asking & ~BIT(c); queue_work() }
#else
		:: atomic { !(word & (USER | RIDE)) ->
			word = (word & ~POSTED) | QUEUED;
			asking = asking & ~BIT(c) }
			d_step { queue_work() }
#endif
		fi;
		done[c] >= want || !(cache & BIT(c));	/* pcd_served() */
		assert(!(marked & BIT(c)));
served:
		atomic { waiting[c] = 0; want = 0 }
	:: else -> break
	od
}

/* Interrupts of the isolated CPU in the kernel: one that caches; pcd_deferred_kick() */
active proctype interrupt()
{
	byte c;
	bool again;

end:	do
	:: atomic { !irqs_off && !in_user && !again ->
#ifdef LIVE
		again = 1;
#endif
#if CLASSES == 2
		if :: c = 0 :: c = 1 fi;
#endif
		cache = cache | BIT(c);
#ifdef EAGER
		/* __pcd_cached() */
		if
#ifdef BROKEN_BIT	/* the bit alone is taken for a promise */
		:: !(pending & BIT(c)) ->
#else
		:: !(pending & BIT(c)) || !(word & (QUEUED | RUNNING)) ->
#endif
			pending = pending | BIT(c);
			if
			:: drainer == NOBODY || cur != drainer -> queue_here()
			:: else
			fi
		:: else
		fi;
#endif
		c = 0 }
	:: atomic { !irqs_off && !in_user && kick_pending ->
		kick_pending = 0;
		if
#ifdef BROKEN_ENTRY
		:: pending -> queue_here()
#else
		:: word & POSTED -> queue_here()
#endif
		:: else
		fi }
	od
}

/* The scheduler of the isolated CPU; __schedule() */
#define MAY_SWITCH	(!irqs_off && !in_user)
active proctype scheduler()
{
end:	do
#ifdef LIVE
	:: atomic { MAY_SWITCH && cur != BEST -> cur = BEST }
#else
	:: atomic { MAY_SWITCH && runnable[0] && cur != 0 -> cur = 0 }
#if OWNERS == 2
	:: atomic { MAY_SWITCH && runnable[1] && cur != 1 -> cur = 1 }
#endif
	:: atomic { MAY_SWITCH && runnable[KWORKER] && cur != KWORKER -> cur = KWORKER }
#endif
	od
}

/* What the owners have waited for so far. */
active proctype waker()
{
	runnable[0] = 1;
#if OWNERS == 2
	runnable[1] = 1
#endif
}

#ifdef LIVE
ltl served { [] (waiting[0] -> <> !waiting[0]) }
ltl leaves { [] (leaving -> <> in_user) }
#endif
