// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ballast. Guest time is shared by the CPUs that are busy; if a CPU is always
 * busy, an arm whose requester sleeps gains no time by it.
 *
 * It is also who dithers the metronome: it runs all the time, and disturbs
 * nobody by it.
 */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "machine.h"
#include "random.h"
#include "spin.h"
#include "tasks.h"

#define DITHER_BLOCKS	1024	/* 0.46 million instructions: 1 ms if two CPUs are busy */

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void __noreturn spin_and_dither(const struct params *params, __u64 *first)
{
	__u64 stream = random_stream(params->seed, STREAM_TURNS);
	__u64 low = params_metronome(params) - params_dither(params);
	__u64 span = 2 * params_dither(params) + 1;
	__u64 count = low + random_below(&stream, span);
	int i;

	if (!metronome_hold())
		fail("ballast: metronome");
	*first = count;
	for (;;) {
		metronome_set(count);
		for (i = 0; i < DITHER_BLOCKS; i++)
			spin_block();
		count = low + random_below(&stream, span);
	}
}

void ballast_run(void *arg)
{
	const struct ballast *ballast = arg;
	struct sched_param param = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &param))
		fail("ballast: SCHED_IDLE");
	if (ballast->dithers)
		spin_and_dither(ballast->params, &ballast->shared->first_turn);
	for (;;)
		spin_block();
}
