/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deferred_wq: the word of an isolated CPU (variants/deferred_wq/deferred_wq.c).
 *
 * One isolated CPU with its owners (tasks that come from user mode and return to
 * it), its kworkers, interrupts, scheduler and unplug; requesters on other CPUs, one
 * per class. Each process names the function that it stands for.
 *
 * Switches:	EAGER	the work is queued when something is cached, else lazy
 *		RUN	",run": the owner cancels the work and does it itself
 *		CACHE	a task caches, too, and may be preempted before it says so
 *			(PREEMPT_RT); it has class 0's lock meanwhile
 *		STRICT	a request may be strict
 *		HELP	a requester's patience may end at any time
 *		UNPLUG	the CPU goes down once, or half way, and perhaps comes back;
 *			then HELP, too
 *		LIVE	for liveness: scheduled by priority, only so many INTERRUPTS
 *			cache, only so many stays in the kernel. The owners come
 *			before the kworkers, which nothing boosts; KWORKER_FIRST:
 *			after them
 *		OWNERS, CLASSES, REQUESTS	how many; requests are per requester
 *		BROKEN_...	a twin, see there
 * run.py has the runs and what each is to say; README.md the sizes.
 *
 * Safety (assertions):
 * - A task that goes to user mode leaves no drain under way, no work queued, and nothing
 *   that was posted before. It owes no drain, but to a requester that is about to post
 *   it. If eager, nothing is cached but by a task that was preempted before pcd_cached().
 * - Once user mode is claimed, the variant queues no work, wakes no kworker, and sends
 *   an interrupt only for a strict request.
 * - One drain runs at a time, help apart.
 * - When a requester is told "drained", nothing is left of what was cached before it
 *   asked. A strict one is never told "posted".
 * - A dead CPU has lost nothing, and is sent no interrupt.
 * Liveness:
 * - A requester that waits is served, even if the owners sleep for ever, or if it is
 *   strict, stay in user mode for ever. It needs help only if it meets an unplug, or if
 *   one was called off. If it meets one, it is served or told that something is left,
 *   even if the unplug waits for it.
 * - A task that wants to go to user mode gets there.
 *
 * Left out: memory order, since spin's is sequentially consistent. The barriers
 * that make it so: atomic_try_cmpxchg() on the word; between set_bit() of pending
 * and the look at the word, smp_mb__after_atomic(), against (J); (F), (G) of
 * tickets.c; irq_work_claim()'s against irq_work_single()'s. What interrupts off make
 * one step for their own CPU is one step here where other CPUs cannot tell. Also left
 * out: NMIs, several tasks that request the same class (they take turns by
 * class->lock), and so riding, and what sets MUST apart from strict; keys, the wait
 * queue, tasks that die, what keeps a kworker from running at all. An owner that an
 * unplug pushes away goes on when the CPU is back, and flushes meanwhile what it has
 * begun to flush.
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
#ifndef INTERRUPTS
#define INTERRUPTS 1
#endif
#if defined(UNPLUG) && !defined(HELP)
#define HELP
#endif

/* Tasks of the isolated CPU are known by their _pid. */
#define KWORKER		OWNERS
#ifdef HELP
#define HELPER		(OWNERS + 1)
#define NOBODY		(OWNERS + 2)
#else
#define NOBODY		(OWNERS + 1)
#endif
#define FIRST_REQUESTER	NOBODY

/* A task's every step; spin's "provided" would make processes look unfair. */
#define HERE		(cur == _pid)
#define BIT(c)		(1 << (c))

/* The CPU's struct pcd_deferred and pcd_owner; per class a bit, or an index. The number
 * in the word (WAKING) stands by itself; what the CPU queues itself is one step.
 */
byte word, waking, pending, cache;
byte asked[CLASSES], done[CLASSES];
byte lock = NOBODY;
bool work_pending, work_running, kick_pending;
bool claimed;	/* the work is marked as pending, but by who cancels it */

