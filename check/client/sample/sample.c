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
	unsigned int nr;
}, sample_caches) = {
	.lock = PCD_LOCK_INIT(sample_caches.lock),
};

static unsigned int sample_count(int cpu, void *key)
{
	/* a peek: the owner may be adding */
	return data_race(per_cpu(sample_caches.nr, cpu));
}

/* Under the lock: out first, for whoever finds none relies on that. */
static unsigned int sample_take(int cpu)
{
	unsigned int nr = per_cpu(sample_caches.nr, cpu);

	atomic_add(nr, &pcd_sample_out);
	/* Release: pairs with the core's barrier behind a count of none. */
	smp_store_release(&per_cpu(sample_caches.nr, cpu), 0);
	return nr;
}

static unsigned int sample_drain(int cpu, void *key)
{
	unsigned long flags;
	unsigned int nr;

	if (pcd_owner_would_wait(cpu)) {
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
	__this_cpu_inc(sample_caches.nr);
	pcd_cached(&sample);
	pcd_unlock(&sample_caches.lock);
}

static int __init sample_init(void)
{
	pcd_class_register(&sample);
	return 0;
}
early_initcall(sample_init);
