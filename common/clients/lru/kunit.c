// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folio and mlock batches for the KUnit suite (client.h), and owner, interrupts and
 * requester at once at each kind of batch.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../../internal.h"
#include "client.h"
#include "fixture.h"

/* ---- folios ---- */

#define FOLIOS 64
/* So that no folio is freed, however often a bug puts it. */
#define SPARE_REFS BIT(20)

static struct folio *folios[FOLIOS];

/* Put folios on the LRU, from where the batches take them. */
static void make_folios(struct kunit *test)
{
	int i;

	for (i = 0; i < FOLIOS; i++) {
		struct folio *folio = folio_alloc(GFP_KERNEL, 0);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		KUNIT_ASSERT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
		folio_ref_add(folio, SPARE_REFS);
		folio_add_lru(folio);
		folios[i] = folio;
	}
	lru_add_drain_all();
}

/* Has each folio come back exactly once?  One that has not is not freed. */
static void check_folios(struct kunit *test)
{
	int i;

	for (i = 0; i < FOLIOS; i++)
		if (folio_test_mlocked(folios[i]))
			munlock_folio(folios[i]);
	lru_add_drain_all();
	for (i = 0; i < FOLIOS; i++) {
		struct folio *folio = folios[i];
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

/* ---- for all tests of clients ---- */

static void cache_folios(void *unused)
{
	static unsigned int nr;
	unsigned int i = nr++ % (FOLIOS / 2);

	cache_for_activation(folios[i]);
	cache_for_mlock(folios[FOLIOS / 2 + i]);
}

static void check_drained_folios(struct kunit *test)
{
	int i;

	for (i = 0; i < FOLIOS; i++)
		KUNIT_EXPECT_EQ_MSG(test, folio_ref_count(folios[i]), SPARE_REFS + 1,
				    "a batch still holds folio %d of %d", i, FOLIOS);
	check_folios(test);
}

static struct client lru = {
	.name = "lru",
	.begin = make_folios,
	.cache = cache_folios,
	.end = check_drained_folios,
};

KUNIT_CLIENT(lru);

/* ---- owner, interrupts and requester at once ---- */

/*
 * How many to drain in one case, if there is time.  Many with remote locks: a requester
 * that fails to lock does harm only in some hundredths of the owner's time.  Few
 * without, since each drain waits for a kworker.
 */
#define MANY_FOLIOS (pcd_locks_remotely() ? 20000 : 20)
#define ENOUGH_FOLIOS 10

struct batch_case {
	const char *name;
	void (*cache)(struct folio *folio);
	bool in_interrupts;
};

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
	meet.param->cache(folios[prandom_u32_state(rnd) % FOLIOS]);
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
		/* Not after each drain, or a kworker, which runs only here, would find nothing. */
		if (!(prandom_u32_state(&meet.owner_rnd) % 64))
			cond_resched();
	}
	return 0;
}

/* By lockdep: does the interrupted task hold a lock of @cpu? */
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
	 * Without remote locks a requester holds no lock of the owner; but while it waits
	 * for the owner's work item, lockdep counts that item's map as one.
	 */
	if (pcd_locks_remotely() && !IS_ENABLED(CONFIG_PREEMPT_RT))
		KUNIT_EXPECT_EQ_MSG(test, meet.inside, 0,
				    "of %u interrupts, that the owner would wait for", meet.probes);
}

static struct kunit_case lru_cases[] = {
	KUNIT_CASE_PARAM(batches_under_a_remote_drain, batch_gen_params),
	{}
};

static struct kunit_suite lru_suite = {
	.name = "mm_pcpu_drain_lru",
	.test_cases = lru_cases,
};

kunit_test_suite(lru_suite);
