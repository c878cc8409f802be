// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: requesters that hold an isolated CPU out of the kernel, and take what it
 * has cached.
 *
 * A hold lasts a few instructions.  Here the requester is stopped right behind the one
 * that begins it (watch.c), and others come meanwhile.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/pcpu_drain_demo.h>
#include <linux/smp.h>

#include "fixture.h"
#include "held.h"
#include "holdup.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"
#include "watch.h"

/* Long enough for what must not happen; shorter than PCD_PATIENCE. */
#define WHILE (HZ / 20)

#ifdef CONFIG_CONTEXT_TRACKING_USER
#include <linux/context_tracking_state.h>

/* No longer, should the test have failed. */
#define HELD_US 5000000

static struct {
	int cpu;		/* that is held */
	struct thread requester;
	struct request request;
	bool met;		/* the requester holds, and is stopped */
	bool over;		/* it goes on */
} held;

static atomic_t *state_of(int cpu)
{
	return &per_cpu_ptr(&context_tracking, cpu)->state;
}

static void stop_who_holds(bool irqs_on)
{
	int us;

	if (raw_smp_processor_id() == held.cpu || READ_ONCE(held.met) ||
	    !(atomic_read(state_of(held.cpu)) & CT_HELD))
		return;
	WRITE_ONCE(held.met, true);
	for (us = 0; us < HELD_US && !READ_ONCE(held.over); us++)
		udelay(1);
}

static void let_go(void *unused)
{
	WRITE_ONCE(held.over, true);
}

/**
 * held_begin - have a requester of the scripted class hold a CPU
 * @test: until its end at the latest
 * @cpu: the first isolated CPU; its owner is in user mode, and something is cached there
 *
 * The requester is on the second: where it is stopped nothing else runs, and a housekeeping
 * CPU may have others' timers, or the thread that makes threads.
 */
void held_begin(struct kunit *test, int cpu)
{
	if (!pcd_holds() || !pcd_tracks(cpu))
		kunit_skip(test, "in this variant no CPU is held");
	held.cpu = cpu;
	held.met = false;
	held.over = false;
	held.request = (struct request){ &scripted, NULL, PCD_WAIT };
	watch_start(test, state_of(cpu), stop_who_holds);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, let_go, NULL), 0);
	thread_start(test, &held.requester, isolated_cpu(test, 1), make_request, &held.request);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(READ_ONCE(held.met)), "nobody holds it");
}

/* The requester lets go, and is served. */
void held_end(struct kunit *test)
{
	let_go(NULL);
	thread_join(&held.requester);
	KUNIT_EXPECT_EQ(test, held.request.result.drained, 1);
}

/* An owner in user mode, with something cached. */
static struct user_owner *start(struct kunit *test, int cpu, void (*cache)(void *unused))
{
	struct user_owner *owner = scene_start(test, cpu);

	if (!pcd_holds())
		kunit_skip(test, "in this variant no CPU is held");
	owner_do(test, owner, cache, NULL, OWNER_SPIN);
	probe_await_quiet(cpu);
	return owner;
}

/* ---- 2: whoever enters the kernel waits ---- */

static bool entered;

static void enter(void *unused)
{
	WRITE_ONCE(entered, true);
}

static void whoever_enters_waits(struct kunit *test)
{
	static call_single_data_t interrupt = CSD_INIT(enter, NULL);
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu, script_cache);

	held_begin(test, cpu);
	entered = false;
	KUNIT_ASSERT_EQ(test, smp_call_function_single_async(cpu, &interrupt), 0);
	schedule_timeout_uninterruptible(WHILE);
	KUNIT_EXPECT_FALSE_MSG(test, READ_ONCE(entered), "it is inside, while it is held");
	held_end(test);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(entered)));
	owner_come_back(test, owner);
	scene_expect_nothing_lost(test, cpu);
}

/* The same of an idle CPU. */
static void whoever_leaves_idle_waits(struct kunit *test)
{
	static call_single_data_t interrupt = CSD_INIT(enter, NULL);
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	owner_do(test, owner, script_cache, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_asleep(owner)));
	schedule_timeout_uninterruptible(HZ / 100);
	held_begin(test, cpu);
	entered = false;
	KUNIT_ASSERT_EQ(test, smp_call_function_single_async(cpu, &interrupt), 0);
	schedule_timeout_uninterruptible(WHILE);
	KUNIT_EXPECT_FALSE_MSG(test, READ_ONCE(entered), "it is inside, while it is held");
	held_end(test);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(entered)));
	scene_expect_nothing_lost(test, cpu);
}

/* ---- 2: one holds at a time ---- */

static void cache_both(void *unused)
{
	script_cache(NULL);
	script_cache_second();
}

static void one_holds_at_a_time(struct kunit *test)
{
	static struct request request = { &second, NULL, PCD_WAIT };
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu, cache_both);
	struct thread other;

	held_begin(test, cpu);
	thread_start(test, &other, requester_cpu(2), make_request, &request);
	schedule_timeout_uninterruptible(WHILE);
	KUNIT_EXPECT_EQ_MSG(test, second_items(cpu), 1, "two hold it");
	held_end(test);
	thread_join(&other);
	KUNIT_EXPECT_EQ(test, second_items(cpu), 0);
	owner_come_back(test, owner);
	scene_expect_nothing_lost(test, cpu);
}

