// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite for the draining of per-CPU caches, clients and their locks: owner,
 * requester and interrupts meet at one cache.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pcpu_drain_demo.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "../../internal.h"
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
 * Whoever holds up an owner is not to be interrupted.  On PREEMPT_RT that may be, and
 * the owner lends its priority.
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

/* By this machine's clock: here interrupts are off, which may be what stops jiffies. */
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
 * A lock that interrupts take, too: hard ones, but on PREEMPT_RT, where the same timer
 * expires in a thread and the lock leaves interrupts alone.
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
	/* Once without: if the first one hit us inside it would never end. */
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

/* From another CPU, where the variant allows it; else as whoever drains on the owner's. */
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

/* ---- a requester that waits for an owner inside ---- */

static struct {
	struct hrtimer timer;
	struct pcd_demo_hold hold;
} wait_for_owner;

/* A hard interrupt, on the CPU of the requester. */
static enum hrtimer_restart let_the_owner_go(struct hrtimer *timer)
{
	smp_store_release(&wait_for_owner.hold.release, true);	/* pairs with demo_linger() */
	return HRTIMER_NORESTART;
}

static int make_interrupted_request(void *data)
{
	hrtimer_start(&wait_for_owner.timer, ms_to_ktime(20), HRTIMER_MODE_REL_PINNED_HARD);
	return make_request(data);
}

static int put_one(void *item)
{
	pcd_demo_put(item);
	return 0;
}

/* Only that interrupt lets the owner go on: a requester that keeps it out waits for good. */
static void waiting_requester_is_interrupted(struct kunit *test)
{
	struct pcd_class *demo = pcd_class_find("demo");
	struct pcd_demo_item *items = kunit_kcalloc(test, 2, sizeof(*items), GFP_KERNEL);
	struct request request = { demo, NULL, PCD_WAIT };
	struct thread owner, requester;
	LIST_HEAD(out);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, demo);
	KUNIT_ASSERT_NOT_NULL(test, items);
	stay_here(test);
	cpu = upstream_cpu(test, 1);
	wait_for_owner.hold = (struct pcd_demo_hold){ .at = PCD_DEMO_INSIDE };
	items[1].hold = &wait_for_owner.hold;
	hrtimer_setup(&wait_for_owner.timer, let_the_owner_go, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);

	call_on(test, cpu, put_one, &items[0]);
	thread_start(test, &owner, cpu, put_one, &items[1]);
	while (!smp_load_acquire(&wait_for_owner.hold.inside))	/* pairs with demo_linger() */
		cpu_relax();
	thread_start(test, &requester, upstream_cpu(test, 2), make_interrupted_request, &request);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(READ_ONCE(wait_for_owner.hold.release)),
			      "no interrupt comes to a requester that waits");
	WRITE_ONCE(wait_for_owner.hold.release, true);
	thread_join(&owner);
	thread_join(&requester);
	hrtimer_cancel(&wait_for_owner.timer);

	pcd_drain_all(demo, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, pcd_demo_empty_depot(&out), 2);
}

/* ---- a count while its owner caches ---- */

/*
 * The owner has put an item into its slot, and it does not count yet.  Before, there
 * was one in that slot that has left, and is freed: nobody is to look at that.
 */
static void count_while_an_item_is_stored(struct kunit *test)
{
	struct pcd_class *demo = pcd_class_find("demo");
	struct pcd_demo_hold hold = { .at = PCD_DEMO_STORED };
	struct pcd_demo_item *first, item = { .hold = &hold };
	unsigned int counted[2];
	struct thread owner;
	LIST_HEAD(out);
	int cpu, key;

	KUNIT_ASSERT_NOT_NULL(test, demo);
	stay_here(test);
	cpu = upstream_cpu(test, 1);
	first = kzalloc_obj(*first);
	KUNIT_ASSERT_NOT_NULL(test, first);
	first->key = &key;
	item.key = &key;
	call_on(test, cpu, put_one, first);
	pcd_drain_all(demo, NULL, PCD_MUST);
	pcd_demo_empty_depot(&out);

	thread_start(test, &owner, cpu, put_one, &item);
	while (!smp_load_acquire(&hold.inside))		/* pairs with demo_linger() */
		cpu_relax();
	counted[0] = demo->count(cpu, &key);
	kfree(first);
	counted[1] = demo->count(cpu, &key);		/* KASAN watches */
	smp_store_release(&hold.release, true);		/* pairs with demo_linger() */
	thread_join(&owner);

	KUNIT_EXPECT_EQ(test, counted[0], 0);
	KUNIT_EXPECT_EQ(test, counted[1], 0);
	KUNIT_EXPECT_EQ(test, demo->count(cpu, &key), 1);
	pcd_drain_all(demo, NULL, PCD_MUST);
	INIT_LIST_HEAD(&out);
	KUNIT_EXPECT_EQ(test, pcd_demo_empty_depot(&out), 1);
}

