// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: what an owner in user mode is promised, and what it promises.
 *
 * Requests leave it alone and post what they want drained; that is done when it has
 * come to the kernel and would leave again, whatever else happens on its way.  The
 * probe (user_probe.c) checks both promises at each entry, exit, work and interrupt.
 */
#include <kunit/test.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"

#define ROUNDS 20

/* ---- 4: posted is kept ---- */

static struct user_owner *start_posted(struct kunit *test, int cpu)
{
	struct user_owner *owner = scene_start(test, cpu);

	scene_post(test, cpu, owner);
	return owner;
}

static void posted_is_kept_on_the_next_entry(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_posted(test, cpu);

	/* Its next system call does nothing, and it is back in user mode. */
	owner_tell(owner, NULL, NULL, OWNER_SPIN);
	owner_go(owner);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static void posted_then_the_owner_blocks(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_posted(test, cpu);

	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	probe_expect_no_debt(test);
}

static void posted_then_the_owner_dies(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_posted(test, cpu);

	send_sig(SIGKILL, owner_task(owner), 1);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_dead(owner)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	probe_expect_no_debt(test);
}

static void two_classes_are_posted(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	scene_post_both(test, cpu, owner);
	owner_tell(owner, NULL, NULL, OWNER_SPIN);
	owner_go(owner);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ(test, second_items(cpu), 0);
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static void do_nothing(void *unused)
{
}

/* Interrupts are off until it would return: what they are to bring about comes later. */
static void posted_is_kept_by_an_interrupt(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	scene_post(test, cpu, owner);
	KUNIT_ASSERT_EQ(test, smp_call_function_single(cpu, do_nothing, NULL, true), 0);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	KUNIT_EXPECT_TRUE(test, owner_is_in_user_mode(owner));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static void release_drain(void *unused)
{
	WRITE_ONCE(script.held_cpu, -1);
	complete_all(&script.release);
}

/* Drains of @cpu sleep in their middle, until the test ends at the latest. */
static void hold_drains(struct kunit *test, int cpu)
{
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, release_drain, NULL), 0);
	WRITE_ONCE(script.held_cpu, cpu);
}

static bool drain_is_held(void)
{
	return completion_done(&script.entered);
}

/* It has left its system call, and waits for a drain before user mode. */
static bool is_held_up(struct user_owner *owner)
{
	return drain_is_held() && owner_has_done(owner) && owner_is_asleep(owner);
}

/* Drain without owing it, as FIFO and so before a kworker does. */
static void drain_when_told(void *unused)
{
	sched_set_fifo(current);
	be_asleep(NULL);
	pcd_drain_local(&scripted, NULL);
}

/* Another task begins to drain before what is posted is drained.  False: it came too late. */
static bool drain_before_the_owner(struct kunit *test, int cpu, struct user_owner *owner,
				   struct user_owner *other)
{
	close_latch(test);
	owner_tell(other, drain_when_told, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_asleep(other)));
	scene_post(test, cpu, owner);
	hold_drains(test, cpu);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(is_held_up(owner) || owner_is_waiting(other)),
			      "the owner goes past it");
	return drain_is_held();
}

static void posted_is_kept_past_another_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = scene_start(test, cpu);
	struct user_owner *other = owner_start(test, cpu);

	/* Repeat if a tick came between. */
	for (i = 0; i < ROUNDS && !drain_before_the_owner(test, cpu, owner, other); i++)
		owner_come_back(test, owner);
	/* And still after a drain that pays has found nothing owed. */
	schedule_timeout_uninterruptible(HZ / 10);
	KUNIT_EXPECT_TRUE_MSG(test, is_held_up(owner), "the owner goes past it");
	KUNIT_EXPECT_EQ(test, script_items(cpu), 1);
	release_drain(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner) && !script_items(cpu)));
	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(other)));
	probe_expect_no_debt(test);
}

/* ---- 5: an owner in user mode is left alone ---- */

/* @mode is to cost an owner in user mode nothing, whether or not it has something cached. */
static void expect_left_alone(struct kunit *test, enum pcd_mode mode)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = scene_start(test, cpu);
	struct pcd_result result;

	if (!pcd_tracks(cpu) && !pcd_locks_remotely())
		kunit_skip(test, "in this variant a kworker disturbs the owner");
	for (i = 0; i < ROUNDS; i++) {
		owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
		probe_await_quiet(cpu);
		ask(test, mode);
		result = answer(test);
		KUNIT_EXPECT_LE(test, result.drained + result.posted,
				!pcd_variant_clean_in_user());
		owner_come_back(test, owner);
		KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	}
	probe_expect_no_debt(test);
}

