/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task_work: arming, sleeping and switching on an isolated CPU
 * (variants/task_work/task_work.c, common/mm/pcpu_drain/tracked.c).
 *
 * One isolated CPU with two tasks that come from user mode and return to it, its
 * kworker, its idle task, interrupts and scheduler; one requester elsewhere. Each
 * process names the function that it stands for.
 *
 * Switches:	CLASSES, REQUESTS	how many
 *		CACHE, LOCAL	a task caches, or drains for itself, as well: what
 *			interrupts cache is the same but for the first look
 *		HELP	the requester's patience may end at any time
 *		MIGRATE	a task may go elsewhere, armed, and return from user mode there
 *		LIVE	for liveness: scheduled by priority, a drain sleeps half way,
 *			only so many interrupts and stays in the kernel; KWORKER_FIRST:
 *			the kworker comes before the tasks, else after
 *		BROKEN_...	a twin, see there
 *
 * run.py has the runs and what each is to say; README.md the sizes.
 *
 * Safety (assertions): in user mode nothing is owed and nothing is cached; a head
 * is never queued twice; a requester that is told "drained" has nothing left of
 * what was cached before it asked. Liveness: a requester that waits is served,
 * without help, though the tasks sleep for ever; who wants to go to user mode gets
 * there.
 *
 * Left out: memory order, since spin's is sequentially consistent; (F) and (G) of
 * tracked.c make it so for the requester, all else is the CPU's own. What interrupts
 * off make one step for the CPU is one step here. Also left out: tasks that die,
 * kernel threads that cache, tasks whose migration is disabled for another reason
 * (they cost a look), NMIs, unplug, the wait queue and MUST (it is help at once).
 */

#ifndef CLASSES
#define CLASSES	1
#endif
#ifndef REQUESTS
#define REQUESTS 1
#endif

/* Tasks of the isolated CPU are known by their _pid. */
#define TASKS		2
#define KWORKER		TASKS
#define IDLE		(TASKS + 1)

/* A task's every step; spin's "provided" would make processes look unfair. */
#define HERE		(cur == _pid && runnable[_pid] && !switching)
#define BIT(c)		(1 << (c))

/* The CPU's struct pcd_owner; per class a bit, or an index. */
byte pending, cache, asked, done;
bool unfinished;
bool kick_pending, kick_work, help_work;

/* Per task: pcd_armed; pcd_work is in its list, and TIF_NOTIFY_RESUME set. */
bool armed[TASKS], queued[TASKS];

/* The CPU itself. */
byte cur = IDLE;
bool runnable[TASKS + 1], napping[TASKS + 1], away[TASKS];
bool pinned[TASKS + 1];	/* migration disabled */
bool switching, in_user;

/* Drains under way: who is one of several waits for another's lock. */
byte draining[CLASSES];
/* Class 0's lock, held while caching (a preempted task keeps it): by whom + 1; who waits for it. */
byte lock;
bool blocked[TASKS + 1];

/* For assertions: what of the cache the request is about; who waits. */
bool marked, waiting, leaving;

#define TASK	(runnable[1] -> 1 : (runnable[0] -> 0 : IDLE))
#ifdef KWORKER_FIRST
#define BEST	(runnable[KWORKER] -> KWORKER : TASK)
#else
#define BEST	(TASK == IDLE && runnable[KWORKER] -> KWORKER : TASK)
#endif

/* Nobody is to preempt it first. */
#ifdef LIVE
#define MAY_STAY	(BEST == _pid)
#else
#define MAY_STAY	true
#endif

/* task_work_add(current, ..., TWA_RESUME) */
inline add_work(task) {
	assert(!queued[task]);
	queued[task] = 1
}

