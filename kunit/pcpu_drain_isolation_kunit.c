// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: only isolated CPUs are treated in another way.
 *
 * Isolated is what nohz_full= has made so at boot, whatever the scheduler's domains say
 * of that CPU: these may change at any time.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>

#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_partition.h"
#include "user_probe.h"

/* ---- 8: other CPUs as upstream ---- */

static void isolated_cpus_alone_are_tracked(struct kunit *test)
{
	int cpu;

	for_each_online_cpu(cpu)
		KUNIT_EXPECT_EQ_MSG(test, pcd_tracks(cpu),
				    IS_ENABLED(CONFIG_PCPU_DRAIN_TRACKED) && is_isolated(cpu),
				    "CPU %d", cpu);
}

/*
 * A request finds the owner in user mode: on an isolated CPU that the variant tracks it
 * queues nothing, on any other what upstream does.
 */
static void expect_the_cpus_own_way(struct kunit *test, int cpu, struct user_owner *owner)
{
	bool tracked = IS_ENABLED(CONFIG_PCPU_DRAIN_TRACKED) && is_isolated(cpu);
	s64 works = atomic64_read(&script_stats(cpu)->works);
	s64 patience = script_helps(cpu, PCD_HELP_PATIENCE);
	struct pcd_result result;

	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	if (!tracked)
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 1, "who drained it, and why?");
	ask(test, PCD_WAIT);
	result = answer(test);
	if (!tracked) {
		KUNIT_EXPECT_EQ(test, result.drained, 1);
		KUNIT_EXPECT_EQ(test, result.posted, 0);
		KUNIT_EXPECT_EQ(test, script_helps(cpu, PCD_HELP_PATIENCE), patience);
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(&script_stats(cpu)->works) - works,
			!tracked && !pcd_locks_remotely());
	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

static void housekeeping_is_the_right_way_round(struct kunit *test)
{
	int cpu = other_housekeeping_cpu(test);

	expect_the_cpus_own_way(test, cpu, scene_start(test, cpu));
}

/* ---- 7, 8: the scheduler's isolation changes, and makes no difference ---- */

/* Before a request ends: it then sees another state than when it began. */
static void change_under_a_request(struct kunit *test, int cpu, struct user_owner *owner,
				   bool isolated)
{
	reinit_completion(&script.entered);
	reinit_completion(&script.release);
	close_latch(test);
	scene_hold_up_request(test, cpu, owner);
	partition_begin(test, isolated);
	scene_let_request_go(test, cpu, owner);
	partition_end(test);
	expect_the_cpus_own_way(test, cpu, owner);
}

static void expect_changes_to_change_nothing(struct kunit *test, int cpu)
{
	struct user_owner *owner;

	partition_start(test, cpu);
	owner = scene_start(test, cpu);
	partition_take(test, owner);
	change_under_a_request(test, cpu, owner, true);
	change_under_a_request(test, cpu, owner, false);
	scene_expect_nothing_lost(test, cpu);
}

static void domain_isolation_changes_under_a_request(struct kunit *test)
{
	expect_changes_to_change_nothing(test, isolated_cpu(test, 0));
	probe_expect_no_debt(test);
}

static void domain_isolation_of_a_housekeeping_cpu(struct kunit *test)
{
	expect_changes_to_change_nothing(test, other_housekeeping_cpu(test));
}

static struct kunit_case pcpu_drain_isolation_cases[] = {
	KUNIT_CASE(isolated_cpus_alone_are_tracked),
	KUNIT_CASE(housekeeping_is_the_right_way_round),
	KUNIT_CASE(domain_isolation_changes_under_a_request),
	KUNIT_CASE(domain_isolation_of_a_housekeeping_cpu),
	{}
};

static struct kunit_suite pcpu_drain_isolation_suite = {
	.name = "mm_pcpu_drain_isolation",
	.test_cases = pcpu_drain_isolation_cases,
};

kunit_test_suite(pcpu_drain_isolation_suite);
