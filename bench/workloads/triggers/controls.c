// SPDX-License-Identifier: GPL-2.0-only
/*
 * Triggers that no drain has part in: no strategy can remove what they do to an
 * owner, or they do nothing to it. All arms have to show the same.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

/* ---- A process with a thread on another housekeeping CPU ---- */

static void *neighbour_run(void *unused)
{
	(void)unused;
	if (!pin(sysconf(_SC_NPROCESSORS_ONLN) - 1))
		run_fail("neighbour: %s", strerror(errno));
	for (;;)
		spin_block();
}

/* A thread of this process, on the last CPU: it is told when memory is unmapped. */
static const char *neighbour_begin(void)
{
	static pthread_t neighbour;

	if (neighbour)
		return NULL;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 3)
		return "no second housekeeping CPU";
	errno = pthread_create(&neighbour, NULL, neighbour_run, NULL);
	if (errno)
		run_fail("neighbour: %s", strerror(errno));
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		run_fail("membarrier: %s", strerror(errno));
	return NULL;
}

#define MAPPED	(16 * PAGE)

static char *mapped;

static void map_and_touch(int round)
{
	__u64 at;

	(void)round;
	mapped = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		run_fail("mmap: %s", strerror(errno));
	for (at = 0; at < MAPPED; at += PAGE)
		touch(mapped + at);
}

static int unmap(int round)
{
	(void)round;
	return munmap(mapped, MAPPED) ? -errno : 0;
}

static int membarrier_private(int round)
{
	(void)round;
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) ? -errno : 0;
}

static int membarrier_global(int round)
{
	(void)round;
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) ? -errno : 0;
}

/* ---- seccomp ---- */

static pid_t filtered;
static int go[2], done[2];

static void load_filter(void *unused)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };
	char error = 0;

	(void)unused;
	if (read(go[0], &error, 1) != 1 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		error = errno;
	if (write(done[1], &error, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* A filter is for life: each round has its own process, which waits for a word. */
static void start_filtered(int round)
{
	(void)round;
	if (!go[1] && (pipe(go) || pipe(done)))
		run_fail("pipe: %s", strerror(errno));
	filtered = spawn(0, ROLE_REQUESTER, load_filter, NULL);
}

static int seccomp(int round)
{
	char error = 0;

	(void)round;
	if (write(go[1], &error, 1) != 1 || read(done[0], &error, 1) != 1)
		return -errno;
	return -error;
}

static void end_filtered(int round)
{
	(void)round;
	kill(filtered, SIGKILL);
	waitpid(filtered, NULL, 0);
}

/* ---- Code that changes itself ---- */

#define EVENT	"/sys/kernel/tracing/events/vmscan/mm_vmscan_kswapd_wake/enable"

static const char *event_begin(void)
{
	run_mount("tracefs", "/sys/kernel/tracing");
	if (access(EVENT, F_OK))
		return "no trace events";
	/* The first makes buffers, which is another matter. */
	must_put(EVENT, "1");
	must_put(EVENT, "0");
	return NULL;
}

static int event_on(int round)
{
	(void)round;
	return put(EVENT, "1");
}

static void event_off(int round)
{
	(void)round;
	must_put(EVENT, "0");
}

/* ---- The shepherd of vmstat ---- */

#define HZ	1000	/* of all kernels here: base.config */
#define JIFFY	(1000000000ULL / HZ)

static __u64 jiffies_at, ns_at;	/* one moment */

static __u64 number_after(const char *text, const char *name)
{
	unsigned long long number;
	const char *at = strstr(text, name);

	if (!at || sscanf(at + strlen(name), "%llu", &number) != 1)
		run_fail("/proc/timer_list: no '%s'", name);
	return number;
}

static const char *shepherd_begin(void)
{
	static char text[65536];

	must_put("/proc/sys/vm/stat_interval", "1");
	if (read_file("/proc/timer_list", text, sizeof(text)) < 0)
		run_fail("/proc/timer_list: %s", strerror(errno));
	ns_at = number_after(text, "now at ");
	jiffies_at = number_after(text, "jiffies: ");
	return NULL;
}

/*
 * It is due at each whole second of jiffies, and a timer that is set a second ahead
 * goes off with the next 64 of them (kernel/time/timer.c).
 */
static __u64 shepherd_next(void)
{
	__u64 now = now_ns(), jiffies = jiffies_at + (now - ns_at) / JIFFY, due, ns;

	for (due = jiffies - jiffies % HZ - HZ;; due += HZ) {
		ns = ns_at + ((((due >> 6) + 1) << 6) - jiffies_at) * JIFFY;
		if ((__s64)(ns - now) > 0)
			return ns;
	}
}

const struct trigger control_triggers[] = {
	{
		.name = "munmap elsewhere", .residue = RESIDUE_ANON, .begin = neighbour_begin,
		.before = map_and_touch, .fire = unmap,
	},
	{
		.name = "membarrier elsewhere", .residue = RESIDUE_ANON,
		.begin = neighbour_begin, .fire = membarrier_private,
	},
	{
		.name = "membarrier, owner registered", .residue = RESIDUE_REGISTERED,
		.begin = neighbour_begin, .fire = membarrier_global,
	},
	{
		.name = "seccomp filter", .residue = RESIDUE_ANON, .before = start_filtered,
		.fire = seccomp, .after = end_filtered,
	},
	{
		.name = "trace event switched on", .residue = RESIDUE_ANON,
		.begin = event_begin, .fire = event_on, .after = event_off,
	},
	{
		.name = "vm.stat_interval=1", .residue = RESIDUE_ANON, .begin = shepherd_begin,
		.next = shepherd_next, .by_domain = true,
	},
	{ .name = NULL },
};
