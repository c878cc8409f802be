// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite for the draining of per-CPU caches, owners in user mode on isolated
 * CPUs: what a variant must keep where it treats those its own way.
 *
 * Named for the invariant (common/README.md) or the trap that each is about. They
 * hold under every variant; those that promise more are held to it by
 * pcd_variant_owes() and pcd_variant_clean_in_user(), see user_probe.c.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/sched/isolation.h>

#include "fixture.h"
#include "owner_acts.h"
#include "user_partition.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"

#define STRESS_MS 1000
#define ENOUGH 200
#define ROUNDS 20

/* ---- helpers ---- */

static struct user_owner *start(struct kunit *test, int cpu)
{
	return scene_start(test, cpu);
}

/*
 * Whatever has become of the owner, what it cached is drained if asked for: at the
 * latest when @in_user_mode, if there is such a one on that CPU, has come back.
 */
static void expect_not_stranded(struct kunit *test, int cpu,
				struct user_owner *in_user_mode)
{
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)),
				      "it is still cached, and nobody will drain it unasked");
	ask(test, PCD_WAIT);
	answer(test);
	if (in_user_mode)
		owner_come_back(test, in_user_mode);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)), "it is still cached");
	probe_expect_no_debt(test);
}

static s64 helps(int cpu, enum pcd_help why)
{
	return atomic64_read(&script_stats(cpu)->helps[why]);
}

/* ---- 4: never in user mode with a debt ---- */

static struct {
	struct hrtimer timer;
	struct rnd_state rnd;		/* the timer's */
	struct rnd_state owner_rnd[USER_OWNERS];
	struct rnd_state fault_rnd;
	bool over;
} stress;

static u64 next_interrupt(void)
{
	return 20000 + prandom_u32_state(&stress.rnd) % 300000;
}

static enum hrtimer_restart cache_in_hardirq(struct hrtimer *timer)
{
	u32 what = prandom_u32_state(&stress.rnd);

	if (what & 1)
		script_cache(NULL);
	if (what & 2)
		script_cache_second();
	hrtimer_forward_now(timer, ns_to_ktime(next_interrupt()));
	return HRTIMER_RESTART;
}

static void start_interrupts(void *unused)
{
	hrtimer_start(&stress.timer, ns_to_ktime(next_interrupt()),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static void do_something(void *data)
{
	struct rnd_state *rnd = data;

	switch (prandom_u32_state(rnd) % 8) {
	case 0:
		script_cache(NULL);
		usleep_range(50, 500);
		break;
	case 1:
		usleep_range(50, 500);
		script_cache(NULL);
		break;
	case 2:
		script_cache(NULL);
		schedule();
		script_cache(NULL);
		break;
	case 3:
	case 4:
		script_cache(NULL);
		break;
	case 5:
		udelay(prandom_u32_state(rnd) % 100);
		break;
	default:
		break;
	}
}

static int ask_again_and_again(void *data)
{
	static const enum pcd_mode modes[] = { PCD_WAIT, PCD_STRICT, PCD_POST, PCD_WAIT, PCD_MUST };
	unsigned int i = 0;

	while (!READ_ONCE(stress.over)) {
		pcd_drain_all(&scripted, NULL, modes[i++ % ARRAY_SIZE(modes)]);
		usleep_range(20, 600);
	}
	return 0;
}

/* What @test started: two owners on one CPU, interrupts there, and two requesters. */
static struct {
	int cpu;
	struct user_owner *owner[USER_OWNERS];
	struct thread requester[2];
	unsigned int entries;
} load;

/* The owners, doing nothing yet. */
static void load_prepare(struct kunit *test, int cpu)
{
	load.cpu = cpu;
	load.owner[0] = start(test, cpu);
	load.owner[1] = owner_start(test, cpu);
}

static void load_begin(struct kunit *test)
{
	int i;

	prandom_seed_state(&stress.rnd, 1);
	prandom_seed_state(&stress.fault_rnd, 2);
	WRITE_ONCE(stress.over, false);
	hrtimer_setup(&stress.timer, cache_in_hardirq, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	smp_call_function_single(load.cpu, start_interrupts, NULL, true);
	load.entries = probe_entries(load.cpu);
	for (i = 0; i < USER_OWNERS; i++) {
		prandom_seed_state(&stress.owner_rnd[i], 3 + i);
		owner_on_fault(load.owner[i], do_something, &stress.fault_rnd);
		owner_tell(load.owner[i], do_something, &stress.owner_rnd[i], OWNER_FAULT);
		owner_repeat(load.owner[i], true);
		thread_start(test, &load.requester[i], requester_cpu(i),
			     ask_again_and_again, NULL);
	}
}

static void load_end(struct kunit *test)
{
	int i;

	KUNIT_EXPECT_TRUE_MSG(test, eventually(probe_entries(load.cpu) - load.entries > ENOUGH &&
					       atomic_read(&script.drained) > ENOUGH),
			      "hardly any load");
	WRITE_ONCE(stress.over, true);
	for (i = 0; i < USER_OWNERS; i++)
		thread_join(&load.requester[i]);
	for (i = 0; i < USER_OWNERS; i++)
		owner_repeat(load.owner[i], false);
	for (i = 0; i < USER_OWNERS; i++)
		KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(load.owner[i])));
	hrtimer_cancel(&stress.timer);
}

static void expect_nothing_lost(struct kunit *test, int cpu)
{
	ask(test, PCD_MUST);
	answer(test);
	pcd_drain_all(&second, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&script.drained), atomic_read(&script.cached),
			    "lost, or drained twice");
}

