// SPDX-License-Identifier: GPL-2.0-only
/*
 * A per-CPU cache of the simplest kind behind the draining facade: the example
 * to copy, the fixture of the KUnit suite, a yardstick for the locks' cost.
 *
 * Each CPU has a stack of items. What does not fit, and what is drained, goes
 * to a depot that all CPUs share.
 */
#include <linux/bitops.h>
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/pcpu_drain.h>
#include <linux/pcpu_drain_demo.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "../internal.h"

#define DEMO_SIZE 16

/* Empty if its first word is 0, as pcd_take() wants it. */
struct demo_content {
	unsigned int nr;
	bool inside;
	struct pcd_demo_item *items[DEMO_SIZE];
};

struct demo_cache {
	pcd_lock_t lock;
	struct demo_content;
};

static_assert(offsetof(struct demo_content, items) == sizeof(long));

static DEFINE_PER_CPU(struct demo_cache, demo_caches) = {
	.lock = PCD_LOCK_INIT(demo_caches.lock),
};

static struct pcd_class demo;

static DEFINE_SPINLOCK(depot_lock);
static LIST_HEAD(depot);

static atomic_t violations = ATOMIC_INIT(0);

/*
 * For the tests, and compiled out without them: is anybody else between enter
 * and leave of the same cache?  The lock rules that out.  If it fails, these accesses
 * race, which is what they are to show: hence READ_ONCE() and WRITE_ONCE().
 */
static inline void demo_enter(struct demo_cache *cache)
{
	if (!IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST))
		return;
	if (READ_ONCE(cache->inside))
		atomic_inc(&violations);
	WRITE_ONCE(cache->inside, true);
}

static inline void demo_leave(struct demo_cache *cache)
{
	if (!IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST))
		return;
	if (!READ_ONCE(cache->inside))
		atomic_inc(&violations);
	WRITE_ONCE(cache->inside, false);
}

/* For the tests: stay inside until told to go on. */
static inline void demo_linger(struct pcd_demo_item *item, enum pcd_demo_place at)
{
	struct pcd_demo_hold *hold;

	if (!IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST))
		return;
	hold = item->hold;
	if (!hold || hold->at != at)
		return;
	smp_store_release(&hold->inside, true);		/* pairs with the test's load */
	while (!smp_load_acquire(&hold->release))	/* pairs with the test's store */
		cpu_relax();
}

/**
 * pcd_demo_violations - how often were two inside one cache, or an item in two?
 *
 * Return: the count since boot; anything but 0 is a bug.
 */
unsigned int pcd_demo_violations(void)
{
	return atomic_read(&violations);
}

/* Also for the tests: an item that was in one cache only comes out once. */
static inline bool demo_came_once(struct pcd_demo_item *item)
{
	if (!--item->cached || !IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST))
		return true;
	atomic_inc(&violations);
	return false;
}

/* The item has left its cache, or was never in one. */
static void depot_add(struct pcd_demo_item *item)
{
	unsigned long flags;

	spin_lock_irqsave(&depot_lock, flags);
	if (demo_came_once(item))
		list_add_tail(&item->node, &depot);
	spin_unlock_irqrestore(&depot_lock, flags);
}

/*
 * demo_count() takes no lock, so the stores that it reads are ordered: first what the
 * item holds, then its slot, then the number of slots.
 */
static void demo_store(struct demo_cache *cache, unsigned int slot,
		       struct pcd_demo_item *item)
{
	/* Release: pairs with the address dependency in demo_count(). */
	smp_store_release(&cache->items[slot], item);
}

static void demo_set_nr(struct demo_cache *cache, unsigned int nr)
{
	/*
	 * Release: pairs with the acquire in demo_count().  And a drain puts items into
	 * the depot before it lowers the number: that pairs with the core's (K), behind
	 * a count of zero.
	 */
	smp_store_release(&cache->nr, nr);
}

/**
 * pcd_demo_put - cache an item on this CPU
 * @item: must not be cached.  Do not free it, nor change its key, before it has left
 *	the cache and every request that began before that has returned.
 *
 * Context: task context; may sleep on PREEMPT_RT.
 */
void pcd_demo_put(struct pcd_demo_item *item)
{
	struct demo_cache *cache;
	unsigned int nr;

	if (IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST) && item->cached)
		atomic_inc(&violations);
	item->cached++;
	pcd_lock(&demo_caches.lock);
	cache = this_cpu_ptr(&demo_caches);
	demo_enter(cache);
	demo_linger(item, PCD_DEMO_INSIDE);
	nr = pcd_uncached() ? DEMO_SIZE : cache->nr;
	if (nr < DEMO_SIZE) {
		demo_store(cache, nr, item);
		demo_linger(item, PCD_DEMO_STORED);
		demo_set_nr(cache, nr + 1);
		pcd_cached(&demo);
	}
	demo_leave(cache);
	pcd_unlock(&demo_caches.lock);

	if (nr == DEMO_SIZE)
		depot_add(item);
}

static struct pcd_demo_item *depot_get(void)
{
	struct pcd_demo_item *item;
	unsigned long flags;

	spin_lock_irqsave(&depot_lock, flags);
	item = list_first_entry_or_null(&depot, struct pcd_demo_item, node);
	if (item)
		list_del(&item->node);
	spin_unlock_irqrestore(&depot_lock, flags);
	return item;
}

/**
 * pcd_demo_get - take an item out of this CPU's cache, or else of the depot
 *
 * Context: task context; may sleep on PREEMPT_RT.
 * Return: the item, or NULL if there is none.
 */
