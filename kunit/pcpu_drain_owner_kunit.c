// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: owners that do not simply go back to user mode.
 *
 * Whatever becomes of them, what they cached on their isolated CPU is not stranded there.
 *
 * That holds under every variant; those that promise more are held to it by
 * pcd_variant_owes() and pcd_variant_clean_in_user(), see user_probe.c.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"

#define ROUNDS 5

/* ---- they sleep, and others run ---- */

static void stranded_by_a_sleeper(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *sleeper = scene_start(test, cpu);
	struct user_owner *other = owner_start(test, cpu);
	unsigned int entries;

	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	owner_tell(sleeper, cache_and_be_asleep, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) == 1 &&
					   owner_is_asleep(sleeper)));
	entries = probe_entries(cpu);
	/* The other task was switched to; its next system call ends in a further entry. */
	owner_come_back(test, other);
	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	KUNIT_EXPECT_GT(test, probe_entries(cpu), entries);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "it is stranded");
	scene_expect_not_stranded(test, cpu, other);
}

static void sleeper_on_an_idle_cpu(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_do(test, owner, NULL, NULL, OWNER_SPIN);	/* something for the probe */
	owner_come_back(test, owner);
	owner_tell(owner, cache_and_be_asleep, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) == 1 &&
					   owner_is_asleep(owner)));
	scene_expect_not_stranded(test, cpu, NULL);
}

/* ---- in the middle of a drain ---- */

/* The first drain sleeps in its middle until told; the second is busy in its own. */
static struct {
	atomic_t begun;
	struct completion first_may_end;
	bool second_may_end;
} held;

static void hold_drain(void)
{
	switch (atomic_inc_return(&held.begun)) {
	case 1:
		wait_for_completion(&held.first_may_end);
		break;
	case 2:
		while (!READ_ONCE(held.second_may_end))
			cpu_relax();
		break;
	default:
		break;
	}
}

static void release_drains(void *unused)
{
	WRITE_ONCE(script.in_drain, NULL);
	WRITE_ONCE(held.second_may_end, true);
	complete_all(&held.first_may_end);
}

static void hold_drains(struct kunit *test)
{
	atomic_set(&held.begun, 0);
	init_completion(&held.first_may_end);
	WRITE_ONCE(held.second_may_end, false);
	WRITE_ONCE(script.in_drain, hold_drain);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, release_drains, NULL), 0);
}

/* The owner's command is OWNER_SPIN, and it is held up on its way there. */
static bool is_asleep_in_its_exit(struct user_owner *owner)
{
	return owner_has_done(owner) && owner_is_asleep(owner);
}

/* Its drain sleeps, and another task would take the CPU to user mode. */
static void next_task_finds_an_unfinished_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);
	struct user_owner *next = owner_start(test, cpu);

	if (!pcd_variant_clean_in_user())
		kunit_skip(test, "nobody drains unasked in this variant");
	hold_drains(test);
	WRITE_ONCE(held.second_may_end, true);
	/* FIFO, so that no kworker drains first where the owner may. */
	owner_tell(owner, fifo_cache, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&held.begun)));
	owner_tell(next, NULL, NULL, OWNER_SPIN);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(owner_is_in_user_mode(next) ||
					       is_asleep_in_its_exit(next)),
			      "the next task neither drains nor waits");
	if (owner_is_in_user_mode(next))
		KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	release_drains(NULL);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(next)));
	scene_expect_not_stranded(test, cpu, next);
}

/* Asleep, and not just being woken. */
static bool is_waiting_for_owners(struct task_struct *task)
{
	return mutex_is_locked(&scripted.lock) &&
	       READ_ONCE(task->__state) == TASK_UNINTERRUPTIBLE;
}

/*
 * A task repeats the drain that another is in the middle of.  A request comes after the
 * repeated one has begun, and all is out when it returns. False: nobody repeats drains here.
 */