/* ---- folio and mlock batches: owner, interrupts and requester at once ---- */

#define FOLIOS 64
/*
 * To be drained in one case, if there is time: a requester without the lock breaks
 * something only in some hundredths of the owner's time.  Elsewhere a kworker has to
 * come in between.
 */
#define MANY_FOLIOS (pcd_locks_remotely() ? 20000 : 20)
#define ENOUGH_FOLIOS 10
/* So that no folio is freed, however often a bug puts it. */
#define SPARE_REFS BIT(20)

struct batch_case {
	const char *name;
	void (*cache)(struct folio *folio);
	bool in_interrupts;
};

static void cache_for_activation(struct folio *folio)
{
	if (folio_test_active(folio))
		folio_deactivate(folio);
	else
		folio_activate(folio);
}

static void cache_for_mlock(struct folio *folio)
{
	if (folio_test_mlocked(folio))
		munlock_folio(folio);
	else
		mlock_folio(folio);
}

static const struct batch_case batch_cases[] = {
	{ "activation", cache_for_activation },
	{ "rotation", folio_rotate_reclaimable, .in_interrupts = true },
	{ "mlocking", cache_for_mlock },
};

static void batch_case_name(const struct batch_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(batch, batch_cases, batch_case_name);

static struct {
	const struct batch_case *param;
	struct pcd_class *lru;
	struct folio *folios[FOLIOS];
	int owner;		/* the CPU */
	struct hrtimer filler;	/* there */
	struct hrtimer probe;	/* on the requester's */
	struct rnd_state owner_rnd, filler_rnd, requester_rnd;
	unsigned int probes;
	unsigned int inside;	/* of these, that hit the requester where the owner would wait */
	bool over;
} meet;

static void cache_some_folio(struct rnd_state *rnd)
{
	meet.param->cache(meet.folios[prandom_u32_state(rnd) % FOLIOS]);
}

static enum hrtimer_restart fill_in_interrupt(struct hrtimer *timer)
{
	cache_some_folio(&meet.filler_rnd);
	hrtimer_forward_now(timer, us_to_ktime(20 + prandom_u32_state(&meet.filler_rnd) % 100));
	return HRTIMER_RESTART;
}

/* Fills batches, moves the full ones, and drains now and then. */
static int fill_and_drain(void *unused)
{
	if (meet.param->in_interrupts)
		hrtimer_start(&meet.filler, us_to_ktime(50), HRTIMER_MODE_REL_PINNED);
	while (!READ_ONCE(meet.over)) {
		cache_some_folio(&meet.owner_rnd);
		if (!(prandom_u32_state(&meet.owner_rnd) % 64))
			lru_add_drain();
		/* Apart, lest a kworker that comes only here always finds nothing. */
		if (!(prandom_u32_state(&meet.owner_rnd) % 64))
			cond_resched();
	}
	return 0;
}

/* Does the task that was interrupted hold a lock of @cpu's, by what lockdep knows? */
static bool current_holds_lock_of(int cpu)
{
#ifdef CONFIG_LOCKDEP
	int i;

	for (i = 0; i < current->lockdep_depth; i++) {
		unsigned long lock = (unsigned long)current->held_locks[i].instance;
		unsigned long offset = lock - per_cpu_offset(cpu);

		if (offset >= (unsigned long)__per_cpu_start &&
		    offset < (unsigned long)__per_cpu_end)
			return true;
	}
#endif
	return false;
}

static enum hrtimer_restart probe_requester(struct hrtimer *timer)
{
	meet.probes++;
	meet.inside += current_holds_lock_of(meet.owner);
	hrtimer_forward_now(timer, us_to_ktime(20));
	return HRTIMER_RESTART;
}

static int drain_now_and_then(void *unused)
{
	hrtimer_start(&meet.probe, us_to_ktime(20), HRTIMER_MODE_REL_PINNED_HARD);
	while (!READ_ONCE(meet.over)) {
		pcd_drain_all(meet.lru, NULL, PCD_WAIT);
		udelay(prandom_u32_state(&meet.requester_rnd) % 32);
		cond_resched();
	}
	return 0;
}

/* On the LRU, from where the batches take them. */
static void make_folios(struct kunit *test)
{
	int i;

	for (i = 0; i < FOLIOS; i++) {
		struct folio *folio = folio_alloc(GFP_KERNEL, 0);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		KUNIT_ASSERT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
		folio_ref_add(folio, SPARE_REFS);
		folio_add_lru(folio);
		meet.folios[i] = folio;
	}
	lru_add_drain_all();
}

/* Has each come back, and once only?  One that has not is not freed. */
static void check_folios(struct kunit *test)
{
	int i;

	for (i = 0; i < FOLIOS; i++)
		if (folio_test_mlocked(meet.folios[i]))
			munlock_folio(meet.folios[i]);
	lru_add_drain_all();
	for (i = 0; i < FOLIOS; i++) {
		struct folio *folio = meet.folios[i];
		int refs = folio_ref_count(folio) - SPARE_REFS;

		KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
		KUNIT_EXPECT_EQ_MSG(test, refs, 1, "folio %d of %d is %s", i, FOLIOS,
				    refs > 1 ? "lost" : "drained twice");
		if (refs != 1 || !folio_test_lru(folio))
			continue;
		folio_ref_sub(folio, SPARE_REFS);
		folio_put(folio);
	}
}

static u64 drained_from_owner(void)
{
	return atomic64_read(&per_cpu_ptr(meet.lru->pcpu, meet.owner)->stats.drained);
}

static void batches_under_a_remote_drain(struct kunit *test)
{
	struct thread owner, requester;
	u64 drained;

	meet.param = test->param_value;
	meet.lru = pcd_class_find("lru");
	KUNIT_ASSERT_NOT_NULL(test, meet.lru);
	stay_here(test);
	meet.owner = upstream_cpu(test, 1);
	meet.over = false;
	meet.probes = 0;
	meet.inside = 0;
	prandom_seed_state(&meet.owner_rnd, 1);
	prandom_seed_state(&meet.filler_rnd, 2);
	prandom_seed_state(&meet.requester_rnd, 3);
	hrtimer_setup(&meet.filler, fill_in_interrupt, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
	hrtimer_setup(&meet.probe, probe_requester, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	make_folios(test);
	drained = drained_from_owner();

	thread_start(test, &owner, meet.owner, fill_and_drain, NULL);
	thread_start(test, &requester, upstream_cpu(test, 2), drain_now_and_then, NULL);
	eventually(drained_from_owner() - drained > MANY_FOLIOS);
	WRITE_ONCE(meet.over, true);
	thread_join(&owner);
	thread_join(&requester);
	hrtimer_cancel(&meet.filler);
	hrtimer_cancel(&meet.probe);

	check_folios(test);
	KUNIT_EXPECT_GT_MSG(test, drained_from_owner() - drained, ENOUGH_FOLIOS, "hardly any load");
	KUNIT_EXPECT_GT(test, meet.probes, 0);
	/*
	 * On PREEMPT_RT a requester may be interrupted there: the owner lends its priority.
	 * Who drains by a work item holds none of the owner's locks, but what lockdep takes
	 * that item for while it is awaited.
	 */
	if (pcd_locks_remotely() && !IS_ENABLED(CONFIG_PREEMPT_RT))
		KUNIT_EXPECT_EQ_MSG(test, meet.inside, 0,
				    "of %u interrupts, that the owner would wait for", meet.probes);
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE(remote_lock_keeps_interrupts_out),
	KUNIT_CASE(trylock_fails_while_another_cpu_holds_it),
	KUNIT_CASE(irq_lock_keeps_interrupts_out),
	KUNIT_CASE(waiting_requester_is_interrupted),
	KUNIT_CASE(count_while_an_item_is_stored),
	KUNIT_CASE_PARAM(batches_under_a_remote_drain, batch_gen_params),
	{}
};

static struct kunit_suite client_suite = {
	.name = "mm_pcpu_drain_client",
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);

MODULE_DESCRIPTION("KUnit tests for clients of per-CPU draining and their locks");
MODULE_LICENSE("GPL");
