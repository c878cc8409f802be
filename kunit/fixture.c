// SPDX-License-Identifier: GPL-2.0-only
/* What the files of the suite share: see fixture.h. */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/sched/isolation.h>
#include <linux/sched/task.h>

#include "../../internal.h"	/* mm_percpu_wq */
#include "fixture.h"

/* ---- the scripted class ---- */

struct script script = {
	.held_cpu = -1,
};

static bool in_dead_callback;

static bool of_other_key(void *key)
{
	return key && key != READ_ONCE(script.key);
}

static unsigned int script_count(int cpu, void *key)
{
	return of_other_key(key) ? 0 : atomic_long_read(&script.items[cpu]);
}

static enum by drained_by(void)
{
	if (in_dead_callback)
		return BY_DEAD;
	if (current->flags & PF_WQ_WORKER)
		return BY_KWORKER;
	if (current == READ_ONCE(script.owner))
		return BY_OWNER;
	return current->flags & PF_KTHREAD ? BY_REQUESTER : BY_TASK;
}

static void script_linger(int cpu)
{
	void (*in_drain)(void);

	if (cpu == READ_ONCE(script.held_cpu)) {
		complete(&script.entered);
		wait_for_completion(&script.release);
	}
	in_drain = READ_ONCE(script.in_drain);
	if (in_drain)
		in_drain();
}

static void script_note_drain(int cpu)
{
	script.last[cpu] = (struct script_drain){ drained_by(), raw_smp_processor_id() };
	atomic_inc(&script.drains);
}

/* From a CPU that is held, if it can be. */
static unsigned int take_held(struct pcd_class *class, int cpu, atomic_long_t *items)
{
	unsigned long nr = atomic_long_read(items);

	return nr && pcd_take(class, cpu, NULL, &nr, items, 1) ? nr : 0;
}

static unsigned int script_drain_held(int cpu)
{
	unsigned int nr;

	script_linger(cpu);
	nr = take_held(&scripted, cpu, &script.items[cpu]);
	if (nr)
		script_note_drain(cpu);
	return nr;
}

static unsigned int script_drain(int cpu, void *key)
{
	unsigned int nr;

	atomic_inc(&script.visits[cpu]);
	if (of_other_key(key) || !atomic_long_read(&script.items[cpu]))
		return 0;
	if (pcd_holds() && pcd_owner_would_wait(cpu)) {
		nr = script_drain_held(cpu);
	} else {
		script_note_drain(cpu);
		script_linger(cpu);
		nr = atomic_long_xchg(&script.items[cpu], 0);
	}
	atomic_add(nr, &script.drained);
	return nr;
}

static DEFINE_PER_CPU(struct pcd_cpu, scripted_pcpu);

struct pcd_class scripted = {
	.name = "scripted",
	.count = script_count,
	.drain = script_drain,
	.wq = &mm_percpu_wq,
	.pcpu = &scripted_pcpu,
};

static atomic_long_t items_of_second[NR_CPUS];
static atomic_t added_to_second[NR_CPUS];

static unsigned int second_count(int cpu, void *key)
{
	return atomic_long_read(&items_of_second[cpu]);
}

static unsigned int second_drain(int cpu, void *key)
{
	unsigned int nr;

	if (pcd_holds() && pcd_owner_would_wait(cpu))
		nr = take_held(&second, cpu, &items_of_second[cpu]);
	else
		nr = atomic_long_xchg(&items_of_second[cpu], 0);
	atomic_add(nr, &script.drained);
	return nr;
}

static DEFINE_PER_CPU(struct pcd_cpu, second_pcpu);

struct pcd_class second = {
	.name = "scripted-second",
	.count = second_count,
	.drain = second_drain,
	.wq = &mm_percpu_wq,
	.pcpu = &second_pcpu,
};

static int script_cpu_dead(unsigned int cpu)
{
	in_dead_callback = true;
	pcd_cpu_dead(&scripted, cpu);
	pcd_cpu_dead(&second, cpu);
	in_dead_callback = false;
	return 0;
}

static int caches_when_dying = -1;

static int script_cpu_dying(unsigned int cpu)
{
	if (READ_ONCE(caches_when_dying) == cpu)
		script_cache(NULL);
	return 0;
}

/* Have @cpu cache an item as the last thing that it does when unplugged; -1: no CPU. */
void script_cache_when_dying(int cpu)
{
	WRITE_ONCE(caches_when_dying, cpu);
}

static int __init script_register(void)
{
	int ret;

	pcd_class_register(&scripted);
	pcd_class_register(&second);
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mm/pcd_kunit:dead",
					NULL, script_cpu_dead);
	if (ret < 0)
		return ret;
	/* A state that no driver of this machine uses, on the dying CPU itself. */
	return cpuhp_setup_state_nocalls(CPUHP_AP_DUMMY_TIMER_STARTING, "mm/pcd_kunit:dying",
					 NULL, script_cpu_dying);
}
early_initcall(script_register);

