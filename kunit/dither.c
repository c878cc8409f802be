// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dithered turns.  An emulator that counts instructions runs one CPU at a time,
 * until the next deadline of any timer.  A timer with pseudo-random intervals ends
 * those turns at points that a seed chooses, and chooses again: another seed is
 * another schedule.
 *
 * pcd_kunit.dither=SEED on the command line switches it on.
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/smp.h>

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "pcd_kunit."

/*
 * Around the length of what races: a system call, an interrupt, a queue_work_on().
 * The handler itself takes a debug kernel a few microseconds of 1000 instructions.
 */
#define SHORTEST_NS 10000
#define LONGEST_NS 150000

static unsigned int dither;
module_param(dither, uint, 0444);
MODULE_PARM_DESC(dither, "seed of the dithered turns; 0: none");

static struct hrtimer dither_timer;
static struct rnd_state dither_rnd;

static enum hrtimer_restart dither_again(struct hrtimer *timer)
{
	u32 span = LONGEST_NS - SHORTEST_NS;
	u32 ns = SHORTEST_NS + prandom_u32_state(&dither_rnd) % span;

	hrtimer_forward_now(timer, ns_to_ktime(ns));
	return HRTIMER_RESTART;
}

static void dither_here(void *unused)
{
	hrtimer_start(&dither_timer, ns_to_ktime(LONGEST_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

static int __init dither_start(void)
{
	if (!dither)
		return 0;
	prandom_seed_state(&dither_rnd, dither);
	hrtimer_setup(&dither_timer, dither_again, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	return smp_call_function_single(cpumask_first(cpu_online_mask), dither_here, NULL, true);
}
late_initcall(dither_start);
