// SPDX-License-Identifier: GPL-2.0-only
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/load.h"
#include "../../guest/run.h"
#include "poller.h"

#define PAGE		4096UL
#define MAX_FILLS	30	/* a batch has 31 folios: none is to be full */
#define MAX_REFILLS	4096
#define FIFO_PRIORITY	80
#define REST_TIME	1000000ULL
#define LOOK		20000ULL

static struct board {
	enum order order;	/* init writes it before 'given' */
	int given;		/* orders; init writes it (release), the owner reads it (acquire) */
	int done;		/* orders; the owner writes it (release), init reads it (acquire) */
} *board;

static __u64 nr_fills;
static const char *policy_name;
static pid_t pid;

/* Pages that are touched one after the other, and never unmapped: that drains. */
struct region {
	char *next;
	char *end;
};

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static struct region map_region(__u64 pages)
{
	char *base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		fail("owner: mmap");
	/* One page a fill; EINVAL: a kernel that knows no huge pages. */
	madvise(base, pages * PAGE, MADV_NOHUGEPAGE);
	return (struct region){ base, base + pages * PAGE };
}

static void touch_next(struct region *region)
{
	if (region->next == region->end) {
		fprintf(stderr, "owner: over %d refills\n", MAX_REFILLS);
		_exit(1);
	}
	touch(region->next);
	region->next += PAGE;
}

static void take_policy(void)
{
	struct sched_param param = { .sched_priority = FIFO_PRIORITY };

	if (!strcmp(policy_name, "fifo") && sched_setscheduler(0, SCHED_FIFO, &param))
		fail("owner: SCHED_FIFO");
	if (!strcmp(policy_name, "nice") && setpriority(PRIO_PROCESS, 0, -20))
		fail("owner: nice");
}

static void obey(enum order order, struct region *plain, struct region *locked)
{
	__u64 i;

	switch (order) {
	case REFILL:
		for (i = 1; i < nr_fills; i++)
			touch_next(plain);
		touch_next(locked);
		break;
	case ENTER_KERNEL:
		syscall(SYS_getppid);
		break;
	case REST:
		sleep_until(now_ns() + REST_TIME);
		break;
	}
}

static void poll_for_orders(void *unused)
{
	struct region plain, locked;
	int done = 0;

	(void)unused;
	/* It faults on nothing but what it is told to touch, which is mapped later. */
	if (mlockall(MCL_CURRENT))
		fail("owner: mlockall");
	plain = map_region(MAX_REFILLS * (nr_fills - 1));
	locked = map_region(MAX_REFILLS);
	if (syscall(SYS_mlock2, locked.next, locked.end - locked.next, MLOCK_ONFAULT))
		fail("owner: mlock2");
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0))
		fail("owner: membarrier");
	now_ns();
	take_policy();
	for (;;) {
		/* Pairs with the release in poller_does(). */
		if (__atomic_load_n(&board->given, __ATOMIC_ACQUIRE) == done) {
			spin_block();
			continue;
		}
		obey(board->order, &plain, &locked);
		/* Pairs with the acquire in poller_does(). */
		__atomic_store_n(&board->done, ++done, __ATOMIC_RELEASE);
	}
}

void poller_start(int cpu, const char *policy, __u64 fills)
{
	if (strcmp(policy, "other") && strcmp(policy, "nice") && strcmp(policy, "fifo"))
		run_fail("policy is other, nice or fifo, not %s", policy);
	if (fills < 2 || fills > MAX_FILLS)
		run_fail("fills is 2 to %d", MAX_FILLS);
	policy_name = policy;
	nr_fills = fills;
	board = load_shared(sizeof(*board));
	pid = spawn(cpu, ROLE_OWNER, poll_for_orders, NULL);
}

void poller_does(enum order order)
{
	int number = board->given + 1;

	board->order = order;
	/* Pairs with the acquire in poll_for_orders(). */
	__atomic_store_n(&board->given, number, __ATOMIC_RELEASE);
	/* Pairs with the release in poll_for_orders(). */
	while (__atomic_load_n(&board->done, __ATOMIC_ACQUIRE) != number) {
		if (waitpid(pid, NULL, WNOHANG))
			run_fail("the owner ended, see the console");
		sleep_until(now_ns() + LOOK);
	}
}
