// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite for the draining of per-CPU caches, requests: what each mode is told,
 * when it is helped, and what an unplug does to it.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/swap.h>

#include "../../internal.h"	/* lru_cache_disable() */
#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_owner.h"
#include "user_probe.h"

static s64 helps(int cpu, enum pcd_help why)
{
	return atomic64_read(&script_stats(cpu)->helps[why]);
}

static struct user_owner *start(struct kunit *test, int cpu)
{
	return scene_start(test, cpu);
}

/* ---- never posted ---- */

static void mode_name(const enum pcd_mode *mode, char *name)
{
	static const char * const names[] = {
		[PCD_WAIT] = "wait", [PCD_POST] = "post",
		[PCD_STRICT] = "strict", [PCD_MUST] = "must",
	};

	strscpy(name, names[*mode], KUNIT_PARAM_DESC_SIZE);
}

static const enum pcd_mode strict_modes[] = { PCD_STRICT, PCD_MUST };

KUNIT_ARRAY_PARAM(strict, strict_modes, mode_name);

/*
 * The owner spins in user mode.  It is interrupted only if it has something cached, and
 * then drains itself, whatever its priority: patience does not end for it.
 */
static void expect_never_posted(struct kunit *test, void (*cache)(void *unused))
{
	enum pcd_mode mode = *(const enum pcd_mode *)test->param_value;
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
	s64 patience = helps(cpu, PCD_HELP_PATIENCE), strict = helps(cpu, PCD_HELP_STRICT);
	bool cached = !pcd_variant_clean_in_user();
	struct pcd_result result;

	owner_do(test, owner, cache, NULL, OWNER_SPIN);
	if (!cached)
		KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
	ask(test, mode);
	result = answer(test);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ(test, result.posted, 0);
	KUNIT_EXPECT_EQ(test, result.left, 0);
	KUNIT_EXPECT_TRUE(test, owner_is_in_user_mode(owner) || !pcd_tracks(cpu));
	if (pcd_tracks(cpu)) {
		KUNIT_EXPECT_LE(test, helps(cpu, PCD_HELP_STRICT) - strict, cached);
		KUNIT_EXPECT_EQ(test, helps(cpu, PCD_HELP_PATIENCE), patience);
	}
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static void strict_is_never_posted(struct kunit *test)
{
	expect_never_posted(test, script_cache);
}

static void strict_interrupts_a_fifo_owner(struct kunit *test)
{
	expect_never_posted(test, fifo_cache);
}

/* The help that a strict request takes is counted; a lax request takes none. */
static void strict_is_counted_as_help(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
	s64 before = helps(cpu, PCD_HELP_STRICT);

	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	ask(test, PCD_WAIT);
	if (!answer(test).posted)
		kunit_skip(test, "nothing is posted in this variant");
	KUNIT_EXPECT_EQ(test, helps(cpu, PCD_HELP_STRICT), before);
	/* Repeat if a tick came between, and did what was posted. */
	while (!script_items(cpu)) {
		owner_come_back(test, owner);
		owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	}
	ask(test, PCD_STRICT);
	KUNIT_EXPECT_LE(test, answer(test).drained, 1);
	KUNIT_EXPECT_LE(test, helps(cpu, PCD_HELP_STRICT) - before, 1);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

/* A strict request asks an owner in the kernel as any other request does. */
static void strict_waits_for_an_owner_in_the_kernel(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct user_owner *owner = start(test, cpu);
	s64 before = helps(cpu, PCD_HELP_STRICT);

	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	ask(test, PCD_STRICT);
	if (pcd_variant_clean_in_user()) {
		schedule_timeout_uninterruptible(2);
		open_latch(NULL);
	}
	KUNIT_EXPECT_EQ(test, answer(test).posted, 0);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ(test, helps(cpu, PCD_HELP_STRICT), before);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

/* ---- riding ---- */

struct requester {
	struct thread thread;
	struct request request;
	int items;	/* on the watched CPU when its answer came */
	int watched;
};

static int ask_and_look(void *data)
{
	struct requester *requester = data;

	make_request(&requester->request);
	requester->items = script_items(requester->watched);
	return 0;
}

static void requester_start(struct kunit *test, struct requester *requester, int cpu,
			    enum pcd_mode mode, int watched)
{
	*requester = (struct requester){
		.request = { &scripted, NULL, mode },
		.items = -1,
		.watched = watched,
	};
	/* Something for its local drain: "noted its generation" shows in that. */
	atomic_long_set(&script.items[cpu], 1);
	thread_start(test, &requester->thread, cpu, ask_and_look, requester);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

/* A first request is held up in its drain, so that others come and wait behind it. */
static void hold_up_the_first(struct kunit *test, struct requester *first, int cpu, int held)
{
	atomic_long_set(&script.items[held], 1);
	WRITE_ONCE(script.held_cpu, held);
	requester_start(test, first, cpu, PCD_WAIT, held);
	KUNIT_ASSERT_TRUE(test, eventually(completion_done(&script.entered)));
}

static void let_the_first_go(void)
{
	WRITE_ONCE(script.held_cpu, -1);
	complete_all(&script.release);
}

/*
 * The owner is in user mode.  A request that may be posted and a strict one wait behind
 * another; the former comes first and is posted: the strict one may not ride on that.
 */
static void strict_rides_on_nothing_posted(struct kunit *test)
{
	static struct requester first, lax, strict;
	int cpu = isolated_cpu(test, 0), held = other_housekeeping_cpu(test);
	int here = requester_cpu(0);
	struct user_owner *owner = start(test, cpu);

	owner_do(test, owner, script_cache, NULL, OWNER_SPIN);
	hold_up_the_first(test, &first, here, held);
	requester_start(test, &lax, here, PCD_WAIT, cpu);
	requester_start(test, &strict, here, PCD_STRICT, cpu);
	let_the_first_go();
	thread_join(&first.thread);
	thread_join(&lax.thread);
	thread_join(&strict.thread);

	KUNIT_EXPECT_EQ(test, strict.request.result.posted, 0);
	KUNIT_EXPECT_EQ_MSG(test, strict.items, 0, "it rode on what was only posted");
	owner_come_back(test, owner);
	probe_expect_no_debt(test);
}

static u64 class_rides(void)
{
	u64 nr = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		nr += atomic64_read(&script_stats(cpu)->rides);
	return nr;
}

/*
 * However many come at once, each waits for one request that has begun before its own,
 * and for one more: the second's, on which all others ride.
 */
static void many_wait_for_two_requests(struct kunit *test)
{
	static struct requester requesters[5];
	int held, here, i;
	u64 rides;

	stay_here(test);
	here = upstream_cpu(test, 0);
	held = upstream_cpu(test, 1);
	script_reset();
	rides = class_rides();
	hold_up_the_first(test, &requesters[0], here, held);
	for (i = 1; i < ARRAY_SIZE(requesters); i++)
		requester_start(test, &requesters[i], here, PCD_STRICT, held);
	let_the_first_go();
	for (i = 0; i < ARRAY_SIZE(requesters); i++)
		thread_join(&requesters[i].thread);
	KUNIT_EXPECT_EQ(test, class_rides() - rides, ARRAY_SIZE(requesters) - 2);
}

/* ---- help comes to all at once ---- */

static int cache_and_keep_the_cpu(void *unused)
{
	preempt_disable();
	cache_and_be_busy(NULL);
	preempt_enable();
	return 0;
}

/* Nobody is served meanwhile: neither owner lets a kworker run. */
static void help_comes_to_all_at_once(struct kunit *test)
{
	static struct thread owners[2];
	s64 before[ARRAY_SIZE(owners)];
	int i, cpus[ARRAY_SIZE(owners)];

	for (i = 0; i < ARRAY_SIZE(owners); i++)
		cpus[i] = isolated_cpu(test, i);
	if (!pcd_tracks(cpus[0]) || !pcd_tracks(cpus[1]))
		kunit_skip(test, "in this variant no owner is waited for with patience");
	stay_here(test);
	script_reset();
	close_latch(test);
	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		before[i] = helps(cpus[i], PCD_HELP_PATIENCE);
		thread_start(test, &owners[i], cpus[i], cache_and_keep_the_cpu, NULL);
		KUNIT_EXPECT_TRUE(test, eventually(script_items(cpus[i])));
	}

	ask(test, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(helps(cpus[0], PCD_HELP_PATIENCE) != before[0]));
	schedule_timeout_uninterruptible(PCD_LOOK);
	KUNIT_EXPECT_EQ_MSG(test, helps(cpus[1], PCD_HELP_PATIENCE) - before[1], 1,
			    "help for the second waits for the first owner");
	KUNIT_EXPECT_FALSE(test, asked_is_answered());

	open_latch(NULL);
	for (i = 0; i < ARRAY_SIZE(owners); i++)
		thread_join(&owners[i]);
	KUNIT_EXPECT_EQ(test, answer(test).left, 0);
	for (i = 0; i < ARRAY_SIZE(owners); i++)
		KUNIT_EXPECT_EQ(test, script_items(cpus[i]), 0);
}

/* A request that waits for one CPU's kworker still helps an owner that lets none run. */
static void help_waits_for_no_kworker(struct kunit *test)
{
	static struct thread owner;
	int cpu = isolated_cpu(test, 0), slow = other_housekeeping_cpu(test);
	s64 before = helps(cpu, PCD_HELP_PATIENCE);

	if (!pcd_tracks(cpu))
		kunit_skip(test, "in this variant no owner is waited for with patience");
	stay_here(test);
	script_reset();
	close_latch(test);
	atomic_long_set(&script.items[slow], 1);
	WRITE_ONCE(script.held_cpu, slow);
	thread_start(test, &owner, cpu, cache_and_keep_the_cpu, NULL);
	KUNIT_EXPECT_TRUE(test, eventually(script_items(cpu)));

	ask(test, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(completion_done(&script.entered)));
	KUNIT_EXPECT_TRUE_MSG(test, eventually(helps(cpu, PCD_HELP_PATIENCE) != before),
			      "help waits for another CPU's kworker");
	open_latch(NULL);
	thread_join(&owner);
	let_the_first_go();
	answer(test);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
}

/* An owner on each isolated CPU, all of them busy in the kernel until it is over. */
struct crowd_owner {
	struct thread thread;
	int cpu;
	s64 helps;		/* by patience, before */
	unsigned int added;	/* items, before */
};

static struct {
	unsigned int nr;
	struct crowd_owner owner[NR_CPUS];
	struct completion over;
} crowd;

static bool crowd_is_helped(s64 times)
{
	unsigned int i;

	for (i = 0; i < crowd.nr; i++)
		if (helps(crowd.owner[i].cpu, PCD_HELP_PATIENCE) - crowd.owner[i].helps < times)
			return false;
	return true;
}

static bool crowd_has_cached(unsigned int times)
{
	unsigned int i;

	for (i = 0; i < crowd.nr; i++)
		if (script_added(&scripted, crowd.owner[i].cpu) - crowd.owner[i].added < times)
			return false;
	return true;
}

/* Cache once more, and stay until each owner has had help so often. */
static void stay_until_all_are_helped(s64 times)
{
	script_cache(NULL);
	while (!crowd_is_helped(times) && !completion_done(&crowd.over))
		cpu_relax();
}

/*
 * At first nothing else runs on this CPU: a requester that waits for one owner before it
 * helps the next waits for ever.  Later kworkers may run: PREEMPT_RT may have preempted
 * one that holds a lock which the other owner's kworker needs.
 */
static int stay_in_the_kernel(void *unused)
{
	int cpu = raw_smp_processor_id();
	s64 times;

	preempt_disable();
	stay_until_all_are_helped(1);
	preempt_enable();
	for (times = 2; !completion_done(&crowd.over); times++) {
		if (!eventually(!script_items(cpu) || completion_done(&crowd.over)))
			return -ETIMEDOUT;
		stay_until_all_are_helped(times);
	}
	return 0;
}

static void crowd_start(struct kunit *test)
{
	unsigned int i;
	int cpu;

	crowd.nr = 0;
	init_completion(&crowd.over);
	for_each_online_cpu(cpu) {
		if (!is_isolated(cpu))
			continue;
		crowd.owner[crowd.nr].cpu = cpu;
		crowd.owner[crowd.nr].helps = helps(cpu, PCD_HELP_PATIENCE);
		crowd.owner[crowd.nr].added = script_added(&scripted, cpu);
		crowd.nr++;
	}
	for (i = 0; i < crowd.nr; i++)
		thread_start(test, &crowd.owner[i].thread, crowd.owner[i].cpu,
			     stay_in_the_kernel, NULL);
	KUNIT_EXPECT_TRUE(test, eventually(crowd_has_cached(1)));
}

/* One request more, since no other drains what the owners have cached last. */
static void crowd_end(struct kunit *test)
{
	unsigned int i;

	complete_all(&crowd.over);
	for (i = 0; i < crowd.nr; i++)
		KUNIT_EXPECT_EQ(test, thread_join(&crowd.owner[i].thread), 0);
	ask(test, PCD_STRICT);
	KUNIT_EXPECT_EQ(test, answer(test).left, 0);
	for (i = 0; i < crowd.nr; i++)
		KUNIT_EXPECT_EQ(test, script_items(crowd.owner[i].cpu), 0);
}

/* Each waits for help twice at most, however many owners and requesters there are. */
static void many_wait_for_two_patiences(struct kunit *test)
{
	static struct requester requesters[5];
	int held = other_housekeeping_cpu(test), here = requester_cpu(0), i;
	u64 rides = class_rides();

	if (!pcd_tracks(isolated_cpu(test, 0)))
		kunit_skip(test, "in this variant no owner is waited for with patience");
	stay_here(test);
	script_reset();
	crowd_start(test);

	hold_up_the_first(test, &requesters[0], here, held);
	for (i = 1; i < ARRAY_SIZE(requesters); i++)
		requester_start(test, &requesters[i], here, PCD_STRICT, held);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(crowd_is_helped(1)),
			      "help for one owner waits for another");
	KUNIT_EXPECT_TRUE(test, eventually(crowd_has_cached(2)));
	let_the_first_go();
	for (i = 0; i < ARRAY_SIZE(requesters); i++)
		KUNIT_EXPECT_TRUE(test, eventually(completion_done(&requesters[i].thread.done)));

	KUNIT_EXPECT_EQ(test, class_rides() - rides, ARRAY_SIZE(requesters) - 2);
	crowd_end(test);
	for (i = 0; i < ARRAY_SIZE(requesters); i++)
		thread_join(&requesters[i].thread);
}

/* ---- an unplug that waits for the requester ---- */

/* A state below CPUHP_AP_WORKQUEUE_ONLINE that no driver of this machine uses. */
#define TEARDOWN CPUHP_AP_PERF_CSKY_ONLINE

static struct {
	int cpu;			/* whose; -1: nobody's */
	int fails;			/* what it returns */
	void (*cache)(void *arg);	/* what it caches last */
	void *arg;
	struct completion begun;	/* and waits from then on */
	struct completion served;
	bool waited;			/* it was not served in time */
} teardown;

static int wait_in_teardown(unsigned int cpu)
{
	if (cpu != READ_ONCE(teardown.cpu))
		return 0;
	teardown.cache(teardown.arg);
	complete(&teardown.begun);
	if (!wait_for_completion_timeout(&teardown.served, msecs_to_jiffies(LIMIT_MS)))
		teardown.waited = true;
	return teardown.fails;
}

static void teardown_end(void *unused)
{
	WRITE_ONCE(teardown.cpu, -1);
	complete_all(&teardown.served);
	cpuhp_remove_state_nocalls(TEARDOWN);
}

static void teardown_start(struct kunit *test, int cpu, void (*cache)(void *arg), void *arg,
			   int fails)
{
	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU) || !get_cpu_device(cpu) || !cpu_is_hotpluggable(cpu))
		kunit_skip(test, "CPU %d cannot be unplugged", cpu);
	teardown.cache = cache;
	teardown.arg = arg;
	teardown.fails = fails;
	teardown.waited = false;
	init_completion(&teardown.begun);
	init_completion(&teardown.served);
	KUNIT_ASSERT_EQ(test, cpuhp_setup_state_nocalls(TEARDOWN, "mm/pcd_kunit:teardown",
							NULL, wait_in_teardown), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, teardown_end, NULL), 0);
	WRITE_ONCE(teardown.cpu, cpu);
}

