// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: machine checks that hit an owner in user mode.
 *
 * QEMU raises them: its monitor reads what is written to a port (run-qemu.sh).
 *
 * Entry to the kernel is then a part of their handler, and must not queue work.
 * Queueing takes the pool's lock.  Whoever holds it may have been hit as well, and wait
 * in its own handler until all CPUs are in theirs (mce_start()).  A handler is
 * under way as long as the CPU says so (MCG_STATUS_MCIP).
 */
#include <kunit/test.h>

#include "fixture.h"
#include "held.h"
#include "user_owner.h"
#include "user_probe.h"

#if defined(CONFIG_X86_MCE) && defined(CONFIG_CONTEXT_TRACKING_USER)
#include <linux/io.h>
#include <linux/smp.h>
#include <asm/hardirq.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <trace/events/context_tracking.h>
#include <trace/events/workqueue.h>

/* QEMU's debug console; reads as its own number if there is one. */
#define MONITOR_PORT 0xe9
#define ROUNDS 20

/*
 * Uncorrected, since QEMU raises no exception for others, and deferred (AMD), not
 * signaled (Intel): the handler leaves the bank alone and goes on.
 */
#define STATUS (MCI_STATUS_VAL | MCI_STATUS_UC | MCI_STATUS_EN | MCI_STATUS_DEFERRED)
/* For this CPU alone; the kernel kills the task that was hit if it cannot be resumed. */
#define RESUMABLE (MCG_STATUS_MCIP | MCG_STATUS_LMCES | MCG_STATUS_EIPV | MCG_STATUS_RIPV)
#define NOT_RESUMABLE (MCG_STATUS_MCIP | MCG_STATUS_LMCES | MCG_STATUS_EIPV)

/* Written by the CPU that is hit, interrupts disabled. */
static struct {
	unsigned int from_user;	/* machine checks that have hit user mode */
	bool cached;		/* something was cached when the last one hit */
	unsigned int queued;	/* works queued in their handlers */
} seen;

static bool in_machine_check(void)
{
	return native_rdmsrq(MSR_IA32_MCG_STATUS) & MCG_STATUS_MCIP;
}

static void probe_user_exit(void *unused, int dummy)
{
	if (!in_machine_check())
		return;
	WRITE_ONCE(seen.cached, script_items(smp_processor_id()));
	WRITE_ONCE(seen.from_user, seen.from_user + 1);
}

static void probe_queue_work(void *unused, int cpu, struct pool_workqueue *pwq,
			     struct work_struct *work)
{
	if (in_machine_check())
		WRITE_ONCE(seen.queued, seen.queued + 1);
}

static void forget(void *unused)
{
	unregister_trace_workqueue_queue_work(probe_queue_work, NULL);
	unregister_trace_user_exit(probe_user_exit, NULL);
	tracepoint_synchronize_unregister();
}

/* An owner on an isolated CPU, the probes on. */
static struct user_owner *start(struct kunit *test, int cpu)
{
	if (inb(MONITOR_PORT) != MONITOR_PORT)
		kunit_skip(test, "nobody here raises machine checks");
	stay_here(test);
	script_reset();
	probe_start(test);
	memset(&seen, 0, sizeof(seen));
	KUNIT_ASSERT_EQ(test, register_trace_user_exit(probe_user_exit, NULL), 0);
	KUNIT_ASSERT_EQ(test, register_trace_workqueue_queue_work(probe_queue_work, NULL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, forget, NULL), 0);
	return owner_start(test, cpu);
}

static void raise_machine_check(int cpu, u64 mcg_status)
{
	char line[80], *at;

	snprintf(line, sizeof(line), "mce %d 0 0x%llx 0x%llx 0 0\n", cpu, STATUS, mcg_status);
	for (at = line; *at; at++)
		outb(*at, MONITOR_PORT);
}

static void nothing(void *unused)
{
}

static unsigned int machine_checks(int cpu)
{
	return READ_ONCE(per_cpu(irq_stat, cpu).counts[IRQ_COUNT_MCE_EXCEPTION]);
}

/*
 * One at a time: a second one during another's handler is a triple fault, and on a
 * busy machine a handler takes long.
 */
