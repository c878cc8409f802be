// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loop that polls in user mode: the owner spins and never enters the kernel
 * by itself. Now and then it has filled its caches; then another CPU asks for a
 * drain, or does not.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../common/load.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"

#define US		1000ULL
#define PAGE		4096UL

enum kind { DRAIN, EMPTY, QUIET, NR_KINDS };

static const char *const kind_names[NR_KINDS] = {
	[DRAIN]	= "drain",
	[EMPTY]	= "drain of an empty cache",
	[QUIET]	= "quiet",
};

static struct shared_here {
	int asked;	/* refills; init writes it (release), the owner reads it (acquire) */
	int done;	/* the other way round */
} *shared;

static __u64 fills;

static void owner(void *unused)
{
	char *page = mmap(NULL, 512 * 64 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int done = 0;
	__u64 i;

	(void)unused;
	if (page == MAP_FAILED) {
		perror("owner: mmap");
		_exit(1);
	}
	for (;;) {
		if (__atomic_load_n(&shared->asked, __ATOMIC_ACQUIRE) == done) {
			spin_block();
			continue;
		}
		for (i = 0; i < fills; i++, page += PAGE)
			touch(page);
		__atomic_store_n(&shared->done, ++done, __ATOMIC_RELEASE);
	}
}

static void refill(int number)
{
	__atomic_store_n(&shared->asked, number, __ATOMIC_RELEASE);
	while (__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE) != number)
		sleep_until(now_ns() + 20 * US);
}

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	__u64 rounds = load_number("rounds"), window = load_number("window_us") * US;
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS), i;
	int labels[NR_KINDS], kind;
	__u64 left[NR_KINDS];

	fills = load_number("fills");
	for (kind = 0; kind < NR_KINDS; kind++) {
		labels[kind] = load_label("%s", kind_names[kind]);
		left[kind] = rounds;
	}
	shared = load_shared(sizeof(*shared));
	spawn(cpus->isolated, ROLE_OWNER, owner, NULL);
	if (!proof_tick_stopped(cpus->isolated))
		return proof_why;
	for (i = 0; i < NR_KINDS * rounds; i++) {
		__u64 at = now_ns() + random_below(&stream, 1000 * US), before;

		do
			kind = random_below(&stream, NR_KINDS);
		while (!left[kind]);
		left[kind]--;
		sleep_until(at);
		if (!load_drain(params))
			return "drain_now failed";
		refill(i + 1);
		if (kind == EMPTY && !load_drain(params))
			return "drain_now failed";
		sleep_until(now_ns() + 3000 * US);
		window_begin(labels[kind], i);
		before = now_ns();
		if (kind != QUIET && !load_drain(params))
			return "drain_now failed";
		load_value(labels[kind], i, "completion_ns", now_ns() - before);
		sleep_until(before + window);
		window_end(labels[kind], i);
	}
	return NULL;
}
