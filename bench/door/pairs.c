// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an owner pays while nobody else is there: in long loops, in which it works a
 * little between two entries.
 */
#include <stdio.h>

#include "door.h"
#include "protocol.h"
#include "tsc.h"

#define BLOCKS	40
#define PAIRS	10000	/* in a block */
#define ROUNDS	10	/* of work between two pairs */

/*
 * A loop of its own for each; twice the same one tells what its place in memory does, and
 * its name keeps the compiler from making one of both.
 */
#define LOOP(name, pair)						\
static void __aligned(64) name(void)					\
{									\
	unsigned int i;							\
									\
	asm volatile("# " #name);					\
	for (i = 0; i < PAIRS; i++) {					\
		work(ROUNDS);						\
		pair;							\
	}								\
}

static inline void untested(void)
{
	add_return(&cpu.state, ENTER);
	leave(DOOR);
}

static inline void tested(enum technique how)
{
	enter(how);
	leave(how);
}

LOOP(loop_nothing, (void)0)
LOOP(loop_entry, untested())
LOOP(loop_again, untested())
LOOP(loop_door, tested(DOOR))
LOOP(loop_lock, tested(LOCK))

static const struct {
	const char *name;
	void (*run)(void);
} loops[] = {
	{ "nothing", loop_nothing },
	{ "entry", loop_entry },
	{ "entry again", loop_again },
	{ "door", loop_door },
	{ "lock", loop_lock },
};

#define LOOPS (sizeof(loops) / sizeof(*loops))

static __u64 time_block(void (*run)(void))
{
	__u64 begin = tsc();

	run();
	return tsc() - begin;
}

/**
 * measure_pairs - cycles of a pair, without those of the work
 * @setting: of this run
 */
void measure_pairs(const struct setting *setting)
{
	static __u64 cycles[LOOPS][BLOCKS];
	struct draw order = { .state = setting->seed };
	unsigned int taken[LOOPS] = { }, left, i;
	double nothing;

	cpu.state = STATE_USER;
	for (i = 0; i < LOOPS; i++)
		loops[i].run();
	for (left = LOOPS * BLOCKS; left; left--) {
		do
			i = draw(&order) % LOOPS;
		while (taken[i] == BLOCKS);
		cycles[i][taken[i]++] = time_block(loops[i].run);
	}
	for (i = 0; i < LOOPS; i++)
		sort(cycles[i], BLOCKS);
	nothing = rank(cycles[0], BLOCKS, 0.5);
	for (i = 1; i < LOOPS; i++)
		printf("{\"part\": \"pair\", \"pair\": \"%s\", \"cycles\": %.2f}\n", loops[i].name,
		       (rank(cycles[i], BLOCKS, 0.5) - nothing) / PAIRS);
}