/* pcd_arm() */
inline arm() {
	if
	:: cur == IDLE ->
#ifdef BROKEN_IDLE	/* idle is left to itself */
		skip
#else
		kick_pending = 1
#endif
	:: cur == KWORKER
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
	wake_blocked(1);
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

/* __pcd_run_drain(): pcd_drain_begin(), class->drain(), pcd_drain_end() */
inline drain(c, pays) {
	atomic { HERE -> pinned[_pid] = 1; draining[c]++ }
	atomic { HERE ->
		if
		:: pays -> pending = pending & ~BIT(c)
		:: else
		fi }
	atomic { HERE -> ticket = asked }
#ifdef LIVE
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
#ifdef BROKEN_SPIN	/* it spins for the lock of whom it keeps from running */
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
#ifdef CACHE
	:: cached(0)
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
		leaving = 0;
		assert(!pending);
		assert(!cache);
		goto user }
	:: atomic { HERE && queued[_pid] ->
		/* TIF_NOTIFY_RESUME: resume_user_mode_work(), task_work_run() */
		leaving = 1;
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
		armed[_pid] = 0;
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

/* pcd_kick_work(), and help's pcd_work_fn(), in one pool */
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
		od
#ifdef HELP
	:: atomic { HERE && help_work -> help_work = 0 }
		drain(0, false)
#endif
	:: atomic { HERE && !kick_work && !help_work -> runnable[_pid] = 0 }
	od
}

#ifdef BROKEN_EMPTY	/* it waits for a drain, though nothing is cached */
#define OUT	false
#else
#define OUT	(!(cache & 1))
#endif

/* pcd_drain_cpus(): pcd_ask_owner(), pcd_await_owner() */
active proctype requester()
{
	byte want, n;
	bool helped;

	do
	:: n < REQUESTS ->
		n++;
		if
		:: atomic { (cache & 1) -> marked = 1 }	/* half added, too */
			atomic { asked++; want = asked }
			waiting = 1
		:: atomic { !(cache & 1) -> goto next }
		fi;
wait:		/* pcd_served() */
		if
		:: done >= want || OUT
#ifdef BROKEN_SAID	/* nothing pending, no drain under way: nothing is cached */
		:: !(pending & 1) && !draining[0]
#endif
#ifdef HELP
		:: done < want && !OUT && !helped -> helped = 1;
			d_step { help_work = 1; runnable[KWORKER] = 1 }
			goto wait
#endif
		fi;
		assert(!marked);
		atomic { waiting = 0; want = 0; helped = 0 }
next:		skip
	:: else -> break
	od
}

/* Interrupts of the isolated CPU in the kernel: one that caches, __pcd_cached(); pcd_kick() */
active proctype interrupt()
{
	byte c;
	bool again;

end:	do
	:: atomic { !in_user && !again ->
#ifdef LIVE
		again = 1;
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
	:: atomic { !in_user && kick_pending ->
		kick_pending = 0;
		if
		:: pending -> kick_work = 1; runnable[KWORKER] = 1
		:: else
		fi }
	od
}

/* pcd_owe_unfinished() */
inline owe_unfinished() {
	if
	:: unfinished ->
		unfinished = 0;
#ifdef BROKEN_AGAIN	/* of an empty cache, too */
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
	:: pending && cur != KWORKER ->
#elif defined(BROKEN_ARMED)	/* not if the task is armed */
	:: (pending || unfinished) && cur != KWORKER && (cur == IDLE || !armed[cur % TASKS]) ->
#else
	:: (pending || unfinished) && cur != KWORKER ->
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

/* finish_task_switch(): who is left with migration disabled is kept in mind */
#ifdef BROKEN_UNSAID	/* only who drains, not who caches */
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
	:: atomic { MAY_SWITCH && runnable[0] && cur != 0 -> left_behind(); cur = 0; switching = 1 }
	:: atomic { MAY_SWITCH && runnable[1] && cur != 1 -> left_behind(); cur = 1; switching = 1 }
	:: atomic { MAY_SWITCH && runnable[KWORKER] && cur != KWORKER -> left_behind(); cur = KWORKER; switching = 1 }
	:: atomic { MAY_SWITCH && !runnable[0] && !runnable[1] && !runnable[KWORKER] && cur != IDLE ->
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
	runnable[1] = 1;
end:	do
#ifdef LIVE
	:: WAKE(0)
	:: WAKE(1)
	:: WAKE(KWORKER)
#endif
	:: RETURN(0)
	:: RETURN(1)
	od
}

#ifdef LIVE
ltl served { [] (waiting -> <> !waiting) }
ltl leaves { [] (leaving -> <> in_user) }
#endif
