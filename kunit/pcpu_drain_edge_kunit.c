// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: the edges of requests and drains on an isolated CPU, where an
 * interrupt, or another CPU, makes the difference within a few instructions.
 *
 * Such an edge is met by trying often, with CPUs that are held up at random (holdup.c),
 * so that an owner goes all its way to user mode between two of a request's
 * instructions, and with interrupts that are timed for the end of a drain.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/prandom.h>

#include <trace/events/pcpu_drain.h>

#include "fixture.h"
#include "holdup.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"

#define STRESS_MS 1000
#define ENOUGH 100
#define REQUESTERS 2

/* ---- a load: an owner that comes and goes, and requesters ---- */

static struct {
	struct thread requester[REQUESTERS];
	struct rnd_state rnd[REQUESTERS];
	struct rnd_state owner_rnd;
	unsigned int entries;
	bool over;
} load;

static int ask_again_and_again(void *data)
{
	struct rnd_state *rnd = data;

	while (!READ_ONCE(load.over)) {
		u32 what = prandom_u32_state(rnd);

		pcd_drain_all(what & 1 ? &scripted : &second, NULL,
			      what & 2 ? PCD_WAIT : PCD_POST);
		usleep_range(what >> 8 & 15, 20 + (what >> 16 & 63));
	}
	return 0;
}

/* @fn is what the owner does in each system call; @last what the last requester does. */
static void load_begin(struct kunit *test, int cpu, struct user_owner *owner,
		       void (*fn)(void *unused), int (*last)(void *rnd))
{
	int i;

	WRITE_ONCE(load.over, false);
	load.entries = probe_entries(cpu);
	prandom_seed_state(&load.owner_rnd, 1);
	owner_tell(owner, fn, NULL, OWNER_AGAIN);
	owner_repeat(owner, true);
	for (i = 0; i < REQUESTERS; i++) {
		prandom_seed_state(&load.rnd[i], 2 + i);
		thread_start(test, &load.requester[i], requester_cpu(i),
			     i == REQUESTERS - 1 ? last : ask_again_and_again, &load.rnd[i]);
	}
}

static void load_end(struct kunit *test, int cpu, struct user_owner *owner)
{
	int i;

	KUNIT_EXPECT_TRUE_MSG(test, eventually(probe_entries(cpu) - load.entries > ENOUGH &&
					       atomic_read(&script.drained) > ENOUGH),
			      "hardly any load");
	WRITE_ONCE(load.over, true);
	for (i = 0; i < REQUESTERS; i++)
		thread_join(&load.requester[i]);
	owner_repeat(owner, false);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
}

static void expect_nothing_lost(struct kunit *test)
{
	pcd_drain_all(&scripted, NULL, PCD_MUST);
	pcd_drain_all(&second, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&script.drained), atomic_read(&script.cached),
			    "lost, or drained twice");
	probe_expect_no_debt(test);
}

/* ---- owner and requesters are held up between any two of their instructions ---- */

/* In all the ways that end in user mode at once. */
static void cache_and_leave(void *unused)
{
	u32 what = prandom_u32_state(&load.owner_rnd);

	if (what & 1)
		script_cache_second();
	if (what & 2) {
		migrate_disable();
		script_cache_half();
		udelay(what >> 8 & 31);
		script_cache_other_half();
		migrate_enable();
	}
	if (what & 4)
		udelay(what >> 16 & 31);
}

static void everybody_is_held_up_anywhere(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = scene_start(test, cpu);
	struct cpumask cpus = *cpumask_of(cpu);

	for (i = 0; i < REQUESTERS; i++)
		cpumask_set_cpu(requester_cpu(i), &cpus);
	holdup_start(test, requester_cpu(REQUESTERS), &cpus);
	load_begin(test, cpu, owner, cache_and_leave, ask_again_and_again);
	msleep(STRESS_MS);
	load_end(test, cpu, owner);
	expect_nothing_lost(test);
}

/* ---- a request comes, or an interrupt caches, when a drain ends ---- */

static struct {
	int cpu;
	bool begun;	/* a drain there */
} drain;

static void say_that_it_has_begun(void)
{
	WRITE_ONCE(drain.begun, true);
}

