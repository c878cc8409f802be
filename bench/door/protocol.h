/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOOR_PROTOCOL_H
#define DOOR_PROTOCOL_H

/*
 * Two ways to keep another CPU's cache whole while somebody takes out of it: the
 * owner passes a door when it enters (a word that it changes anyway, and a bit in
 * it), or it takes a lock for each operation.  All inline, so that a loop over one of
 * them has no call in it.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <sys/cdefs.h>

/* The word: as include/linux/context_tracking_state.h has it, and the bit between. */
#define STATE_MASK	3
#define STATE_USER	2
#define HELD		4
#define WATCHING	8
#define ENTER		(WATCHING - STATE_USER)
#define LEAVE		(WATCHING + STATE_USER)

#define ITEMS		31

enum technique { DOOR, LOCK };

/**
 * struct cpu - what the owner's CPU has, as in the kernel: the word apart, the lock in
 * front of its cache
 * @state: the word
 * @lock: 0 or 1
 * @words: how many items are cached, and the items
 */
struct cpu {
	int state __aligned(128);
	struct {
		unsigned int lock;
		unsigned long words[1 + ITEMS];
	} cache __aligned(128);
};

extern struct cpu cpu;

/**
 * struct wait - of an owner
 * @cycles: how long it waited; 0: it did not
 * @away: for how long of that, at most in one piece, it did not run itself
 */
struct wait {
	__u64 cycles;
	__u64 away;
};

struct wait wait_for(enum technique how);

/* The instruction that the kernel has for it, whether or not its result is used. */
static inline int add_return(int *word, int by)
{
	int old = by;

	asm volatile("lock xaddl %0, %1" : "+r"(old), "+m"(*word) : : "memory", "cc");
	return old + by;
}

static inline bool try_lock(void)
{
	unsigned int expected = 0;

	return __atomic_compare_exchange_n(&cpu.cache.lock, &expected, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void unlock(void)
{
	__atomic_store_n(&cpu.cache.lock, 0, __ATOMIC_RELEASE);	/* pairs with try_lock() */
}

/* Is the way free?  Acquire: pairs with door_open(), unlock(). */
static inline bool may_pass(enum technique how)
{
	if (how == LOCK)
		return !__atomic_load_n(&cpu.cache.lock, __ATOMIC_RELAXED) && try_lock();
	return !(__atomic_load_n(&cpu.state, __ATOMIC_ACQUIRE) & HELD);
}

/* ---- the owner ---- */

static __always_inline struct wait enter(enum technique how)
{
	const struct wait none = { };

	if (how == LOCK)
		return __builtin_expect(try_lock(), true) ? none : wait_for(how);
	if (__builtin_expect(add_return(&cpu.state, ENTER) & HELD, false))
		return wait_for(how);
	return none;
}

static __always_inline void leave(enum technique how)
{
	if (how == LOCK)
		unlock();
	else
		add_return(&cpu.state, LEAVE);
}

/* ---- the holder ---- */

static inline bool may_hold(int state)
{
	return (state & STATE_MASK) == STATE_USER && !(state & (WATCHING | HELD));
}

static inline bool door_close(void)
{
	int old = __atomic_load_n(&cpu.state, __ATOMIC_RELAXED);

	/* Full barrier: pairs with the additions of enter() and leave(). */
	return may_hold(old) &&
	       __atomic_compare_exchange_n(&cpu.state, &old, old | HELD, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline void door_open(void)
{
	/* Release: pairs with may_pass(). */
	__atomic_and_fetch(&cpu.state, ~HELD, __ATOMIC_SEQ_CST);
}

static inline bool hold(enum technique how)
{
	return how == LOCK ? try_lock() : door_close();
}

static inline void let_go(enum technique how)
{
	if (how == LOCK)
		unlock();
	else
		door_open();
}

/* Before a hold: how much there is, and its lines, so that little is left to do in it. */
static inline unsigned long look(void)
{
	unsigned long found = __atomic_load_n(&cpu.cache.words[0], __ATOMIC_RELAXED);
	unsigned int i;

	for (i = 0; i <= ITEMS; i += 64 / sizeof(long))
		__builtin_prefetch(&cpu.cache.words[i]);
	__builtin_prefetch(&cpu.cache.words[0], 1);
	return found;
}

/* Under a hold: copy it out, and leave it empty; false if it has changed since look(). */
static inline bool take(unsigned long *to, unsigned long found)
{
	unsigned long i;

	if (__atomic_load_n(&cpu.cache.words[0], __ATOMIC_RELAXED) != found)
		return false;
	for (i = 1; i <= found; i++)
		to[i] = cpu.cache.words[i];
	__atomic_store_n(&cpu.cache.words[0], 0, __ATOMIC_RELAXED);
	return true;
}

#endif /* DOOR_PROTOCOL_H */
