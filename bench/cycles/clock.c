// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cycles of the core: from the PMU, read in user space, where the kernel lets us;
 * else the time stamp counter, which runs at a frequency of its own. A chain of
 * additions, one cycle each, tells the one from the other.
 */
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "clock.h"

#define LINKS 80000UL

static struct perf_event_mmap_page *cycles, *instructions;

static struct perf_event_mmap_page *counter(__u64 config)
{
	struct perf_event_attr attr;
	struct perf_event_mmap_page *page;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_HARDWARE;
	attr.config = config;
	attr.pinned = 1;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		return NULL;
	page = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || !page->cap_user_rdpmc || !page->index)
		return NULL;
	return page;
}

/**
 * clock_begin - for the calling thread
 *
 * Return: are they cycles of the core? Else of the TSC.
 */
bool clock_begin(void)
{
	cycles = counter(PERF_COUNT_HW_CPU_CYCLES);
	instructions = counter(PERF_COUNT_HW_INSTRUCTIONS);
	if (!instructions)
		cycles = NULL;
	if (!cycles)
		instructions = NULL;
	return cycles;
}

/* As linux/perf_event.h explains it. */
static inline __u64 value(const struct perf_event_mmap_page *page)
{
	__u64 sum;
	__u32 seq;

	do {
		__u32 index;

		seq = __atomic_load_n(&page->lock, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		index = page->index;
		sum = page->offset;
		if (index) {
			int shift = 64 - page->pmc_width;

			sum += (__s64)(__rdpmc(index - 1) << shift) >> shift;
		}
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	} while (__atomic_load_n(&page->lock, __ATOMIC_RELAXED) != seq);
	return sum;
}

/**
 * clock_cycles - all before has been executed, nothing behind has begun
 *
 * Return: cycles so far
 */
__u64 clock_cycles(void)
{
	__u64 now;

	_mm_lfence();
	now = cycles ? value(cycles) : __rdtsc();
	_mm_lfence();
	return now;
}

struct stamp clock_now(void)
{
	struct stamp now = { .instructions = instructions ? value(instructions) : 0 };

	now.cycles = clock_cycles();
	return now;
}

static double chain(double *tsc)
{
	unsigned long i, sum = 1;
	__u64 begin, begin_tsc;

	begin_tsc = __rdtsc();
	begin = clock_cycles();
	for (i = 0; i < LINKS / 8; i++)
		asm volatile("add %0, %0; add %0, %0; add %0, %0; add %0, %0;"
			     "add %0, %0; add %0, %0; add %0, %0; add %0, %0" : "+r"(sum));
	begin = clock_cycles() - begin;
	*tsc = (double)(__rdtsc() - begin_tsc) / LINKS;
	return (double)begin / LINKS;
}

/**
 * clock_chain - what an addition takes that waits for the one before it
 * @tsc: the same in cycles of the TSC; the least of a few, as is what is returned
 *
 * Return: cycles per addition: 1, or there is something wrong; without a PMU what
 * a cycle of the core is in those of the TSC.
 */
double clock_chain(double *tsc)
{
	double least = chain(tsc);
	int i;

	for (i = 0; i < 4; i++) {
		double this_tsc, this = chain(&this_tsc);

		if (this < least)
			least = this;
		if (this_tsc < *tsc)
			*tsc = this_tsc;
	}
	return least;
}
