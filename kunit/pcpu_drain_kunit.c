// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite for the draining of per-CPU caches: what must hold under every
 * variant (common/README.md has the invariants by number).
 *
 * Three fixtures: the demo cache, the folio and mlock batches, and a scripted
 * class whose drains a test can hold up.  Owners here are kernel threads, on CPUs
 * that work as upstream; scene.h is for those in user mode on isolated CPUs.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pcpu_drain_demo.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include "../../internal.h"
#include "fixture.h"
#include "lock_state.h"

/* Enough to overflow a batch of any client on every CPU. */
#define ITEMS_PER_CPU 40
/* Fits into the demo cache together with what a test leaves there. */
#define FEW 5
#define LOAD_MS 300

/* ---- helpers ---- */

static struct pcd_class *demo_class(struct kunit *test)
{
	struct pcd_class *class = pcd_class_find("demo");

	KUNIT_ASSERT_NOT_NULL(test, class);
	return class;
}

static struct pcd_demo_item *alloc_items(struct kunit *test, unsigned int nr)
{
	struct pcd_demo_item *items;

	items = kunit_kcalloc(test, nr, sizeof(*items), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, items);
	return items;
}

struct put_args {
	struct pcd_demo_item *items;
	unsigned int nr;
};

static int put_items(void *data)
{
	struct put_args *args = data;
	unsigned int i;

	for (i = 0; i < args->nr; i++)
		pcd_demo_put(&args->items[i]);
	return 0;
}

/* Take all items out of the depot and check each one's book. */
static unsigned int depot_check(struct kunit *test)
{
	struct pcd_demo_item *item, *next;
	LIST_HEAD(items);
	unsigned int nr;

	nr = pcd_demo_empty_depot(&items);
	list_for_each_entry_safe(item, next, &items, node) {
		KUNIT_EXPECT_EQ_MSG(test, item->cached, 0,
				    "an item came out more often than it went in, or less");
		list_del(&item->node);
	}
	return nr;
}

static unsigned int class_residue(struct pcd_class *class)
{
	unsigned int nr = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		nr += class->count(cpu, NULL);
	return nr;
}

/* ---- invariant 3: drained means drained ---- */

static void drains_every_cpu(struct kunit *test)
{
	unsigned int nr = num_online_cpus() * FEW, upstream = 0, i = 0;
	struct pcd_demo_item *items = alloc_items(test, nr);
	struct pcd_class *class = demo_class(test);
	struct pcd_result result;
	int cpu;

	stay_here(test);	/* not the last CPU: a requester never forgets its own */
	for_each_online_cpu(cpu) {
		struct put_args args = { &items[i], FEW };

		call_on(test, cpu, put_items, &args);
		i += FEW;
		/* CPUs that drain by themselves may be empty again by now; others cache nothing. */
		if (!is_upstream(cpu))
			continue;
		KUNIT_EXPECT_EQ(test, class->count(cpu, NULL), FEW);
		upstream += FEW;
	}

	result = pcd_drain_all(class, NULL, PCD_WAIT);

	KUNIT_EXPECT_EQ(test, class_residue(class), 0);
	KUNIT_EXPECT_GE(test, result.drained, upstream);
	KUNIT_EXPECT_LE(test, result.drained, nr);
	KUNIT_EXPECT_EQ(test, result.posted, 0);
	KUNIT_EXPECT_EQ(test, result.left, 0);
	KUNIT_EXPECT_EQ(test, depot_check(test), nr);
}

static void waits_for_the_drain(struct kunit *test)
{
	struct pcd_result result;
	int cpu;

	stay_here(test);
	script_reset();
	for_each_online_cpu(cpu)
		atomic_long_set(&script.items[cpu], cpu + 1);

	result = pcd_drain_all(&scripted, NULL, PCD_MUST);

	for_each_online_cpu(cpu) {
		KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
		KUNIT_EXPECT_NE(test, script.last[cpu].on, -1);
	}
	KUNIT_EXPECT_EQ(test, result.drained,
			num_online_cpus() * (num_online_cpus() + 1) / 2);
}