static int unplug(void *cpu)
{
	return remove_cpu((long)cpu);
}

/* The last CPU that can be unplugged: an isolated one, if there is any. */
static int last_cpu(void)
{
	return cpumask_last(cpu_online_mask);
}

/* The last that caches. */
static int last_caching_cpu(void)
{
	int cpu, last = -1;

	for_each_online_cpu(cpu)
		if (!caches_nothing(cpu))
			last = cpu;
	return last;
}

static const enum pcd_mode waiting_modes[] = { PCD_WAIT, PCD_STRICT, PCD_MUST };

KUNIT_ARRAY_PARAM(waiting, waiting_modes, mode_name);

/* A request finds what the teardown has cached, on a CPU that is still online. */
static void expect_left_alive(struct kunit *test, int cpu, enum pcd_mode mode)
{
	/* Whoever waits in the teardown leaves the CPU idle, so that it can be held. */
	bool remotely = pcd_locks_remotely() || (pcd_holds() && pcd_tracks(cpu));
	struct pcd_result result;

	KUNIT_ASSERT_TRUE(test, eventually(completion_done(&teardown.begun)));
	KUNIT_EXPECT_TRUE(test, cpu_online(cpu));
	ask(test, mode);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(asked_is_answered()),
			      "the request waits for the unplug, and that for the request");
	complete(&teardown.served);
	result = answer(test);
	KUNIT_EXPECT_EQ(test, result.drained, remotely);
	KUNIT_EXPECT_EQ(test, result.left, !remotely);
	KUNIT_EXPECT_EQ(test, result.posted, 0);
}

