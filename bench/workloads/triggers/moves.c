// SPDX-License-Identifier: GPL-2.0-only
/* Triggers that move pages away, whoever has them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

/* ---- move_pages ---- */

#define MPOL_MF_MOVE	2
#define MAX_PAGES	31

static int status[MAX_PAGES];

/* Returns 0, -EBUSY if a page has stayed, or -errno. */
static int move(pid_t pid, void **pages, __u64 nr)
{
	int nodes[MAX_PAGES];
	__u64 i;

	for (i = 0; i < nr; i++) {
		nodes[i] = 1;
		status[i] = -1;
	}
	if (syscall(SYS_move_pages, pid, nr, pages, nodes, status, MPOL_MF_MOVE) < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		if (status[i] != 1)
			return -EBUSY;
	}
	return 0;
}

static const char *nodes_begin(void)
{
	return access("/sys/devices/system/node/node1", F_OK) ? "one node only" : NULL;
}

static int move_owners(int round)
{
	void *pages[MAX_PAGES];
	__u64 i;

	(void)round;
	for (i = 0; i < owner_fills(); i++)
		pages[i] = owner_page(i);
	return move(owner_pid(), pages, owner_fills());
}

static char *own;

/* New ones each round: what was moved stays where it is. */
static void touch_own(int round)
{
	__u64 i;

	(void)round;
	own = mmap(NULL, owner_fills() * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		run_fail("mmap: %s", strerror(errno));
	for (i = 0; i < owner_fills(); i++)
		touch(own + i * PAGE);
}

static int move_own(int round)
{
	void *pages[MAX_PAGES];
	__u64 i;

	(void)round;
	for (i = 0; i < owner_fills(); i++)
		pages[i] = own + i * PAGE;
	return move(0, pages, owner_fills());
}

static void free_own(int round)
{
	(void)round;
	munmap(own, owner_fills() * PAGE);
}

/* ---- A memory block goes offline ---- */

static char block_state[64];

/* A block in the midst of the second node, for movable memory only from here on. */
static const char *offline_begin(void)
{
	char size[32];
	unsigned long long block;

	if (*block_state)
		return NULL;
	if (nodes_begin())
		return nodes_begin();
	if (read_file("/sys/devices/system/memory/block_size_bytes", size, sizeof(size)) < 0 ||
	    sscanf(size, "%llx", &block) != 1)
		return "no memory blocks";
	snprintf(block_state, sizeof(block_state), "/sys/devices/system/memory/memory%llu/state",
		 load_number("block_mib") * 1024 * 1024 / block);
	if (access(block_state, F_OK))
		run_fail("%s: %s", block_state, strerror(errno));
	must_put(block_state, "offline");
	must_put(block_state, "online_movable");
	return NULL;
}

static void nothing(int signal)
{
	(void)signal;
}

static void alarm_ms(int ms)
{
	struct itimerval limit = { .it_value.tv_usec = ms * 1000 };

	setitimer(ITIMER_REAL, &limit, NULL);
}

/* It tries until it can, or a signal comes. */
static int offline(int round)
{
	struct sigaction action = { .sa_handler = nothing };
	int error;

	(void)round;
	sigaction(SIGALRM, &action, NULL);
	alarm_ms(500);
	error = put(block_state, "offline");
	alarm_ms(0);
	return error;
}

static bool is_offline(void)
{
	char state[16];

	if (read_file(block_state, state, sizeof(state)) < 0)
		run_fail("%s: %s", block_state, strerror(errno));
	return !strcmp(state, "offline\n");
}

static int online(int round)
{
	(void)round;
	return put(block_state, "online_movable");
}

/* For who takes it online. */
static void take_offline(int round)
{
	int error = offline(round);

	if (error)
		run_fail("%s: %s", block_state, strerror(-error));
}

static void online_again(int round)
{
	(void)round;
	if (is_offline())
		must_put(block_state, "online_movable");
}

/* ---- Contiguous memory ---- */

#define CMA	"/sys/kernel/debug/cma/reserved/"

static char all[32];

/* All of it, so that no page of the owner can stay. */
static const char *cma_begin(void)
{
	if (access(CMA, F_OK))
		return "no CMA";
	snprintf(all, sizeof(all), "%llu", number_in(CMA "count"));
	return NULL;
}

static int cma_alloc(int round)
{
	(void)round;
	return put(CMA "alloc", all);
}

/* If nothing was allocated, there is nothing to free. */
static void cma_free(int round)
{
	(void)round;
	must_put(CMA "free", all);
}

const struct trigger move_triggers[] = {
	{
		.name = "move_pages of the owner's memory", .residue = RESIDUE_FIRST_NODE,
		.begin = nodes_begin, .fire = move_owners, .refusal = -EBUSY,
	},
	{
		.name = "move_pages of other memory", .residue = RESIDUE_ANON,
		.begin = nodes_begin, .before = touch_own, .fire = move_own, .refusal = -EBUSY,
		.after = free_own,
	},
	{
		.name = "memory offline", .residue = RESIDUE_SECOND_NODE,
		.begin = offline_begin, .fire = offline, .refusal = -EINTR, .after = online_again,
	},
	{
		.name = "memory online", .residue = RESIDUE_ANON, .begin = offline_begin,
		.before = take_offline, .fire = online,
	},
	{
		.name = "CMA", .residue = RESIDUE_FIRST_NODE, .begin = cma_begin,
		.fire = cma_alloc, .refusal = -ENOMEM, .after = cma_free,
	},
	{ .name = NULL },
};