static void never_in_user_mode_with_a_debt(struct kunit *test)
{
	load_prepare(test, isolated_cpu(test, 0));
	load_begin(test);
	msleep(STRESS_MS);
	load_end(test);
	probe_expect_no_debt(test);
	expect_nothing_lost(test, load.cpu);
}

/* ---- 5: an owner in user mode is left alone ---- */

/* @mode is to cost an owner in user mode nothing, whether or not it has something cached. */
static void expect_left_alone(struct kunit *test, enum pcd_mode mode)
{
	int cpu = isolated_cpu(test, 0), i;
	struct user_owner *owner = start(test, cpu);
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

/* ---- 4: posted is kept ---- */

static struct user_owner *start_posted(struct kunit *test, int cpu)
{
	struct user_owner *owner = start(test, cpu);

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

/* ---- 6: nobody waits without bound ---- */

/* A request is out, and the owner busy in the kernel, from where it goes to user mode. */
static void expect_served(struct kunit *test, int cpu, struct user_owner *owner)
{
	if (pcd_variant_clean_in_user()) {
		schedule_timeout_uninterruptible(2);
		open_gate(NULL);
	}
	/* None, where it was drained before the request. */
	KUNIT_EXPECT_LE(test, answer(test).drained, 1);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	open_gate(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static void requester_waits_for_an_owner_in_the_kernel(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	ask(test, PCD_WAIT);
	expect_served(test, cpu, owner);
}

/* Does an isolated owner drain, or have drained, what nobody asks for? */
static bool drains_unasked(int cpu)
{
	return pcd_variant_clean_in_user() && is_isolated(cpu);
}

/*
 * The same for a request that names a key.  Who has nothing of that key is not asked;
 * who has drains as for any request.
 */
static void key_of_an_owner_in_the_kernel(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), mine, other;
	struct user_owner *owner = start(test, cpu);
	struct pcd_result result;

	script.key = &mine;
	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));

	ask_for(test, &other, PCD_WAIT);
	result = answer(test);
	KUNIT_EXPECT_EQ(test, result.drained + result.posted + result.left, 0);
	if (!drains_unasked(cpu))
		KUNIT_EXPECT_EQ(test, script_items(cpu), 1);

	ask_for(test, &mine, PCD_WAIT);
	expect_served(test, cpu, owner);
}

/* A request is out, and the drain that it waits for has begun and is held up. */
static void hold_up_a_request(struct kunit *test, int cpu, struct user_owner *owner)
{
	WRITE_ONCE(script.held_cpu, cpu);
	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu)));
	/* The drain begins for the request, or else when the owner leaves. */
	if (drains_unasked(cpu))
		open_gate(NULL);
	else
		ask(test, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(completion_done(&script.entered)));
	if (drains_unasked(cpu))
		ask(test, PCD_WAIT);
}

