// SPDX-License-Identifier: GPL-2.0-only
/*
 * What strategies leave in a cache depends on when it was filled. So the three
 * system calls here fill it themselves: the first touch of user memory that the
 * kernel writes to or reads from is a page fault inside the system call.
 *
 * - readv() of random numbers writes a little to each private page, then on and on
 *   to pages that are there.
 * - write() reads from a locked mapping, whose pages are in the page cache: the
 *   fault maps all of them at once, and each goes through the batch for mlock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "owner.h"
#include "../../guest/run.h"

#define MS		1000000ULL
#define LOOK		(MS / 50)
#define PATIENCE	(1000 * MS)
#define PAGE		4096UL
#define SLOTS		16	/* pages of a pipe */
#define BLOCK		64UL	/* what the kernel makes of random numbers at once */
#define RANDOM		"/dev/urandom"
#define DOSE		"/sys/kernel/debug/bench_dose"

static __u64 fills, rest_bytes, dose;
static int dose_fd, random_fd;

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

/* Pages of a file, each with a text, which are mapped and not touched. */
static char *map_note(int cpu, const char *text)
{
	char path[32], page[PAGE] = "", *note;
	__u64 i;
	int fd;

	snprintf(path, sizeof(path), "/tmp/note%d", cpu);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	memcpy(page, text, strlen(text));
	for (i = 0; fd >= 0 && i < fills; i++) {
		if (write(fd, page, PAGE) != PAGE)
			fd = -1;
	}
	note = mmap(NULL, fills * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (note == MAP_FAILED)
		run_fail("%s: %s", path, strerror(errno));
	close(fd);
	return note;
}

/* Private pages that nobody touches before their owner, then shared ones. */
static char *map_pages(void)
{
	char *pages = mmap(NULL, fills * PAGE + rest_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED ||
	    mmap(pages + fills * PAGE, rest_bytes, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0) == MAP_FAILED)
		run_fail("an owner's pages: %s", strerror(errno));
	madvise(pages, fills * PAGE, MADV_NOHUGEPAGE);
	return pages;
}

/* Leaves room for all pages of the note but the last: a write of it sleeps. */
static void fill_pipe(const struct owner_task *owner)
{
	char page[PAGE] = "";
	__u64 i;

	for (i = fills - 1; i < SLOTS; i++) {
		if (write(owner->pipe[1], page, PAGE) != PAGE)
			run_fail("an owner's pipe: %s", strerror(errno));
	}
}

static void make_pipe(struct owner_task *owner)
{
	if (pipe(owner->pipe) || fcntl(owner->pipe[0], F_SETFL, O_NONBLOCK) ||
	    fcntl(owner->pipe[0], F_GETPIPE_SZ) != SLOTS * PAGE)
		run_fail("an owner's pipe: %s", strerror(errno));
	fill_pipe(owner);
}

/* ---- The owner's side ---- */

static void reset(const struct owner_task *owner)
{
	if (madvise(owner->pages, fills * PAGE, MADV_DONTNEED) ||
	    madvise(owner->note, fills * PAGE, MADV_DONTNEED_LOCKED))
		fail("owner: madvise");
}

static void fill(const struct owner_task *owner)
{
	__u64 i;

	for (i = 0; i < fills; i++)
		touch(owner->pages + i * PAGE);
}

static void call_for_long(const struct owner_task *owner)
{
	ssize_t size = fills * BLOCK + rest_bytes;
	struct iovec parts[SLOTS];
	__u64 i;

	for (i = 0; i < fills; i++)
		parts[i] = (struct iovec){ owner->pages + i * PAGE, BLOCK };
	parts[fills] = (struct iovec){ owner->rest, rest_bytes };
	if (readv(random_fd, parts, fills + 1) != size)
		fail("owner: " RANDOM);
}

static void call_without_interrupts(const struct owner_task *owner)
{
	if (write(dose_fd, owner->note, owner->note_length) < 0)
		fail("owner: " DOSE);
}

static void call_and_sleep(const struct owner_task *owner)
{
	if (write(owner->pipe[1], owner->note, fills * PAGE) < 0)
		fail("owner: pipe");
}

static void carry_out(const struct owner_task *owner, enum order order)
{
	switch (order) {
	case ORDER_RESET:
		reset(owner);
		break;
	case ORDER_ENTER:
		syscall(SYS_getppid);
		break;
	case ORDER_FILL:
		fill(owner);
		break;
	case ORDER_SYSTEM_CALL:
		call_for_long(owner);
		break;
	case ORDER_IRQS_OFF:
		call_without_interrupts(owner);
		break;
	case ORDER_SLEEP:
		call_and_sleep(owner);
		break;
	}
}

static void take_orders(void *arg)
{
	const struct owner_task *owner = arg;
	struct owner_words *words = owner->words;
	int done = 0;

	/* Not inherited. */
	if (syscall(SYS_mlock2, owner->note, fills * PAGE, MLOCK_ONFAULT))
		fail("owner: mlock2");
	for (;;) {
		/* Pairs with the release in owner_order(). */
		if (__atomic_load_n(&words->asked, __ATOMIC_ACQUIRE) == done) {
			spin_block();
			continue;
		}
		done++;
		/* Pairs with the acquire in owner_is_inside(). */
		__atomic_store_n(&words->entered, done, __ATOMIC_RELEASE);
		carry_out(owner, words->order);
		/* Pairs with the acquire in owner_is_done(). */
		__atomic_store_n(&words->done, done, __ATOMIC_RELEASE);
	}
}

/* ---- The others' side ---- */

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		run_fail("%s: %s", path, strerror(errno));
	return fd;
}

