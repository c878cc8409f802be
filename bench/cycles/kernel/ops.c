// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations that are measured: compiled in the tree of each arm, by its own
 * flags and headers. None is inside of another preempt_disable().
 */
#include <linux/folio_batch.h>
#include <linux/local_lock.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swap.h>

#ifdef CONFIG_PCPU_DRAIN_DEMO
#include <linux/pcpu_drain.h>
#include <linux/pcpu_drain_demo.h>
#include "../pcpu_drain/internal.h"
#else
/* Linux as it is: what clients use there. */
#define pcd_lock_t		local_lock_t
#define pcd_trylock_t		local_trylock_t
#define pcd_lock(lock)		local_lock(lock)
#define pcd_unlock(lock)	local_unlock(lock)
#define pcd_trylock(lock)	local_trylock(lock)
#define PCD_LOCK_INIT(name)	INIT_LOCAL_LOCK(name)
#define PCD_TRYLOCK_INIT(name)	INIT_LOCAL_TRYLOCK(name)
#endif

#include "../internal.h"

#include "cycles.h"
#include "private.h"
#include "variant.h"

/* ---- Locks ---- */

static DEFINE_PER_CPU(local_lock_t, cyc_local) = INIT_LOCAL_LOCK(cyc_local);
static DEFINE_PER_CPU(local_trylock_t, cyc_local_try) = INIT_LOCAL_TRYLOCK(cyc_local_try);
static DEFINE_PER_CPU(spinlock_t, cyc_spin) = __SPIN_LOCK_UNLOCKED(cyc_spin);
static DEFINE_PER_CPU(pcd_lock_t, cyc_cache) = PCD_LOCK_INIT(cyc_cache);
static DEFINE_PER_CPU(pcd_trylock_t, cyc_cache_try) = PCD_TRYLOCK_INIT(cyc_cache_try);

/* What calling an operation takes. */
static noinline void op_nothing(void)
{
	barrier();
}

static noinline void op_preempt(void)
{
	preempt_disable();
	preempt_enable();
}

static noinline void op_migrate(void)
{
	migrate_disable();
	migrate_enable();
}

static noinline void op_local_lock(void)
{
	local_lock(&cyc_local);
	local_unlock(&cyc_local);
}

static noinline void op_local_trylock(void)
{
	if (local_trylock(&cyc_local_try))
		local_unlock(&cyc_local_try);
}

/* The simplest that another CPU could take: the spinlock alone. */
static noinline void op_spin_lock(void)
{
	spinlock_t *lock = raw_cpu_ptr(&cyc_spin);

	spin_lock(lock);
	spin_unlock(lock);
}

static noinline void op_cache_lock(void)
{
	pcd_lock(&cyc_cache);
	pcd_unlock(&cyc_cache);
}

static noinline void op_cache_trylock(void)
{
	if (pcd_trylock(&cyc_cache_try))
		pcd_unlock(&cyc_cache_try);
}

/* ---- The demo cache ---- */

#ifdef CONFIG_PCPU_DRAIN_DEMO
static struct pcd_demo_item item;

static noinline void op_demo(void)
{
	pcd_demo_put(&item);
	pcd_demo_get();
}
#endif

/* ---- Folios: as many as a batch holds without being full ---- */

#define FOLIOS (FOLIO_BATCH_SIZE - 1)

static struct page pages[FOLIOS] __aligned(PAGE_SIZE);
static struct vm_area_struct vma;
static unsigned int next;

static struct folio *next_folio(void)
{
	return page_folio(&pages[next++ % FOLIOS]);
}

/* As a page fault does, but here the same few pages again and again. */
static noinline void op_folio_add(void)
{
	folio_add_lru_vma(next_folio(), &vma);
}

/* As it is called there: other locks are held. */
static DEFINE_SPINLOCK(page_table);

static noinline void op_folio_add_held(void)
{
	spin_lock(&page_table);
	folio_add_lru_vma(next_folio(), &vma);
	spin_unlock(&page_table);
}

static void again_folio_add(void)
{
	next = 0;
	raw_cpu_ptr(&cpu_fbatches)->batch.nr = 0;
}

static noinline void op_munlock(void)
{
	munlock_folio(next_folio());
}

static noinline void op_munlock_held(void)
{
	spin_lock(&page_table);
	munlock_folio(next_folio());
	spin_unlock(&page_table);
}

static void again_munlock(void)
{
	next = 0;
	raw_cpu_ptr(&mlock_fbatch)->batch.nr = 0;
}

/* ---- Objects of the slab allocator ---- */

