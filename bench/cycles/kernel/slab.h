/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At the end of mm/slub.c, whose structs are private: a cache for kmalloc(64) whose
 * sheaf is half full, made by hand; its objects are all in one slab.
 */
#include "cycles.h"

#define CYC_OBJECT	64
#define CYC_CAPACITY	32

static struct {
	struct slab_sheaf sheaf;
	void *objects[CYC_CAPACITY];
} cyc_sheaf[CYC_CPUS];

static DEFINE_PER_CPU(struct slub_percpu_sheaves, cyc_sheaves);
static char cyc_slab[PAGE_SIZE] __aligned(PAGE_SIZE);
static struct page cyc_slab_page __aligned(sizeof(struct page));

struct kmem_cache cyc_kmalloc_64 = {
	.cpu_sheaves = &cyc_sheaves,
	.size = CYC_OBJECT,
	.object_size = CYC_OBJECT,
	.sheaf_capacity = CYC_CAPACITY,
};

/* As many can be allocated as are in the sheaf. */
void cyc_slab_fill(void)
{
	this_cpu_ptr(&cyc_sheaves)->main->size = CYC_CAPACITY / 2;
}

/* All that is mapped, as far as freeing is concerned, is this slab. */
void cyc_slab_begin(void)
{
	struct slab_sheaf *sheaf = &cyc_sheaf[smp_processor_id()].sheaf;
	unsigned int i;

	page_offset_base = (unsigned long)cyc_slab;
	vmemmap_base = (unsigned long)&cyc_slab_page;
	cyc_slab_page.page_type = PGTY_slab << 24;
	page_slab(&cyc_slab_page)->slab_cache = &cyc_kmalloc_64;
	for (i = 0; i < CYC_CAPACITY; i++)
		sheaf->objects[i] = cyc_slab + i * CYC_OBJECT;
	sheaf->cache = &cyc_kmalloc_64;
	this_cpu_ptr(&cyc_sheaves)->main = sheaf;
	cyc_slab_fill();
}
