// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do both CPUs share a core?  A virtual machine's topology does not tell.  Additions
 * side by side, as many as a core has units, take longer then while the other CPU adds.
 */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "door.h"
#include "tsc.h"

#define ROUNDS	100000
#define TIMES	5

static struct {
	bool there __aligned(128);
	bool enough __aligned(128);
	int cpu;
} other;

static void do_sums(void)
{
	unsigned long a = 1, b = 1, c = 1, d = 1, i;

	for (i = 0; i < ROUNDS; i++)
		asm volatile("add %0, %0; add %1, %1; add %2, %2; add %3, %3;"
			     "add %0, %0; add %1, %1; add %2, %2; add %3, %3;"
			     "add %0, %0; add %1, %1; add %2, %2; add %3, %3"
			     : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
}

static void *sum_beside(void *unused)
{
	(void)unused;
	pin(other.cpu);
	__atomic_store_n(&other.there, true, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&other.enough, __ATOMIC_RELAXED))
		do_sums();
	return NULL;
}

/* The least of some times: what a host does meanwhile makes them longer only. */
static __u64 least(void)
{
	__u64 found = -1, begin, cycles;
	unsigned int i;

	for (i = 0; i < TIMES; i++) {
		begin = tsc();
		do_sums();
		cycles = tsc() - begin;
		if (cycles < found)
			found = cycles;
	}
	return found;
}

/* Cycles of the counter in a second. */
static double frequency(void)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	struct timespec from, to;
	__u64 begin, end;

	clock_gettime(CLOCK_MONOTONIC, &from);
	begin = tsc();
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	end = tsc();
	return (end - begin) / (to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9);
}

/**
 * measure_beside - how much longer additions take while the other CPU adds
 * @setting: of this run
 *
 * 1: two cores; 2: one.
 */
void measure_beside(const struct setting *setting)
{
	pthread_t thread;
	__u64 alone;

	do_sums();
	alone = least();
	other.cpu = setting->holder;
	other.enough = false;
	other.there = false;
	begin_thread(&thread, sum_beside, NULL);
	while (!__atomic_load_n(&other.there, __ATOMIC_RELAXED))
		__builtin_ia32_pause();
	printf("{\"part\": \"beside\", \"times\": %.3f, \"tsc_hz\": %.0f}\n",
	       (double)least() / alone, frequency());
	__atomic_store_n(&other.enough, true, __ATOMIC_RELAXED);
	end_thread(thread);
}