static void cache_both(void *unused)
{
	script_cache(NULL);
	script_cache_second();
}

/* For the other class, while the drain is held up, perhaps at its end. */
static int ask_at_the_end_of_drains(void *data)
{
	struct rnd_state *rnd = data;

	while (!READ_ONCE(load.over)) {
		if (!READ_ONCE(drain.begun)) {
			cond_resched();
			continue;
		}
		WRITE_ONCE(drain.begun, false);
		ndelay(prandom_u32_state(rnd) % 4000);
		holdup_now(drain.cpu);
		pcd_drain_all(&second, NULL, PCD_POST);
	}
	return 0;
}

static void request_comes_at_the_end_of_a_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	holdup_prepare(test, cpumask_of(cpu));
	drain.cpu = cpu;
	WRITE_ONCE(drain.begun, false);
	WRITE_ONCE(script.in_drain, say_that_it_has_begun);
	load_begin(test, cpu, owner, cache_both, ask_at_the_end_of_drains);
	msleep(STRESS_MS);
	load_end(test, cpu, owner);
	WRITE_ONCE(script.in_drain, NULL);
	expect_nothing_lost(test);
}

#define DRAIN_NS 20000

static struct hrtimer late_interrupt;

static enum hrtimer_restart cache_late(struct hrtimer *timer)
{
	script_cache(NULL);
	return HRTIMER_NORESTART;
}

/* In the middle of a drain. */
static void have_an_interrupt_cache_late(void)
{
	u32 ns = prandom_u32_state(&load.owner_rnd) % DRAIN_NS;

	hrtimer_start(&late_interrupt, ns_to_ktime(ns), HRTIMER_MODE_REL_PINNED_HARD);
}

static void interrupt_caches_at_the_end_of_a_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	hrtimer_setup(&late_interrupt, cache_late, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	WRITE_ONCE(script.in_drain, have_an_interrupt_cache_late);
	load_begin(test, cpu, owner, script_cache, ask_again_and_again);
	msleep(STRESS_MS);
	load_end(test, cpu, owner);
	WRITE_ONCE(script.in_drain, NULL);
	/* Drains that have begun before may still start it. */
	pcd_drain_all(&scripted, NULL, PCD_MUST);
	hrtimer_cancel(&late_interrupt);
	expect_nothing_lost(test);
}

/* ---- a drain under way is known ---- */

static struct {
	struct task_struct *task;	/* that caches in its drain, just now */
	unsigned int arranged;		/* drains, for that */
} nested;

static void probe_arrange(void *unused, enum pcd_by by)
{
	if (in_task() && READ_ONCE(nested.task) == current)
		WRITE_ONCE(nested.arranged, nested.arranged + 1);
}

static void forget_arrangements(void *unused)
{
	unregister_trace_pcd_arrange(probe_arrange, NULL);
	tracepoint_synchronize_unregister();
}

static void cache_second_in_drain(void)
{
	WRITE_ONCE(nested.task, current);
	script_cache_second();
	WRITE_ONCE(nested.task, NULL);
}

/* It finds that itself: else each drain would be followed by another. */
static void what_a_drain_caches_needs_no_other(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	nested.arranged = 0;
	KUNIT_ASSERT_EQ(test, register_trace_pcd_arrange(probe_arrange, NULL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, forget_arrangements, NULL), 0);
	WRITE_ONCE(script.in_drain, cache_second_in_drain);
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	ask(test, PCD_WAIT);
	answer(test);
	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	KUNIT_EXPECT_EQ(test, nested.arranged, 0);
	expect_nothing_lost(test);
}

static struct kunit_case pcpu_drain_edge_cases[] = {
	KUNIT_CASE(everybody_is_held_up_anywhere),
	KUNIT_CASE(request_comes_at_the_end_of_a_drain),
	KUNIT_CASE(interrupt_caches_at_the_end_of_a_drain),
	KUNIT_CASE(what_a_drain_caches_needs_no_other),
	{}
};

static struct kunit_suite pcpu_drain_edge_suite = {
	.name = "mm_pcpu_drain_edge",
	.test_cases = pcpu_drain_edge_cases,
};

kunit_test_suite(pcpu_drain_edge_suite);