/* Both go their ways, the owner to user mode and back. */
static void let_the_request_go(struct kunit *test, int cpu, struct user_owner *owner)
{
	KUNIT_EXPECT_FALSE_MSG(test, asked_is_answered(), "it is still being drained");
	WRITE_ONCE(script.held_cpu, -1);
	complete_all(&script.release);
	answer(test);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	open_gate(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
}

/* The bit that says "owed" is clear as soon as the drain begins. */
static void requester_waits_for_a_drain_under_way(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	hold_up_a_request(test, cpu, owner);
	schedule_timeout_uninterruptible(PCD_PATIENCE / 2);
	let_the_request_go(test, cpu, owner);
	probe_expect_no_debt(test);
}

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
	struct user_owner *owner = start(test, cpu);
	s64 before = helps(cpu, PCD_HELP_PATIENCE);
	static struct thread requester;

	WRITE_ONCE(asking, false);
	thread_start(test, &requester, requester_cpu(0), ask_with_the_mutex_held, NULL);
	owner_tell(owner, cache_and_take_the_mutex, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(completion_done(&requester.done)),
			      "requester and owner wait for each other");
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ_MSG(test, helps(cpu, PCD_HELP_PATIENCE), before,
			    "it was patience that ended it, not the drain");
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
}

static void patience_ends(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	ask(test, PCD_WAIT);
	answer(test);
	KUNIT_EXPECT_FALSE(test, owner_has_done(owner));
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ(test, script.last[cpu].by,
			pcd_locks_remotely() ? BY_REQUESTER : BY_KWORKER);
	open_gate(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

/* What the request can see is cached, and its owner is to say so. */
static void cached_but_not_said_yet(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *adder = start(test, cpu);
	struct pcd_result result;

	owner_tell(adder, cache_busy_within, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu) == 1));
	ask(test, PCD_WAIT);
	result = answer(test);
	KUNIT_EXPECT_LE_MSG(test, script_items(cpu), result.posted, "neither drained nor posted");
	open_gate(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(adder)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

/* An owner caches, and sleeps before it says so. */
static void sleep_within(struct kunit *test, int cpu, struct user_owner *adder)
{
	owner_tell(adder, cache_asleep_within, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu) == 1 && owner_is_asleep(adder)));
}

/* The same, and the adder sleeps; then another task takes the CPU to user mode. */
static void asked_while_only_the_adder_knows(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *adder = start(test, cpu);
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
	open_gate(NULL);
	owner_come_back(test, other);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(adder)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

/* The same, and another task takes the CPU to user mode, twice; asked past it. */
static void ask_past_a_preempted_adder(struct kunit *test, enum pcd_mode mode)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *adder = start(test, cpu);
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
	open_gate(NULL);
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

/* ---- 7: owners that do not simply go back to user mode ---- */

static void stranded_by_a_sleeper(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *sleeper = start(test, cpu);
	struct user_owner *other = owner_start(test, cpu);
	unsigned int entries;

	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	owner_tell(sleeper, cache_and_be_asleep, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) == 1 &&
					   owner_is_asleep(sleeper)));
	entries = probe_entries(cpu);
	/* The other has been switched to; another entry is its next. */
	owner_come_back(test, other);
	owner_do(test, other, NULL, NULL, OWNER_SPIN);
	KUNIT_EXPECT_GT(test, probe_entries(cpu), entries);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "it is stranded");
	expect_not_stranded(test, cpu, other);
}

static void sleeper_on_an_idle_cpu(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_do(test, owner, NULL, NULL, OWNER_SPIN);	/* something for the probe */
	owner_come_back(test, owner);
	owner_tell(owner, cache_and_be_asleep, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) == 1 &&
					   owner_is_asleep(owner)));
	expect_not_stranded(test, cpu, NULL);
}

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