static bool ask_while_a_drain_is_repeated(struct kunit *test, int cpu, struct user_owner *owner,
					  struct user_owner *next)
{
	hold_drains(test);
	owner_tell(owner, script_cache, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&held.begun)));
	owner_tell(next, NULL, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&held.begun) == 2 ||
					   is_asleep_in_its_exit(next)));
	if (atomic_read(&held.begun) < 2)
		return false;
	ask(test, PCD_WAIT);
	/* It has taken its number when it sleeps with its class locked. */
	KUNIT_ASSERT_TRUE(test, eventually(asked_is_answered() || is_waiting_for_owners(asker())));
	WRITE_ONCE(held.second_may_end, true);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(next)));
	answer(test);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	release_drains(NULL);
	owner_come_back(test, next);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	return true;
}

/* Not by the first drain, which may go on for long, but by the one that emptied the cache. */
static void repeated_drain_serves_a_later_request(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), rounds;
	struct user_owner *owner = scene_start(test, cpu);
	struct user_owner *next = owner_start(test, cpu);
	s64 before = script_helps(cpu, PCD_HELP_PATIENCE);

	if (!pcd_variant_clean_in_user())
		kunit_skip(test, "nobody drains unasked in this variant");
	for (rounds = 0; rounds < ROUNDS; rounds++)
		if (!ask_while_a_drain_is_repeated(test, cpu, owner, next))
			kunit_skip(test, "here a task waits for another's drain");
	/* On a busy machine a patience may end by itself. */
	KUNIT_EXPECT_LE_MSG(test, script_helps(cpu, PCD_HELP_PATIENCE) - before, rounds / 2,
			    "a requester has waited for the first drain");
	probe_expect_no_debt(test);
}

/* What a drain caches in its turn, of a class registered later. */
static void drain_caches_in_a_later_class(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	WRITE_ONCE(script.in_drain, script_cache_second);
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	ask(test, PCD_WAIT);
	answer(test);
	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	probe_expect_no_debt(test);
	pcd_drain_all(&second, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, atomic_read(&script.cached), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&script.drained), 2);
}

/* ---- they end, become another program, or go elsewhere ---- */

static void owner_exits(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_tell(owner, script_cache, NULL, OWNER_EXIT);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(owner)));
	scene_expect_not_stranded(test, cpu, NULL);
}

static void owner_is_killed(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	send_sig(SIGKILL, owner_task(owner), 1);
	open_latch(NULL);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(owner)));
	scene_expect_not_stranded(test, cpu, NULL);
}

static void owner_caches_late_in_its_exit(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_tell(owner, cache_late_in_exit, NULL, OWNER_EXIT);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(owner)));
	KUNIT_ASSERT_EQ(test, atomic_read(&script.cached), 1);
	scene_expect_not_stranded(test, cpu, NULL);
}

static void owner_execs(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_on_fault(owner, script_cache, NULL);
	owner_tell(owner, NULL, NULL, OWNER_EXEC);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(atomic_read(&script.cached) == 1),
			      "nothing is cached in the exec");
	/* The new program asks for its next command. */
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_waiting(owner)));
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "it was cached in user mode");
	owner_do(test, owner, NULL, NULL, OWNER_SPIN);
	scene_expect_not_stranded(test, cpu, owner);
	probe_expect_no_debt(test);
}

static void owner_migrates(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), to = isolated_cpu(test, 1);
	struct user_owner *owner = scene_start(test, cpu);

	owner_do(test, owner, cache_and_go_to, (void *)(long)to, OWNER_SPIN);
	KUNIT_EXPECT_EQ(test, task_cpu(owner_task(owner)), to);
	scene_expect_not_stranded(test, cpu, owner);
}

static void owner_is_stopped(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_do(test, owner, script_cache, NULL, OWNER_STOP);
	KUNIT_ASSERT_TRUE(test, eventually(task_is_stopped(owner_task(owner))));
	scene_expect_not_stranded(test, cpu, NULL);
}

static void owner_is_fifo(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_do(test, owner, fifo_cache, NULL, OWNER_SPIN);
	ask(test, PCD_WAIT);
	answer(test);
	/* Through the kernel and back: nobody preempts it there. */
	owner_tell(owner, NULL, NULL, OWNER_SPIN);
	owner_go(owner);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	if (pcd_variant_owner_drains())
		KUNIT_EXPECT_EQ(test, script.last[cpu].by, BY_OWNER);
	owner_come_back(test, owner);
	scene_expect_not_stranded(test, cpu, NULL);
}