static void wait_leaves_user_mode_alone(struct kunit *test)
{
	expect_left_alone(test, PCD_WAIT);
}

static void post_leaves_user_mode_alone(struct kunit *test)
{
	expect_left_alone(test, PCD_POST);
}

/* The second request finds that the first one's is posted already. */
static void asked_again_it_is_left_alone(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = scene_start(test, cpu);

	scene_post(test, cpu, owner);
	for (i = 0; i < ROUNDS; i++) {
		ask(test, i % 2 ? PCD_POST : PCD_WAIT);
		answer(test);
	}
	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	probe_expect_no_debt(test);
}

/* That the probe sees no disturbance means something only if it sees those that come. */
static void disturbance_is_seen(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = scene_start(test, cpu);

	if (pcd_locks_remotely() || pcd_holds() || pcd_variant_clean_in_user())
		kunit_skip(test, "in this variant no request has a reason to disturb");
	/* Repeat if the owner is not in user mode just then. */
	for (i = 0; i < ROUNDS && !probe_sent(); i++) {
		owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
		probe_await_quiet(cpu);
		ask(test, PCD_MUST);
		KUNIT_EXPECT_EQ(test, answer(test).drained, 1);
		owner_come_back(test, owner);
	}
	KUNIT_EXPECT_GE(test, probe_sent(), 1);
	probe_expect_no_debt(test);
}

/* ---- 7: a signal comes while a drain holds the owner up ---- */

/* An owner that would go to user mode, and waits for a drain that is held up. */
static struct user_owner *start_held_up(struct kunit *test, int cpu)
{
	struct user_owner *owner = scene_start(test, cpu);

	if (!pcd_tracks(cpu) || pcd_holds())
		kunit_skip(test, "in this variant no drain holds up an owner");
	hold_drains(test, cpu);
	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu)));
	/* If this variant drains unasked, the drain begins on the owner's way out. */
	if (!pcd_variant_clean_in_user()) {
		ask(test, PCD_WAIT);
		KUNIT_ASSERT_TRUE(test, eventually(drain_is_held()));
	}
	open_latch(NULL);
	KUNIT_ASSERT_TRUE(test, eventually(is_held_up(owner)));
	return owner;
}

/* The signal is noted, and waits for the drain as the owner does. */
static void send_and_release(struct kunit *test, struct user_owner *owner, int signal)
{
	probe_signals_of(owner_task(owner));
	send_sig(signal, owner_task(owner), 1);
	schedule_timeout_uninterruptible(2);
	KUNIT_EXPECT_TRUE_MSG(test, owner_is_asleep(owner), "it does not wait for the drain");
	release_drain(NULL);
}

static void signal_while_it_is_held_up(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_held_up(test, cpu);

	send_and_release(test, owner, OWNER_SIGNAL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_EQ(test, owner_signals(owner), 1);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	owner_come_back(test, owner);
	KUNIT_EXPECT_EQ_MSG(test, probe_signalled(), 0, "it has left with a signal pending");
	probe_expect_no_debt(test);
}

static void killed_while_it_is_held_up(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_held_up(test, cpu);

	send_and_release(test, owner, SIGKILL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_dead(owner)));
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ_MSG(test, probe_signalled(), 0, "it has left with a signal pending");
	probe_expect_no_debt(test);
}

static struct kunit_case pcpu_drain_posted_cases[] = {
	KUNIT_CASE(posted_is_kept_on_the_next_entry),
	KUNIT_CASE(posted_then_the_owner_blocks),
	KUNIT_CASE(posted_then_the_owner_dies),
	KUNIT_CASE(two_classes_are_posted),
	KUNIT_CASE(posted_is_kept_by_an_interrupt),
	KUNIT_CASE(posted_is_kept_past_another_drain),
	KUNIT_CASE_SLOW(wait_leaves_user_mode_alone),
	KUNIT_CASE(post_leaves_user_mode_alone),
	KUNIT_CASE(asked_again_it_is_left_alone),
	KUNIT_CASE(disturbance_is_seen),
	KUNIT_CASE(signal_while_it_is_held_up),
	KUNIT_CASE(killed_while_it_is_held_up),
	{}
};

static struct kunit_suite pcpu_drain_posted_suite = {
	.name = "mm_pcpu_drain_posted",
	.test_cases = pcpu_drain_posted_cases,
};

kunit_test_suite(pcpu_drain_posted_suite);
