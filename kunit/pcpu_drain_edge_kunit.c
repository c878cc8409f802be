// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: the edges of requests and drains on an isolated CPU, where an
 * interrupt, or another CPU, makes the difference within a few instructions.
 *
 * Most edges are met exactly: whoever touches what the CPU owes is stopped right there
 * (watch.c).  The others by trying often, with CPUs that are held up at random
 * (holdup.c), so that an owner goes all its way to user mode between two of a
 * request's instructions.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/prandom.h>

#include <trace/events/pcpu_drain.h>
#include <trace/events/sched.h>

#include "fixture.h"
#include "holdup.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"
#include "watch.h"

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

/* Cache in any of the ways after which the owner is in user mode at once. */
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

static void load_begin(struct kunit *test, int cpu, struct user_owner *owner)
{
	int i;

	WRITE_ONCE(load.over, false);
	load.entries = probe_entries(cpu);
	prandom_seed_state(&load.owner_rnd, 1);
	owner_tell(owner, cache_and_leave, NULL, OWNER_AGAIN);
	owner_repeat(owner, true);
	for (i = 0; i < REQUESTERS; i++) {
		prandom_seed_state(&load.rnd[i], 2 + i);
		thread_start(test, &load.requester[i], requester_cpu(i),
			     ask_again_and_again, &load.rnd[i]);
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

static void everybody_is_held_up_anywhere(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = scene_start(test, cpu);
	struct cpumask cpus = *cpumask_of(cpu);

	for (i = 0; i < REQUESTERS; i++)
		cpumask_set_cpu(requester_cpu(i), &cpus);
	holdup_start(test, requester_cpu(REQUESTERS), &cpus);
	load_begin(test, cpu, owner);
	msleep(STRESS_MS);
	load_end(test, cpu, owner);
	expect_nothing_lost(test);
}

/* ---- who touches something is held up right behind that instruction ---- */

/* No longer, should the test have failed. */
#define HELD_US 5000000

static struct {
	int cpu;			/* the owner's */
	struct task_struct *drainer;	/* who drains there */
	struct thread requester;
	bool met;			/* the edge that the test is about, once */
	bool over;			/* whoever is held up there goes on */
} edge;

/* What a CPU owes: a bit per class.  Only for CPUs that are tracked. */
static unsigned long *owed(int cpu)
{
#ifdef CONFIG_PCPU_DRAIN_TRACKED
	return &per_cpu(pcd_owners.pending, cpu);
#else
	return NULL;
#endif
}

static struct user_owner *edge_start(struct kunit *test, int cpu)
{
	struct user_owner *owner = scene_start(test, cpu);

	if (!pcd_tracks(cpu) || pcd_holds())
		kunit_skip(test, "in this variant no CPU owes anything");
	edge.cpu = cpu;
	edge.drainer = NULL;
	edge.met = false;
	edge.over = false;
	return owner;
}

static void be_held_up(void)
{
	int us;

	WRITE_ONCE(edge.met, true);
	for (us = 0; us < HELD_US && !READ_ONCE(edge.over); us++)
		udelay(1);
}

static void hold_up_who_asks(bool irqs_on)
{
	if (raw_smp_processor_id() != edge.cpu && !READ_ONCE(edge.met))
		be_held_up();
}

static bool edge_is_met(struct user_owner *unused)
{
	return READ_ONCE(edge.met);
}

/* Long enough for whatever is going to come. */
static void await(bool (*condition)(struct user_owner *owner), struct user_owner *owner)
{
	int i;

	for (i = 0; i < HZ / 10 && !condition(owner); i++)
		schedule_timeout_uninterruptible(1);
}

/*
 * A request is held up while the owner is about to say that it has cached something.
 * The owner says so, and goes to user mode if it may, before the request goes on.
 */
static void owner_leaves_at_the_edge(struct kunit *test, struct user_owner *owner)
{
	static struct request request = { &scripted, NULL, PCD_POST };

	close_latch(test);
	owner_tell(owner, cache_busy_within, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(edge.cpu)));
	thread_start(test, &edge.requester, other_housekeeping_cpu(test), make_request,
		     &request);
	await(edge_is_met, owner);
	open_latch(NULL);
	await(owner_is_in_user_mode, owner);
	WRITE_ONCE(edge.over, true);
	thread_join(&edge.requester);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
}

/* It has not looked at the owner yet.  Where requests set no bit, nobody is held up. */
static void request_is_held_up_when_it_has_set_its_bit(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = edge_start(test, cpu);

	watch_start(test, owed(cpu), hold_up_who_asks);
	owner_leaves_at_the_edge(test, owner);
	expect_nothing_lost(test);
}

/* It has marked the work as pending.  The owner must know that the work comes, and wait. */
static void request_is_held_up_before_it_queues(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = edge_start(test, cpu);

	/* The first round shows which work it is. */
	owner_leaves_at_the_edge(test, owner);
	if (!probe_queued())
		kunit_skip(test, "in this variant a request queues no work");
	WRITE_ONCE(edge.over, false);
	watch_start(test, &probe_queued()->data, hold_up_who_asks);
	owner_leaves_at_the_edge(test, owner);
	KUNIT_EXPECT_TRUE(test, edge.met);
	expect_nothing_lost(test);
}

static void hold_up_who_wakes(void *unused, struct task_struct *task)
{
	if (in_task() && current == READ_ONCE(edge.requester.task) &&
	    task_cpu(task) == edge.cpu && task->flags & PF_WQ_WORKER && !READ_ONCE(edge.met))
		be_held_up();
}

static void wake_unseen(void *unused)
{
	unregister_trace_sched_waking(hold_up_who_wakes, NULL);
	tracepoint_synchronize_unregister();
}

/* An owner that does the queued work itself must not be in user mode when the wake-up comes. */
static void request_is_held_up_before_it_wakes_the_kworker(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = edge_start(test, cpu);

	KUNIT_ASSERT_EQ(test, register_trace_sched_waking(hold_up_who_wakes, NULL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, wake_unseen, NULL), 0);
	owner_leaves_at_the_edge(test, owner);
	KUNIT_EXPECT_TRUE(test, edge.met || !probe_queued());
	expect_nothing_lost(test);
}

static void say_who_drains(void)
{
	WRITE_ONCE(edge.drainer, current);
}

/* A drain has just seen that nothing else is owed. */
static bool is_last_look(bool irqs_on)
{
	return raw_smp_processor_id() == edge.cpu && current == READ_ONCE(edge.drainer) &&
	       !irqs_on && !*owed(edge.cpu) && !READ_ONCE(edge.met);
}

/* Cache in both classes, before a kworker drains the first. */
static void cache_both_and_be_busy(void *unused)
{
	preempt_disable();
	script_cache(NULL);
	script_cache_second();
	preempt_enable();
	be_busy(NULL);
}

/* The owner has both classes cached, and leaves once it is asked for the first. */
static void have_one_class_drained(struct kunit *test, struct user_owner *owner)
{
	WRITE_ONCE(script.in_drain, say_who_drains);
	owner_tell(owner, cache_both_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) >= 2));
	ask(test, PCD_POST);
	answer(test);
	open_latch(NULL);
	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(edge.met)));
}

