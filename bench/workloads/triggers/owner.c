// SPDX-License-Identifier: GPL-2.0-only
/* Who is disturbed: it spins in user mode, and fills its caches when it is told to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

#define MAX_FILLS	31
#define HUGE_PAGE	(2UL << 20)
#define HUGE_PAGES	64
#define SMALL_PAGES	(512 * 32)
#define MPOL_DEFAULT	0
#define MPOL_PREFERRED	1

/*
 * Init writes all but done, and asked last (release); the owner reads asked
 * (acquire) and then the others. done goes the other way round.
 */
static struct orders {
	int asked;	/* how often it was told to fill its caches */
	int done;
	enum residue residue;
	int fd;
	char group[64];
	__u64 fills;
	void *pages[MAX_FILLS];	/* written by the owner before done */
} *orders;

static pid_t owner;

static void __noreturn give_up(const char *what)
{
	fprintf(stderr, "owner: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static char *reserve(size_t size)
{
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		give_up("mmap");
	return start;
}

/* Pages of its own come one after the other: it never unmaps, which would drain. */
static char *small, *huge, *small_end, *huge_end;

static void touch_pages(char *page)
{
	__u64 i;

	for (i = 0; i < orders->fills; i++, page += PAGE) {
		touch(page);
		orders->pages[i] = page;
	}
}

static void touch_small(void)
{
	if (small + orders->fills * PAGE > small_end)
		give_up("out of pages");
	touch_pages(small);
	small += orders->fills * PAGE;
}

static void touch_on_node(int number)
{
	unsigned long nodes = 1UL << number;

	if (syscall(SYS_set_mempolicy, MPOL_PREFERRED, &nodes, 8 * sizeof(nodes)))
		give_up("set_mempolicy");
	touch_small();
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0))
		give_up("set_mempolicy");
}

/* Small pages first, in a range that is then offered for a huge one. */
static void touch_huge(void)
{
	if (huge + HUGE_PAGE > huge_end)
		give_up("out of huge pages");
	touch_pages(huge);
	if (madvise(huge, HUGE_PAGE, MADV_HUGEPAGE))
		give_up("MADV_HUGEPAGE");
	huge += HUGE_PAGE;
}

/* What was not made a huge page by now never is, so that rounds stay apart. */
static void withdraw_huge(void)
{
	static char *from;

	if (from && huge > from && madvise(from, huge - from, MADV_NOHUGEPAGE))
		give_up("MADV_NOHUGEPAGE");
	from = huge;
}

static char buffer[MAX_FILLS * PAGE];

static void read_pages(int fd, __u64 first)
{
	ssize_t len = orders->fills * PAGE;

	if (pread(fd, buffer, len, first * PAGE) != len)
		give_up("pread");
}

static void write_pages(int fd)
{
	ssize_t len = orders->fills * PAGE;

	if (pwrite(fd, buffer, len, 0) != len)
		give_up("pwrite");
}

static void open_and_close(const char *path, bool read)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(path);
	if (read)
		read_pages(fd, 0);
	close(fd);
}

static void join(const char *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	if (!write_file(path, "0"))
		give_up(path);
}

static void fill(void)
{
	switch (orders->residue) {
	case RESIDUE_ANON:
		touch_small();
		break;
	case RESIDUE_FIRST_NODE:
		touch_on_node(0);
		break;
	case RESIDUE_SECOND_NODE:
		touch_on_node(1);
		break;
	case RESIDUE_HUGE:
		touch_huge();
		break;
	case RESIDUE_FILE:
	case RESIDUE_DISK:
		read_pages(orders->fd, 0);
		break;
	case RESIDUE_INDIRECT:
		read_pages(orders->fd, DISK_DIRECT);
		break;
	case RESIDUE_MEMFD:
		write_pages(orders->fd);
		break;
	case RESIDUE_OBJECTS:
		open_and_close("/dev/null", false);
		break;
	case RESIDUE_MAPPED:
		open_and_close("/dev/dm-0", true);
		break;
	case RESIDUE_REGISTERED:
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0))
			give_up("membarrier");
		touch_small();
		break;
	case RESIDUE_NONE:
		syscall(SYS_getppid);
		break;
	}
}

static void follow_orders(void)
{
	withdraw_huge();
	if (*orders->group)
		join(orders->group);
	fill();
	if (*orders->group)
		join(CGROUPS);
}

static void reserve_pages(void)
{
	unsigned long start;

	small = reserve(SMALL_PAGES * PAGE);
	small_end = small + SMALL_PAGES * PAGE;
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		return;
	start = (unsigned long)reserve((HUGE_PAGES + 1) * HUGE_PAGE);
	huge = (char *)((start + HUGE_PAGE - 1) & -HUGE_PAGE);
	huge_end = huge + HUGE_PAGES * HUGE_PAGE;
}

static void spin_and_fill(void *unused)
{
	int done = 0;

	(void)unused;
	/* Not what it reserves: locked pages would be in another cache. */
	if (mlockall(MCL_CURRENT))
		give_up("mlockall");
	reserve_pages();
	for (;;) {
		/* Pairs with the release in owner_fill(). */
		if (__atomic_load_n(&orders->asked, __ATOMIC_ACQUIRE) == done) {
			spin_block();
			continue;
		}
		follow_orders();
		/* Pairs with the acquire in owner_fill(). */
		__atomic_store_n(&orders->done, ++done, __ATOMIC_RELEASE);
	}
}

void owner_start(int cpu, __u64 fills)
{
	if (!fills || fills > MAX_FILLS)
		run_fail("fills=%llu is not from 1 to %d", fills, MAX_FILLS);
	orders = load_shared(sizeof(*orders));
	orders->fills = fills;
	owner = spawn(cpu, ROLE_OWNER, spin_and_fill, NULL);
}

void owner_fill(enum residue residue)
{
	orders->residue = residue;
	/* Pairs with the acquire in spin_and_fill(). */
	__atomic_store_n(&orders->asked, orders->asked + 1, __ATOMIC_RELEASE);
	/* Pairs with the release in spin_and_fill(). */
	while (__atomic_load_n(&orders->done, __ATOMIC_ACQUIRE) != orders->asked) {
		if (waitpid(owner, NULL, WNOHANG) == owner)
			run_fail("the owner has ended: see the console");
		sleep_until(now_ns() + 20 * US);
	}
}

void owner_source(int fd)
{
	orders->fd = fd;
}

void owner_group(const char *group)
{
	snprintf(orders->group, sizeof(orders->group), "%s", group ?: "");
}

pid_t owner_pid(void)
{
	return owner;
}

__u64 owner_fills(void)
{
	return orders->fills;
}

void *owner_page(__u64 n)
{
	return orders->pages[n];
}
