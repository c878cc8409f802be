// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler's isolation of a CPU (HK_TYPE_DOMAIN, cpu_is_isolated()), which may
 * begin and end at any time, as an isolated partition of cpusets does.
 * The program that plays owners makes the partition (owner/partition.c),
 * since nobody else writes to control groups.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/umh.h>

#include "fixture.h"
#include "user_partition.h"
#include "user_owner.h"

/* The change that is under way, or was the last one. */
static struct {
	int cpu;
	bool isolated;
	struct task_struct *joins;	/* the group before, or NULL */
	struct thread thread;
} change;

/*
 * Keep the program off the CPU that changes: there it would be an owner, and wait on its
 * way to user mode for the drain that a test holds up.  The change moves it away
 * anyway.
 */
static int stay_away(struct subprocess_info *info, struct cred *new)
{
	return set_cpus_allowed_ptr(current, cpumask_of(requester_cpu(0)));
}

static int change_and_wait(void *unused)
{
	struct subprocess_info *info;
	char cpu[12], pid[12] = "";
	char *argv[5] = {
		OWNER_PROGRAM, change.isolated ? "isolated" : "member", cpu,
		change.joins ? pid : NULL, NULL
	};
	char *envp[1] = { NULL };

	snprintf(cpu, sizeof(cpu), "%d", change.cpu);
	if (change.joins)
		snprintf(pid, sizeof(pid), "%d", task_pid_nr(change.joins));
	info = call_usermodehelper_setup(OWNER_PROGRAM, argv, envp, GFP_KERNEL, stay_away,
					 NULL, NULL);
	return info ? call_usermodehelper_exec(info, UMH_WAIT_PROC) : -ENOMEM;
}

static void change_begin(struct kunit *test, bool isolated, struct task_struct *joins)
{
	change.isolated = isolated;
	change.joins = joins;
	thread_start(test, &change.thread, requester_cpu(0), change_and_wait, NULL);
}

/* By the function that memcg and vmstat ask. */
static bool has_changed(void)
{
	guard(rcu)();
	return cpu_is_isolated(change.cpu) == change.isolated;
}

static void partition_undo(void *unused)
{
	change.isolated = false;
	change.joins = NULL;
	if (change_and_wait(NULL))
		pr_err("CPU %d stays an isolated partition\n", change.cpu);
}

/**
 * partition_start - prepare a CPU for changes
 * @test: skipped where it cannot change; at its end the CPU is as it was
 * @cpu: which
 *
 * To be called before anything is started that could hold up a workqueue.
 */
void partition_start(struct kunit *test, int cpu)
{
	if (!IS_ENABLED(CONFIG_CPUSETS))
		kunit_skip(test, "needs CONFIG_CPUSETS");
	if (!housekeeping_cpu(cpu, HK_TYPE_DOMAIN_BOOT))
		kunit_skip(test, "isolcpus= has isolated CPU %d for good", cpu);
	change.cpu = cpu;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, partition_undo, NULL), 0);
}

/* Have @owner stay on that CPU, isolated or not: other tasks are driven away. */
void partition_take(struct kunit *test, struct user_owner *owner)
{
	change_begin(test, false, owner_task(owner));
	partition_end(test);
}

/**
 * partition_begin - begin a change, and wait until it can be seen
 * @test: fails if it is not seen in time
 * @isolated: or isolated no more
 *
 * The kernel then flushes workqueues, mm_percpu_wq among them: the change does not end
 * before the drains that a test holds up there.
 */
void partition_begin(struct kunit *test, bool isolated)
{
	change_begin(test, isolated, NULL);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(has_changed()), "CPU %d is%s isolated",
			      change.cpu, isolated ? " not" : " still");
}

/* Wait for its end. */
void partition_end(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, thread_join(&change.thread), 0,
			    "no partition; the status has the error in its second byte");
	KUNIT_EXPECT_TRUE_MSG(test, has_changed(), "CPU %d's isolation is as it was", change.cpu);
}

void partition_change(struct kunit *test, bool isolated)
{
	partition_begin(test, isolated);
	partition_end(test);
}