static void unplug_waits_for_a_request(struct kunit *test)
{
	enum pcd_mode mode = *(const enum pcd_mode *)test->param_value;
	static struct thread unplugger;
	int cpu = last_caching_cpu();

	stay_here(test);
	script_reset();
	teardown_start(test, cpu, script_cache, NULL, 0);
	thread_start(test, &unplugger, requester_cpu(0), unplug, (void *)(long)cpu);
	expect_left_alive(test, cpu, mode);
	KUNIT_EXPECT_EQ(test, thread_join(&unplugger), 0);
	KUNIT_EXPECT_FALSE(test, teardown.waited);
	KUNIT_EXPECT_EQ_MSG(test, script_items(cpu), 0, "its dead callback has left it");
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
}

/* The unplug is called off: what was left stays until the next request. */
static void unplug_fails_under_a_request(struct kunit *test)
{
	enum pcd_mode mode = *(const enum pcd_mode *)test->param_value;
	static struct thread unplugger;
	struct pcd_result result;
	int cpu = last_caching_cpu();

	stay_here(test);
	script_reset();
	teardown_start(test, cpu, script_cache, NULL, -EBUSY);
	thread_start(test, &unplugger, requester_cpu(0), unplug, (void *)(long)cpu);
	expect_left_alive(test, cpu, mode);
	KUNIT_EXPECT_EQ(test, thread_join(&unplugger), -EBUSY);
	KUNIT_ASSERT_TRUE(test, cpu_online(cpu));

	ask(test, mode);
	result = answer(test);
	KUNIT_EXPECT_EQ(test, result.left, 0);
	KUNIT_EXPECT_TRUE(test, eventually(!script_items(cpu)));
}

