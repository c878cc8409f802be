/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task_work: arming, sleeping and switching on an isolated CPU
 * (variants/task_work/task_work.c, common/mm/pcpu_drain/tracked.c).
 *
 * One isolated CPU with tasks that come from user mode and return to it, its
 * kworkers, its idle task, interrupts, scheduler and unplug; one requester elsewhere.
 * Each process names the function that it stands for.
 *
 * Switches:	TASKS, CLASSES, REQUESTS	how many
 *		CACHE, LOCAL	a task caches, or drains for itself, as well: what
 *			interrupts cache is the same but for the first look
 *		HELP	the requester's patience may end at any time
 *		MIGRATE	a task may go elsewhere, armed, and return from user mode there
 *		UNPLUG	the CPU goes down once, or half way, and perhaps comes back;
 *			then HELP, too
 *		LIVE	for liveness: scheduled by priority, a drain sleeps half way
 *			(not with UNPLUG), one interrupt caches unless INTERRUPTS
 *			is given, only so many stays in the kernel; KWORKER_FIRST:
 *			the kworkers come before the tasks, else after
 *		INTERRUPTS	so many of them cache, and no more
 *		BROKEN_...	a twin, see there
 *
 * run.py has the runs and what each is to say; README.md the sizes.
 *
 * Safety (assertions):
 * - In user mode nothing is owed and nothing is cached.
 * - A head is never queued twice.
 * - When a requester is told "drained", nothing is left of what was cached before it
 *   asked.
 * - A dying CPU queues no irq_work, and a dead one has lost nothing.
 * Liveness:
 * - A requester that waits is served, even if the tasks sleep for ever. It needs help
 *   only if it meets an unplug, or if one was called off. If it meets one, it is served
 *   or told that something is left, even if the unplug waits for it.
 * - A task that wants to go to user mode gets there.
 *
 * Left out: memory order, since spin's is sequentially consistent; (F) and (G) of
 * tickets.c make it so for the requester, all else is the CPU's own. What interrupts
 * off make one step for the CPU is one step here. Also left out: what sets requests
 * apart (none is posted, so that strict is as any other), tasks that die, kernel
 * threads that cache, tasks whose migration is disabled for another reason (they cost
 * a look), NMIs, several requesters, the wait queue, what keeps a kworker from running
 * at all. A task that an unplug pushes away goes on when the CPU is back.
 */

#ifndef CLASSES
#define CLASSES	1
#endif
#ifndef REQUESTS
#define REQUESTS 1
#endif
#if defined(INTERRUPTS) || defined(LIVE)
#define FEW
#endif
#ifndef INTERRUPTS
#define INTERRUPTS 1
#endif
#ifndef TASKS
#define TASKS	2
#endif
#if defined(UNPLUG) && !defined(HELP)
#define HELP
#endif

/* Tasks of the isolated CPU are known by their _pid. */
#define KWORKER		TASKS
#ifdef HELP
#define HELPER		(TASKS + 1)
#define IDLE		(TASKS + 2)
#else
#define IDLE		(TASKS + 1)
#endif
#define KTHREAD(task)	(task >= KWORKER && task != IDLE)

/* A task's every step; spin's "provided" would make processes look unfair. */
#define HERE		(cur == _pid && runnable[_pid] && !switching)
#define BIT(c)		(1 << (c))

/* The CPU's struct pcd_owner; per class a bit, or an index. */
byte pending, cache, asked, done;
bool unfinished;
bool kick_pending, kick_work;

/* Class 0's work, which is help. */
bool help_pending;

/* Per task: pcd_armed; pcd_work is in its list, and TIF_NOTIFY_RESUME set. */
bool armed[TASKS], queued[TASKS];

/* The CPU itself. */
byte cur = IDLE;
bool runnable[IDLE], napping[IDLE], away[TASKS];
bool pinned[IDLE];	/* migration disabled */
bool switching, in_user;

/* Unplug: for whom the CPU still is (cpu_active_mask, its pool's kworkers,
 * cpu_online_mask); it goes on, or was called off; likewise since the request came.
 */