struct pcd_demo_item *pcd_demo_get(void)
{
	struct pcd_demo_item *item = NULL;
	struct demo_cache *cache;

	pcd_lock(&demo_caches.lock);
	cache = this_cpu_ptr(&demo_caches);
	demo_enter(cache);
	if (cache->nr) {
		item = cache->items[cache->nr - 1];
		demo_set_nr(cache, cache->nr - 1);
	}
	demo_leave(cache);
	pcd_unlock(&demo_caches.lock);

	if (!item)
		return depot_get();
	item->cached--;
	return item;
}

/**
 * pcd_demo_empty_depot - take everything out of the depot
 * @items: list that receives the items
 *
 * Return: how many.
 */
unsigned int pcd_demo_empty_depot(struct list_head *items)
{
	unsigned long flags;
	unsigned int nr;

	spin_lock_irqsave(&depot_lock, flags);
	nr = list_count_nodes(&depot);
	list_splice_tail_init(&depot, items);
	spin_unlock_irqrestore(&depot_lock, flags);
	return nr;
}

/*
 * A peek without a lock: the answer may be out of date at once. A slot below the number
 * always holds an item, perhaps one that has left the cache meanwhile, or one that was
 * put in its place. No such item is freed or gets another key while we look: whoever
 * wants to do that waits for our request, see pcd_demo_put().
 */
static unsigned int demo_count(int cpu, void *key)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	/* Acquire: pairs with the release in demo_set_nr(). */
	unsigned int i, matching = 0, nr = smp_load_acquire(&cache->nr);

	if (!key)
		return nr;
	for (i = 0; i < nr; i++)
		matching += READ_ONCE(cache->items[i])->key == key;
	return matching;
}

/* Which items @key covers, by their bits; they go to @covered[] as well. */
static unsigned long demo_select(int cpu, void *key, struct pcd_demo_item **covered)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	unsigned long bits = 0;
	unsigned int i;

	pcd_lockdep_assert_held(&demo_caches.lock, cpu);
	for (i = 0; i < cache->nr; i++) {
		if (key && cache->items[i]->key != key)
			continue;
		bits |= BIT(i);
		*covered++ = cache->items[i];
	}
	return bits;
}

static void demo_remove(int cpu, unsigned long bits)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	unsigned int i, kept = 0;

	pcd_lockdep_assert_held(&demo_caches.lock, cpu);
	for (i = 0; i < cache->nr; i++)
		if (!(bits & BIT(i)))
			demo_store(cache, kept++, cache->items[i]);
	demo_set_nr(cache, kept);
}

static void depot_add_all(struct pcd_demo_item **items, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		depot_add(items[i]);
}

/* Items count until they are in the depot: whoever counts zero relies on that. */
static unsigned int demo_drain_in_place(int cpu, void *key)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	struct pcd_demo_item *covered[DEMO_SIZE];
	unsigned long bits;

	pcd_lock_cpu(&demo_caches.lock, cpu);
	demo_enter(cache);
	bits = demo_select(cpu, key, covered);
	depot_add_all(covered, hweight_long(bits));
	demo_remove(cpu, bits);
	demo_leave(cache);
	pcd_unlock_cpu(&demo_caches.lock, cpu);
	return hweight_long(bits);
}

/* A live owner would wait for that: detach the items first, and add them to the depot after. */
static unsigned int demo_drain_remote(int cpu, void *key)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	struct pcd_demo_item *covered[DEMO_SIZE];
	unsigned long bits, flags;

	pcd_lock_remote(&demo_caches.lock, cpu, flags);
	demo_enter(cache);
	bits = demo_select(cpu, key, covered);
	demo_remove(cpu, bits);
	demo_leave(cache);
	pcd_unlock_remote(&demo_caches.lock, cpu, flags);

	depot_add_all(covered, hweight_long(bits));
	return hweight_long(bits);
}

/* Where a live owner is held: all keys at once, since there is no time to look at them. */
static unsigned int demo_drain_held(int cpu)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	struct demo_content taken;

	*(unsigned long *)&taken = READ_ONCE(*(unsigned long *)&cache->nr);
	if (!taken.nr || !pcd_take(&demo, cpu, pcd_lock_owner(&demo_caches.lock, cpu),
				   &taken, &cache->nr, 1 + taken.nr))
		return 0;
	if (IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST) && taken.inside)
		atomic_inc(&violations);
	depot_add_all(taken.items, taken.nr);
	return taken.nr;
}

static unsigned int demo_drain(int cpu, void *key)
{
	if (pcd_owner_would_wait(cpu))
		return pcd_holds() ? demo_drain_held(cpu) : demo_drain_remote(cpu, key);
	return demo_drain_in_place(cpu, key);
}

static DEFINE_PER_CPU(struct pcd_cpu, demo_pcpu);

static struct pcd_class demo = {
	.name = "demo",
	.count = demo_count,
	.drain = demo_drain,
	.wq = &mm_percpu_wq,
	.pcpu = &demo_pcpu,
};

static int demo_cpu_dead(unsigned int cpu)
{
	pcd_cpu_dead(&demo, cpu);
	return 0;
}

static int __init demo_init(void)
{
	int ret;

	pcd_class_register(&demo);
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mm/pcd_demo:dead",
					NULL, demo_cpu_dead);
	return ret < 0 ? ret : 0;
}
early_initcall(demo_init);