/* Class 0's own: who caches under its lock; its work, which is help. */
byte adder = NOBODY;
bool help_pending;

/* The CPU itself: who has it, who wants it, who waits for what. */
byte cur = NOBODY;
bool runnable[NOBODY], flushing[OWNERS], locking[OWNERS + 1], blocked[NOBODY];
bool irqs_off, in_user;

/* Unplug: for whom the CPU still is (cpu_active_mask, its pool's kworkers,
 * cpu_online_mask); it goes on, or was called off; likewise since the request came;
 * who has migration disabled; requesters that have preemption off on their CPUs.
 */
bool cpu_active = 1, pool_bound = 1, cpu_online = 1, unplugged, met_unplug;
bool pinned[NOBODY];
byte off;

/* For assertions: items that a request is about; that were posted; requesters
 * between their two steps; who waits.
 */
byte marked, posted, asking;
bool waiting[CLASSES], leaving;

#ifdef UNPLUG
#define PIN(yes)	pinned[_pid] = yes
#else
#define PIN(yes)	skip
#endif

/* What claims of liveness are about is of no interest else. */
#ifdef LIVE
#define NOTE(what, yes)	what = yes
#else
#define NOTE(what, yes)	skip
#endif

#define OWNER_MAY(task)	(runnable[task] && (cpu_active || pinned[task]))
#define POOL_MAY(task)	(runnable[task] && (pool_bound || pinned[task]))
#if OWNERS == 2
#define OWNER	(OWNER_MAY(1) -> 1 : (OWNER_MAY(0) -> 0 : NOBODY))
#else
#define OWNER	(OWNER_MAY(0) -> 0 : NOBODY)
#endif
#ifdef HELP
#define POOL	(POOL_MAY(KWORKER) -> KWORKER : (POOL_MAY(HELPER) -> HELPER : NOBODY))
#else
#define POOL	(POOL_MAY(KWORKER) -> KWORKER : NOBODY)
#endif
#define PINNED	(pinned[0] || pinned[OWNERS - 1])
#define GONE	(!cpu_active && !PINNED && !flushing[0] && !flushing[OWNERS - 1])
#ifdef KWORKER_FIRST
#define BEST	(POOL == NOBODY -> OWNER : POOL)
#else
#define BEST	(OWNER == NOBODY -> POOL : OWNER)
#endif

/* Nobody is to preempt it first. */
#ifdef LIVE
#define MAY_STAY	(BEST == _pid)
#else
#define MAY_STAY	cpu_active
#endif

#ifdef BROKEN_RIDE	/* a requester rides on a drain that may have looked already */
#define RIDE		(QUEUED | RUNNING)
#else
#define RIDE		QUEUED
#endif

/* What a sleeper waits for has come. */
#define WAKE(sleepers, task) \
	if \
	:: sleepers[task] -> sleepers[task] = 0; runnable[task] = 1 \
	:: else \
	fi
#define WAKE_OWNERS(sleepers)	WAKE(sleepers, 0); WAKE(sleepers, OWNERS - 1)

/* queue_work_on(), which wakes the kworker only then; QUEUED was set before. */
inline queue_work() {
	assert(!(word & USER));
	assert(!work_pending);
	if
	:: claimed	/* taken for queued */
	:: else -> work_pending = 1
	fi
}

/* If the work has been taken meanwhile, it wakes one that sleeps again. */
inline wake_kworker() {
	assert(!in_user);
	runnable[KWORKER] = runnable[KWORKER] || work_pending
}

/* pcd_deferred_queue() on the CPU itself, where nobody sees it half done. */
inline queue_here() {
	assert(!(word & USER));
	if
	:: !(word & QUEUED) -> word = (word & ~POSTED) | QUEUED; queue_work(); wake_kworker()
	:: else
	fi
}

