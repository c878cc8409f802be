// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operation of this CPU on its demo cache takes after another CPU was at
 * it: looked, as every requester does, wrote there, or drained an item, as one may.
 * The cache is empty each time when the operation begins.
 */
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "image.h"
#include "modes.h"

#define BLOCKS	20
#define BLOCK	100	/* samples after one deed without another in between: */
#define FIRST	20	/* of which the first are dropped, when a CPU still guesses */
#define TIMES	(BLOCKS * (BLOCK - FIRST))
#define DEEDS	8
#define PAUSE	200	/* spins: until all that the deed has written is out */
#define ADDS	20000000UL

/* Each in a line of its own. */
static struct {
	unsigned int asked __aligned(128);
	unsigned int done __aligned(128);
	const struct cyc_deed *deed __aligned(128);	/* NULL: it is over */
	int host_cpu;
} other;

/*
 * Its call must not be guessed: to guess a deed is to begin it.  The program is
 * built with gcc; clang, which only looks at it, has no such attribute.
 */
#if __has_attribute(indirect_branch)
__attribute__((indirect_branch("thunk-inline")))
#elif !defined(__clang__)
#error "cycles: this compiler would guess deeds"
#endif
static void *do_deeds(void *unused)
{
	unsigned int number = 0;

	(void)unused;
	pin(other.host_cpu);
	image_cpu(1);
	image_pass_irqs(true);
	/* The first number says that this CPU is there. */
	for (;;) {
		/* Release: pairs with await(). */
		__atomic_store_n(&other.done, ++number, __ATOMIC_RELEASE);
		/* Acquire: pairs with start(). */
		while (__atomic_load_n(&other.asked, __ATOMIC_ACQUIRE) != number)
			__builtin_ia32_pause();
		if (!other.deed)
			return NULL;
		other.deed->run(0);
	}
}

/* The other CPU has come to this number. */
static void await(unsigned int nr)
{
	while (__atomic_load_n(&other.done, __ATOMIC_ACQUIRE) != nr)	/* pairs with do_deeds() */
		__builtin_ia32_pause();
}

static unsigned int number;	/* of the deed that was asked for last */

static void start(const struct cyc_deed *deed)
{
	await(++number);
	other.deed = deed;
	__atomic_store_n(&other.asked, number, __ATOMIC_RELEASE);	/* pairs with do_deeds() */
}

static void finish(void)
{
	await(number + 1);
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* What this CPU does for a deed, or nothing. */
static void own(void (*part)(void))
{
	if (!part)
		return;
	image_pass_irqs(true);
	part();
	image_pass_irqs(false);
}

static __u64 sample(const struct cyc_op *op, const struct cyc_deed *deed)
{
	unsigned int i;
	__u64 begin, cycles;

	own(deed->before);
	op->run();
	op->run();
	start(deed);
	finish();
	for (i = 0; i < PAUSE; i++)
		__builtin_ia32_pause();
	begin = clock_cycles();
	op->run();
	cycles = clock_cycles() - begin;
	own(deed->after);
	return cycles;
}

static void block(const struct cyc_op *op, const struct cyc_deed *deed, __u64 *samples)
{
	unsigned int i;

	for (i = 0; i < BLOCK; i++) {
		__u64 cycles = sample(op, deed);

		if (i >= FIRST)
			samples[i - FIRST] = cycles;
	}
}

/* "name": least and quartiles */
static void print(const char *name, __u64 *samples)
{
	qsort(samples, TIMES, sizeof(*samples), compare);
	printf("\"%s\":[%llu,%llu,%llu,%llu]", name, samples[0], samples[TIMES / 4],
	       samples[TIMES / 2], samples[TIMES * 3 / 4]);
}

/* Blocks of all deeds that may be done, in random order. */
static void print_deeds(const struct cyc_op *op, const struct cyc_deed **deeds, unsigned int nr)
{
	static __u64 samples[DEEDS][TIMES];
	unsigned int taken[DEEDS] = { }, left, i;

	for (left = nr * BLOCKS; left; left--) {
		do
			i = random() % nr;
		while (taken[i] == BLOCKS);
		block(op, deeds[i], &samples[i][taken[i]++ * (BLOCK - FIRST)]);
	}
	for (i = 0; i < nr; i++) {
		printf(",");
		print(deeds[i]->name, samples[i]);
	}
}

/* What calling the clock takes. */
static void print_stamps(const struct cyc_op *nothing)
{
	static __u64 samples[TIMES];
	unsigned int i;

	for (i = 0; i < BLOCKS; i++)
		block(nothing, &cyc_deeds[0], &samples[i * (BLOCK - FIRST)]);
	print("stamps", samples);
}

/* As many additions side by side as there are units; two threads of a core share them. */
static void adds(int unused)
{
	unsigned long i, a = 1, b = 1, c = 1, d = 1;

	(void)unused;
	for (i = 0; i < ADDS / 16; i++)
		asm volatile("add %0, %0; add %1, %1; add %2, %2; add %3, %3;"
			     "add %0, %0; add %1, %1; add %2, %2; add %3, %3;"
			     "add %0, %0; add %1, %1; add %2, %2; add %3, %3;"
			     "add %0, %0; add %1, %1; add %2, %2; add %3, %3"
			     : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
}

static __u64 time_adds(void)
{
	__u64 begin = clock_cycles();

	adds(0);
	return clock_cycles() - begin;
}

/* The least of some times: what the host does meanwhile makes them longer only. */
static __u64 least_adds(const struct cyc_deed *meanwhile)
{
	__u64 least = -1, cycles;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		start(meanwhile);
		cycles = time_adds();
		finish();
		least = cycles < least ? cycles : least;
	}
	return least;
}

/* Do both CPUs share a core? How much longer it takes beside the other's. */
static double beside(void)
{
	static const struct cyc_deed busy = { .name = "adds", .run = adds };
	__u64 alone;

	adds(0);
	alone = least_adds(&cyc_deeds[0]);
	return (double)least_adds(&busy) / alone;
}

static const struct cyc_op *find(const char *name)
{
	const struct cyc_op *op;

	for (op = cyc_ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	fprintf(stderr, "error: no operation %s in this kernel\n", name);
	exit(1);
}

/**
 * measure_lines - after each deed, in blocks in random order
 * @setting: of this run
 *
 * Prints {"clock": "pmu" or "tsc", "beside": [how much longer CPU-bound work takes
 * while the other CPU does the same (1: two cores, 2: one), before and after all],
 * "stamps" and each deed: least and quartiles of cycles}.
 * Return: for exit().
 */
int measure_lines(const struct setting *setting)
{
	const struct cyc_op *op = find("demo put, get"), *nothing = find("nothing");
	const struct cyc_deed *deeds[DEEDS], *deed;
	bool pmu = clock_begin();
	unsigned int nr = 0;
	pthread_t thread;
	double before;

	for (deed = cyc_deeds; deed->name && nr < DEEDS; deed++)
		if (deed->may())
			deeds[nr++] = deed;
	other.host_cpu = setting->other;
	if (pthread_create(&thread, NULL, do_deeds, NULL)) {
		perror("error: pthread_create");
		return 1;
	}
	srandom(setting->seed);
	printf("{\"clock\":\"%s\",", pmu ? "pmu" : "tsc");
	before = beside();
	print_stamps(nothing);
	print_deeds(op, deeds, nr);
	printf(",\"beside\":[%.3f,%.3f]}\n", before, beside());
	start(NULL);
	pthread_join(thread, NULL);
	return 0;
}