/* ---- 2: who is interrupted in user mode by an NMI may be in its caches ---- */

static void in_an_nmi_it_is_not_held(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu, script_cache);

	holdup_one(test, cpu);
	ask(test, PCD_WAIT);
	schedule_timeout_uninterruptible(WHILE);
	KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 1, "taken under an NMI");
	holdup_one_end(NULL);
	KUNIT_EXPECT_EQ(test, answer(test).drained, 1);
	owner_come_back(test, owner);
	scene_expect_nothing_lost(test, cpu);
}

#else

void held_begin(struct kunit *test, int cpu)
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
}

void held_end(struct kunit *test) { }

static struct user_owner *start(struct kunit *test, int cpu, void (*cache)(void *unused))
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
	return NULL;
}

static void whoever_enters_waits(struct kunit *test)
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
}

static void whoever_leaves_idle_waits(struct kunit *test)
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
}

static void one_holds_at_a_time(struct kunit *test)
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
}

static void in_an_nmi_it_is_not_held(struct kunit *test)
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
}

#endif

/* ---- 2: on PREEMPT_RT a task may have been preempted inside ---- */

static int put_one(void *item)
{
	pcd_demo_put(item);
	return 0;
}

static void be_fifo(void *unused)
{
	sched_set_fifo(current);
}

static void whoever_is_preempted_inside_is_waited_for(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct pcd_class *class = pcd_class_find("demo");
	struct pcd_demo_item *items = kunit_kcalloc(test, 2, sizeof(*items), GFP_KERNEL);
	struct pcd_demo_hold inside = { .at = PCD_DEMO_INSIDE };
	unsigned int violations = pcd_demo_violations();
	struct user_owner *owner = scene_start(test, cpu);
	struct thread adder;
	LIST_HEAD(out);

	if (!pcd_holds() || !IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "nobody is preempted inside here, or no CPU is held");
	KUNIT_ASSERT_NOT_NULL(test, items);
	items[1].hold = &inside;
	call_on(test, cpu, put_one, &items[0]);
	thread_start(test, &adder, cpu, put_one, &items[1]);
	while (!smp_load_acquire(&inside.inside))	/* pairs with demo_linger() */
		schedule_timeout_uninterruptible(1);
	owner_do(test, owner, be_fifo, NULL, OWNER_SPIN);

	ask_class(test, class, PCD_WAIT);
	schedule_timeout_uninterruptible(WHILE);
	KUNIT_EXPECT_EQ_MSG(test, class->count(cpu, NULL), 1, "taken with somebody inside");
	smp_store_release(&inside.release, true);	/* pairs with demo_linger() */
	owner_come_back(test, owner);
	thread_join(&adder);
	answer(test);
	KUNIT_EXPECT_EQ(test, pcd_demo_violations(), violations);
	pcd_drain_all(class, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, pcd_demo_empty_depot(&out), 2);
}

/* ---- 3: who is refused has not drained ---- */

static struct {
	struct user_owner *owner;
	bool busy;
} late;

static void come_and_be_busy(void *unused)
{
	WRITE_ONCE(late.busy, true);
	be_busy(NULL);
}

/* In the requester's drain, before it takes: for once, the owner comes to the kernel. */
static void have_the_owner_come(void)
{
	if (READ_ONCE(late.busy))
		return;
	owner_go(late.owner);
	eventually(READ_ONCE(late.busy));
}

static void refused_is_not_drained(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu, script_cache);

	late.owner = owner;
	late.busy = false;
	owner_tell(owner, come_and_be_busy, NULL, OWNER_SPIN);
	WRITE_ONCE(script.in_drain, have_the_owner_come);
	ask(test, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(late.busy)));
	schedule_timeout_uninterruptible(WHILE);
	KUNIT_EXPECT_FALSE_MSG(test, asked_is_answered(), "it says that it has drained");
	KUNIT_EXPECT_EQ(test, script_items(cpu), 1);
	open_latch(NULL);
	KUNIT_EXPECT_EQ(test, answer(test).drained, 1);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	scene_expect_nothing_lost(test, cpu);
}

/* ---- 4: who may not wait for an owner in the kernel has somebody else wait ---- */

static void what_is_posted_is_taken_later(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = scene_start(test, cpu);

	if (!pcd_holds())
		kunit_skip(test, "in this variant no CPU is held");
	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu)));
	ask(test, PCD_POST);
	KUNIT_EXPECT_EQ(test, answer(test).posted, 1);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)), "it is still cached");
	KUNIT_EXPECT_TRUE(test, owner_is_in_user_mode(owner));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static struct kunit_case pcpu_drain_held_cases[] = {
	KUNIT_CASE(whoever_enters_waits),
	KUNIT_CASE(whoever_leaves_idle_waits),
	KUNIT_CASE(one_holds_at_a_time),
	KUNIT_CASE(in_an_nmi_it_is_not_held),
	KUNIT_CASE(whoever_is_preempted_inside_is_waited_for),
	KUNIT_CASE(refused_is_not_drained),
	KUNIT_CASE(what_is_posted_is_taken_later),
	{}
};

static struct kunit_suite pcpu_drain_held_suite = {
	.name = "mm_pcpu_drain_held",
	.test_cases = pcpu_drain_held_cases,
};

kunit_test_suite(pcpu_drain_held_suite);
