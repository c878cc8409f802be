// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pays for lines: what an owner's operation takes after the other CPU was at its
 * word, its lock, its cache; and what that CPU's deed takes after the owner was there.
 * One at a time, each between two stamps.
 */
#include <errno.h>
#include <stdio.h>

#include "door.h"
#include "protocol.h"
#include "tsc.h"

#define BLOCKS	20
#define BLOCK	100	/* samples after one deed, without another in between: */
#define FIRST	20	/* of which the first are dropped */
#define SAMPLES	(BLOCKS * (BLOCK - FIRST))

enum deed { NOTHING, LOOK, HOLD, TAKE, DEEDS };

static const char * const deed_names[] = { "nothing", "look", "hold", "take" };
static const char * const technique_names[] = { "door", "lock" };

/* What the owner does inside: the items that it caches. */
static const unsigned int puts_of[] = { 0, 1, ITEMS };

#define PUTS (sizeof(puts_of) / sizeof(*puts_of))

/* Each in a line of its own. */
static struct {
	unsigned int asked __aligned(128);
	unsigned int done __aligned(128);
	struct {
		enum technique how;
		enum deed deed;
		bool over;
		__u64 cycles;
	} it __aligned(128);
	int cpu;
} other;

/* A CPU that has guessed a deed waits here until it knows, and moves no line before. */
static inline void not_by_guess(void)
{
	__builtin_ia32_lfence();
}

static inline void hold_owner(enum technique how)
{
	check(hold(how) ? 0 : EBUSY, "a hold of an owner that is away");
}

static void take_all(enum technique how)
{
	unsigned long to[1 + ITEMS], found = look();

	hold_owner(how);
	check(take(to, found) ? 0 : EBUSY, "a cache that nobody changes");
	let_go(how);
	/* Lest the compiler drop the copy. */
	asm volatile("" : : "r"(to) : "memory");
}

static void do_deed(enum technique how, enum deed deed)
{
	switch (deed) {
	case LOOK:
		not_by_guess();
		if (how == DOOR)
			__atomic_load_n(&cpu.state, __ATOMIC_RELAXED);
		__atomic_load_n(&cpu.cache.words[0], __ATOMIC_RELAXED);
		break;
	case HOLD:
		not_by_guess();
		hold_owner(how);
		let_go(how);
		break;
	case TAKE:
		not_by_guess();
		take_all(how);
		break;
	default:
		break;
	}
}

static void *do_deeds(void *unused)
{
	unsigned int number = 0;
	__u64 begin;

	(void)unused;
	pin(other.cpu);
	/* The first number says that this CPU is there. */
	for (;;) {
		__atomic_store_n(&other.done, ++number, __ATOMIC_RELEASE);	/* await() */
		while (__atomic_load_n(&other.asked, __ATOMIC_ACQUIRE) != number)	/* ask() */
			__builtin_ia32_pause();
		if (other.it.over)
			return NULL;
		begin = tsc();
		do_deed(other.it.how, other.it.deed);
		other.it.cycles = tsc() - begin;
	}
}

static unsigned int number;	/* of what was asked for last */

static void await(unsigned int nr)
{
	while (__atomic_load_n(&other.done, __ATOMIC_ACQUIRE) != nr)	/* pairs with do_deeds() */
		__builtin_ia32_pause();
}

static void ask(enum technique how, enum deed deed, bool over)
{
	await(++number);
	other.it.how = how;
	other.it.deed = deed;
	other.it.over = over;
	__atomic_store_n(&other.asked, number, __ATOMIC_RELEASE);	/* pairs with do_deeds() */
}

/* The same stores whatever is cached. */
static inline void put(unsigned int puts)
{
	unsigned int i;

	for (i = 1; i <= puts; i++)
		__atomic_store_n(&cpu.cache.words[i], i, __ATOMIC_RELAXED);
	if (puts)
		__atomic_store_n(&cpu.cache.words[0], puts, __ATOMIC_RELAXED);
}

static void operate(enum technique how, unsigned int puts)
{
	if (how == DOOR) {
		enter(DOOR);
		put(puts);
		leave(DOOR);
	} else {
		enter(LOCK);
		put(puts);
		leave(LOCK);
	}
}

static __u64 time_operation(enum technique how, unsigned int puts)
{
	__u64 begin = tsc();

	operate(how, puts);
	return tsc() - begin;
}

/* All lines are the owner's; then a deed; then the owner's operation. */
static void sample(enum technique how, unsigned int puts, enum deed deed, __u64 *owner,
		   __u64 *holder)
{
	operate(how, puts);
	operate(how, ITEMS);
	ask(how, deed, false);
	await(number + 1);
	*owner = time_operation(how, puts);
	*holder = other.it.cycles;
}

static __u64 owner_took[DEEDS][SAMPLES], holder_took[DEEDS][SAMPLES];

/* The mean of the middle half: the counter may go in steps of many cycles. */
static double middle(__u64 *cycles)
{
	double sum = 0;
	unsigned int i;

	sort(cycles, SAMPLES);
	for (i = SAMPLES / 4; i < SAMPLES * 3 / 4; i++)
		sum += cycles[i];
	return sum / (SAMPLES / 2);
}

static void print(enum technique how, unsigned int puts)
{
	unsigned int i;

	for (i = 0; i < DEEDS; i++) {
		printf("{\"part\": \"line\", \"technique\": \"%s\", \"puts\": %u",
		       technique_names[how], puts);
		printf(", \"deed\": \"%s\", \"owner\": %.1f, \"holder\": %.1f}\n",
		       deed_names[i], middle(owner_took[i]), middle(holder_took[i]));
	}
}

/* Blocks of each deed, in random order. */
static void measure_operation(enum technique how, unsigned int puts, struct draw *order)
{
	unsigned int taken[DEEDS] = { }, left, i, j, at;
	__u64 owner, holder;

	for (left = DEEDS * BLOCKS; left; left--) {
		do
			i = draw(order) % DEEDS;
		while (taken[i] == BLOCKS);
		at = taken[i]++ * (BLOCK - FIRST);
		for (j = 0; j < BLOCK; j++) {
			sample(how, puts, i, &owner, &holder);
			if (j < FIRST)
				continue;
			owner_took[i][at] = owner;
			holder_took[i][at++] = holder;
		}
	}
	print(how, puts);
}

/**
 * measure_lines - each operation after each deed; and the deeds
 * @setting: of this run
 *
 * With what two stamps take: subtract what there is after "nothing".
 */
void measure_lines(const struct setting *setting)
{
	struct draw order = { .state = setting->seed };
	pthread_t thread;
	unsigned int i;

	cpu.state = STATE_USER;
	cpu.cache.words[0] = 0;
	other.cpu = setting->holder;
	begin_thread(&thread, do_deeds, NULL);
	for (i = 0; i < PUTS; i++) {
		measure_operation(DOOR, puts_of[i], &order);
		measure_operation(LOCK, puts_of[i], &order);
	}
	ask(DOOR, NOTHING, true);
	end_thread(thread);
}
