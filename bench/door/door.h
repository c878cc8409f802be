/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include <linux/types.h>
#include <pthread.h>
#include <stddef.h>

/**
 * struct setting - of one run
 * @owner: the CPU of the owner, and of this program's main thread
 * @holder: the CPU of who takes out of its cache
 * @seed: of all that is drawn
 * @ms: how long one part of the waits lasts
 */
struct setting {
	int owner;
	int holder;
	unsigned int seed;
	unsigned int ms;
};

/**
 * struct draw - random numbers of one thread; begin with anything but 0
 * @state: the last one
 */
struct draw {
	__u64 state;
};

static inline unsigned int draw(struct draw *draw)
{
	draw->state ^= draw->state << 13;
	draw->state ^= draw->state >> 7;
	draw->state ^= draw->state << 17;
	return draw->state >> 32;
}

/* Work in registers, some cycles a round. */
static inline void work(unsigned int rounds)
{
	unsigned long sum = rounds;

	while (rounds--)
		asm volatile("imul %0, %0" : "+r"(sum));
}

void check(int error, const char *what);
void pin(int cpu);
void begin_thread(pthread_t *thread, void *(*run)(void *), void *of);
void end_thread(pthread_t thread);
__u64 rank(const __u64 *sorted, size_t nr, double share);
void sort(__u64 *values, size_t nr);

void measure_beside(const struct setting *setting);
void measure_pairs(const struct setting *setting);
void measure_lines(const struct setting *setting);
void measure_waits(const struct setting *setting, unsigned int which);

#define WAITS 6		/* of measure_waits() there are so many */

#endif /* DOOR_DOOR_H */