/* pcd_run_drain(): pcd_drain_begin(), class->drain(), pcd_drain_end() */
inline drain(c, pays) {
	atomic { HERE ->
		if
		:: pays -> pending = pending & ~BIT(c)
		:: else
		fi }
#ifndef BROKEN_TICKET	/* it reads the number only when the cache is empty */
	atomic { HERE -> ticket = asked[c] }
#endif
	do	/* class->drain(): an interrupt may cache past the lock */
#ifdef BROKEN_SPIN	/* it spins for a lock whose holder it keeps from running */
	:: HERE && c == 0 && adder != NOBODY
#elif defined(BROKEN_TRY)	/* it skips what is locked */
	:: atomic { HERE && c == 0 && adder != NOBODY -> break }
#elif defined(CACHE)
	:: atomic { HERE && c == 0 && adder != NOBODY ->
		blocked[_pid] = 1; runnable[_pid] = 0; cur = NOBODY }
#endif
	:: atomic { HERE && (c || adder == NOBODY) ->
		cache = cache & ~BIT(c); marked = marked & ~BIT(c); posted = posted & ~BIT(c); break }
	od;
#ifdef BROKEN_TICKET
	atomic { HERE -> ticket = asked[c] }
#endif
#ifdef BROKEN_DONE	/* it publishes its number, though there is a newer one */
	atomic { HERE -> done[c] = ticket; ticket = 0 }
#else
	atomic { HERE -> done[c] = (ticket > done[c] -> ticket : done[c]); ticket = 0 }
#endif
}

inline mutex_lock() {
	do
	:: atomic { HERE && lock == NOBODY -> lock = _pid; break }
	:: atomic { HERE && lock != NOBODY -> locking[_pid] = 1; runnable[_pid] = 0; cur = NOBODY }
	od
}

inline mutex_unlock() {
	atomic { HERE ->
		lock = NOBODY; PIN(_pid == KWORKER);
		WAKE_OWNERS(locking); WAKE(locking, KWORKER) }
}

/* pcd_deferred_drain() */
inline deferred_drain() {
	atomic { HERE ->
		assert((word & QUEUED) && !(word & RUNNING));
		word = word ^ (QUEUED | RUNNING) }
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
		/* whoever had claimed user mode meanwhile would have cleared RUNNING */
		atomic { HERE -> assert(word & RUNNING); word = word & ~RUNNING; irqs_off = 0; break }
	od
}

/* __pcd_cached(): is a drain yet to begin, or to look again? */
#ifdef BROKEN_BIT	/* the bit alone is taken for a promise */
#define PROMISED(c)	(pending & BIT(c))
#elif defined(BROKEN_WORD)	/* so is a drain of another class */
#define PROMISED(c)	(word & (QUEUED | RUNNING))
#else
#define PROMISED(c)	((pending & BIT(c)) && (word & (QUEUED | RUNNING)))
#endif

inline promise(c) {
	pending = pending | BIT(c);
	if
	:: word & RUNNING	/* the drain looks once more */
	:: else -> queue_here()
	fi
}

/* Caching by a task, which may be preempted in it; pcd_cached() */
inline cached() {
	do
	:: atomic { HERE && adder != NOBODY -> blocked[_pid] = 1; runnable[_pid] = 0; cur = NOBODY }
	:: atomic { HERE && adder == NOBODY -> adder = _pid; PIN(1); cache = cache | BIT(0); break }
	od;
#ifdef EAGER
	if
	:: HERE && PROMISED(0)
	:: HERE && !PROMISED(0) -> atomic { HERE -> promise(0) }
	fi;
#endif
	atomic { HERE ->
		adder = NOBODY; PIN(0);
		WAKE_OWNERS(blocked);
#ifdef HELP
		WAKE(blocked, HELPER);
#endif
		WAKE(blocked, KWORKER) }
}