bool cpu_active = 1, pool_bound = 1, cpu_online = 1, unplugged, met_unplug;

/* Drains under way: who is one of several waits for another's lock. */
byte draining[CLASSES];
/* Class 0's lock, held while caching (a preempted task keeps it): by whom + 1; who waits for it. */
byte lock;
bool blocked[IDLE];

/* For assertions: what of the cache the request is about; who waits. */
bool marked, waiting, leaving;

/* What claims of liveness are about is of no interest else. */
#ifdef LIVE
#define NOTE(what, yes)	what = yes
#else
#define NOTE(what, yes)	skip
#endif

#define TASK_MAY(task)	(runnable[task] && (cpu_active || pinned[task]))
#define POOL_MAY(task)	(runnable[task] && (pool_bound || pinned[task]))
#if TASKS == 2
#define TASK	(TASK_MAY(1) -> 1 : (TASK_MAY(0) -> 0 : IDLE))
#else
#define TASK	(TASK_MAY(0) -> 0 : IDLE)
#endif
#ifdef HELP
#define POOL	(POOL_MAY(KWORKER) -> KWORKER : (POOL_MAY(HELPER) -> HELPER : IDLE))
#else
#define POOL	(POOL_MAY(KWORKER) -> KWORKER : IDLE)
#endif
#define GONE	(!cpu_active && !pinned[0] && !pinned[TASKS - 1])
#ifdef KWORKER_FIRST
#define BEST	(POOL == IDLE -> TASK : POOL)
#else
#define BEST	(TASK == IDLE -> POOL : TASK)
#endif

/* Nobody is to preempt it first. */
#ifdef LIVE
#define MAY_STAY	(BEST == _pid)
#else
#define MAY_STAY	cpu_active
#endif

/* task_work_add(current, ..., TWA_RESUME) */
inline add_work(task) {
	assert(!queued[task]);
	queued[task] = 1
}

/* irq_work_queue() */
inline kick() {
	assert(cpu_online);
	kick_pending = 1
}

/* pcd_arm() */
inline arm() {
	if
	:: cur == IDLE ->
#ifdef BROKEN_IDLE	/* idle is left to itself */
		skip
#elif defined(BROKEN_DYING)	/* a dying CPU, too */
		kick()
#else
		if
		:: cpu_online -> kick()
		:: else
		fi
#endif
	:: KTHREAD(cur)
	:: else ->
		if
#ifdef BROKEN_FLAG	/* it does not look whether the task is armed */
		:: true ->
#else
		:: !armed[cur] ->
#endif
			add_work(cur);
			armed[cur] = 1
#ifndef BROKEN_FLAG
		:: else
#endif
		fi
	fi
}

/* Sleeping locks of PREEMPT_RT: who waits is not runnable. */
inline wake_blocked(task) {
	if
	:: blocked[task] -> blocked[task] = 0; runnable[task] = 1
	:: else
	fi
}
inline unlock() {
	lock = 0;
	pinned[_pid] = 0;
	wake_blocked(0);
	wake_blocked(TASKS - 1);
#ifdef HELP
	wake_blocked(HELPER);
#endif
	wake_blocked(KWORKER)
}

/* Caching by a task, which may be preempted in it (PREEMPT_RT); __pcd_cached() */
inline cached(c) {
	do
	:: atomic { HERE && lock -> blocked[_pid] = 1; runnable[_pid] = 0 }
	:: atomic { HERE && !lock ->
		lock = _pid + 1;
		pinned[_pid] = 1;
		cache = cache | BIT(c);
		break }
	od;
	if
	:: atomic { HERE && (pending & BIT(c)) -> unlock() }
	:: atomic { HERE && !(pending & BIT(c)) -> skip }
#ifdef BROKEN_IRQS	/* interrupts are on between the look and the arming */
		atomic { HERE -> pending = pending | BIT(c) }
		if
		:: atomic { HERE && armed[_pid] -> skip }
		:: atomic { HERE && !armed[_pid] -> skip }
			atomic { HERE -> add_work(_pid); armed[_pid] = 1 }
		fi;
		atomic { HERE -> unlock() }
#else
		atomic { HERE -> pending = pending | BIT(c); arm(); unlock() }
#endif
	fi
}

