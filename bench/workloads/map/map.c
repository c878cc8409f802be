// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map: what the isolated CPU pays at so many drains and so many fills. Its
 * owner spins in user mode, and at random times touches a new page; another CPU
 * asks for drains at random times. A window is one rate of drains; in the one
 * without drains, the owner fills at the same times.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/load.h"
#include "../../guest/files.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"

#define MS		1000000ULL
#define PAGE		4096UL
#define PAGE_TABLE	(512 * PAGE)	/* what one page table maps */
#define LOCKED_EVERY	8		/* every so many fills, a page is mlocked */
#define LEAD		(5 * MS)	/* from the last preparation to a window */
#define SETTLE		(5 * MS)	/* after a drain, until the tick has stopped */
#define TAIL		(50 * MS)	/* after the last fill and request, for those that wait */
#define WARM		512	/* fills before all windows, until all that adapts has */
#define MAX_WINDOWS	8
#define RESIDUE		"/sys/kernel/debug/pcpu_drain/residue"

/* One rate of drains. The requester writes all but the first two. */
struct window {
	__u64 drains;
	int label;
	__u64 late_ns;		/* behind schedule, the most */
	__u64 fresh;		/* requests before which the owner has filled since the last */
	__u64 found;		/* requests that found something cached */
	__u64 items;		/* that they found, in all */
};

/* Init writes start, then number (release); the owner reads number (acquire). */
static struct shared_here {
	__u64 start;
	int number;
	__u64 filled;	/* in this window; the owner writes it, requester and init read it */
	__u64 late_ns;	/* the owner's */
	__u64 done;	/* requests; the requester's, read after it has ended, as is the rest */
	struct window windows[MAX_WINDOWS];
} *shared;

/* What a window is, the same in all processes. */
static const struct params *params;
static int isolated;
static __u64 length;		/* ns in which fills and requests come */
static __u64 fills;		/* in a window */
static int nr_windows;

/*
 * Memory that is touched page by page, in each window from a new page table on.
 * The first page of each table is touched before any window: a window with few
 * fills would else pay for more tables than its share.
 */
struct region {
	char *next;
	char *end;
};

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static __u64 *arrivals(__u64 stream, __u64 nr)
{
	__u64 *times = calloc(nr ?: 1, sizeof(*times));

	if (!times)
		fail("map: memory");
	random_arrivals(&stream, times, nr, length);
	return times;
}

static size_t round_up(size_t size)
{
	return (size + PAGE_TABLE - 1) / PAGE_TABLE * PAGE_TABLE;
}

/* For @pages pages in a window; @flags: of mlock2(), -1 if it is not to be locked. */
static struct region map_region(__u64 pages, int flags)
{
	size_t size = nr_windows * round_up(pages * (PAGE + PAGE / 511) + PAGE_TABLE), at;
	char *base = mmap(NULL, size + PAGE_TABLE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		fail("owner: mmap");
	base = (char *)round_up((size_t)base);
	/* One page a fill; EINVAL: a kernel that knows no huge pages. */
	madvise(base, size, MADV_NOHUGEPAGE);
	if (flags >= 0 && syscall(SYS_mlock2, base, size, flags))
		fail("owner: mlock2");
	for (at = 0; at < size; at += PAGE_TABLE)
		touch(base + at);
	return (struct region){ .next = base, .end = base + size };
}

static void touch_next(struct region *region)
{
	if (!((size_t)region->next % PAGE_TABLE))
		region->next += PAGE;
	if (region->next >= region->end) {
		fprintf(stderr, "owner: no memory is left to touch\n");
		_exit(1);
	}
	touch(region->next);
	region->next += PAGE;
}

static void fill(const __u64 *times, struct region *plain, struct region *locked)
{
	__u64 i;

	plain->next = (char *)round_up((size_t)plain->next);
	locked->next = (char *)round_up((size_t)locked->next);
	for (i = 0; i < fills; i++) {
		__u64 now, due = shared->start + times[i];

		while ((now = now_ns()) < due)
			spin_block();
		if (now - due > shared->late_ns)
			shared->late_ns = now - due;
		touch_next((i + 1) % LOCKED_EVERY ? plain : locked);
		/* Pairs with the acquire in run_window(), for late_ns; ask() reads it too. */
		__atomic_store_n(&shared->filled, i + 1, __ATOMIC_RELEASE);
	}
}

static void owner(void *unused)
{
	__u64 *times = arrivals(random_stream(params->seed, STREAM_FILLS), fills);
	struct region plain = map_region(fills, -1);
	struct region locked = map_region(fills / LOCKED_EVERY + 1, MLOCK_ONFAULT);
	struct region warm = map_region(WARM, -1);
	int done = 0, i;

	(void)unused;
	for (i = 0; i < WARM; i++)
		touch_next(&warm);
	now_ns();
	for (;;) {
		/* Pairs with the release in run_window(). */
		if (__atomic_load_n(&shared->number, __ATOMIC_ACQUIRE) == done) {
			spin_block();
			continue;
		}
		done++;
		fill(times, &plain, &locked);
	}
}

/* Lines "<class> <cpu> <items>". */
static __u64 residue(int fd)
{
	char buf[2048], prefix[64], *line, *save = NULL;
	ssize_t len = pread(fd, buf, sizeof(buf) - 1, 0);
	int prefix_len = snprintf(prefix, sizeof(prefix), "%s %d ", params->class, isolated);

	if (len <= 0)
		fail("requester: " RESIDUE);
	buf[len] = '\0';
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, prefix, prefix_len))
			return strtoull(line + prefix_len, NULL, 10);
	}
	fprintf(stderr, "requester: %s says nothing of '%s'\n", RESIDUE, prefix);
	_exit(1);
}