/* Its command is OWNER_SPIN, and it is held up on the way there. */
static bool is_asleep_in_its_exit(struct user_owner *owner)
{
	return owner_has_done(owner) && owner_is_asleep(owner);
}

/* Its drain sleeps, and another task would take the CPU to user mode. */
static void next_task_finds_an_unfinished_drain(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
	struct user_owner *next = owner_start(test, cpu);

	if (!pcd_variant_clean_in_user())
		kunit_skip(test, "nobody drains unasked in this variant");
	hold_drains(test);
	WRITE_ONCE(held.second_may_end, true);
	/* Of more weight than a kworker, lest that does it where the owner may. */
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
	expect_not_stranded(test, cpu, next);
}

/* Not just being woken. */
static bool is_waiting_for_owners(struct task_struct *task)
{
	return mutex_is_locked(&scripted.lock) &&
	       READ_ONCE(task->__state) == TASK_UNINTERRUPTIBLE;
}

/*
 * A task does once more what another is in the middle of; a request comes after that has
 * begun, and all is out when it ends. False: nobody does so here.
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

/* Not the first, which may go on for long, but the one that has emptied the cache. */
static void repeated_drain_serves_a_later_request(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), rounds;
	struct user_owner *owner = start(test, cpu);
	struct user_owner *next = owner_start(test, cpu);
	s64 before = helps(cpu, PCD_HELP_PATIENCE);

	if (!pcd_variant_clean_in_user())
		kunit_skip(test, "nobody drains unasked in this variant");
	for (rounds = 0; rounds < ROUNDS / 4; rounds++)
		if (!ask_while_a_drain_is_repeated(test, cpu, owner, next))
			kunit_skip(test, "here a task waits for another's drain");
	/* On a busy machine a patience may end by itself. */
	KUNIT_EXPECT_LE_MSG(test, helps(cpu, PCD_HELP_PATIENCE) - before, rounds / 2,
			    "a requester has waited for the first drain");
	probe_expect_no_debt(test);
}

/* What a drain caches in its turn, of a class registered later. */
static void drain_caches_in_a_later_class(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

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

static void owner_exits(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_tell(owner, script_cache, NULL, OWNER_EXIT);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(owner)));
	expect_not_stranded(test, cpu, NULL);
}

static void owner_is_killed(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	send_sig(SIGKILL, owner_task(owner), 1);
	open_gate(NULL);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(owner)));
	expect_not_stranded(test, cpu, NULL);
}

static void owner_caches_late_in_its_exit(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_tell(owner, cache_late_in_exit, NULL, OWNER_EXIT);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(owner)));
	KUNIT_ASSERT_EQ(test, atomic_read(&script.cached), 1);
	expect_not_stranded(test, cpu, NULL);
}

static void owner_execs(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_on_fault(owner, script_cache, NULL);
	owner_tell(owner, NULL, NULL, OWNER_EXEC);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(atomic_read(&script.cached) == 1),
			      "nothing is cached in the exec");
	/* The new program asks for its next command. */
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_waiting(owner)));
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "it was cached in user mode");
	owner_do(test, owner, NULL, NULL, OWNER_SPIN);
	expect_not_stranded(test, cpu, owner);
	probe_expect_no_debt(test);
}

static void cache_and_go_to(void *cpu)
{
	script_cache(NULL);
	set_cpus_allowed_ptr(current, cpumask_of((long)cpu));
}

static void owner_migrates(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), to = isolated_cpu(test, 1);
	struct user_owner *owner = start(test, cpu);

	owner_do(test, owner, cache_and_go_to, (void *)(long)to, OWNER_SPIN);
	KUNIT_EXPECT_EQ(test, task_cpu(owner_task(owner)), to);
	expect_not_stranded(test, cpu, owner);
}

static void owner_is_stopped(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_do(test, owner, script_cache, NULL, OWNER_STOP);
	KUNIT_ASSERT_TRUE(test, eventually(task_is_stopped(owner_task(owner))));
	expect_not_stranded(test, cpu, NULL);
}

static void owner_is_fifo(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

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
	expect_not_stranded(test, cpu, NULL);
}

