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

struct demo_cache {
	pcd_lock_t lock;
	unsigned int nr;
	bool inside;
	struct pcd_demo_item *items[DEMO_SIZE];
};

static DEFINE_PER_CPU(struct demo_cache, demo_caches) = {
	.lock = PCD_LOCK_INIT(demo_caches.lock),
};

static struct pcd_class demo;

static DEFINE_SPINLOCK(depot_lock);
static LIST_HEAD(depot);

static atomic_t violations = ATOMIC_INIT(0);

/*
 * For the tests, and compiled out without them: is anybody else between enter
 * and leave of the same cache?  The lock says no; should it fail, these plain
 * accesses race, and that is the point: hence READ_ONCE() and WRITE_ONCE().
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
static inline void demo_linger(struct pcd_demo_hold *hold)
{
	if (!IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST) || !hold)
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

/**
 * pcd_demo_put - cache an item on this CPU
 * @item: must not be cached, and must outlive any request for this class
 *
 * Context: task context; may sleep on PREEMPT_RT.
 */
void pcd_demo_put(struct pcd_demo_item *item)
{
	struct demo_cache *cache;
	bool full;

	if (IS_ENABLED(CONFIG_PCPU_DRAIN_KUNIT_TEST) && item->cached)
		atomic_inc(&violations);
	item->cached++;
	pcd_lock(&demo_caches.lock);
	cache = this_cpu_ptr(&demo_caches);
	demo_enter(cache);
	demo_linger(item->hold);
	full = cache->nr == DEMO_SIZE;
	if (!full) {
		cache->items[cache->nr++] = item;
		pcd_cached(&demo);
	}
	demo_leave(cache);
	pcd_unlock(&demo_caches.lock);

	if (full)
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
	if (cache->nr)
		item = cache->items[--cache->nr];
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
 * A peek: no lock, so READ_ONCE() against the owner's plain accesses. Of an
 * item that leaves meanwhile it may see the key, which does not change while
 * the item is cached; and items are not freed under a request.
 */
static unsigned int demo_count(int cpu, void *key)
{
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	unsigned int i, matching = 0, nr = READ_ONCE(cache->nr);

	if (!key)
		return nr;
	for (i = 0; i < nr; i++)
		matching += READ_ONCE(READ_ONCE(cache->items[i])->key) == key;
	return matching;
}

/* Which items @key covers, by their bits; they go to @covered[] as well. */
static unsigned long demo_select(struct demo_cache *cache, void *key,
				 struct pcd_demo_item **covered)
{
	unsigned long bits = 0;
	unsigned int i;

	for (i = 0; i < cache->nr; i++) {
		if (key && cache->items[i]->key != key)
			continue;
		bits |= BIT(i);
		*covered++ = cache->items[i];
	}
	return bits;
}

static void demo_remove(struct demo_cache *cache, unsigned long bits)
{
	unsigned int i, kept = 0;

	for (i = 0; i < cache->nr; i++)
		if (!(bits & BIT(i)))
			cache->items[kept++] = cache->items[i];
	/* Release: pairs with the core's barrier behind a count of none. */
	smp_store_release(&cache->nr, kept);
}

static void depot_add_all(struct pcd_demo_item **items, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		depot_add(items[i]);
}

/*
 * Items count until they are in the depot: who finds none relies on that, the
 * owner included. But if the owner would have to wait for it they are detached
 * under the lock, and are on their way after it.
 */
static unsigned int demo_drain(int cpu, void *key)
{
	bool detach = pcd_owner_would_wait(cpu);
	struct demo_cache *cache = per_cpu_ptr(&demo_caches, cpu);
	struct pcd_demo_item *covered[DEMO_SIZE];
	unsigned long bits;

	pcd_lock_cpu(&demo_caches.lock, cpu);
	demo_enter(cache);
	bits = demo_select(cache, key, covered);
	if (!detach)
		depot_add_all(covered, hweight_long(bits));
	demo_remove(cache, bits);
	demo_leave(cache);
	pcd_unlock_cpu(&demo_caches.lock, cpu);

	if (detach)
		depot_add_all(covered, hweight_long(bits));
	return hweight_long(bits);
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
