// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folio and mlock batches for the guest: pages that an owner touches, and operations
 * that put folios into a batch.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../bench/guest/client.h"
#include "../../../bench/guest/spin.h"

/* ---- The owner's fills ---- */

/* Memory that is touched page by page, each phase from a new page table on. */
struct region {
	char *next;
	char *end;
};

static struct region plain, locked;
static unsigned long mlock_every;

static size_t round_up(size_t size)
{
	return (size + PAGE_TABLE - 1) / PAGE_TABLE * PAGE_TABLE;
}

static struct region map_region(size_t pages)
{
	size_t size = 2 * round_up(pages * PAGE) + PAGE_TABLE;
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		client_fail("owner: mmap");
	/* One page a fill; EINVAL: a kernel that knows no huge pages. */
	madvise(base, size, MADV_NOHUGEPAGE);
	return (struct region){
		.next = (char *)round_up((size_t)base),
		.end = base + size,
	};
}

static void begin(const struct params *params)
{
	plain = map_region(params->fills);
	locked = map_region(params->fills);
	mlock_every = params->mlock_every;
	if (syscall(SYS_mlock2, locked.next, locked.end - locked.next, MLOCK_ONFAULT))
		client_fail("owner: mlock2");
}

static void touch_next(struct region *region)
{
	if (region->next < region->end)
		touch(region->next);
	region->next += PAGE;
}

static void fill(unsigned long i)
{
	if ((i + 1) % mlock_every)
		touch_next(&plain);
	else
		touch_next(&locked);
}

static void next_page_table(struct region *region)
{
	region->next = (char *)round_up((size_t)region->next);
}

static void next_phase(void)
{
	next_page_table(&plain);
	next_page_table(&locked);
}

/* ---- Hot paths ---- */

#define REGION (MAX_REPEATS * PAGE)

/* Where they work; the same for all of them, set up once a CPU. */
static struct {
	char *fresh;		/* never touched */
	char *touched;
	char *one;		/* a page in a mapping of its own */
	int file;		/* on tmpfs */
} at;

static void nothing(unsigned long i)
{
	(void)i;
}

/* A new page: its folio goes into the batch of folios to be added. */
static void do_fault(unsigned long i)
{
	touch(at.fresh + i * PAGE);
}

static void do_mlock(unsigned long i)
{
	(void)i;
	if (mlock(at.one, PAGE))
		client_fail("hotpath: mlock");
}

static void do_munlock(unsigned long i)
{
	(void)i;
	if (munlock(at.one, PAGE))
		client_fail("hotpath: munlock");
}

static void map_one(unsigned long i)
{
	(void)i;
	if (mmap(at.one, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at.one)
		client_fail("hotpath: mmap");
	touch(at.one);
}

static void do_munmap(unsigned long i)
{
	(void)i;
	if (munmap(at.one, PAGE))
		client_fail("hotpath: munmap");
}

/* The second reading of a page makes it active: the batch of activations. */
static void do_read(unsigned long i)
{
	char byte;

	if (pread(at.file, &byte, 1, i * PAGE) != 1)
		client_fail("hotpath: pread");
}

/* The batch of folios that may be freed. */
static void do_free(unsigned long i)
{
	if (madvise(at.touched + i * PAGE, PAGE, MADV_FREE))
		client_fail("hotpath: madvise");
}

static void set_up(void)
{
	unsigned long i;

	at.fresh = map_aligned(REGION);
	at.touched = map_aligned(REGION);
	at.one = map_aligned(PAGE);
	madvise(at.fresh, REGION, MADV_NOHUGEPAGE);
	madvise(at.touched, REGION, MADV_NOHUGEPAGE);
	at.file = open("/tmp/hotpath", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (at.file < 0)
		client_fail("hotpath: set-up");
	for (i = 0; i < MAX_REPEATS; i++) {
		touch(at.touched + i * PAGE);
		if (pwrite(at.file, "x", 1, i * PAGE) != 1)
			client_fail("hotpath: pwrite");
	}
	map_one(0);
	/* It drains what this has cached: the folios are on their lists. */
	do_mlock(0);
}

static const struct hot_path paths[] = {
	{ "page fault",		nothing,	do_fault },
	{ "mlock",		do_munlock,	do_mlock },
	{ "munlock",		do_mlock,	do_munlock },
	{ "munmap",		map_one,	do_munmap },
	{ "read again",		do_read,	do_read },
	{ "madvise free",	nothing,	do_free },
	{}
};

static struct guest_client lru = {
	.class = "lru",
	.begin = begin,
	.fill = fill,
	.next_phase = next_phase,
	.set_up = set_up,
	.paths = paths,
};

GUEST_CLIENT(lru)