/* A requester drains its own cache in any case. */
static void leaves_empty_cpus_alone(struct kunit *test)
{
	int cpu, owner;

	stay_here(test);
	owner = upstream_cpu(test, 1);
	script_reset();
	atomic_long_set(&script.items[owner], 1);

	pcd_drain_all(&scripted, NULL, PCD_WAIT);

	for_each_online_cpu(cpu)
		if (cpu != owner && cpu != raw_smp_processor_id())
			KUNIT_EXPECT_EQ(test, atomic_read(&script.visits[cpu]), 0);
}

/* Who may touch a cache: the owner, or a requester that the variant lets in. */
static void drains_where_the_variant_says(struct kunit *test)
{
	int cpu;

	stay_here(test);
	script_reset();
	for_each_cpu(cpu, upstream_cpus())
		atomic_long_set(&script.items[cpu], 1);

	pcd_drain_all(&scripted, NULL, PCD_WAIT);

	for_each_cpu(cpu, upstream_cpus())
		KUNIT_EXPECT_EQ(test, script.last[cpu].on,
				pcd_locks_remotely() ?
				raw_smp_processor_id() : cpu);
}

static u64 class_drained(struct pcd_class *class)
{
	u64 nr = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		nr += atomic64_read(&per_cpu_ptr(class->pcpu, cpu)->stats.drained);
	return nr;
}

static u64 class_rides(struct pcd_class *class)
{
	u64 nr = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		nr += atomic64_read(&per_cpu_ptr(class->pcpu, cpu)->stats.rides);
	return nr;
}

/*
 * Three requests overlap. The first is held up in its drain, and has passed by a
 * CPU on which something is cached only then; the other two have both noted
 * their generation by that time and wait. When the first ends one of them makes
 * a new request, and the other must ride on that one, not on the first, which
 * missed what was cached since.
 *
 * "Noted its generation" shows in the local drain that follows it.
 */
struct overlap {
	u64 rides;
	unsigned int first;	/* what the first request drained */
	unsigned int others[2];	/* ... and the other two */
};

static struct overlap three_overlap(struct kunit *test, enum pcd_mode mode)
{
	struct request request[3];
	struct thread thread[3];
	u64 before = class_rides(&scripted);
	int i, here, passed, owner;

	stay_here(test);
	here = upstream_cpu(test, 0);
	passed = upstream_cpu(test, 1);
	owner = upstream_cpu(test, 2);
	script_reset();
	atomic_long_set(&script.items[owner], 3);
	WRITE_ONCE(script.held_cpu, owner);

	for (i = 0; i < 3; i++) {
		request[i] = (struct request){ &scripted, NULL, mode };
		if (i) {
			/* Something for the local drain, which we can watch. */
			atomic_long_set(&script.items[here], 1);
		}
		thread_start(test, &thread[i], here, make_request, &request[i]);
		if (i) {
			KUNIT_EXPECT_TRUE(test, eventually(!script_items(here)));
			continue;
		}
		KUNIT_EXPECT_NE_MSG(test,
				    wait_for_completion_timeout(&script.entered,
								msecs_to_jiffies(LIMIT_MS)),
				    0, "the first request drains nothing");
		atomic_long_set(&script.items[passed], 4);
	}
	WRITE_ONCE(script.held_cpu, -1);
	complete(&script.release);
	for (i = 0; i < 3; i++)
		thread_join(&thread[i]);

	KUNIT_EXPECT_EQ_MSG(test, script_items(passed), 0,
			    "what was cached before two of the requests is still there");
	return (struct overlap){
		.rides = class_rides(&scripted) - before,
		.first = request[0].result.drained,
		.others = { request[1].result.drained, request[2].result.drained },
	};
}

