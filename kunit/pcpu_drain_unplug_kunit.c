// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: an owner's CPU is unplugged, and plugged in again.
 *
 * Nothing of what was cached, posted or asked for there is left behind.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/smp.h>

#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"

static void cache_and_ask_for_nothing(void *unused)
{
	script_cache(NULL);
	pcd_drain_all(&scripted, NULL, PCD_WAIT);
	script_cache(NULL);
}

/* The first isolated CPU that can go: the one that the kernel has booted on cannot. */
static int unpluggable_cpu(struct kunit *test)
{
	unsigned int nr = 0;
	int cpu;

	do {
		cpu = isolated_cpu(test, nr++);
	} while (!cpu_is_hotpluggable(cpu));
	return cpu;
}

static void unplugged_under_an_owner_that_asks(struct kunit *test)
{
	int cpu = unpluggable_cpu(test), i;
	struct user_owner *owner = scene_start(test, cpu);

	for (i = 0; i < 3; i++) {
		owner_tell(owner, cache_and_ask_for_nothing, NULL, OWNER_FAULT);
		owner_repeat(owner, true);
		schedule_timeout_uninterruptible(10);
		KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "the dead CPU still has some");
		schedule_timeout_uninterruptible(10);
		owner_repeat(owner, false);
		KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
		KUNIT_ASSERT_TRUE(test, eventually(owner_is_waiting(owner)));
		owner_do(test, owner, go_to, (void *)(long)cpu, OWNER_SPIN);
		owner_come_back(test, owner);
	}
	ask(test, PCD_MUST);
	answer(test);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&script.drained), atomic_read(&script.cached),
			    "lost, or drained twice");
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	scene_expect_not_stranded(test, cpu, owner);
}

static void unplugged_with_something_posted(struct kunit *test)
{
	int cpu = unpluggable_cpu(test);
	struct user_owner *owner = scene_start(test, cpu);

	scene_post(test, cpu, owner);
	/* The owner goes on in user mode, elsewhere. */
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
	owner_come_back(test, owner);
	owner_do(test, owner, cache_and_go_to, (void *)(long)cpu, OWNER_AGAIN);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	scene_expect_not_stranded(test, cpu, owner);
}

/* Nobody is left there to drain it, nor to be woken. */
static void unplugged_with_something_cached_last(struct kunit *test)
{
	int cpu = unpluggable_cpu(test);
	struct user_owner *owner = scene_start(test, cpu);

	script_cache_when_dying(cpu);
	KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
	script_cache_when_dying(-1);
	KUNIT_EXPECT_EQ(test, atomic_read(&script.cached), 1);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);

	/* It is as it was before, with an owner in user mode and idle. */
	owner_do(test, owner, go_to, (void *)(long)cpu, OWNER_SPIN);
	owner_come_back(test, owner);
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	owner_come_back(test, owner);
	smp_call_function_single(cpu, script_cache, NULL, true);
	scene_expect_not_stranded(test, cpu, NULL);
}

static struct kunit_case pcpu_drain_unplug_cases[] = {
	KUNIT_CASE(unplugged_under_an_owner_that_asks),
	KUNIT_CASE(unplugged_with_something_posted),
	KUNIT_CASE(unplugged_with_something_cached_last),
	{}
};

static struct kunit_suite pcpu_drain_unplug_suite = {
	.name = "mm_pcpu_drain_unplug",
	.test_cases = pcpu_drain_unplug_cases,
};

kunit_test_suite(pcpu_drain_unplug_suite);
