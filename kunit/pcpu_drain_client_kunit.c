// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite for the draining of per-CPU caches, clients and their locks: owner,
 * requester and interrupts meet at one lock, and what holds for every client.  What
 * is one client's own is in its folder.
 */
#include <kunit/test.h>
#include <linux/hrtimer.h>
#include <linux/timekeeping.h>

#include "client.h"
#include "fixture.h"
#include "lock_state.h"

#define ENOUGH 500

/* ---- the locks ---- */

static DEFINE_PER_CPU(struct {
	pcd_lock_t lock;
	pcd_trylock_t trylock;
	bool inside;
}, locks) = {
	.lock = PCD_LOCK_INIT(locks.lock),
	.trylock = PCD_TRYLOCK_INIT(locks.trylock),
};

#define NOT_REMOTE "in this variant nobody takes another CPU's lock"

/*
 * A requester that holds up an owner must not be interrupted.  On PREEMPT_RT it may be:
 * there the owner lends its priority.
 */
static void remote_lock_keeps_interrupts_out(struct kunit *test)
{
	struct lock_state before, inside, after;
	unsigned long flags;
	int owner;

	if (!pcd_locks_remotely())
		kunit_skip(test, NOT_REMOTE);
	stay_here(test);
	owner = upstream_cpu(test, 1);

	before = lock_state();
	pcd_lock_remote(&locks.lock, owner, flags);
	inside = lock_state();
	pcd_unlock_remote(&locks.lock, owner, flags);
	after = lock_state();
	lock_state_mend(before);

	KUNIT_EXPECT_EQ(test, !!inside.irqs_off, !IS_ENABLED(CONFIG_PREEMPT_RT));
	expect_lock_state(test, after, before);
}

/* A lock that is held from another CPU while its owner tries to take it. */
struct held_lock_trial {
	int owner;
	bool held;
	bool tried;
	bool waited;		/* the owner did not come to an end meanwhile */
	bool taken[2];
	struct lock_state before, after;
};

/* Times itself by ktime: interrupts are off here, which may stop jiffies. */
static int hold_its_lock(void *data)
{
	struct held_lock_trial *trial = data;
	u64 end = ktime_get_ns() + 2 * NSEC_PER_SEC;
	unsigned long flags;

	pcd_lock_remote(&locks.trylock, trial->owner, flags);
	smp_store_release(&trial->held, true);		/* pairs with try_its_lock() */
	while (!smp_load_acquire(&trial->tried) && ktime_get_ns() < end)	/* likewise */
		cpu_relax();
	trial->waited = !READ_ONCE(trial->tried);
	pcd_unlock_remote(&locks.trylock, trial->owner, flags);
	return 0;
}

static int try_its_lock(void *data)
{
	struct held_lock_trial *trial = data;
	unsigned long flags;

	while (!smp_load_acquire(&trial->held))		/* pairs with hold_its_lock() */
		cond_resched();
	trial->before = lock_state();
	trial->taken[0] = pcd_trylock(&locks.trylock);
	if (trial->taken[0])
		pcd_unlock(&locks.trylock);
	trial->taken[1] = pcd_trylock_irqsave(&locks.trylock, flags);
	if (trial->taken[1])
		pcd_unlock_irqrestore(&locks.trylock, flags);
	trial->after = lock_state();
	lock_state_mend(trial->before);
	smp_store_release(&trial->tried, true);		/* pairs with hold_its_lock() */
	return 0;
}

static void trylock_fails_while_another_cpu_holds_it(struct kunit *test)
{
	struct held_lock_trial trial = {};
	struct thread owner, holder;

	if (!pcd_locks_remotely())
		kunit_skip(test, NOT_REMOTE);
	stay_here(test);
	trial.owner = upstream_cpu(test, 1);
	thread_start(test, &owner, trial.owner, try_its_lock, &trial);
	thread_start(test, &holder, upstream_cpu(test, 2), hold_its_lock, &trial);
	thread_join(&owner);
	thread_join(&holder);

	KUNIT_EXPECT_FALSE_MSG(test, trial.waited, "it waits for the other CPU");
	KUNIT_EXPECT_FALSE(test, trial.taken[0]);
	KUNIT_EXPECT_FALSE(test, trial.taken[1]);
	expect_lock_state(test, trial.after, trial.before);
}

/*
 * A lock that interrupts take, too.  They are hard ones, but on PREEMPT_RT the same timer
 * expires in a thread, and the lock leaves interrupts enabled.
 */
