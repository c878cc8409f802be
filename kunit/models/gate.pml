/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate: holds, entries and exits of an isolated CPU, and what does not wait at its door
 * (variants/gate/gate.c, its patches; common/mm/pcpu_drain/tracked.c, drain.c).  That C is
 * not in the tree yet, since its tests have not run: git show a0692033 has it.
 *
 * One isolated CPU with its tasks, NMIs, machine checks and unplug; requesters elsewhere,
 * of different classes, so that they do not take turns.  Each process names the function
 * that it stands for.
 *
 * Switches:	REQUESTERS, ROUNDS	how many; how often the CPU enters user mode or idle
 *		RT	a task may be preempted in the middle of caching, with its lock
 *		NMI	one comes at any time, and caches if the CPU is not held
 *		MCE	a broadcast machine check comes at any time
 *		UNPLUG	the CPU goes down in the end, and caches as the last thing
 *		BROKEN_...	a twin, see there
 *
 * run.py has the runs and what each is to say.
 *
 * Safety (assertions):
 * - Nobody is in a cache beside another: owner, preempted task, NMI, requester, dead
 *   callback.
 * - When a requester is told "drained", nothing is left of what was cached before.
 * - Nobody waits for ever (no invalid end state): neither at the door nor in a handler.
 * - HELD is set if, and only if, a requester holds.
 *
 * Left out: memory order, since spin's is sequentially consistent; the atomics and
 * their pairs stand in gate.c.  Patience and the kworker that it queues: a requester that
 * is refused gives up here.  Guests: their state is one more that is refused.
 */

#ifndef REQUESTERS
#define REQUESTERS 1
#endif
#ifndef ROUNDS
#define ROUNDS	2
#endif

/* context_tracking.state: its fields, and the additions to it. */
#define STATE(w)	(w & 3)
#define KERNEL	0
#define IDLE	1
#define USER	2
#ifdef BROKEN_CARRY	/* the bit is above RCU's counter, of two bits, and not between */
#define WATCHING	4
#define HELD	16
#else
#define HELD	4
#define WATCHING	8
#endif
byte word = WATCHING;

#define IS_HELD		((word & HELD) != 0)
#define IS_WATCHING	((word & WATCHING) != 0)

/* A cache in two batches, each taken by its own hold; who is in it. */
byte cache[2];
byte inside;
bool lock;		/* PREEMPT_RT: a task has the caches' lock */
bool half_way;		/* that task has been preempted inside */

byte holders;
bool nmi;		/* on the isolated CPU: its task does not run */
bool online = 1, dead;
bool any_marked;	/* one request is about something */

/* A broadcast machine check: raised; it has hit the CPU; who is in the handler; it is over. */
bool raised, delivered, cpu_in_handler, handled;
byte requesters_in_handler, requesters_over;

/* What the CPU's own steps wait for. */
#define RUNS	(!nmi)

inline get_in() {
	inside++;
	assert(inside == 1)
}

/* One more in a batch; 2: in it is something that a request is about. */
inline put(batch) {
	if
	:: !cache[batch] -> cache[batch] = 1
	:: else
	fi
}

/* The kernel's entry without an NMI's: ct_kernel_enter_state(), __pcd_door(). */
inline enter(from) {
	atomic {
		RUNS ->
		word = word + WATCHING - from
	}
#ifndef BROKEN_DOOR	/* nobody waits at the door */
	atomic {
		/* One that waits here gets to the handler, as from anywhere in the kernel. */
		(RUNS && !IS_HELD)
	}
#endif
}

/* As enter(), by a machine check: pcd_machine_check_begin(), exc_machine_check_user(). */
inline enter_by_machine_check() {
	atomic {
		(RUNS && !delivered) ->
		delivered = 1;
		word = word + WATCHING - USER
	}
#ifdef BROKEN_MCE	/* it waits at the door first */
	atomic {
		(RUNS && !IS_HELD)
	}
#endif
	cpu_in_handler = 1;
	(handled);
#ifndef BROKEN_MCE_END	/* when the handler is done, nobody waits */
	atomic {
		(RUNS && !IS_HELD)
	}
#endif
}

inline leave(to) {
	atomic {
		RUNS ->
		word = word + WATCHING + to
	}
}

/* A task caches, or drains its own cache; on PREEMPT_RT it may be preempted inside. */
inline touch() {
	atomic {
		(RUNS && !lock) ->
		lock = 1
	}
	get_in();
	put(0);
	put(1);
	if
#ifdef RT
	:: !half_way -> half_way = 1
#endif
	:: true ->
		inside--;
		lock = 0
	fi
}

/* The task that was preempted goes on. */
inline finish() {
	if
	:: half_way ->
		(RUNS);
		half_way = 0;
		inside--;
		lock = 0
	:: else
	fi
}

inline be_in_kernel() {
	(RUNS);
	finish();
	if
	:: !lock -> touch()
	:: true
	fi
}

