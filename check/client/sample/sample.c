// SPDX-License-Identifier: GPL-2.0-only
/* The sample client: each CPU counts, and a drain adds that to what all CPUs share. */
#include <linux/init.h>
#include <linux/pcpu_drain.h>
#include <linux/percpu.h>

#include "../internal.h"
#include "sample.h"

atomic_t pcd_sample_in, pcd_sample_out;

static DEFINE_PER_CPU(struct {
	pcd_lock_t lock;
	unsigned long nr;	/* a word: pcd_take() */
}, sample_caches) = {
	.lock = PCD_LOCK_INIT(sample_caches.lock),
};

static struct pcd_class sample;

static unsigned int sample_count(int cpu, void *key)
{
	/* a peek: the owner may be adding */
	return data_race(per_cpu(sample_caches.nr, cpu));
}

/* Under the lock: out first, for whoever finds none relies on that. */
static unsigned int sample_take(int cpu)
{
	unsigned long nr = per_cpu(sample_caches.nr, cpu);

	atomic_add(nr, &pcd_sample_out);
	/* Release: pairs with the core's barrier behind a count of none. */
	smp_store_release(&per_cpu(sample_caches.nr, cpu), 0);
	return nr;
}

/* Where the owner is held: out of the cache first, since the owner waits. */
static unsigned int sample_take_held(int cpu)
{
	unsigned long *from = &per_cpu(sample_caches.nr, cpu);
	unsigned long nr = READ_ONCE(*from);

	if (!nr || !pcd_take(&sample, cpu, pcd_lock_owner(&sample_caches.lock, cpu), &nr, from, 1))
		return 0;
	atomic_add(nr, &pcd_sample_out);
	return nr;
}

static unsigned int sample_drain(int cpu, void *key)
{
	unsigned long flags;
	unsigned int nr;

	if (pcd_holds() && pcd_owner_would_wait(cpu)) {
		nr = sample_take_held(cpu);
	} else if (pcd_owner_would_wait(cpu)) {
		pcd_lock_remote(&sample_caches.lock, cpu, flags);
		nr = sample_take(cpu);
		pcd_unlock_remote(&sample_caches.lock, cpu, flags);
	} else {
		pcd_lock_cpu(&sample_caches.lock, cpu);
		nr = sample_take(cpu);
		pcd_unlock_cpu(&sample_caches.lock, cpu);
	}
	return nr;
}

static DEFINE_PER_CPU(struct pcd_cpu, sample_pcpu);

static struct pcd_class sample = {
	.name = "sample",
	.count = sample_count,
	.drain = sample_drain,
	.wq = &mm_percpu_wq,
	.pcpu = &sample_pcpu,
};

void pcd_sample_add(void *unused)
{
	pcd_lock(&sample_caches.lock);
	atomic_inc(&pcd_sample_in);
	if (pcd_uncached()) {
		atomic_inc(&pcd_sample_out);
	} else {
		__this_cpu_inc(sample_caches.nr);
		pcd_cached(&sample);
	}
	pcd_unlock(&sample_caches.lock);
}

static int __init sample_init(void)
{
	pcd_class_register(&sample);
	return 0;
}
early_initcall(sample_init);
