// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each operation takes, in cycles. Long loops say how many fit into a time,
 * with what the CPU overlaps; short ones what one takes between two fences.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "image.h"
#include "modes.h"

#define LONG_TIMES	2
#define SHORT_TIMES	2001
#define MAX_OPS		64

static const unsigned int short_loops[] = { 1, 10 };

static void again(const struct cyc_op *op)
{
	if (op->again)
		op->again();
}

static void do_loop(const struct cyc_op *op, unsigned long times)
{
	unsigned long runs = op->again ? op->runs : times;

	while (times) {
		unsigned long i, now = times < runs ? times : runs;

		for (i = 0; i < now; i++)
			op->run();
		again(op);
		times -= now;
	}
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

static void print_long(const struct cyc_op *op, unsigned long loops)
{
	int i;

	printf("\"long\":[");
	do_loop(op, loops / 8 + 1);
	for (i = 0; i < LONG_TIMES; i++) {
		struct stamp begin = clock_now(), end;

		do_loop(op, loops);
		end = clock_now();
		printf("%s[%.4f,%.4f]", i ? "," : "",
		       (double)(end.cycles - begin.cycles) / loops,
		       (double)(end.instructions - begin.instructions) / loops);
	}
	printf("]");
}

static void print_short(const struct cyc_op *op, unsigned int loops)
{
	static __u64 samples[SHORT_TIMES];
	unsigned int i, j;

	for (i = 0; i < SHORT_TIMES; i++) {
		__u64 begin = clock_cycles();

		for (j = 0; j < loops; j++)
			op->run();
		samples[i] = clock_cycles() - begin;
		again(op);
	}
	qsort(samples, SHORT_TIMES, sizeof(*samples), compare);
	printf(",\"short/%u\":[%llu,%llu,%llu,%llu]", loops, samples[0], samples[SHORT_TIMES / 4],
	       samples[SHORT_TIMES / 2], samples[SHORT_TIMES * 3 / 4]);
}

/* Of 0 to nr - 1, each once. */
static void shuffle(unsigned int *order, unsigned int nr, unsigned long seed)
{
	unsigned int i;

	srandom(seed);
	for (i = 0; i < nr; i++) {
		unsigned int other = random() % (i + 1);

		order[i] = order[other];
		order[other] = i;
	}
}

/**
 * measure_cycles - of all operations, in an order of their own
 * @setting: of this run
 *
 * Prints {"clock": "pmu" or "tsc", "chain": [cycles, TSC cycles] per addition,
 * "ops": {name: {"long": [[cycles, instructions] of one], "short/N": least and
 * quartiles of N between two stamps}}, "chain_after": as before}.
 * Return: for exit().
 */
int measure_cycles(const struct setting *setting)
{
	unsigned int i, nr = 0, order[MAX_OPS], s;
	bool pmu = clock_begin();
	double tsc, chain;

	while (cyc_ops[nr].name)
		nr++;
	shuffle(order, nr, setting->seed);
	chain = clock_chain(&tsc);
	printf("{\"clock\":\"%s\",\"chain\":[%.4f,%.4f],\"ops\":{",
	       pmu ? "pmu" : "tsc", chain, tsc);
	for (i = 0; i < nr; i++) {
		const struct cyc_op *op = &cyc_ops[order[i]];

		printf("%s\"%s\":{", i ? "," : "", op->name);
		print_long(op, setting->loops);
		for (s = 0; s < sizeof(short_loops) / sizeof(*short_loops); s++)
			print_short(op, short_loops[s]);
		printf("}");
	}
	chain = clock_chain(&tsc);
	printf("},\"chain_after\":[%.4f,%.4f]}\n", chain, tsc);
	return 0;
}