void script_reset(void)
{
	int cpu;

	script.held_cpu = -1;
	script.in_drain = NULL;
	script.owner = NULL;
	script.key = NULL;
	init_completion(&script.entered);
	init_completion(&script.release);
	for_each_possible_cpu(cpu) {
		atomic_long_set(&script.items[cpu], 0);
		atomic_set(&script.visits[cpu], 0);
		atomic_long_set(&items_of_second[cpu], 0);
		script.last[cpu] = (struct script_drain){ BY_NOBODY, -1 };
	}
	atomic_set(&script.drains, 0);
	atomic_set(&script.cached, 0);
	atomic_set(&script.drained, 0);
}

static void add(atomic_long_t *items, atomic_t *added)
{
	int cpu = smp_processor_id();

	atomic_inc(&script.cached);
	if (pcd_uncached())
		atomic_inc(&script.drained);
	else
		atomic_long_inc(&items[cpu]);
	/* Whoever sees it counted finds it cached: pairs with script_added(). */
	atomic_inc_return_release(&added[cpu]);
}

static void script_add(void)
{
	add(script.items, script.added);
}

/* Cache one item here: any context but NMI; a command for an owner, too. */
void script_cache(void *unused)
{
	preempt_disable();
	script_add();
	pcd_cached(&scripted);
	preempt_enable();
}

/* As if preempted on PREEMPT_RT: the item is cached, and pcd_cached() is yet to come. */
void script_cache_half(void)
{
	preempt_disable();
	script_add();
	preempt_enable();
}

void script_cache_other_half(void)
{
	preempt_disable();
	pcd_cached(&scripted);
	preempt_enable();
}

void script_cache_second(void)
{
	preempt_disable();
	add(items_of_second, added_to_second);
	pcd_cached(&second);
	preempt_enable();
}

unsigned int second_items(int cpu)
{
	return atomic_long_read(&items_of_second[cpu]);
}

unsigned int script_items(int cpu)
{
	return atomic_long_read(&script.items[cpu]);
}

/* How many items of @class @cpu has ever cached; those not cached now were drained. */
unsigned int script_added(struct pcd_class *class, int cpu)
{
	/* Pairs with the release in add(). */
	return atomic_read_acquire(class == &scripted ? &script.added[cpu] :
							&added_to_second[cpu]);
}

struct pcd_stats *script_stats(int cpu)
{
	return &per_cpu_ptr(scripted.pcpu, cpu)->stats;
}

s64 script_helps(int cpu, enum pcd_help why)
{
	return atomic64_read(&script_stats(cpu)->helps[why]);
}

/* ---- CPUs ---- */

/* By nohz_full=, which never changes. */
bool is_isolated(int cpu)
{
	return !housekeeping_cpu(cpu, HK_TYPE_KERNEL_NOISE);
}

/* Does the variant have it cache nothing? */
bool caches_nothing(int cpu)
{
	return IS_ENABLED(CONFIG_PCPU_DRAIN_UNCACHED) && is_isolated(cpu);
}

/* Does it work as upstream?  All do but isolated ones, if the variant says so. */
bool is_upstream(int cpu)
{
	return !pcd_tracks(cpu) && !caches_nothing(cpu);
}

const struct cpumask *upstream_cpus(void)
{
	static struct cpumask cpus;
	int cpu;

	cpumask_clear(&cpus);
	for_each_online_cpu(cpu)
		if (is_upstream(cpu))
			cpumask_set_cpu(cpu, &cpus);
	return &cpus;
}

/* The @nr-th of them; stay_here() is on the first, the others play owners. */
int upstream_cpu(struct kunit *test, unsigned int nr)
{
	unsigned int left = nr;
	int cpu;

	for_each_cpu(cpu, upstream_cpus())
		if (!left--)
			return cpu;
	kunit_skip(test, "needs %u CPUs that work as upstream", nr + 1);
	return -1;
}

/* The @nr-th isolated CPU. */
int any_isolated_cpu(struct kunit *test, unsigned int nr)
{
	unsigned int left = nr;
	int cpu;

	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "UML has neither isolated CPUs nor owners in user mode");
	for_each_online_cpu(cpu)
		if (is_isolated(cpu) && !left--)
			return cpu;
	kunit_skip(test, "needs %u isolated CPUs (nohz_full=)", nr + 1);
	return -1;
}

/* The same, for tests of what becomes of something that is cached there. */
int isolated_cpu(struct kunit *test, unsigned int nr)
{
	int cpu = any_isolated_cpu(test, nr);

	if (caches_nothing(cpu))
		kunit_skip(test, "in this variant isolated CPUs cache nothing");
	return cpu;
}