static struct {
	struct hrtimer timer;
	int cpu;
	bool over;
	atomic_t wrong;		/* two inside at once, or interrupts not as they should be */
	atomic_t interrupts;	/* that came to the lock */
	atomic_t drains;
} irq_lock;

/* With @cpu's lock held.  Plain accesses, which race if the lock fails. */
static void be_inside(int cpu)
{
	bool *inside = &per_cpu_ptr(&locks, cpu)->inside;

	if (irqs_disabled() == IS_ENABLED(CONFIG_PREEMPT_RT))
		atomic_inc(&irq_lock.wrong);
	if (READ_ONCE(*inside))
		atomic_inc(&irq_lock.wrong);
	WRITE_ONCE(*inside, true);
	cpu_relax();
	if (!READ_ONCE(*inside))
		atomic_inc(&irq_lock.wrong);
	WRITE_ONCE(*inside, false);
}

static void be_inside_as_owner(void)
{
	unsigned long flags;

	pcd_lock_irqsave(&locks.lock, flags);
	be_inside(irq_lock.cpu);
	pcd_unlock_irqrestore(&locks.lock, flags);
}

static enum hrtimer_restart interrupt_the_owner(struct hrtimer *timer)
{
	if (!!in_hardirq() == IS_ENABLED(CONFIG_PREEMPT_RT))
		atomic_inc(&irq_lock.wrong);
	be_inside_as_owner();
	atomic_inc(&irq_lock.interrupts);
	hrtimer_forward_now(timer, us_to_ktime(30));
	return HRTIMER_RESTART;
}

static int own_irq_lock(void *unused)
{
	/* Once before the timer: if the lock lets interrupts in, the first would never end. */
	be_inside_as_owner();
	if (atomic_read(&irq_lock.wrong))
		return 0;
	hrtimer_start(&irq_lock.timer, us_to_ktime(30), HRTIMER_MODE_REL_PINNED);
	while (!READ_ONCE(irq_lock.over)) {
		be_inside_as_owner();
		cond_resched();
	}
	return 0;
}

/* From another CPU if the variant allows it, else on the owner's. */
static void drain_irq_lock(void)
{
	unsigned long flags;

	if (pcd_locks_remotely()) {
		pcd_lock_remote(&locks.lock, irq_lock.cpu, flags);
		be_inside(irq_lock.cpu);
		pcd_unlock_remote(&locks.lock, irq_lock.cpu, flags);
		return;
	}
	migrate_disable();
	pcd_lock_cpu_irqsave(&locks.lock, irq_lock.cpu, flags);
	be_inside(irq_lock.cpu);
	pcd_unlock_cpu_irqrestore(&locks.lock, irq_lock.cpu, flags);
	migrate_enable();
}

static int drain_again_and_again(void *unused)
{
	while (!READ_ONCE(irq_lock.over)) {
		drain_irq_lock();
		atomic_inc(&irq_lock.drains);
		cond_resched();
	}
	return 0;
}

static void irq_lock_keeps_interrupts_out(struct kunit *test)
{
	struct thread owner, drainer;

	stay_here(test);
	irq_lock.cpu = upstream_cpu(test, 1);
	irq_lock.over = false;
	atomic_set(&irq_lock.wrong, 0);
	atomic_set(&irq_lock.interrupts, 0);
	atomic_set(&irq_lock.drains, 0);
	hrtimer_setup(&irq_lock.timer, interrupt_the_owner, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED);
	thread_start(test, &owner, irq_lock.cpu, own_irq_lock, NULL);
	thread_start(test, &drainer,
		     pcd_locks_remotely() ? upstream_cpu(test, 2) : irq_lock.cpu,
		     drain_again_and_again, NULL);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(atomic_read(&irq_lock.wrong) ||
					       (atomic_read(&irq_lock.interrupts) > ENOUGH / 10 &&
						atomic_read(&irq_lock.drains) > ENOUGH)),
			      "hardly any load");
	WRITE_ONCE(irq_lock.over, true);
	thread_join(&owner);
	thread_join(&drainer);
	hrtimer_cancel(&irq_lock.timer);

	KUNIT_EXPECT_EQ(test, atomic_read(&irq_lock.wrong), 0);
}

/* ---- each client (client.h) ---- */

static LIST_HEAD(clients);

/**
 * client_register - have the suite test a client
 * @client: whose
 *
 * Context: before the suites run.
 */