static void rides_on_a_newer_request(struct kunit *test)
{
	struct overlap overlap = three_overlap(test, PCD_WAIT);

	/* 1: of its own local drain; 4: of the newer request, for both. */
	KUNIT_EXPECT_EQ(test, overlap.rides, 1);
	KUNIT_EXPECT_EQ(test, overlap.first, 3);
	KUNIT_EXPECT_EQ(test, overlap.others[0], 1 + 4);
	KUNIT_EXPECT_EQ(test, overlap.others[1], 1 + 4);
}

static void must_never_rides(struct kunit *test)
{
	struct overlap overlap = three_overlap(test, PCD_MUST);

	KUNIT_EXPECT_EQ(test, overlap.rides, 0);
	KUNIT_EXPECT_EQ(test, overlap.others[0] + overlap.others[1], 1 + 1 + 4);
}

static void key_limits_the_drain(struct kunit *test)
{
	struct pcd_demo_item *items = alloc_items(test, 2 * FEW);
	struct put_args args = { items, 2 * FEW };
	struct pcd_class *class = demo_class(test);
	struct pcd_result result;
	int owner, mine, other;
	unsigned int i;

	stay_here(test);
	owner = upstream_cpu(test, 1);
	for (i = 0; i < 2 * FEW; i++)
		items[i].key = i & 1 ? &mine : &other;
	call_on(test, owner, put_items, &args);

	result = pcd_drain_all(class, &mine, PCD_WAIT);
	KUNIT_EXPECT_EQ(test, result.drained, FEW);
	KUNIT_EXPECT_EQ(test, class->count(owner, &mine), 0);
	KUNIT_EXPECT_EQ(test, class->count(owner, &other), FEW);

	result = pcd_drain_all(class, NULL, PCD_WAIT);
	KUNIT_EXPECT_EQ(test, result.drained, FEW);
	KUNIT_EXPECT_EQ(test, class->count(owner, NULL), 0);
	KUNIT_EXPECT_EQ(test, depot_check(test), 2 * FEW);
}

static void post_is_kept(struct kunit *test)
{
	struct pcd_result result;
	int owner;

	stay_here(test);
	owner = upstream_cpu(test, 1);
	script_reset();
	atomic_long_set(&script.items[owner], 7);

	result = pcd_drain_all(&scripted, NULL, PCD_POST);
	KUNIT_EXPECT_EQ(test, result.drained + result.posted, 7);

	KUNIT_EXPECT_TRUE(test, eventually(!script_items(owner)));
	KUNIT_EXPECT_EQ(test, atomic_read(&script.drains), 1);
}

/*
 * Where a requester drains itself, the owner need not do anything for it: here
 * it sits with preemption disabled until the request is over.
 */
struct busy_owner {
	bool started;
	bool stop;
};

static int be_busy(void *data)
{
	struct busy_owner *busy = data;

	preempt_disable();
	smp_store_release(&busy->started, true);	/* pairs with the test's load */
	while (!READ_ONCE(busy->stop))
		cpu_relax();
	preempt_enable();
	return 0;
}

static void remote_drain_wants_nothing_of_the_owner(struct kunit *test)
{
	struct pcd_demo_item *items = alloc_items(test, FEW);
	struct put_args args = { items, FEW };
	struct pcd_class *class = demo_class(test);
	struct busy_owner busy = {};
	struct request request = { class, NULL, PCD_WAIT };
	struct thread owner_thread, requester;
	unsigned long in_time;
	int owner;

	if (!pcd_locks_remotely())
		kunit_skip(test, "in this variant the owner drains");
	stay_here(test);
	owner = upstream_cpu(test, 1);
	call_on(test, owner, put_items, &args);

	thread_start(test, &owner_thread, owner, be_busy, &busy);
	while (!smp_load_acquire(&busy.started))	/* pairs with be_busy() */
		cpu_relax();
	thread_start(test, &requester, cpumask_first(current->cpus_ptr),
		     make_request, &request);
	in_time = wait_for_completion_timeout(&requester.done,
					      msecs_to_jiffies(LIMIT_MS));
	WRITE_ONCE(busy.stop, true);
	thread_join(&owner_thread);
	thread_join(&requester);

	KUNIT_EXPECT_NE_MSG(test, in_time, 0, "the requester waited for the owner");
	KUNIT_EXPECT_EQ(test, request.result.drained, FEW);
	KUNIT_EXPECT_EQ(test, depot_check(test), FEW);
}