/* pcd_run_drain(): pcd_drain_begin(), class->drain(), pcd_drain_end() */
inline drain(c, pays) {
	atomic { HERE -> pinned[_pid] = 1; draining[c]++ }
	atomic { HERE ->
		if
		:: pays -> pending = pending & ~BIT(c)
		:: else
		fi }
	atomic { HERE -> ticket = asked }
#if defined(LIVE) && !defined(UNPLUG)
	/* It may sleep if there is anything to drain (class->drain() promises that
	 * it does not else), and waits for the lock of another's.
	 */
	if
	:: atomic { HERE && ((cache & BIT(c)) || draining[c] > 1) ->
		napping[_pid] = 1; runnable[_pid] = 0 }
	:: HERE && draining[c] == 1
	fi;
#endif
	/* An interrupt may cache past it: with interrupts off, or in another's batch. */
	do
#ifdef BROKEN_SPIN	/* it spins for a lock whose holder it keeps from running */
	:: HERE && c == 0 && lock
#else
	:: atomic { HERE && c == 0 && lock -> blocked[_pid] = 1; runnable[_pid] = 0 }
#endif
	:: atomic { HERE && (c || !lock) ->
		cache = cache & ~BIT(c);
		if
		:: c == 0 -> marked = 0
		:: else
		fi;
		if
		:: c == 0 && ticket > done -> done = ticket
		:: else
		fi;
		ticket = 0;
		break }
	od;
	atomic { HERE ->
		draining[c]--;
		pinned[_pid] = 0 }
}

/* A task that comes from user mode and returns to it. */
active [TASKS] proctype task()
{
	byte ticket;
	bool again;

stay:	/* a system call, exception or interrupt */
	if
	:: HERE -> goto leave
#if defined(CACHE) && !defined(LIVE)
	:: cached(0)
#elif defined(CACHE)	/* the one that others keep from running */
	:: _pid == 0 -> cached(0)
#endif
#ifdef LIVE
	:: atomic { HERE -> runnable[_pid] = 0 } false
#endif
#ifdef MIGRATE
	:: atomic { HERE -> away[_pid] = 1; runnable[_pid] = 0 } goto stay
#endif
#ifdef LOCAL
	:: drain(0, false)	/* pcd_drain_local() */
#endif
	fi;

leave:	/* exit_to_user_mode_loop(), interrupts off at its end */
	if
	:: atomic { HERE && !queued[_pid] && MAY_STAY ->
		in_user = 1;
		NOTE(leaving, 0);
		assert(!pending);
		assert(!cache);
		goto user }
	:: atomic { HERE && queued[_pid] ->
		/* TIF_NOTIFY_RESUME: resume_user_mode_work(), task_work_run() */
		NOTE(leaving, 1);
		queued[_pid] = 0 }
	fi;

	/* pcd_task_work() */
	do	/* pcd_drain_pending() */
	:: atomic { HERE && (pending & 1) -> skip } drain(0, true)
#if CLASSES == 2
	:: atomic { HERE && pending == 2 -> skip } drain(1, true)
#endif
#ifdef BROKEN_LOOK	/* interrupts are on between the last look and the end */
	:: atomic { HERE && !pending -> skip } atomic { HERE -> armed[_pid] = 0; goto leave }
#else
	:: atomic { HERE && !pending ->
#ifndef BROKEN_STAYS	/* it stays armed for ever */
		armed[_pid] = 0;
#endif
		goto leave }
#endif
#ifdef MIGRATE
	:: atomic { HERE -> away[_pid] = 1; runnable[_pid] = 0 } goto stay
#endif
	od;

user:
#ifdef LIVE
	if
	:: BEST != _pid		/* the scheduler's interrupt */
	:: !again -> again = 1
	:: again = 1; BEST != _pid
	fi;
#endif
	atomic { HERE -> in_user = 0 }
	goto stay
}

