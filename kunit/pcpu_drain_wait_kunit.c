// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: requesters that wait for an owner in the kernel.
 *
 * They wait for the drain, by whomever, and not for the owner's return to user mode:
 * the owner may want what they hold.  Nor do they take a cache for drained whose owner has
 * cached something and not yet called pcd_cached().
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>

#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"

/* ---- 3: drained means drained ---- */

/* A request is out, and the owner busy in the kernel, from where it goes to user mode. */
static void expect_served(struct kunit *test, int cpu, struct user_owner *owner)
{
	if (pcd_variant_clean_in_user()) {
		schedule_timeout_uninterruptible(2);
		open_latch(NULL);
	}
	/* None, where it was drained before the request. */
	KUNIT_EXPECT_LE(test, answer(test).drained, 1);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static void requester_waits_for_an_owner_in_the_kernel(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	ask(test, PCD_WAIT);
	expect_served(test, cpu, owner);
}

/*
 * The same for a request that names a key.  An owner with nothing of that key is not
 * asked; any other drains as for any request.
 */
static void key_of_an_owner_in_the_kernel(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), mine, other;
	struct user_owner *owner = scene_start(test, cpu);
	struct pcd_result result;

	script.key = &mine;
	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));

	ask_for(test, &other, PCD_WAIT);
	result = answer(test);
	KUNIT_EXPECT_EQ(test, result.drained + result.posted + result.left, 0);
	if (!scene_drains_unasked(cpu))
		KUNIT_EXPECT_EQ(test, script_items(cpu), 1);

	ask_for(test, &mine, PCD_WAIT);
	expect_served(test, cpu, owner);
}

/* The bit that says "owed" is clear as soon as the drain begins. */
static void requester_waits_for_a_drain_under_way(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	scene_hold_up_request(test, cpu, owner);
	schedule_timeout_uninterruptible(PCD_PATIENCE / 2);
	scene_let_request_go(test, cpu, owner);
	probe_expect_no_debt(test);
}

/* ---- 6: nobody waits without bound ---- */

static DEFINE_MUTEX(wanted_by_both);
static bool asking;

static void cache_and_take_the_mutex(void *unused)
{
	script_cache(NULL);
	while (!READ_ONCE(asking))
		cpu_relax();
	mdelay(2);
	mutex_lock(&wanted_by_both);
	mutex_unlock(&wanted_by_both);
}

static int ask_with_the_mutex_held(void *data)
{
	unsigned long start;

	mutex_lock(&wanted_by_both);
	while (!atomic_read(&script.cached))
		cond_resched();
	WRITE_ONCE(asking, true);
	start = jiffies;
	pcd_drain_all(&scripted, NULL, PCD_WAIT);
	start = jiffies - start;
	mutex_unlock(&wanted_by_both);
	return start;
}

static void requester_waits_for_the_drain_not_for_user_mode(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);
	s64 before = script_helps(cpu, PCD_HELP_PATIENCE);
	static struct thread requester;

	WRITE_ONCE(asking, false);
	thread_start(test, &requester, requester_cpu(0), ask_with_the_mutex_held, NULL);
	owner_tell(owner, cache_and_take_the_mutex, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(completion_done(&requester.done)),
			      "requester and owner wait for each other");
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ_MSG(test, script_helps(cpu, PCD_HELP_PATIENCE), before,
			    "it was patience that ended it, not the drain");
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
}

static void patience_ends(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	ask(test, PCD_WAIT);
	answer(test);
	KUNIT_EXPECT_FALSE(test, owner_has_done(owner));
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ(test, script.last[cpu].by,
			pcd_locks_remotely() ? BY_REQUESTER : BY_KWORKER);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

/* ---- 3, 4: cached, and not said yet ---- */

/* The request can see what is cached; the owner has not yet called pcd_cached(). */
static void cached_but_not_said_yet(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *adder = scene_start(test, cpu);
	struct pcd_result result;

	owner_tell(adder, cache_busy_within, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu) == 1));
	ask(test, PCD_WAIT);
	result = answer(test);
	KUNIT_EXPECT_LE_MSG(test, script_items(cpu), result.posted, "neither drained nor posted");
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(adder)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

/* An owner caches, and sleeps before it calls pcd_cached(). */
static void sleep_within(struct kunit *test, int cpu, struct user_owner *adder)
{
	owner_tell(adder, cache_asleep_within, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu) == 1 && owner_is_asleep(adder)));
}