/* What is posted for everything has not begun when a request for one key comes. */
static void key_does_not_narrow_what_is_posted(struct kunit *test)
{
	struct pcd_demo_item *items = alloc_items(test, 2);
	struct put_args args = { items, 2 };
	struct pcd_class *class = demo_class(test);
	struct busy_owner busy = {};
	int mine, other, owner;
	struct request request = { class, &mine, PCD_WAIT };
	struct thread owner_thread, requester;

	stay_here(test);
	owner = upstream_cpu(test, 1);
	items[0].key = &mine;
	items[1].key = &other;
	call_on(test, owner, put_items, &args);

	thread_start(test, &owner_thread, owner, be_busy, &busy);
	while (!smp_load_acquire(&busy.started))	/* pairs with be_busy() */
		cpu_relax();
	pcd_drain_all(class, NULL, PCD_POST);
	thread_start(test, &requester, cpumask_first(current->cpus_ptr),
		     make_request, &request);
	/* By now the request has queued what it waits for, if it waits. */
	schedule_timeout_uninterruptible(HZ / 20);
	WRITE_ONCE(busy.stop, true);
	thread_join(&owner_thread);
	thread_join(&requester);

	KUNIT_EXPECT_TRUE_MSG(test, eventually(!class->count(owner, NULL)),
			      "what was posted for everything drained one key");
	KUNIT_EXPECT_EQ(test, depot_check(test), 2);
}

/* ---- invariants 1 and 2: nothing lost, twice, or touched by two ---- */

/* Lets an owner go on after a while; notes whether a request was served before. */
struct let_go {
	struct timer_list timer;
	struct pcd_demo_hold hold;
	struct completion *served;
	bool early;
};

static void let_go(struct timer_list *timer)
{
	struct let_go *let_go = timer_container_of(let_go, timer, timer);

	let_go->early = completion_done(let_go->served);
	smp_store_release(&let_go->hold.release, true);	/* pairs with demo_linger() */
}

/*
 * The meeting that matters most: an owner is in the middle of its cache, the
 * lock held, when a request comes. Whoever drains must wait for it. A timer ends
 * that, since the requester may spin on this very CPU.
 */
static void drain_waits_for_the_owner_inside(struct kunit *test)
{
	struct pcd_demo_item *items = alloc_items(test, FEW + 1);
	unsigned int before = pcd_demo_violations();
	struct put_args few = { items, FEW }, last = { &items[FEW], 1 };
	struct pcd_class *class = demo_class(test);
	struct request request = { class, NULL, PCD_WAIT };
	struct thread owner_thread, requester;
	struct let_go end = { .served = &requester.done };
	int owner;

	stay_here(test);
	owner = upstream_cpu(test, 1);
	call_on(test, owner, put_items, &few);
	items[FEW].hold = &end.hold;
	timer_setup_on_stack(&end.timer, let_go, 0);

	thread_start(test, &owner_thread, owner, put_items, &last);
	while (!smp_load_acquire(&end.hold.inside))	/* pairs with demo_linger() */
		cpu_relax();
	request.timer = &end.timer;
	thread_start(test, &requester, cpumask_first(current->cpus_ptr),
		     make_request, &request);
	thread_join(&owner_thread);
	thread_join(&requester);
	timer_delete_sync(&end.timer);
	timer_destroy_on_stack(&end.timer);

	KUNIT_EXPECT_FALSE_MSG(test, end.early, "drained with the owner inside");
	KUNIT_EXPECT_EQ(test, pcd_demo_violations(), before);
	pcd_drain_all(class, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, depot_check(test), FEW + 1);
}

struct load {
	struct pcd_class *class;
	struct pcd_demo_item *items;
	unsigned int seed;
	bool *over;
	unsigned int held;	/* items that the thread has at the end */
};