static void interrupt_caches_in_user_mode(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);

	owner_do(test, owner, NULL, NULL, OWNER_SPIN);
	smp_call_function_single(cpu, script_cache, NULL, true);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	ask(test, PCD_WAIT);
	answer(test);
	owner_come_back(test, owner);
	expect_not_stranded(test, cpu, NULL);
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
	struct user_owner *owner = start(test, cpu);
	long ns;

	hrtimer_setup(&single_interrupt, cache_second_in_hardirq, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	for (ns = 1000; ns < 100000; ns += 4000) {
		owner_do(test, owner, cache_with_an_interrupt_near, (void *)ns, OWNER_SPIN);
		hrtimer_cancel(&single_interrupt);
		owner_come_back(test, owner);
	}
	expect_not_stranded(test, cpu, NULL);
	pcd_drain_all(&second, NULL, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(!second_items(cpu)));
}

/* A child is forked while its parent is about to drain. */
static void child_of_an_owner_that_owes(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
	s64 before;

	owner_do(test, owner, cache_and_create_io_worker, NULL, OWNER_SPIN);
	owner_come_back(test, owner);

	/* Now the child caches, and comes past its own task works. */
	before = helps(cpu, PCD_HELP_IDLE);
	io_worker_caches();
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached) == 2));
	open_gate(NULL);
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	KUNIT_EXPECT_EQ_MSG(test, helps(cpu, PCD_HELP_IDLE), before,
			    "the child believed itself armed");
	expect_not_stranded(test, cpu, NULL);
}

/* ---- 8: only isolated CPUs are treated in another way ---- */

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
	s64 patience = helps(cpu, PCD_HELP_PATIENCE);
	struct pcd_result result;

	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	if (!tracked)
		KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 1, "who drained it, and why?");
	ask(test, PCD_WAIT);
	result = answer(test);
	if (!tracked) {
		KUNIT_EXPECT_EQ(test, result.drained, 1);
		KUNIT_EXPECT_EQ(test, result.posted, 0);
		KUNIT_EXPECT_EQ(test, helps(cpu, PCD_HELP_PATIENCE), patience);
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(&script_stats(cpu)->works) - works,
			!tracked && !pcd_locks_remotely());
	owner_come_back(test, owner);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

static void housekeeping_is_the_right_way_round(struct kunit *test)
{
	int cpu = other_housekeeping_cpu(test);

	expect_the_cpus_own_way(test, cpu, start(test, cpu));
}

/* ---- 7, 8: the scheduler's isolation changes, which is not what makes an owner ---- */

#define CHANGES 3

static void domain_isolation_changes_under_load(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0), i;

	partition_start(test, cpu);
	load_prepare(test, cpu);
	for (i = 0; i < USER_OWNERS; i++)
		partition_take(test, load.owner[i]);
	load_begin(test);
	for (i = 0; i < CHANGES; i++) {
		partition_change(test, true);
		partition_change(test, false);
	}
	load_end(test);
	probe_expect_no_debt(test);
	expect_nothing_lost(test, cpu);
}

/* Before a request's end: then it looks at another state than at its beginning. */
static void change_under_a_request(struct kunit *test, int cpu, struct user_owner *owner,
				   bool isolated)
{
	reinit_completion(&script.entered);
	reinit_completion(&script.release);
	close_gate(test);
	hold_up_a_request(test, cpu, owner);
	partition_begin(test, isolated);
	let_the_request_go(test, cpu, owner);
	partition_end(test);
	expect_the_cpus_own_way(test, cpu, owner);
}

static void expect_changes_to_change_nothing(struct kunit *test, int cpu)
{
	struct user_owner *owner;

	partition_start(test, cpu);
	owner = start(test, cpu);
	partition_take(test, owner);
	change_under_a_request(test, cpu, owner, true);
	change_under_a_request(test, cpu, owner, false);
	expect_nothing_lost(test, cpu);
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
	struct user_owner *owner = start(test, cpu);
	struct user_owner *requester = owner_start(test, requester_cpu(1));
	static struct look seen;

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	seen = (struct look){ .cpu = cpu, .items = -1 };
	owner_tell(requester, ask_and_look, &seen, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(seen.asked) && owner_is_asleep(requester)));
	send_sig(SIGKILL, owner_task(requester), 1);
	schedule_timeout_uninterruptible(2);
	open_gate(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_dead(requester)));
	KUNIT_EXPECT_EQ_MSG(test, seen.items, 0, "it was told that all is drained");
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));

	/* The next request finds all in order. */
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	expect_not_stranded(test, cpu, owner);
}