static void cache_folio(void *folio)
{
	folio_add_lru(folio);
}

static int disable_lru_cache(void *unused)
{
	lru_cache_disable();
	lru_cache_enable();
	return 0;
}

/* The same by way of the first client, whose callers look at no result. */
static void unplug_waits_for_lru_cache_disable(struct kunit *test)
{
	static struct thread unplugger, requester;
	int cpu = last_cpu();
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_ASSERT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
	stay_here(test);
	teardown_start(test, cpu, cache_folio, folio, 0);
	thread_start(test, &unplugger, requester_cpu(0), unplug, (void *)(long)cpu);
	KUNIT_ASSERT_TRUE(test, eventually(completion_done(&teardown.begun)));
	thread_start(test, &requester, requester_cpu(0), disable_lru_cache, NULL);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(completion_done(&requester.done)),
			      "the request waits for the unplug, and that for the request");
	complete(&teardown.served);
	thread_join(&requester);
	KUNIT_EXPECT_EQ(test, thread_join(&unplugger), 0);
	KUNIT_EXPECT_FALSE(test, teardown.waited);
	KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	folio_put(folio);
}

/* ---- a requester that holds the hotplug lock ---- */

static int ask_with_cpus_held(void *data)
{
	cpus_read_lock();
	make_request(data);
	cpus_read_unlock();
	return 0;
}