static void ask(struct window *window, int fd, __u64 due)
{
	static __u64 filled_then;
	__u64 filled, items, now;

	sleep_until(due);
	items = residue(fd);
	/* Pairs with the release in fill(); it is a count only. */
	filled = __atomic_load_n(&shared->filled, __ATOMIC_RELAXED);
	now = now_ns();
	if (now > due && now - due > window->late_ns)
		window->late_ns = now - due;
	window->items += items;
	window->found += !!items;
	window->fresh += filled != filled_then;
	filled_then = filled;
	if (!load_drain(params)) {
		fprintf(stderr, "requester: drain_now refused\n");
		_exit(1);
	}
}

static void ask_for_drains(void *arg)
{
	struct window *window = arg;
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS) + window->drains;
	__u64 *times = arrivals(stream, window->drains), i;
	int fd = open(RESIDUE, O_RDONLY);

	if (fd < 0)
		fail("requester: " RESIDUE);
	for (i = 0; i < window->drains; i++) {
		ask(window, fd, shared->start + times[i]);
		shared->done = i + 1;
	}
}

static void send(const struct window *window, int round)
{
	load_value(window->label, round, "length_ns", length);
	load_value(window->label, round, "drains", window->drains);
	load_value(window->label, round, "fills", fills);
	load_value(window->label, round, "fresh", window->fresh);
	load_value(window->label, round, "found", window->found);
	load_value(window->label, round, "items", window->items);
	load_value(window->label, round, "request_late_ns", window->late_ns);
	load_value(window->label, round, "fill_late_ns", shared->late_ns);
}

static const char *run_window(struct window *window, int round)
{
	__u64 end;
	pid_t pid;

	if (!load_drain(params))
		return "drain_now failed";
	sleep_until(now_ns() + SETTLE);
	shared->start = now_ns() + LEAD;
	shared->filled = 0;
	shared->late_ns = 0;
	shared->done = 0;
	end = shared->start + length + TAIL;
	pid = spawn(0, ROLE_REQUESTER, ask_for_drains, window);
	/* Pairs with the acquire in owner(). */
	__atomic_store_n(&shared->number, round + 1, __ATOMIC_RELEASE);
	sleep_until(shared->start);
	window_begin(window->label, round);
	sleep_until(end);
	window_end(window->label, round);

	if (waitpid(pid, NULL, WNOHANG) == 0)
		return "requests went on after the window: lower the rates";
	if (shared->done != window->drains)
		return "the requester failed, see the console";
	/* Pairs with the release in fill(). */
	if (__atomic_load_n(&shared->filled, __ATOMIC_ACQUIRE) != fills)
		return "the owner did not fill as often as asked, see the console";
	send(window, round);
	return NULL;
}

/*
 * A list of free pages is filled again by up to 500 pages at once, which no
 * window with few fills could pay its share of. This makes it 45.
 */
static bool refill_often(void)
{
	return write_file("/proc/sys/vm/percpu_pagelist_high_fraction", "1000\n");
}

/* "0,50,200": so many drains in a second, a window each. */
static int read_windows(struct window *windows)
{
	const char *word = load_word("drains");
	int nr = 0;

	do {
		char *end;
		__u64 rate = strtoull(word, &end, 10);

		if (end == word || (*end && *end != ',') || nr == MAX_WINDOWS)
			return -1;
		windows[nr].drains = rate * length / (1000 * MS);
		windows[nr++].label = load_label("%llu drains/s", rate);
		word = end + 1;
	} while (word[-1]);
	return nr;
}

static void shuffle(struct window *windows, int nr, __u64 stream)
{
	for (; nr > 1; nr--) {
		int other = random_below(&stream, nr);
		struct window last = windows[nr - 1];

		windows[nr - 1] = windows[other];
		windows[other] = last;
	}
}

const char *load_run(const struct params *of_boot, const struct cpus *cpus)
{
	const char *why = NULL;
	int i;

	params = of_boot;
	isolated = cpus->isolated;
	length = load_number("window_ms") * MS;
	fills = load_number("fills") * length / (1000 * MS);
	shared = load_shared(sizeof(*shared));
	nr_windows = read_windows(shared->windows);
	if (nr_windows < 0)
		return "drains is no list of numbers, or too long a one";
	if (!refill_often())
		return "percpu_pagelist_high_fraction cannot be set";
	shuffle(shared->windows, nr_windows, random_stream(params->seed, STREAM_PHASES));
	spawn(cpus->isolated, ROLE_OWNER, owner, NULL);
	if (!proof_tick_stopped(cpus->isolated))
		return proof_why;
	for (i = 0; i < nr_windows && !why; i++)
		why = run_window(&shared->windows[i], i);
	return why;
}