/* The isolated CPU. */
active proctype cpu() {
	byte round;

	do
	:: round < ROUNDS ->
		round++;
		be_in_kernel();
		if
		:: leave(USER);
			if
#ifdef MCE
			:: raised && !delivered && RUNS -> enter_by_machine_check()
#endif
			:: RUNS -> enter(USER)
			fi
		:: leave(IDLE);	/* ct_idle_enter(); a task may sleep inside */
			if
			:: true
			:: !lock ->
				enter(0);	/* ct_irq_enter() */
				touch();
				finish();
				leave(0)
			fi;
			enter(IDLE)
		fi
	:: else -> break
	od;
	finish();
#ifdef UNPLUG
	/* take_cpu_down(): from now on it is not online, and still runs */
	(RUNS);
	online = 0;
	touch();
	finish();
	/* It is in the idle task when it dies, and stays there. */
	leave(IDLE);
	dead = 1;
	/* pcd_cpu_dead(), elsewhere: in place, without a hold */
	get_in();
	cache[0] = 0;
	cache[1] = 0;
	inside--
#else
	/* It stays in user mode, or, if it has to, goes to the handler. */
	leave(USER);
#ifdef MCE
	(raised);
	if
	:: !delivered ->
		enter_by_machine_check();
		leave(USER)
	:: else
	fi
#endif
#endif
}

#ifdef MCE
/* A machine check hits the CPU in the kernel, idle, or waiting at the door: like an NMI. */
active proctype machine_check_in_kernel() {
end:	atomic {
		(raised && !delivered && STATE(word) != USER) ->
		delivered = 1;
		cpu_in_handler = 1
	}
}

/* mce_start(): the handlers wait until all CPUs are in theirs. */
active proctype machine_check() {
	raised = 1;
	(cpu_in_handler && requesters_in_handler + requesters_over == REQUESTERS);
	handled = 1
}
#define MCE_HERE							\
	if								\
	:: raised && !handled && !been ->				\
		been = 1;						\
		requesters_in_handler++;				\
		(handled)						\
	:: true								\
	fi
#else
#define MCE_HERE	skip
#endif

#ifdef NMI
/* An NMI on the isolated CPU: ct_nmi_enter(), ct_nmi_exit(); as slab's would be. */
active proctype an_nmi() {
	bool woke;

	atomic {
		!dead ->
		nmi = 1;
		if
		:: !IS_WATCHING -> woke = 1; word = word + WATCHING
		:: else
		fi
	}
	if
	:: !IS_HELD && !lock && !inside && woke ->
		get_in();
		put(0);
		inside--
	:: else
	fi;
	atomic {
		if
		:: woke -> word = word + WATCHING
		:: else
		fi;
		nmi = 0
	}
}
#endif

#ifdef BROKEN_WATCHING	/* the state alone says that a CPU may be held */
#define MAY_HOLD(w)	(STATE(w) == USER || STATE(w) == IDLE)
#else
#define MAY_HOLD(w)	((STATE(w) == USER || STATE(w) == IDLE) && !(w & WATCHING))
#endif
#ifdef BROKEN_ONLINE	/* a CPU that has died is held as any other */
#define ONLINE	true
#else
#define ONLINE	online
#endif
#ifdef BROKEN_LOCK	/* the lock of a preempted task does not count */
#define WHOLE	true
#else
#define WHOLE	!lock
#endif
#ifdef BROKEN_HOLDERS	/* whoever holds it already does not count */
#define MAY(w)	MAY_HOLD(w)
#else
#define MAY(w)	(MAY_HOLD(w) && !(w & HELD))
#endif

/* pcd_take(): one batch; @taken says whether it could be. */
inline take(batch) {
	taken = 0;
	MCE_HERE;
#ifdef BROKEN_CMPXCHG	/* it looks, and then sets the bit */
	old = word;
	atomic {
		if
		:: MAY(old) -> word = word | HELD; held = 1; holders++
		:: else -> held = 0
		fi
	}
#else
	atomic {
		if
		:: MAY(word) -> word = word | HELD; held = 1; holders++
		:: else -> held = 0
		fi
	}
#endif
	if
	:: held ->
		MCE_HERE;
		if
		:: ONLINE && WHOLE ->
			get_in();
			cache[batch] = 0;
			inside--;
			taken = 1
		:: else
		fi;
		MCE_HERE;
		atomic {
			word = word & (255 - HELD);
			holders--
		}
	:: else
	fi
}

/* pcd_drain_cpus(), pcd_ask_owner(), pcd_variant_take(), and the class's drain. */
active [REQUESTERS] proctype requester() {
	bool held, taken, refused, been, marked;
	byte old;

	if
	/* What is cached in both batches by now is what the request is about. */
	:: atomic {
		online && !any_marked && cache[0] && cache[1] ->
		any_marked = 1;
		marked = 1;
		cache[0] = 2;
		cache[1] = 2
	}
	:: true
	fi;
	if
#ifdef BROKEN_DEAD	/* who is not online is drained in place, as by its dead callback */
	:: !online ->
		get_in();
		cache[0] = 0;
		cache[1] = 0;
		inside--
#endif
	:: online ->
		take(0);
		refused = !taken;
		take(1);
		refused = refused || !taken;
		if
#ifndef BROKEN_HALF	/* who is refused half way says that it has drained */
		:: !refused && marked ->
#else
		:: marked && taken ->
#endif
			/* told "drained" */
			assert(cache[0] != 2 && cache[1] != 2)
		:: else
		fi
	:: !online
	fi;
	requesters_over = requesters_over + !been
}

/* pcd_hold_and_take() and nobody else sets HELD and clears it. */
active proctype held_bit() {
	assert(IS_HELD == (holders > 0))
}