static void hold_up_at_last_look(bool irqs_on)
{
	if (is_last_look(irqs_on))
		be_held_up();
}

/* If the other class is still cached by then, it needs another drain. */
static void request_comes_at_the_end_of_a_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = edge_start(test, cpu);

	watch_start(test, owed(cpu), hold_up_at_last_look);
	have_one_class_drained(test, owner);
	ask_class(test, &second, PCD_POST);
	answer(test);
	WRITE_ONCE(edge.over, true);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_EQ(test, second_items(cpu), 0);
	owner_come_back(test, owner);
	expect_nothing_lost(test);
}

static void cache_late(struct irq_work *unused)
{
	script_cache(NULL);
}

static struct irq_work late_interrupt = IRQ_WORK_INIT_HARD(cache_late);

/* As soon as interrupts are on again. */
static void interrupt_after_last_look(bool irqs_on)
{
	if (!is_last_look(irqs_on))
		return;
	WRITE_ONCE(edge.met, true);
	irq_work_queue(&late_interrupt);
}

static void interrupt_caches_at_the_end_of_a_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = edge_start(test, cpu);

	watch_start(test, owed(cpu), interrupt_after_last_look);
	have_one_class_drained(test, owner);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	KUNIT_EXPECT_EQ(test, atomic_read(&script.cached), 3);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	owner_come_back(test, owner);
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

/* The drain finds it itself: otherwise each drain would be followed by another. */
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
	KUNIT_CASE(request_is_held_up_when_it_has_set_its_bit),
	KUNIT_CASE(request_is_held_up_before_it_queues),
	KUNIT_CASE(request_is_held_up_before_it_wakes_the_kworker),
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