/* The same, and the adder sleeps; then another task takes the CPU to user mode. */
static void asked_while_only_the_adder_knows(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *adder = scene_start(test, cpu);
	struct user_owner *other = owner_start(test, cpu);
	struct pcd_result result;

	sleep_within(test, cpu, adder);
	ask(test, PCD_POST);
	result = answer(test);
	/* What is posted may be drained already. */
	KUNIT_EXPECT_LE_MSG(test, script_items(cpu), result.posted, "neither drained nor posted");
	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "the other went past it");
	open_latch(NULL);
	owner_come_back(test, other);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(adder)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

/* The same, and another task takes the CPU to user mode, twice; asked past it. */
static void ask_past_a_preempted_adder(struct kunit *test, enum pcd_mode mode)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *adder = scene_start(test, cpu);
	struct user_owner *other = owner_start(test, cpu);
	struct pcd_result result;

	sleep_within(test, cpu, adder);
	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	ask(test, mode);
	result = answer(test);
	/* What is posted may be drained already, should the other have entered the kernel. */
	KUNIT_EXPECT_LE_MSG(test, script_items(cpu), result.posted, "neither drained nor posted");
	owner_come_back(test, other);
	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)), "posted, and not drained");
	open_latch(NULL);
	owner_come_back(test, other);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(adder)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

static void posted_past_a_preempted_adder(struct kunit *test)
{
	ask_past_a_preempted_adder(test, PCD_POST);
}

static void waited_past_a_preempted_adder(struct kunit *test)
{
	ask_past_a_preempted_adder(test, PCD_WAIT);
}

/* ---- requesters in odd places ---- */

struct look {
	int cpu;
	bool asked;
	int items;	/* when the answer came; -1: none yet */
};

static void ask_and_look(void *data)
{
	struct look *seen = data;

	WRITE_ONCE(seen->asked, true);
	pcd_drain_all(&scripted, NULL, PCD_WAIT);
	seen->items = script_items(seen->cpu);
}

static void requester_is_killed(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);
	struct user_owner *requester = owner_start(test, requester_cpu(1));
	static struct look seen;

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	seen = (struct look){ .cpu = cpu, .items = -1 };
	owner_tell(requester, ask_and_look, &seen, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(seen.asked) && owner_is_asleep(requester)));
	send_sig(SIGKILL, owner_task(requester), 1);
	schedule_timeout_uninterruptible(2);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_dead(requester)));
	KUNIT_EXPECT_EQ_MSG(test, seen.items, 0, "it was told that all is drained");
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));

	/* The next request finds all in order. */
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	scene_expect_not_stranded(test, cpu, owner);
}

static void cache_and_ask(void *result)
{
	script_cache(NULL);
	*(struct pcd_result *)result = pcd_drain_all(&scripted, NULL, PCD_WAIT);
}

static void requester_on_an_isolated_cpu(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);
	static struct pcd_result result;

	owner_do(test, owner, cache_and_ask, &result, OWNER_SPIN);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&script.drained), 1);
	/* It does so itself, unless a kworker that came unasked was quicker. */
	KUNIT_EXPECT_EQ(test, result.drained, script.last[cpu].by == BY_OWNER);
	KUNIT_EXPECT_EQ(test, result.posted, 0);
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static struct kunit_case pcpu_drain_wait_cases[] = {
	KUNIT_CASE(requester_waits_for_an_owner_in_the_kernel),
	KUNIT_CASE(key_of_an_owner_in_the_kernel),
	KUNIT_CASE(requester_waits_for_a_drain_under_way),
	KUNIT_CASE(requester_waits_for_the_drain_not_for_user_mode),
	KUNIT_CASE(patience_ends),
	KUNIT_CASE(cached_but_not_said_yet),
	KUNIT_CASE(asked_while_only_the_adder_knows),
	KUNIT_CASE(posted_past_a_preempted_adder),
	KUNIT_CASE(waited_past_a_preempted_adder),
	KUNIT_CASE(requester_is_killed),
	KUNIT_CASE(requester_on_an_isolated_cpu),
	{}
};

static struct kunit_suite pcpu_drain_wait_suite = {
	.name = "mm_pcpu_drain_wait",
	.test_cases = pcpu_drain_wait_cases,
};

kunit_test_suite(pcpu_drain_wait_suite);