static void cache_and_ask(void *result)
{
	script_cache(NULL);
	*(struct pcd_result *)result = pcd_drain_all(&scripted, NULL, PCD_WAIT);
}

static void requester_on_an_isolated_cpu(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
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

/* ---- 7: its CPU is unplugged ---- */

static void cache_and_ask_for_nothing(void *unused)
{
	script_cache(NULL);
	pcd_drain_all(&scripted, NULL, PCD_WAIT);
	script_cache(NULL);
}

static void go_to(void *cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of((long)cpu));
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
	struct user_owner *owner = start(test, cpu);

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
	expect_not_stranded(test, cpu, owner);
}

static void unplugged_with_something_posted(struct kunit *test)
{
	int cpu = unpluggable_cpu(test);
	struct user_owner *owner = start_posted(test, cpu);

	/* It goes on in user mode, elsewhere. */
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
	owner_come_back(test, owner);
	owner_do(test, owner, cache_and_go_to, (void *)(long)cpu, OWNER_AGAIN);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_waiting(owner)));
	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	expect_not_stranded(test, cpu, owner);
}

/* Nobody is left there to drain it, nor to wake. */
static void unplugged_with_something_cached_last(struct kunit *test)
{
	int cpu = unpluggable_cpu(test);
	struct user_owner *owner = start(test, cpu);

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
	expect_not_stranded(test, cpu, NULL);
}

/* ---- the workqueue that is flushed ---- */

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
	expect_not_stranded(test, cpu, NULL);
}

static struct kunit_case pcpu_drain_owner_cases[] = {
	KUNIT_CASE(never_in_user_mode_with_a_debt),
	KUNIT_CASE(wait_leaves_user_mode_alone),
	KUNIT_CASE(post_leaves_user_mode_alone),
	KUNIT_CASE(posted_is_kept_on_the_next_entry),
	KUNIT_CASE(posted_then_the_owner_blocks),
	KUNIT_CASE(posted_then_the_owner_dies),
	KUNIT_CASE(requester_waits_for_an_owner_in_the_kernel),
	KUNIT_CASE(key_of_an_owner_in_the_kernel),
	KUNIT_CASE(requester_waits_for_a_drain_under_way),
	KUNIT_CASE(requester_waits_for_the_drain_not_for_user_mode),
	KUNIT_CASE(patience_ends),
	KUNIT_CASE(cached_but_not_said_yet),
	KUNIT_CASE(asked_while_only_the_adder_knows),
	KUNIT_CASE(posted_past_a_preempted_adder),
	KUNIT_CASE(waited_past_a_preempted_adder),
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
	KUNIT_CASE(isolated_cpus_alone_are_tracked),
	KUNIT_CASE(housekeeping_is_the_right_way_round),
	KUNIT_CASE(domain_isolation_changes_under_load),
	KUNIT_CASE(domain_isolation_changes_under_a_request),
	KUNIT_CASE(domain_isolation_of_a_housekeeping_cpu),
	KUNIT_CASE(requester_is_killed),
	KUNIT_CASE(requester_on_an_isolated_cpu),
	KUNIT_CASE(unplugged_under_an_owner_that_asks),
	KUNIT_CASE(unplugged_with_something_posted),
	KUNIT_CASE(unplugged_with_something_cached_last),
	KUNIT_CASE(usermode_helper_comes_to_its_end),
	{}
};

static struct kunit_suite pcpu_drain_owner_suite = {
	.name = "mm_pcpu_drain_owner",
	.test_cases = pcpu_drain_owner_cases,
};

kunit_test_suite(pcpu_drain_owner_suite);