/* A task of the isolated CPU that comes from user mode and returns to it. */
active [OWNERS] proctype owner()
{
	byte ticket;
	bool again;

stay:	/* a system call, exception or interrupt; what it caches: interrupt(), too */
	if
	:: HERE -> goto leave
#ifdef LIVE
	:: atomic { HERE -> runnable[_pid] = 0; cur = NOBODY } false
#endif
#if defined(CACHE) && !defined(LIVE)
	:: cached()
#elif defined(CACHE)	/* the one that others keep from running */
	:: _pid == 0 -> cached()
#endif
#if OWNERS == 2 && !defined(UNPLUG)
	/* pcd_drain_local() */
#ifdef BROKEN_LOCAL	/* it clears the bit, and is preempted */
	:: drain(0, true)
#else
	:: drain(0, false)
#endif
#endif
	fi;

leave:	/* __exit_to_user_mode_prepare(), pcd_claim_user() */
	if
#ifdef BROKEN_WAKING	/* a requester that has not yet woken the kworker keeps nobody */
	:: atomic { HERE && !word && MAY_STAY ->
#else
	:: atomic { HERE && !word && !waking && MAY_STAY ->
#endif
		word = USER;
		in_user = 1;
		NOTE(leaving, 0);
		assert(!work_pending);
		assert(!posted);
		assert(!(pending & ~asking));
#ifdef EAGER
		assert(!(cache & ~(adder == NOBODY -> 0 : BIT(0))));
#endif
		goto user }
	:: atomic { HERE && (word || waking) -> NOTE(leaving, 1) }
	fi;

	/* exit_to_user_mode_loop(), pcd_resume_user_mode() */
	atomic { HERE ->
#ifdef RUN
		PIN(1);
#endif
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
	:: BEST != _pid || kick_pending		/* the scheduler's interrupt, or a request's */
	:: !again -> again = 1
	:: again = 1; BEST != _pid || kick_pending
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
	:: atomic { HERE && work_pending -> work_pending = 0; work_running = 1; PIN(1) }
#ifdef RUN
		mutex_lock();
#endif
		deferred_drain();
#ifdef RUN
		mutex_unlock();
#endif
		atomic { HERE -> work_running = 0; PIN(0); WAKE_OWNERS(flushing) }
	:: atomic { HERE && !work_pending -> runnable[_pid] = 0; cur = NOBODY }
#ifdef UNPLUG
	:: atomic { !pool_bound && work_pending ->	/* on another CPU */
			work_pending = 0;
			work_running = 1;
			runnable[_pid] = 0;
			cur = (cur == _pid -> NOBODY : cur) }
		atomic { lock == NOBODY ->
			assert((word & (QUEUED | POSTED | RUNNING)) == QUEUED);
#ifdef BROKEN_FORGET	/* nobody is to ask again */
			word = word ^ QUEUED;
#elif !defined(BROKEN_ELSEWHERE)	/* QUEUED stays, as if the work were still to come */
			word = word ^ (QUEUED | POSTED);
#endif
			work_running = 0;
			WAKE_OWNERS(flushing) }
#endif
	od
}

#ifdef HELP
/* pcd_work_fn() of class 0: help, when a requester's patience has ended */
active proctype helper()
{
	byte ticket;

end:	do
	:: atomic { HERE && help_pending -> help_pending = 0; PIN(1) }
#ifdef BROKEN_PAYS	/* it clears the bit, and may not end before user mode */
		drain(0, true);
#else
		drain(0, false);
#endif
		atomic { HERE -> PIN(0) }
	:: atomic { HERE && !help_pending -> runnable[_pid] = 0; cur = NOBODY }
#ifdef UNPLUG
	/* on another CPU, whose own cache it drains */
	:: atomic { !pool_bound && help_pending -> help_pending = 0 }
#endif
	od
}
#endif

/* In LIVE help is for who has met an unplug. */
#ifdef LIVE
#define IMPATIENT	met_unplug
#else
#define IMPATIENT	true
#endif

/* What a CPU holds that is going offline is left, once the CPU has had its help. */
#ifdef BROKEN_PROGRESS	/* it gets help for as long as it is online */
#define LEAVE	(!cpu_online)
#else
#define LEAVE	(!cpu_online || (helped && !cpu_active))
#endif

/* pcd_served() */
#ifdef BROKEN_NUMBER	/* only an empty cache counts, not the number */
#define SERVED	(!(cache & BIT(c)))
#else
#define SERVED	(done[c] >= want || !(cache & BIT(c)))
#endif

/* pcd_drain_cpus(): pcd_ask_owner(), pcd_await_owners() */
active [CLASSES] proctype requester()
{
	byte c = _pid - FIRST_REQUESTER, want, n;
	bool strict, helped;

end:	do
	:: atomic { n < REQUESTS && cpu_online && (cache & BIT(c)) ->
		n++;
#ifdef STRICT
		if :: strict = 1 :: skip fi;
#endif
		marked = marked | BIT(c);
		asked[c]++;	/* pcd_ask() */
		want = asked[c];
		waiting[c] = 1;
		NOTE(met_unplug, unplugged) }
#ifdef BROKEN_UNASKED	/* in user mode nothing is cached */
		if
		:: word & USER -> goto promised
		:: !(word & USER)
		fi;
#endif
#ifdef BROKEN_EARLY	/* the interrupt is sent first */
		kick_pending = 1;
#endif
		/* pcd_variant_ask() */
		d_step { pending = pending | BIT(c); asking = asking | BIT(c) }
		/* pcd_deferred_queue() */
		if
		:: atomic { word & USER ->
			asking = asking & ~BIT(c);
			if
#ifdef BROKEN_FIRST	/* who posts first sends an interrupt, strict or not */
			:: strict && (word & POSTED) -> goto await
#endif
			:: !strict -> word = word | POSTED; goto promised
			:: else -> word = word | POSTED
			fi }
			/* pcd_variant_interrupt() */
#if !defined(BROKEN_KICK) && !defined(BROKEN_EARLY)	/* it is forgotten */
			if
#ifdef BROKEN_PREEMPT	/* it may be preempted between look and sending */
			:: cpu_online ->
				d_step { assert(cpu_online); kick_pending = 1 }
#else
			:: atomic { cpu_online -> off++ }
				d_step { assert(cpu_online); kick_pending = 1; off-- }
#endif
			:: !cpu_online
			fi;
#endif
#ifdef BROKEN_AWAIT	/* it does not wait */
			goto drained
#endif
		:: atomic { !(word & USER) && (word & RIDE) -> asking = asking & ~BIT(c) }
#ifdef BROKEN_LATE	/* QUEUED is set when it queues, not when it decides to */
		:: !(word & (USER | RIDE)) ->
			d_step {
				word = (word & ~POSTED) | QUEUED;
				asking = asking & ~BIT(c);
				queue_work();
				wake_kworker() }
#else
		:: atomic { !(word & (USER | RIDE)) ->
			word = (word & ~POSTED) | QUEUED;
			waking++;
			asking = asking & ~BIT(c) }
			d_step { queue_work() }
			d_step { wake_kworker(); waking-- }
#endif
		fi;
		if
		:: !strict -> goto promised	/* PCD_POST */
		:: true
		fi;
await:
		if
		:: SERVED
#ifdef HELP
		/* pcd_help_owners() */
		:: !SERVED && IMPATIENT && LEAVE -> goto told
		:: !SERVED && IMPATIENT && !LEAVE && !help_pending ->
			helped = 1;
			d_step { help_pending = 1; runnable[HELPER] = 1 }	/* pcd_queue() */
			goto await
#endif
		fi;
#ifdef HELP
		help_pending = 0;	/* cancel_work() */
#endif
drained:
		assert(!(marked & BIT(c)));
		goto told;
promised:
		atomic { posted = posted | (marked & BIT(c)) }
told:
		atomic {
			marked = marked & ~BIT(c); waiting[c] = 0;
			want = 0; helped = 0; strict = 0; NOTE(met_unplug, 0) }
	od
}

/* pcd_deferred_kick() */
inline kick() {
	kick_pending = 0;
	if
#ifdef BROKEN_ENTRY
	:: pending -> queue_here()
#else
	:: word & POSTED -> queue_here()
#endif
	:: else
	fi
}

/* Interrupts of the isolated CPU in the kernel: one that caches, __pcd_cached(); an irq_work */
active proctype interrupt()
{
	byte c, n;

end:	do
	:: atomic { !irqs_off && !in_user && cpu_online && n < INTERRUPTS ->
#ifdef LIVE
		n++;
#endif
#if CLASSES == 2
		if :: c = 0 :: c = 1 fi;
#endif
		cache = cache | BIT(c);
#ifdef EAGER
		if
		:: PROMISED(c)
		:: else -> promise(c)
		fi;
#endif
		c = 0 }
	:: atomic { !irqs_off && !in_user && cpu_online && kick_pending -> kick() }
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
	:: atomic { MAY_SWITCH && OWNER_MAY(0) && cur != 0 -> cur = 0 }
#if OWNERS == 2
	:: atomic { MAY_SWITCH && OWNER_MAY(1) && cur != 1 -> cur = 1 }
#endif
	:: atomic { MAY_SWITCH && POOL_MAY(KWORKER) && cur != KWORKER -> cur = KWORKER }
#ifdef HELP
	:: atomic { MAY_SWITCH && POOL_MAY(HELPER) && cur != HELPER -> cur = HELPER }
#endif
#ifdef UNPLUG
	/* pushed away */
	:: atomic { MAY_SWITCH && cur < OWNERS && !OWNER_MAY(cur % NOBODY) -> cur = NOBODY }
	:: atomic { MAY_SWITCH && cur >= OWNERS && cur != NOBODY && !POOL_MAY(cur % NOBODY) ->
		cur = NOBODY }
#endif
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

#ifdef UNPLUG
/* pcd_cpu_dead() */
inline dead(c) {
#ifdef BROKEN_DEAD	/* only what it owes */
	if
	:: pending & BIT(c) ->
#endif
	pending = pending & ~BIT(c);
	ticket = asked[c];
	atomic { cache = cache & ~BIT(c); marked = marked & ~BIT(c); posted = posted & ~BIT(c) }
	atomic { done[c] = (ticket > done[c] -> ticket : done[c]); ticket = 0 }
#ifdef BROKEN_DEAD
	:: !(pending & BIT(c))
	fi
#endif
}

/* _cpu_down(), and _cpu_up(), if it does */
active proctype hotplug()
{
	byte ticket;

	/* sched_cpu_deactivate(): keeps out who can migrate */
	atomic { !in_user && !irqs_off -> cpu_active = 0; NOTE(unplugged, 1); NOTE(met_unplug, 1) }
	if
	:: goto up		/* a callback fails */
	:: pool_bound = 0	/* workqueue_offline_cpu() */
	fi;
	if
	:: goto up
	:: skip
	:: skip -> !waiting[0]	/* a callback waits for a requester */
	fi;
	/* sched_cpu_wait_empty(); takedown_cpu(), which stops all CPUs; smpcfd_dying_cpu() */
	atomic { cur == NOBODY && !irqs_off && !off && !PINNED && !pinned[KWORKER] && !pinned[HELPER] ->
		cpu_online = 0;
		if
		:: kick_pending -> kick()
		:: else
		fi }
	dead(0);
#if CLASSES == 2
	dead(1);
#endif
	assert(!cache);
	NOTE(unplugged, 0);
#ifdef LIVE
	if
	:: goto over
	:: skip
	fi;
#endif
up:	atomic { cpu_online = 1; pool_bound = 1 }
	cpu_active = 1;
#ifdef LIVE
over:	skip
#endif
}
#endif

#ifdef LIVE
ltl served { [] (waiting[0] -> <> !waiting[0]) }
ltl leaves { [] (leaving -> <> (in_user || GONE)) }
ltl lives { [] ((waiting[0] -> <> !waiting[0]) && (leaving -> <> (in_user || GONE))) }
#endif