static void cpus_held_no_more(void *unused)
{
	scripted.cpus_held = false;
}

/* An unplug waits until the requester lets go, and is in nobody's way. */
static void request_with_cpus_held(struct kunit *test)
{
	static struct thread unplugger, requester;
	static struct request request;
	int cpu = last_cpu(), busy = other_housekeeping_cpu(test);

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU) || !get_cpu_device(cpu) || !cpu_is_hotpluggable(cpu))
		kunit_skip(test, "CPU %d cannot be unplugged", cpu);
	stay_here(test);
	script_reset();
	scripted.cpus_held = true;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, cpus_held_no_more, NULL), 0);
	atomic_long_set(&script.items[busy], 1);
	WRITE_ONCE(script.held_cpu, busy);
	request = (struct request){ &scripted, NULL, PCD_MUST };
	thread_start(test, &requester, requester_cpu(0), ask_with_cpus_held, &request);
	KUNIT_EXPECT_TRUE(test, eventually(completion_done(&script.entered)));

	thread_start(test, &unplugger, requester_cpu(0), unplug, (void *)(long)cpu);
	schedule_timeout_uninterruptible(HZ / 10);
	KUNIT_EXPECT_TRUE_MSG(test, cpu_online(cpu), "it is unplugged in the middle of a request");
	let_the_first_go();
	KUNIT_ASSERT_TRUE_MSG(test, eventually(completion_done(&requester.done)),
			      "the request waits for the unplug, and that for the request");
	KUNIT_EXPECT_EQ(test, request.result.drained, 1);
	KUNIT_EXPECT_EQ(test, thread_join(&unplugger), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
}

static struct kunit_case pcpu_drain_request_cases[] = {
	KUNIT_CASE_PARAM(strict_is_never_posted, strict_gen_params),
	KUNIT_CASE_PARAM(strict_interrupts_a_fifo_owner, strict_gen_params),
	KUNIT_CASE(strict_is_counted_as_help),
	KUNIT_CASE(strict_waits_for_an_owner_in_the_kernel),
	KUNIT_CASE(strict_rides_on_nothing_posted),
	KUNIT_CASE(many_wait_for_two_requests),
	KUNIT_CASE(help_comes_to_all_at_once),
	KUNIT_CASE(help_waits_for_no_kworker),
	KUNIT_CASE(many_wait_for_two_patiences),
	KUNIT_CASE_PARAM(unplug_waits_for_a_request, waiting_gen_params),
	KUNIT_CASE_PARAM(unplug_fails_under_a_request, waiting_gen_params),
	KUNIT_CASE(unplug_waits_for_lru_cache_disable),
	KUNIT_CASE(request_with_cpus_held),
	{}
};

static struct kunit_suite pcpu_drain_request_suite = {
	.name = "mm_pcpu_drain_request",
	.test_cases = pcpu_drain_request_cases,
};

kunit_test_suite(pcpu_drain_request_suite);