/* pcd_kick_work() */
active proctype kworker()
{
	byte ticket;

end:	do
	:: atomic { HERE && kick_work -> kick_work = 0 }
		do	/* pcd_drain_pending() */
		:: atomic { HERE && (pending & 1) -> skip } drain(0, true)
#if CLASSES == 2
		:: atomic { HERE && pending == 2 -> skip } drain(1, true)
#endif
		:: atomic { HERE && !pending -> break }
#ifdef UNPLUG
		:: !pool_bound && !pinned[_pid] -> break	/* it goes on elsewhere */
#endif
		od
#ifdef UNPLUG
	:: atomic { !pool_bound && kick_work -> kick_work = 0; runnable[_pid] = 0 }
#endif
	:: atomic { HERE && !kick_work -> runnable[_pid] = 0 }
	od
}

#ifdef HELP
/* pcd_work_fn() of class 0: help, when a requester's patience has ended */
active proctype helper()
{
	byte ticket;

end:	do
	:: atomic { HERE && help_pending -> help_pending = 0; pinned[_pid] = 1 }
		drain(0, false)
	:: atomic { HERE && !help_pending -> runnable[_pid] = 0 }
#ifdef UNPLUG
	/* on another CPU, whose own cache it drains */
	:: atomic { !pool_bound && help_pending -> help_pending = 0; runnable[_pid] = 0 }
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
#ifdef BROKEN_EMPTY	/* an empty cache does not count */
#define SERVED	(done >= want)
#elif defined(BROKEN_SAID)	/* a clear bit and no drain under way count, too */
#define SERVED	(done >= want || !(cache & 1) || (!(pending & 1) && !draining[0]))
#else
#define SERVED	(done >= want || !(cache & 1))
#endif

/* pcd_drain_cpus(): pcd_ask_owner(), pcd_await_owners() */
active proctype requester()
{
	byte want, n;
	bool helped;

end:	do
	:: atomic { n < REQUESTS && cpu_online && (cache & 1) ->	/* half added, too */
		n++;
		marked = 1;
		waiting = 1;
		NOTE(met_unplug, unplugged) }
		atomic { asked++; want = asked }	/* pcd_ask() */
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
		assert(!marked);
told:
		atomic { marked = 0; waiting = 0; want = 0; helped = 0; NOTE(met_unplug, 0) }
	od
}

/* pcd_kick() */
inline kicked() {
	kick_pending = 0;
	if
	:: pending -> kick_work = 1; runnable[KWORKER] = 1
	:: else
	fi
}

/* Interrupts of the isolated CPU in the kernel: one that caches, __pcd_cached(); an irq_work */
active proctype interrupt()
{
	byte c, n;

end:	do
	:: atomic { !in_user && cpu_online && n < INTERRUPTS ->
#ifdef FEW
		n++;
#endif
#if CLASSES == 2
		if :: c = 0 :: c = 1 fi;
#endif
		cache = cache | BIT(c);
		if
		:: !(pending & BIT(c)) -> pending = pending | BIT(c); arm()
		:: else
		fi;
		c = 0 }
	:: atomic { !in_user && cpu_online && kick_pending -> kicked() }
	od
}

/* pcd_owe_unfinished() */
inline owe_unfinished() {
	if
	:: unfinished ->
		unfinished = 0;
#ifdef BROKEN_AGAIN	/* an empty cache is drained, too */
		pending = pending | BIT(0)
#else
		pending = pending | cache
#endif
	:: else
	fi
}

/* __pcd_task_switched() */
inline task_switched() {
	if
#ifdef BROKEN_SWITCH	/* nobody looks */
	:: false ->
#elif defined(BROKEN_DRAINING)	/* it looks at what is pending only */
	:: pending && !KTHREAD(cur) ->
#elif defined(BROKEN_ARMED)	/* not if the task is armed */
	:: (pending || unfinished) && !KTHREAD(cur) && (cur == IDLE || !armed[cur % TASKS]) ->
#else
	:: (pending || unfinished) && !KTHREAD(cur) ->
#endif
#ifndef BROKEN_DRAINING
		if
		:: cur != IDLE -> owe_unfinished()
		:: else
		fi;
#endif
		if
		:: pending -> arm()
		:: else
		fi
	:: else
	fi
}

/* finish_task_switch(): it notes that a task was left with migration disabled */
#ifdef BROKEN_UNSAID	/* only a task that drains, not one that caches */
#define LEFT	(pinned[cur] && (draining[0] || draining[CLASSES - 1]))
#else
#define LEFT	pinned[cur]
#endif
inline left_behind() {
	if
	:: cur != IDLE && LEFT -> unfinished = 1
	:: else
	fi
}

/* The scheduler of the isolated CPU: __schedule(), then finish_task_switch() */
#define MAY_SWITCH	(!in_user && !switching)
active proctype scheduler()
{
end:	do
#ifdef LIVE
	:: atomic { MAY_SWITCH && cur != BEST -> left_behind(); cur = BEST; switching = 1 }
#else
	:: atomic { MAY_SWITCH && TASK_MAY(0) && cur != 0 -> left_behind(); cur = 0; switching = 1 }
#if TASKS == 2
	:: atomic { MAY_SWITCH && TASK_MAY(1) && cur != 1 -> left_behind(); cur = 1; switching = 1 }
#endif
	:: atomic { MAY_SWITCH && POOL_MAY(KWORKER) && cur != KWORKER ->
		left_behind(); cur = KWORKER; switching = 1 }
#ifdef HELP
	:: atomic { MAY_SWITCH && POOL_MAY(HELPER) && cur != HELPER ->
		left_behind(); cur = HELPER; switching = 1 }
#endif
	:: atomic { MAY_SWITCH && TASK == IDLE && POOL == IDLE && cur != IDLE ->
		left_behind(); cur = IDLE; switching = 1 }
#endif
	:: atomic { switching -> task_switched(); switching = 0 }
	od
}

/* What the tasks have waited for so far; what a drain waits for; other CPUs. */
#define WAKE(task)	\
	atomic { napping[task] && (in_user || cur == IDLE) -> napping[task] = 0; runnable[task] = 1 }
#define RETURN(task)	\
	atomic { away[task] && cur != task -> away[task] = 0; armed[task] = 0; queued[task] = 0; \
		 runnable[task] = 1 }
active proctype elsewhere()
{
	runnable[0] = 1;
#if TASKS == 2
	runnable[1] = 1;
#endif
end:	do
#ifdef LIVE
	:: WAKE(0)
	:: WAKE(KWORKER)
#ifdef HELP
	:: WAKE(HELPER)
#endif
#endif
	:: RETURN(0)
#if TASKS == 2
#ifdef LIVE
	:: WAKE(1)
#endif
	:: RETURN(1)
#endif
	od
}

#ifdef UNPLUG
/* pcd_cpu_dead() */
inline dead(c) {
	pending = pending & ~BIT(c);
	ticket = asked;
	atomic { cache = cache & ~BIT(c); marked = marked && c }
	atomic { done = (c == 0 && ticket > done -> ticket : done); ticket = 0 }
}

/* _cpu_down(), and _cpu_up(), if it does */
active proctype hotplug()
{
	byte ticket;

	/* sched_cpu_deactivate(): keeps out who can migrate */
	atomic { !in_user -> cpu_active = 0; NOTE(unplugged, 1); NOTE(met_unplug, 1) }
	if
	:: goto up		/* a callback fails */
	:: pool_bound = 0	/* workqueue_offline_cpu() */
	fi;
	if
	:: goto up
	:: skip
	:: skip -> !waiting	/* a callback waits for a requester */
	fi;
	/* sched_cpu_wait_empty(); takedown_cpu(), which stops all CPUs; smpcfd_dying_cpu() */
	atomic { cur == IDLE && !switching && GONE && !pinned[KWORKER] && !pinned[HELPER] ->
		cpu_online = 0;
		if
		:: kick_pending -> kicked()
		:: else
		fi;
		switching = 1 }		/* from the stopper to idle */
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
ltl served { [] (waiting -> <> !waiting) }
ltl leaves { [] (leaving -> <> (in_user || GONE)) }
ltl lives { [] ((waiting -> <> !waiting) && (leaving -> <> (in_user || GONE))) }
#endif