/* An owner: caches what it has and takes something again, at random. */
static int load_owner(void *data)
{
	struct load *load = data;
	struct pcd_demo_item *hand[ITEMS_PER_CPU], *item;
	struct rnd_state rnd;
	unsigned int i, nr = ITEMS_PER_CPU;

	prandom_seed_state(&rnd, load->seed);
	for (i = 0; i < nr; i++)
		hand[i] = &load->items[i];

	while (!READ_ONCE(*load->over)) {
		if (nr && prandom_u32_state(&rnd) % 2) {
			pcd_demo_put(hand[--nr]);
		} else if (nr < ITEMS_PER_CPU) {
			item = pcd_demo_get();
			if (item)
				hand[nr++] = item;
		}
		if (!(prandom_u32_state(&rnd) % 64))
			cond_resched();
	}
	for (i = 0; i < nr; i++)
		hand[i]->cached += 1000;	/* in hand: not to be met elsewhere */
	load->held = nr;
	return 0;
}

static int load_requester(void *data)
{
	struct load *load = data;

	while (!READ_ONCE(*load->over)) {
		pcd_drain_all(load->class, NULL, PCD_WAIT);
		cond_resched();
	}
	return 0;
}

static void loses_nothing_under_load(struct kunit *test)
{
	struct pcd_class *class = demo_class(test);
	unsigned int nr_cpus = num_online_cpus(), i = 0, held = 0, met;
	struct thread *threads = kunit_kcalloc(test, 2 * nr_cpus, sizeof(*threads), GFP_KERNEL);
	struct load *loads = kunit_kcalloc(test, 2 * nr_cpus, sizeof(*loads), GFP_KERNEL);
	struct pcd_demo_item *items = alloc_items(test, nr_cpus * ITEMS_PER_CPU);
	unsigned int before = pcd_demo_violations();
	u64 drained = class_drained(class);
	bool over = false;
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, threads);
	KUNIT_ASSERT_NOT_NULL(test, loads);
	for_each_online_cpu(cpu) {
		loads[i] = (struct load){ class, &items[i / 2 * ITEMS_PER_CPU], i + 1, &over };
		loads[i + 1] = (struct load){ class, NULL, 0, &over };
		thread_start(test, &threads[i], cpu, load_owner, &loads[i]);
		thread_start(test, &threads[i + 1], cpu, load_requester, &loads[i + 1]);
		i += 2;
	}
	msleep(LOAD_MS);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(class_drained(class) - drained >
					       nr_cpus * ITEMS_PER_CPU),
			      "hardly any load");
	WRITE_ONCE(over, true);
	while (i--) {
		thread_join(&threads[i]);
		held += loads[i].held;
	}
	pcd_drain_all(class, NULL, PCD_MUST);

	KUNIT_EXPECT_EQ_MSG(test, pcd_demo_violations(), before,
			    "two were inside one CPU's cache at once, or one item in two");
	met = depot_check(test);
	KUNIT_EXPECT_EQ_MSG(test, met + held, nr_cpus * ITEMS_PER_CPU,
			    "%u in the depot, %u in hand", met, held);
}

/* The locks themselves: every way in has its way out. */
static DEFINE_PER_CPU(struct {
	pcd_lock_t lock;
	pcd_trylock_t trylock;
}, locks) = {
	.lock = PCD_LOCK_INIT(locks.lock),
	.trylock = PCD_TRYLOCK_INIT(locks.trylock),
};