#define OBJECTS 16

/* What kmalloc(64) is compiled to. */
static noinline void op_kmalloc(void)
{
	__kmalloc_cache_noprof(&cyc_kmalloc_64, GFP_ATOMIC, 64);
}

static noinline void op_kmalloc_kfree(void)
{
	kfree(__kmalloc_cache_noprof(&cyc_kmalloc_64, GFP_ATOMIC, 64));
}

/* ---- What there is ---- */

const struct cyc_op cyc_ops[] = {
	{ "nothing", op_nothing },
	{ "preempt_disable, _enable", op_preempt },
	{ "migrate_disable, _enable", op_migrate },
	{ "local_lock, unlock", op_local_lock },
	{ "local_trylock, unlock", op_local_trylock },
	{ "spin_lock, unlock", op_spin_lock },
	{ "cache's lock, unlock", op_cache_lock },
	{ "cache's trylock, unlock", op_cache_trylock },
#ifdef CONFIG_PCPU_DRAIN_DEMO
	{ "demo put, get", op_demo },
#endif
	{ "folio_add_lru_vma", op_folio_add, again_folio_add, FOLIOS },
	{ "munlock_folio", op_munlock, again_munlock, FOLIOS },
	{ "a spinlock held: folio_add_lru_vma", op_folio_add_held, again_folio_add, FOLIOS },
	{ "a spinlock held: munlock_folio", op_munlock_held, again_munlock, FOLIOS },
	{ "kmalloc", op_kmalloc, cyc_slab_fill, OBJECTS },
	{ "kmalloc, kfree", op_kmalloc_kfree },
	{ }
};

#ifdef CONFIG_PCPU_DRAIN_TRACKED
/* An isolated CPU, on which a drain is arranged for already. */
static void set_owner(void)
{
	struct pcd_owner *owner = raw_cpu_ptr(&pcd_owners);

	owner->tracked = true;
	owner->pending = ~0UL;
	cyc_variant_owner();
}
#endif

const struct cyc_key cyc_keys[] = {
	CYC_VARIANT_KEYS
#ifdef CONFIG_PCPU_DRAIN_TRACKED
	{ "cached", &pcd_cached_key },
	{ "owner", NULL, set_owner },
#endif
	{ }
};

#ifdef CONFIG_PCPU_DRAIN_DEMO
static bool always(void)
{
	return true;
}

static void deed_nothing(int cpu)
{
}

/* Upstream looks at every CPU's caches as well, before it queues work. */
static void deed_peek(int cpu)
{
	demo_count(cpu, NULL);
}

/* No requester does: what its first line costs the owner that another CPU wrote last. */
static void deed_write(int cpu)
{
	struct lock_and_count *cache = per_cpu_ptr(&demo_caches, cpu);

	WRITE_ONCE(cache->nr, READ_ONCE(cache->nr));
}

/* As a requester that may take that CPU's lock. */
static void deed_drain(int cpu)
{
	demo_drain(cpu, NULL);
}

static struct pcd_demo_item drained;

static void cache_one(void)
{
	pcd_demo_put(&drained);
}

/* It must be in the depot, where the drain has put it: the cache is empty, as ever. */
static void take_it_back(void)
{
	if (demo_count(0, NULL) || pcd_demo_get() != &drained)
		__builtin_trap();
}
#endif

const struct cyc_deed cyc_deeds[] = {
#ifdef CONFIG_PCPU_DRAIN_DEMO
	{ "nothing", deed_nothing, always },
	{ "peek", deed_peek, always },
	{ "write", deed_write, always },
	{ "drain", deed_drain, pcd_locks_remotely, cache_one, take_it_back },
#endif
	{ }
};

/**
 * cyc_begin - before the first operation, on the CPU that does them
 */
void cyc_begin(void)
{
	unsigned int i;

	for (i = 0; i < FOLIOS; i++)
		set_page_count(&pages[i], 1);
	op_folio_add();
	op_munlock();
	if (raw_cpu_ptr(&cpu_fbatches)->batch.nr != 1 ||
	    raw_cpu_ptr(&mlock_fbatch)->batch.nr != 1)
		__builtin_trap();	/* struct lock_and_batch is not how they begin */
#ifdef CONFIG_PCPU_DRAIN_DEMO
	pcd_demo_put(&item);
	if (raw_cpu_ptr(&demo_caches)->nr != 1)
		__builtin_trap();	/* nor struct lock_and_count */
	pcd_demo_get();
#endif
	again_folio_add();
	again_munlock();
	cyc_slab_begin();
}