/* Where the @nr-th requester is: on a housekeeping CPU, of which there may be but one. */
int requester_cpu(unsigned int nr)
{
	int cpu, first = -1;

	for_each_online_cpu(cpu) {
		if (is_isolated(cpu))
			continue;
		if (!nr--)
			return cpu;
		if (first < 0)
			first = cpu;
	}
	return first;
}

/* A housekeeping CPU without a requester, to play the owner. */
int other_housekeeping_cpu(struct kunit *test)
{
	int cpu = requester_cpu(1);

	if (cpu == requester_cpu(0))
		kunit_skip(test, "needs two housekeeping CPUs");
	return cpu;
}

static struct cpumask roaming;

static void roam_again(void *unused)
{
	set_cpus_allowed_ptr(current, &roaming);
}

/* Keep this thread on the first CPU that works as upstream until the test ends. */
void stay_here(struct kunit *test)
{
	cpumask_copy(&roaming, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(upstream_cpu(test, 0)));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, roam_again, NULL), 0);
}

/* ---- threads ---- */

static int thread_main(void *data)
{
	struct thread *thread = data;

	thread->ret = thread->fn(thread->arg);
	complete_all(&thread->done);
	return 0;
}

void thread_start(struct kunit *test, struct thread *thread, int cpu,
		  int (*fn)(void *arg), void *arg)
{
	thread->fn = fn;
	thread->arg = arg;
	init_completion(&thread->done);
	thread->task = kthread_create_on_cpu(thread_main, thread, cpu, "pcd_kunit/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread->task));
	get_task_struct(thread->task);
	wake_up_process(thread->task);
}

/*
 * Waits without a limit, since the thread uses our stack; the run has a limit.  Until it
 * is gone it may hold tasklist_lock: if the next thread there preempts it, as on
 * PREEMPT_RT, and then is busy, no further thread can be started.
 */
int thread_join(struct thread *thread)
{
	wait_for_completion(&thread->done);
	while (!task_is_gone(thread->task))
		schedule_timeout_uninterruptible(1);
	put_task_struct(thread->task);
	return thread->ret;
}

/* Run @fn(@arg) on @cpu and wait; orders all that it did before our return. */
int call_on(struct kunit *test, int cpu, int (*fn)(void *arg), void *arg)
{
	struct thread thread;

	thread_start(test, &thread, cpu, fn, arg);
	return thread_join(&thread);
}

/* ---- requests ---- */

int make_request(void *data)
{
	struct request *request = data;

	/* 50 ms: enough for a request that waits for nobody, unless it has a report to print. */
	if (request->timer)
		mod_timer(request->timer, jiffies + HZ / 20);
	request->result = pcd_drain_all(request->class, request->key, request->mode);
	return 0;
}

/* The one request that may hang without hanging the test. */
static struct {
	struct thread thread;
	struct request request;
	bool out;
} asked;

static bool answered_in_time(void)
{
	if (!eventually(asked_is_answered()))
		return false;
	thread_join(&asked.thread);
	asked.out = false;
	return true;
}

static void await_answer(void *unused)
{
	if (asked.out)
		answered_in_time();
}

/* Make it in a thread on the first housekeeping CPU. */
static void start_request(struct kunit *test, struct request request)
{
	KUNIT_ASSERT_FALSE_MSG(test, asked.out, "an earlier test's request still hangs");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, await_answer, NULL), 0);
	asked.request = request;
	asked.out = true;
	thread_start(test, &asked.thread, requester_cpu(0),
		     make_request, &asked.request);
}

/**
 * ask_for - have the scripted class drained, by a thread on the first housekeeping CPU
 * @test: at its end it waits for the request, once all that it holds up is let go
 * @key: of the request, NULL: everything
 * @mode: of the request
 */
void ask_for(struct kunit *test, void *key, enum pcd_mode mode)
{
	start_request(test, (struct request){ &scripted, key, mode });
}

/* The same for any class, and everything. */
void ask_class(struct kunit *test, struct pcd_class *class, enum pcd_mode mode)
{
	start_request(test, (struct request){ class, NULL, mode });
}

void ask(struct kunit *test, enum pcd_mode mode)
{
	ask_for(test, NULL, mode);
}

bool asked_is_answered(void)
{
	return completion_done(&asked.thread.done);
}

/* What the request returned; fails the test if it does not return in time. */
struct pcd_result answer(struct kunit *test)
{
	KUNIT_ASSERT_TRUE_MSG(test, answered_in_time(), "the request hangs");
	return asked.request.result;
}

struct task_struct *asker(void)
{
	return asked.thread.task;
}