/* All forms of the locks; no KUnit call in here, since those may sleep. */
static unsigned int try_all_locks(void)
{
	unsigned int wrong = 0;
	unsigned long flags;
	int cpu;

	pcd_lock(&locks.lock);
	pcd_unlock(&locks.lock);
	pcd_lock_irqsave(&locks.lock, flags);
	pcd_unlock_irqrestore(&locks.lock, flags);

	/* The further attempts fail: they must leave nothing behind. */
	if (!pcd_trylock(&locks.trylock))
		return 1;
	wrong += pcd_trylock(&locks.trylock);
	wrong += pcd_trylock_irqsave(&locks.trylock, flags);
	pcd_unlock(&locks.trylock);
	if (!pcd_trylock_irqsave(&locks.trylock, flags))
		return wrong + 1;
	pcd_unlock_irqrestore(&locks.trylock, flags);

	migrate_disable();
	cpu = smp_processor_id();
	pcd_lock_cpu(&locks.lock, cpu);
	pcd_lockdep_assert_held(&locks.lock, cpu);
	pcd_unlock_cpu(&locks.lock, cpu);
	pcd_lock_cpu_irqsave(&locks.lock, cpu, flags);
	pcd_unlock_cpu_irqrestore(&locks.lock, cpu, flags);
	migrate_enable();
	return wrong;
}

static void locks_are_balanced(struct kunit *test)
{
	struct lock_state before = lock_state(), after;
	unsigned int wrong = try_all_locks();

	after = lock_state();
	lock_state_mend(before);
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "a trylock gave the wrong answer");
	expect_lock_state(test, after, before);
}

static int trylock_in_hardirq;

static void try_in_hardirq(struct irq_work *work)
{
	trylock_in_hardirq = pcd_trylock(&locks.trylock);
	if (trylock_in_hardirq)
		pcd_unlock(&locks.trylock);
}

static void trylock_knows_its_context(struct kunit *test)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(try_in_hardirq);

	trylock_in_hardirq = -1;
	irq_work_queue(&work);
	irq_work_sync(&work);
	KUNIT_EXPECT_EQ(test, trylock_in_hardirq, !IS_ENABLED(CONFIG_PREEMPT_RT));
}

/* ---- the first clients ---- */

static struct folio *new_folio(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_ASSERT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
	return folio;
}

static int cache_for_lru(void *data)
{
	struct folio **folios = data;
	int i;

	for (i = 0; i < FEW; i++)
		folio_add_lru(folios[i]);
	return 0;
}

static int cache_for_mlock(void *data)
{
	struct folio **folios = data;
	int i;

	for (i = 0; i < FEW; i++)
		mlock_new_folio(folios[i]);
	return 0;
}

static int uncache_mlock(void *data)
{
	struct folio **folios = data;
	int i;

	for (i = 0; i < FEW; i++)
		munlock_folio(folios[i]);
	return 0;
}

/* Fill every CPU's batches by @fill, drain all, and see where the folios are. */
static void batches_reach_the_lru(struct kunit *test, int (*fill)(void *data),
				  int (*undo)(void *data))
{
	unsigned int i, nr = num_online_cpus() * FEW, first = 0;
	struct pcd_class *class = pcd_class_find("lru");
	struct folio **folios;
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, class);
	folios = kunit_kcalloc(test, nr, sizeof(*folios), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, folios);
	for (i = 0; i < nr; i++)
		folios[i] = new_folio(test);
	lru_add_drain_all();

	for_each_online_cpu(cpu) {
		call_on(test, cpu, fill, &folios[first]);
		if (is_upstream(cpu))
			KUNIT_EXPECT_GE(test, class->count(cpu, NULL), FEW);
		first += FEW;
	}

	lru_add_drain_all();

	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_TRUE_MSG(test, folio_test_lru(folios[i]),
				      "folio %u of %u is not on the LRU", i, nr);
	if (undo)
		for (i = 0; i < nr; i += FEW)
			undo(&folios[i]);
	lru_add_drain_all();
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, folio_ref_count(folios[i]), 1,
				    "a batch still holds folio %u of %u", i, nr);
		folio_put(folios[i]);
	}
}

static void folio_batches_reach_the_lru(struct kunit *test)
{
	batches_reach_the_lru(test, cache_for_lru, NULL);
}

/*
 * The other batches take folios that are on the LRU already. Each case makes
 * folios that @cache will not refuse, and sees that the batch holds them until
 * the drain.
 */
struct lru_batch_case {
	const char *name;
	void (*cache)(struct folio *folio);
	bool active;
	bool anon;
};