/* ---- interrupts cache ---- */

static void interrupt_caches_in_user_mode(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_do(test, owner, NULL, NULL, OWNER_SPIN);
	smp_call_function_single(cpu, script_cache, NULL, true);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	ask(test, PCD_WAIT);
	answer(test);
	owner_come_back(test, owner);
	scene_expect_not_stranded(test, cpu, NULL);
}

static struct hrtimer single_interrupt;

static enum hrtimer_restart cache_second_in_hardirq(struct hrtimer *timer)
{
	script_cache_second();
	return HRTIMER_NORESTART;
}

static void cache_with_an_interrupt_near(void *ns)
{
	hrtimer_start(&single_interrupt, ns_to_ktime((long)ns), HRTIMER_MODE_REL_PINNED_HARD);
	script_cache(NULL);
	mdelay(1);
}

/* No further interrupt comes that could mend what this one has broken. */
static void interrupt_caches_while_the_owner_does(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);
	long ns;

	hrtimer_setup(&single_interrupt, cache_second_in_hardirq, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	for (ns = 1000; ns < 100000; ns += 4000) {
		owner_do(test, owner, cache_with_an_interrupt_near, (void *)ns, OWNER_SPIN);
		hrtimer_cancel(&single_interrupt);
		owner_come_back(test, owner);
	}
	scene_expect_not_stranded(test, cpu, NULL);
	pcd_drain_all(&second, NULL, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(!second_items(cpu)));
}

/* ---- their child caches ---- */

/* A child is forked while its parent is about to drain. */
static void child_of_an_owner_that_owes(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);
	s64 before;

	owner_do(test, owner, cache_and_create_io_worker, NULL, OWNER_SPIN);
	owner_come_back(test, owner);

	/* Now the child caches, and then runs its own task works. */
	before = script_helps(cpu, PCD_HELP_IDLE);
	io_worker_caches();
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) == 2));
	open_latch(NULL);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	KUNIT_EXPECT_EQ_MSG(test, script_helps(cpu, PCD_HELP_IDLE), before,
			    "the child believed itself armed");
	scene_expect_not_stranded(test, cpu, NULL);
}

/* ---- 6: the workqueue that is flushed ---- */

/*
 * A work item of a system workqueue waits for this owner's end: were such a
 * queue flushed on return to user mode, both would wait for each other.
 */
static void usermode_helper_comes_to_its_end(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner;

	stay_here(test);
	script_reset();
	probe_start(test);
	owner = owner_start_awaited(test, cpu);
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	ask(test, PCD_WAIT);
	answer(test);
	owner_come_back(test, owner);
	owner_tell(owner, script_cache, NULL, OWNER_EXIT);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_dead(owner)));
	scene_expect_not_stranded(test, cpu, NULL);
}

static struct kunit_case pcpu_drain_owner_cases[] = {
	KUNIT_CASE(stranded_by_a_sleeper),
	KUNIT_CASE(sleeper_on_an_idle_cpu),
	KUNIT_CASE(next_task_finds_an_unfinished_drain),
	KUNIT_CASE(repeated_drain_serves_a_later_request),
	KUNIT_CASE(drain_caches_in_a_later_class),
	KUNIT_CASE(owner_exits),
	KUNIT_CASE(owner_is_killed),
	KUNIT_CASE(owner_caches_late_in_its_exit),
	KUNIT_CASE(owner_execs),
	KUNIT_CASE(owner_migrates),
	KUNIT_CASE(owner_is_stopped),
	KUNIT_CASE(owner_is_fifo),
	KUNIT_CASE(interrupt_caches_in_user_mode),
	KUNIT_CASE(interrupt_caches_while_the_owner_does),
	KUNIT_CASE(child_of_an_owner_that_owes),
	KUNIT_CASE(usermode_helper_comes_to_its_end),
	{}
};

static struct kunit_suite pcpu_drain_owner_suite = {
	.name = "mm_pcpu_drain_owner",
	.test_cases = pcpu_drain_owner_cases,
};

kunit_test_suite(pcpu_drain_owner_suite);
