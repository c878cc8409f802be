/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_CYCLES_H
#define _PCD_CYCLES_H

/* What kernel objects and the program that runs them know of each other. */

/**
 * struct cyc_op - an operation
 * @name: what it is called, or NULL behind the last
 * @run: does it once
 * @again: makes room after @runs times, so that it goes on as before; or NULL
 * @runs: see @again
 */
struct cyc_op {
	const char *name;
	void (*run)(void);
	void (*again)(void);
	unsigned long runs;
};

/**
 * struct cyc_key - a static key of ours, or another state of this CPU
 * @name: what it is called, or NULL behind the last
 * @key: where it is, or NULL
 * @set: what else makes it so; or NULL
 */
struct cyc_key {
	const char *name;
	void *key;
	void (*set)(void);
};

/**
 * struct cyc_deed - what another CPU does to this CPU's demo cache
 * @name: what it is called, or NULL behind the last
 * @run: does it
 * @may: may it be done, as the keys are now?
 * @before: what this CPU does first, or NULL
 * @after: what it does when all is over, or NULL
 */
struct cyc_deed {
	const char *name;
	void (*run)(int cpu);
	bool (*may)(void);
	void (*before)(void);
	void (*after)(void);
};

struct kmem_cache;

#define CYC_CPUS	2

extern const struct cyc_op cyc_ops[];
extern const struct cyc_key cyc_keys[];
extern const struct cyc_deed cyc_deeds[];

/* slab.h */
extern struct kmem_cache cyc_kmalloc_64;
void cyc_slab_begin(void);
void cyc_slab_fill(void);

void cyc_cpu_begin(int cpu, unsigned long offset);
void cyc_begin(void);

#endif /* _PCD_CYCLES_H */