static const struct lru_batch_case lru_batch_cases[] = {
	{ "lru_move_tail", folio_rotate_reclaimable },
	{ "lru_deactivate_file", deactivate_file_folio },
	{ "lru_deactivate", folio_deactivate, .active = true },
	{ "lru_lazyfree", folio_mark_lazyfree, .anon = true },
	{ "lru_activate", folio_activate },
};

static void lru_batch_case_name(const struct lru_batch_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(lru_batch, lru_batch_cases, lru_batch_case_name);

struct lru_cache_args {
	const struct lru_batch_case *param;
	struct folio *folio;
};

static int cache_on_lru_batch(void *data)
{
	struct lru_cache_args *args = data;

	args->param->cache(args->folio);
	return 0;
}

static struct folio *new_folio_on_lru(struct kunit *test,
				      const struct lru_batch_case *param)
{
	struct folio *folio = new_folio(test);

	if (param->anon) {
		__folio_set_swapbacked(folio);
		folio->mapping = (void *)FOLIO_MAPPING_ANON;
	}
	if (param->active)
		folio_set_active(folio);
	folio_add_lru(folio);
	return folio;
}

static void each_lru_batch_is_drained(struct kunit *test)
{
	const struct lru_batch_case *param = test->param_value;
	struct pcd_class *class = pcd_class_find("lru");
	struct lru_cache_args args = { param };
	int cpu;

	for_each_cpu(cpu, upstream_cpus()) {
		args.folio = new_folio_on_lru(test, param);
		lru_add_drain_all();

		call_on(test, cpu, cache_on_lru_batch, &args);
		KUNIT_EXPECT_GE(test, class->count(cpu, NULL), 1);
		KUNIT_EXPECT_EQ_MSG(test, folio_ref_count(args.folio), 2,
				    "CPU %d has not cached the folio", cpu);
		lru_add_drain_all();

		KUNIT_EXPECT_EQ_MSG(test, folio_ref_count(args.folio), 1,
				    "CPU %d still holds the folio", cpu);
		KUNIT_EXPECT_TRUE(test, folio_test_lru(args.folio));
		args.folio->mapping = NULL;
		folio_put(args.folio);
	}
}

static void mlock_batches_reach_the_lru(struct kunit *test)
{
	batches_reach_the_lru(test, cache_for_mlock, uncache_mlock);
}

/* ---- a CPU that dies ---- */

/* Nobody waits for a dead callback: once the count there is zero, all is out. */
struct dead_watch {
	struct pcd_class *class;
	struct folio **folios;
	int cpu;
	bool over;
};

static int watch_the_dead(void *data)
{
	struct dead_watch *watch = data;
	int i, missing = 0;

	while (cpu_online(watch->cpu) || watch->class->count(watch->cpu, NULL)) {
		if (READ_ONCE(watch->over))
			return -1;
		cond_resched();
	}
	smp_rmb();	/* as (K) in core.c, behind a count of zero */
	for (i = 0; i < 2 * FEW; i++)
		missing += !folio_test_lru(watch->folios[i]);
	return missing;
}

static void unplug_drains_the_dead(struct kunit *test)
{
	struct pcd_demo_item *items = alloc_items(test, FEW);
	struct put_args args = { items, FEW };
	struct pcd_class *class = demo_class(test);
	struct pcd_class *lru = pcd_class_find("lru");
	struct folio *folios[2 * FEW];
	struct dead_watch watch = { lru, folios };
	struct pcd_result result;
	struct thread watcher;
	int i, owner, removed;

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	stay_here(test);
	owner = upstream_cpu(test, 1);
	if (!get_cpu_device(owner) || !cpu_is_hotpluggable(owner))
		kunit_skip(test, "CPU %d cannot be unplugged", owner);
	for (i = 0; i < 2 * FEW; i++)
		folios[i] = new_folio(test);
	call_on(test, owner, put_items, &args);
	call_on(test, owner, cache_for_lru, folios);
	call_on(test, owner, cache_for_mlock, &folios[FEW]);

	watch.cpu = owner;
	thread_start(test, &watcher, upstream_cpu(test, 2), watch_the_dead, &watch);
	removed = remove_cpu(owner);
	WRITE_ONCE(watch.over, true);
	KUNIT_EXPECT_EQ_MSG(test, thread_join(&watcher), 0, "on their way, and not counted");
	KUNIT_ASSERT_EQ(test, removed, 0);
	KUNIT_EXPECT_EQ(test, class->count(owner, NULL), 0);
	KUNIT_EXPECT_EQ(test, lru->count(owner, NULL), 0);
	KUNIT_EXPECT_EQ(test, depot_check(test), FEW);
	for (i = 0; i < 2 * FEW; i++)
		KUNIT_EXPECT_TRUE(test, folio_test_lru(folios[i]));

	/* As if its dead callback were still to come. */
	script_reset();
	atomic_long_set(&script.items[owner], 6);
	result = pcd_drain_all(&scripted, NULL, PCD_WAIT);
	KUNIT_EXPECT_EQ(test, result.drained,
			pcd_locks_remotely() ? 6 : 0);
	KUNIT_EXPECT_EQ(test, result.left,
			pcd_locks_remotely() ? 0 : 6);

	KUNIT_ASSERT_EQ(test, add_cpu(owner), 0);
	uncache_mlock(&folios[FEW]);
	lru_add_drain_all();
	for (i = 0; i < 2 * FEW; i++)
		folio_put(folios[i]);
}

/* ---- accounting ---- */

static void stats_say_what_happened(struct kunit *test)
{
	struct pcd_stats *stats;
	s64 drained, works, remote;
	int owner;

	stay_here(test);
	owner = upstream_cpu(test, 1);
	stats = &per_cpu_ptr(scripted.pcpu, owner)->stats;
	drained = atomic64_read(&stats->drained);
	works = atomic64_read(&stats->works);
	remote = atomic64_read(&stats->remote);
	script_reset();
	atomic_long_set(&script.items[owner], 9);

	pcd_drain_all(&scripted, NULL, PCD_WAIT);

	KUNIT_EXPECT_EQ(test, atomic64_read(&stats->drained) - drained, 9);
	KUNIT_EXPECT_EQ(test, atomic64_read(&stats->works) - works,
			!pcd_locks_remotely());
	KUNIT_EXPECT_EQ(test, atomic64_read(&stats->remote) - remote,
			pcd_locks_remotely());
}

static struct kunit_case pcpu_drain_cases[] = {
	KUNIT_CASE_SLOW(drain_waits_for_the_owner_inside),
	KUNIT_CASE(loses_nothing_under_load),
	KUNIT_CASE(locks_are_balanced),
	KUNIT_CASE(trylock_knows_its_context),
	KUNIT_CASE(drains_every_cpu),
	KUNIT_CASE(waits_for_the_drain),
	KUNIT_CASE(leaves_empty_cpus_alone),
	KUNIT_CASE(drains_where_the_variant_says),
	KUNIT_CASE(rides_on_a_newer_request),
	KUNIT_CASE(must_never_rides),
	KUNIT_CASE(key_limits_the_drain),
	KUNIT_CASE(post_is_kept),
	KUNIT_CASE(remote_drain_wants_nothing_of_the_owner),
	KUNIT_CASE(key_does_not_narrow_what_is_posted),
	KUNIT_CASE(folio_batches_reach_the_lru),
	KUNIT_CASE(mlock_batches_reach_the_lru),
	KUNIT_CASE_PARAM(each_lru_batch_is_drained, lru_batch_gen_params),
	KUNIT_CASE(unplug_drains_the_dead),
	KUNIT_CASE(stats_say_what_happened),
	{}
};

static struct kunit_suite pcpu_drain_suite = {
	.name = "mm_pcpu_drain",
	.test_cases = pcpu_drain_cases,
};

kunit_test_suite(pcpu_drain_suite);

MODULE_DESCRIPTION("KUnit tests for the draining of per-CPU caches");
MODULE_LICENSE("GPL");
