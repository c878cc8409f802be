// SPDX-License-Identifier: GPL-2.0-only
/*
 * The anatomy of one drain: an owner caches something, a requester asks once,
 * and the kernel's trace events say who ran what when. Once with the owner in
 * user mode at the request, once in the middle of a system call that has
 * cached something at its beginning.
 *
 * All times are readings of the TSC, which is the trace's clock as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "channel.h"
#include "files.h"
#include "marks.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

#define TRACING		"/sys/kernel/tracing"
#define DRAIN_NOW	"/sys/kernel/debug/pcpu_drain/drain_now"
#define US		1000ULL
#define PAGE		4096UL

/*
 * When, after a scene's start. The system call takes over 500 us. What follows
 * the next call is looked at for as long as what follows the request.
 */
#define FILL_AT		(100 * US)
#define REQUEST_AT	(250 * US)
#define NEXT_CALL_AT	(3000 * US)
#define SCENE_LENGTH	(6000 * US)
#define LONG_CALL_BYTES	(64 * PAGE)
#define MARGIN		(3000 * US)

static const char *const systems[] = {
	"pcpu_drain", "context_tracking", "irq_vectors", "workqueue",
};

static const char *const events[] = {
	"sched/sched_switch", "sched/sched_waking",
};

enum scene { IN_USER_MODE, IN_SYSTEM_CALL, NR_SCENES };

static const char *const scene_names[NR_SCENES] = {
	[IN_USER_MODE]	= "user mode",
	[IN_SYSTEM_CALL] = "system call",
};

enum moment { FILL, CALL, CALL_END, REQUEST, REQUEST_END, NR_MOMENTS };

static const char *const moment_names[NR_MOMENTS] = {
	[FILL]		= "fill",
	[CALL]		= "call",
	[CALL_END]	= "call_end",
	[REQUEST]	= "request",
	[REQUEST_END]	= "request_end",
};

/* Each moment has one writer; init reads them when both have ended. */
struct play {
	const char *class;
	enum scene scene;
	__u64 start;
	__u64 moments[NR_MOMENTS];
};

static struct play *play;

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void spin_until(__u64 when)
{
	while (now_ns() < when)
		spin_block();
}

static void now_is(enum moment moment)
{
	play->moments[moment] = __rdtsc();
}

/* The first page of a region is the only one that has not been touched. */
static char *region(void)
{
	char *memory = mmap(NULL, LONG_CALL_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t page;

	if (memory == MAP_FAILED)
		fail("anatomy: mmap");
	for (page = PAGE; page < LONG_CALL_BYTES; page += PAGE)
		touch(memory + page);
	return memory;
}

static void run_owner(void *unused)
{
	int zero = open("/dev/zero", O_RDONLY);
	char *memory = region();

	(void)unused;
	prctl(PR_SET_NAME, "owner");
	/* It drains what all this has cached. */
	if (zero < 0 || mlock(memory + PAGE, PAGE) ||
	    munlock(memory + PAGE, PAGE))
		fail("anatomy: owner");
	spin_until(play->start + FILL_AT);
	now_is(FILL);
	if (play->scene == IN_SYSTEM_CALL) {
		now_is(CALL);
		if (read(zero, memory, LONG_CALL_BYTES) != LONG_CALL_BYTES)
			fail("anatomy: /dev/zero");
	} else {
		touch(memory);
		spin_until(play->start + NEXT_CALL_AT);
		now_is(CALL);
		syscall(SYS_getppid);
	}
	now_is(CALL_END);
	spin_until(play->start + SCENE_LENGTH);
}

/*
 * It sleeps where it has nothing to do: guest time passes by what all CPUs
 * execute, so a requester that spins would make the owner's pauses longer.
 */
static void run_requester(void *unused)
{
	int fd = open(DRAIN_NOW, O_WRONLY);
	ssize_t len = strlen(play->class);

	(void)unused;
	prctl(PR_SET_NAME, "requester");
	if (fd < 0)
		fail("anatomy: " DRAIN_NOW);
	sleep_until(play->start + REQUEST_AT);
	now_is(REQUEST);
	if (write(fd, play->class, len) != len)
		fail("anatomy: " DRAIN_NOW);
	now_is(REQUEST_END);
	sleep_until(play->start + SCENE_LENGTH);
}

static bool empty_trace(void)
{
	int fd = open(TRACING "/trace", O_WRONLY | O_TRUNC);

	return fd >= 0 && !close(fd);
}

/* What this kernel has of them; the reader sees which by what comes. */
static bool set_up_tracing(void)
{
	char path[128];
	size_t i;

	if (mount("tracefs", TRACING, "tracefs", 0, NULL) && errno != EBUSY)
		return false;
	if (!write_file(TRACING "/tracing_on", "0") ||
	    !write_file(TRACING "/trace_clock", "x86-tsc") ||
	    !empty_trace())
		return false;
	for (i = 0; i < ARRAY_SIZE(systems); i++) {
		snprintf(path, sizeof(path), TRACING "/events/%s/enable", systems[i]);
		if (!write_file(path, "1") && errno != ENOENT)
			return false;
	}
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), TRACING "/events/%s/enable", events[i]);
		if (!write_file(path, "1"))
			return false;
	}
	return true;
}

static bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && !status;
}

static bool run_scene(const struct cpus *cpus)
{
	pid_t owner, requester;

	if (!write_file(TRACING "/tracing_on", "1"))
		return false;
	/* Long enough for both to be ready, and for the tick to have stopped. */
	play->start = now_ns() + 30000 * US;
	owner = spawn(cpus->isolated, ROLE_OWNER, run_owner, NULL);
	requester = spawn(0, ROLE_REQUESTER, run_requester, NULL);
	return ended_well(requester) && ended_well(owner) &&
	       write_file(TRACING "/tracing_on", "0");
}

/* "  task-pid  [cpu] flags time: event"; 0 for a comment. */
static __u64 time_of(const char *line)
{
	const char *cpu = line[0] == '#' ? NULL : strchr(line, '[');
	unsigned long long at;

	if (!cpu || sscanf(cpu, "[%*d] %*s %llu:", &at) != 1)
		return 0;
	return at;
}

/* Only what belongs to the scene: the serial port is slow. */
static bool is_of_scene(const char *line)
{
	__u64 at = time_of(line);

	if (strstr(line, " EVENTS]"))	/* "CPU:1 [LOST 5 EVENTS]" */
		return true;
	return at >= play->moments[FILL] - MARGIN &&
	       at <= play->moments[CALL_END] + MARGIN;
}

static void send_scene(void)
{
	const char *name = scene_names[play->scene];
	int i;

	for (i = 0; i < NR_MOMENTS; i++)
		channel_line("{\"scene\":\"%s\",\"moment\":\"%s\",\"at\":%llu}", name,
			     moment_names[i], play->moments[i]);
	channel_lines("trace", TRACING "/trace", is_of_scene);
}

const char *anatomy_run(const struct params *params, const struct cpus *cpus)
{
	play = mmap(NULL, sizeof(*play), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (play == MAP_FAILED)
		return "anatomy: no shared memory";
	if (!set_up_tracing())
		return "anatomy: trace events cannot be set up";
	play->class = params->class;
	for (play->scene = 0; play->scene < NR_SCENES; play->scene++) {
		if (!run_scene(cpus))
			return "anatomy: owner or requester failed, see the console";
		send_scene();
		if (!empty_trace())
			return "anatomy: the trace cannot be emptied";
	}
	return NULL;
}