void client_register(struct client *client)
{
	list_add_tail(&client->node, &clients);
}

/**
 * client_gen_params - for KUNIT_CASE_PARAM(): each client
 * @test: unused
 * @prev: the client before, or NULL
 * @desc: receives its name
 *
 * Return: the next one, or NULL.
 */
const void *client_gen_params(struct kunit *test, const void *prev, char *desc)
{
	const struct client *client = prev;
	struct list_head *next = client ? client->node.next : clients.next;

	if (next == &clients)
		return NULL;
	client = list_entry(next, struct client, node);
	strscpy(desc, client->name, KUNIT_PARAM_DESC_SIZE);
	return client;
}

/**
 * client_class - the class of a client
 * @test: fails if there is none
 * @client: whose
 *
 * Return: the class, never NULL.
 */
struct pcd_class *client_class(struct kunit *test, const struct client *client)
{
	struct pcd_class *class = pcd_class_find(client->name);

	KUNIT_ASSERT_NOT_NULL_MSG(test, class, "no class is called %s", client->name);
	return class;
}

static struct {
	const struct client *client;
	struct pcd_class *class;
	bool over;
} load;

static int cache_something(void *unused)
{
	load.client->cache(NULL);
	return 0;
}

static bool nothing_is_cached(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (load.class->count(cpu, NULL))
			return false;
	return true;
}

/* Others may fill such caches meanwhile, but not for ever. */
static bool drain_leaves_nothing(void)
{
	pcd_drain_all(load.class, NULL, PCD_MUST);
	return nothing_is_cached();
}

static void load_begin(struct kunit *test)
{
	load.client = test->param_value;
	load.class = client_class(test, load.client);
	load.over = false;
	stay_here(test);
	load.client->begin(test);
}

static void client_is_drained(struct kunit *test)
{
	unsigned int upstream = 0;
	struct pcd_result result;
	int cpu;

	load_begin(test);
	for_each_online_cpu(cpu) {
		call_on(test, cpu, cache_something, NULL);
		/* CPUs that drain by themselves may be empty again by now; others cache nothing. */
		if (!is_upstream(cpu))
			continue;
		KUNIT_EXPECT_GT(test, load.class->count(cpu, NULL), 0);
		upstream++;
	}
	result = pcd_drain_all(load.class, NULL, PCD_MUST);

	KUNIT_EXPECT_GE(test, result.drained, upstream);
	KUNIT_EXPECT_EQ(test, result.posted, 0);
	KUNIT_EXPECT_EQ(test, result.left, 0);
	load.client->end(test);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(drain_leaves_nothing()),
			      "its count does not come to none");
}

static int cache_under_load(void *unused)
{
	while (!READ_ONCE(load.over)) {
		load.client->cache(NULL);
		cond_resched();
	}
	return 0;
}

static int drain_under_load(void *unused)
{
	while (!READ_ONCE(load.over)) {
		pcd_drain_all(load.class, NULL, PCD_WAIT);
		cond_resched();
	}
	return 0;
}

static s64 drained_from(int cpu)
{
	return atomic64_read(&per_cpu_ptr(load.class->pcpu, cpu)->stats.drained);
}

static void client_loses_nothing_under_load(struct kunit *test)
{
	struct thread owner, requester;
	s64 before;
	int cpu;

	load_begin(test);
	cpu = upstream_cpu(test, 1);
	before = drained_from(cpu);
	thread_start(test, &owner, cpu, cache_under_load, NULL);
	thread_start(test, &requester, upstream_cpu(test, 2), drain_under_load, NULL);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(drained_from(cpu) - before > ENOUGH / 10),
			      "hardly any load");
	WRITE_ONCE(load.over, true);
	thread_join(&owner);
	thread_join(&requester);

	pcd_drain_all(load.class, NULL, PCD_MUST);
	load.client->end(test);
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE(remote_lock_keeps_interrupts_out),
	KUNIT_CASE(trylock_fails_while_another_cpu_holds_it),
	KUNIT_CASE(irq_lock_keeps_interrupts_out),
	KUNIT_CASE_PARAM(client_is_drained, client_gen_params),
	KUNIT_CASE_PARAM(client_loses_nothing_under_load, client_gen_params),
	{}
};

static struct kunit_suite client_suite = {
	.name = "mm_pcpu_drain_client",
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);

MODULE_DESCRIPTION("KUnit tests for the locks of per-CPU draining, and for all clients");
MODULE_LICENSE("GPL");
