// SPDX-License-Identifier: GPL-2.0-only
/* The owner: see struct owner. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "random.h"
#include "spin.h"
#include "tasks.h"

#define PAGE		4096UL
#define PAGE_TABLE	(512 * PAGE)	/* what one page table maps */

/* Memory that is touched page by page, each phase from a new page table on. */
struct region {
	char *next;
	char *end;
};

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

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
		fail("owner: mmap");
	/* One page a fill; EINVAL: a kernel that knows no huge pages. */
	madvise(base, size, MADV_NOHUGEPAGE);
	return (struct region){
		.next = (char *)round_up((size_t)base),
		.end = base + size,
	};
}

static void touch_next(struct region *region)
{
	if (region->next < region->end)
		touch(region->next);
	region->next += PAGE;
}

static void next_page_table(struct region *region)
{
	region->next = (char *)round_up((size_t)region->next);
}

static void fill_in_phase(const struct owner *owner, const __u64 *times,
			  struct region *plain, struct region *locked, int phase)
{
	__u64 start = owner->shared->phase_start, i;

	for (i = 0; i < owner->params->fills; i++) {
		__u64 now, due = start + times[i];

		while ((now = now_ns()) < due)
			spin_block();
		if (now - due > owner->shared->fill_late_max[phase])
			owner->shared->fill_late_max[phase] = now - due;
		if ((i + 1) % owner->params->mlock_every)
			touch_next(plain);
		else
			touch_next(locked);
		owner->shared->fills_done[phase] = i + 1;
	}
	next_page_table(plain);
	next_page_table(locked);
}

void owner_run(void *arg)
{
	const struct owner *owner = arg;
	const struct params *params = owner->params;
	__u64 *times = calloc(params->fills, sizeof(*times));
	__u64 stream = random_stream(params->seed, STREAM_FILLS);
	struct region plain = map_region(params->fills);
	struct region locked = map_region(params->fills);
	int phase = PHASE_NONE;

	if (!times)
		fail("owner: memory");
	if (syscall(SYS_mlock2, locked.next, locked.end - locked.next,
		    MLOCK_ONFAULT))
		fail("owner: mlock2");
	random_arrivals(&stream, times, params->fills,
			(params->phase_ms - params->tail_ms) * 1000000);
	owner->shared->first_fill = times[0];
	now_ns();

	for (;;) {
		/* Pairs with the release in run_phase(). */
		int next = __atomic_load_n(&owner->shared->phase,
					   __ATOMIC_ACQUIRE);

		if (next == phase) {
			spin_block();
			continue;
		}
		phase = next;
		if (phase != PHASE_NONE)
			fill_in_phase(owner, times, &plain, &locked, phase);
	}
}
