// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: an isolated CPU under load.
 *
 * Two owners in user mode, interrupts that cache, and requesters, at random for a while;
 * nothing is lost by it, and never does the CPU enter user mode with a debt.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/prandom.h>
#include <linux/smp.h>

#include "fixture.h"
#include "scene.h"
#include "user_owner.h"
#include "user_partition.h"
#include "user_probe.h"

#define STRESS_MS 1000
#define ENOUGH 200
#define CHANGES 3

static struct {
	struct hrtimer timer;
	struct rnd_state rnd;		/* the timer's */
	struct rnd_state owner_rnd[USER_OWNERS];
	struct rnd_state fault_rnd;
	bool over;
} stress;

static u64 next_interrupt(void)
{
	return 20000 + prandom_u32_state(&stress.rnd) % 300000;
}

static enum hrtimer_restart cache_in_hardirq(struct hrtimer *timer)
{
	u32 what = prandom_u32_state(&stress.rnd);

	if (what & 1)
		script_cache(NULL);
	if (what & 2)
		script_cache_second();
	hrtimer_forward_now(timer, ns_to_ktime(next_interrupt()));
	return HRTIMER_RESTART;
}

static void start_interrupts(void *unused)
{
	hrtimer_start(&stress.timer, ns_to_ktime(next_interrupt()),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static void do_something(void *data)
{
	struct rnd_state *rnd = data;

	switch (prandom_u32_state(rnd) % 8) {
	case 0:
		script_cache(NULL);
		usleep_range(50, 500);
		break;
	case 1:
		usleep_range(50, 500);
		script_cache(NULL);
		break;
	case 2:
		script_cache(NULL);
		schedule();
		script_cache(NULL);
		break;
	case 3:
	case 4:
		script_cache(NULL);
		break;
	case 5:
		udelay(prandom_u32_state(rnd) % 100);
		break;
	default:
		break;
	}
}

static int ask_again_and_again(void *data)
{
	static const enum pcd_mode modes[] = { PCD_WAIT, PCD_STRICT, PCD_POST, PCD_WAIT, PCD_MUST };
	unsigned int i = 0;

	while (!READ_ONCE(stress.over)) {
		pcd_drain_all(&scripted, NULL, modes[i++ % ARRAY_SIZE(modes)]);
		usleep_range(20, 600);
	}
	return 0;
}

/* What @test started: two owners on one CPU, interrupts there, and two requesters. */
static struct {
	int cpu;
	struct user_owner *owner[USER_OWNERS];
	struct thread requester[2];
	unsigned int entries;
} load;

/* The owners, doing nothing yet. */
static void load_prepare(struct kunit *test, int cpu)
{
	load.cpu = cpu;
	load.owner[0] = scene_start(test, cpu);
	load.owner[1] = owner_start(test, cpu);
}

static void load_begin(struct kunit *test)
{
	int i;

	prandom_seed_state(&stress.rnd, 1);
	prandom_seed_state(&stress.fault_rnd, 2);
	WRITE_ONCE(stress.over, false);
	hrtimer_setup(&stress.timer, cache_in_hardirq, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	smp_call_function_single(load.cpu, start_interrupts, NULL, true);
	load.entries = probe_entries(load.cpu);
	for (i = 0; i < USER_OWNERS; i++) {
		prandom_seed_state(&stress.owner_rnd[i], 3 + i);
		owner_on_fault(load.owner[i], do_something, &stress.fault_rnd);
		owner_tell(load.owner[i], do_something, &stress.owner_rnd[i], OWNER_FAULT);
		owner_repeat(load.owner[i], true);
		thread_start(test, &load.requester[i], requester_cpu(i),
			     ask_again_and_again, NULL);
	}
}

static void load_end(struct kunit *test)
{
	int i;

	KUNIT_EXPECT_TRUE_MSG(test, eventually(probe_entries(load.cpu) - load.entries > ENOUGH &&
					       atomic_read(&script.drained) > ENOUGH),
			      "hardly any load");
	WRITE_ONCE(stress.over, true);
	for (i = 0; i < USER_OWNERS; i++)
		thread_join(&load.requester[i]);
	for (i = 0; i < USER_OWNERS; i++)
		owner_repeat(load.owner[i], false);
	for (i = 0; i < USER_OWNERS; i++)
		KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(load.owner[i])));
	hrtimer_cancel(&stress.timer);
}

/* ---- 4: never in user mode with a debt ---- */

static void never_in_user_mode_with_a_debt(struct kunit *test)
{
	load_prepare(test, any_isolated_cpu(test, 0));
	load_begin(test);
	msleep(STRESS_MS);
	load_end(test);
	probe_expect_no_debt(test);
	scene_expect_nothing_lost(test, load.cpu);
}

/* ---- 7: the scheduler's isolation changes, and makes no difference ---- */

static void domain_isolation_changes_under_load(struct kunit *test)
{
	int cpu = any_isolated_cpu(test, 0), i;

	partition_start(test, cpu);
	load_prepare(test, cpu);
	for (i = 0; i < USER_OWNERS; i++)
		partition_take(test, load.owner[i]);
	load_begin(test);
	for (i = 0; i < CHANGES; i++) {
		partition_change(test, true);
		partition_change(test, false);
	}
	load_end(test);
	probe_expect_no_debt(test);
	scene_expect_nothing_lost(test, cpu);
}

static struct kunit_case pcpu_drain_load_cases[] = {
	KUNIT_CASE(never_in_user_mode_with_a_debt),
	KUNIT_CASE(domain_isolation_changes_under_load),
	{}
};

static struct kunit_suite pcpu_drain_load_suite = {
	.name = "mm_pcpu_drain_load",
	.test_cases = pcpu_drain_load_cases,
};

kunit_test_suite(pcpu_drain_load_suite);