/* What all owners have in common. */
static void prepare(void)
{
	fills = load_number("fills");
	rest_bytes = load_number("system_call_bytes");
	dose = load_number("dose");
	if (fills < 2 || fills > SLOTS - 2 || rest_bytes < PAGE || rest_bytes % PAGE)
		run_fail("fills must be 2 to %d, system_call_bytes whole pages", SLOTS - 2);
	dose_fd = open_file(DOSE, O_WRONLY);
	random_fd = open_file(RANDOM, O_RDONLY);
}

void owner_start(struct owner_task *owner, int cpu)
{
	char text[32];

	if (!fills)
		prepare();
	owner->note_length = snprintf(text, sizeof(text), "%d %llu", cpu, dose);
	owner->cpu = cpu;
	owner->pages = map_pages();
	owner->rest = (__u64 *)(owner->pages + fills * PAGE);
	owner->note = map_note(cpu, text);
	owner->words = load_shared(sizeof(*owner->words));
	make_pipe(owner);
	owner->pid = spawn(cpu, ROLE_OWNER, take_orders, owner);
}

void owner_order(struct owner_task *owner, enum order order)
{
	owner->rest[0] = 0;
	owner->words->order = order;
	/* Pairs with the acquire in take_orders(). */
	__atomic_fetch_add(&owner->words->asked, 1, __ATOMIC_RELEASE);
}

bool owner_is_done(const struct owner_task *owner)
{
	/* Orders come from one process at a time. Pairs with the release in take_orders(). */
	return __atomic_load_n(&owner->words->done, __ATOMIC_ACQUIRE) == owner->words->asked;
}

static void await(const struct owner_task *owner, bool (*is_so)(const struct owner_task *owner))
{
	__u64 end = now_ns() + PATIENCE;

	while (!is_so(owner)) {
		if (now_ns() > end)
			run_fail("the owner on CPU %d does not do what it is told", owner->cpu);
		sleep_until(now_ns() + LOOK);
	}
}

void owner_await(const struct owner_task *owner)
{
	await(owner, owner_is_done);
}

bool owner_is_inside(const struct owner_task *owner)
{
	const struct owner_words *words = owner->words;

	switch (words->order) {
	case ORDER_SYSTEM_CALL:
		/* The kernel writes it, in its own order: pairs with nothing. */
		return __atomic_load_n(&owner->rest[0], __ATOMIC_RELAXED);
	case ORDER_IRQS_OFF:
		/* Pairs with the release in take_orders(). */
		return __atomic_load_n(&words->entered, __ATOMIC_ACQUIRE) == words->asked;
	default:
		return true;
	}
}

static bool pipe_is_full(const struct owner_task *owner)
{
	int bytes;

	return !ioctl(owner->pipe[0], FIONREAD, &bytes) && bytes == SLOTS * PAGE;
}

void owner_await_sleep(const struct owner_task *owner)
{
	await(owner, pipe_is_full);
}

static void empty_pipe(const struct owner_task *owner)
{
	static char page[PAGE];

	while (read(owner->pipe[0], page, PAGE) > 0)
		;
}

void owner_wake(const struct owner_task *owner)
{
	empty_pipe(owner);
	owner_await(owner);
	empty_pipe(owner);
	fill_pipe(owner);
}