static void raise_and_await(struct kunit *test, int cpu, u64 mcg_status)
{
	unsigned int raised = machine_checks(cpu), from_user = READ_ONCE(seen.from_user);

	raise_machine_check(cpu, mcg_status);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(machine_checks(cpu) != raised),
			      "no machine check has come");
	/*
	 * The handler runs with interrupts disabled.  If it has hit user mode, send no
	 * interrupt: the next machine check comes only after the owner has answered.
	 */
	schedule_timeout_uninterruptible(4);
	if (READ_ONCE(seen.from_user) == from_user)
		KUNIT_ASSERT_EQ(test, smp_call_function_single(cpu, nothing, NULL, true), 0);
}

/* Have one hit an owner in user mode. True: something had been posted. */
static bool hit(struct kunit *test, int cpu, struct user_owner *owner, u64 mcg_status)
{
	unsigned int before = seen.from_user;
	bool posted;
	int i;

	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	schedule_timeout_uninterruptible(4);	/* its tick stops */
	ask(test, PCD_WAIT);
	posted = answer(test).posted;
	/* Repeat if one hit the owner in the kernel, where it may be since it drained. */
	for (i = 0; i < ROUNDS && READ_ONCE(seen.from_user) == before; i++)
		raise_and_await(test, cpu, mcg_status);
	KUNIT_ASSERT_NE_MSG(test, READ_ONCE(seen.from_user), before,
			    "no machine check has come in user mode");
	return posted;
}

/*
 * The same; and if this variant posts, what is posted is still there. Repeat if
 * a tick came between, and did what was posted.
 */
static struct user_owner *start_and_hit(struct kunit *test, int cpu, u64 mcg_status)
{
	struct user_owner *owner = start(test, cpu);
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (!hit(test, cpu, owner, mcg_status) || READ_ONCE(seen.cached))
			return owner;
		owner_stop(test, owner);
		owner = owner_start(test, cpu);
	}
	KUNIT_FAIL_AND_ABORT(test, "what is posted is drained before any machine check");
	return owner;
}

static void expect_drained(struct kunit *test, int cpu)
{
	KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)), "it is still cached");
	KUNIT_EXPECT_EQ_MSG(test, READ_ONCE(seen.queued), 0, "queued in a machine check's handler");
	probe_expect_no_debt(test);
}

static void machine_check_in_user_mode(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_and_hit(test, cpu, RESUMABLE);

	/* By that entry: the owner spins on, and makes no system call. */
	expect_drained(test, cpu);
	KUNIT_EXPECT_TRUE(test, owner_is_in_user_mode(owner));
	owner_come_back(test, owner);
}

static void machine_check_kills_the_owner(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start_and_hit(test, cpu, NOT_RESUMABLE);

	KUNIT_EXPECT_TRUE(test, eventually(owner_is_dead(owner)));
	expect_drained(test, cpu);
}

/*
 * The requester that holds it may be in its own handler, which waits for this one: so it
 * is handled first, and then waits.
 */
static void machine_check_while_it_is_held(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
	unsigned int raised, entries;

	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	probe_await_quiet(cpu);
	held_begin(test, cpu);
	raised = machine_checks(cpu);
	entries = probe_entries(cpu);
	raise_machine_check(cpu, RESUMABLE);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(machine_checks(cpu) != raised),
			      "it waits before it is handled");
	schedule_timeout_uninterruptible(HZ / 20);
	KUNIT_EXPECT_EQ_MSG(test, probe_entries(cpu), entries, "it goes on while it is held");
	held_end(test);
	KUNIT_EXPECT_TRUE(test, eventually(probe_entries(cpu) != entries));
	KUNIT_EXPECT_EQ(test, READ_ONCE(seen.from_user), 1);
	KUNIT_EXPECT_TRUE(test, owner_is_in_user_mode(owner));
	owner_come_back(test, owner);
	expect_drained(test, cpu);
}

#else

static void machine_check_in_user_mode(struct kunit *test)
{
	kunit_skip(test, "needs machine checks and isolated CPUs");
}

static void machine_check_kills_the_owner(struct kunit *test)
{
	kunit_skip(test, "needs machine checks and isolated CPUs");
}

static void machine_check_while_it_is_held(struct kunit *test)
{
	kunit_skip(test, "needs machine checks and isolated CPUs");
}

#endif

static struct kunit_case pcpu_drain_mce_cases[] = {
	KUNIT_CASE(machine_check_in_user_mode),
	KUNIT_CASE(machine_check_kills_the_owner),
	KUNIT_CASE(machine_check_while_it_is_held),
	{}
};

static struct kunit_suite pcpu_drain_mce_suite = {
	.name = "mm_pcpu_drain_mce",
	.test_cases = pcpu_drain_mce_cases,
};

kunit_test_suite(pcpu_drain_mce_suite);
