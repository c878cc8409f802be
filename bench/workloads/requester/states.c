// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "states.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

#define PRIORITY	50

static void do_fill(struct owner_task *owner)
{
	owner_order(owner, ORDER_FILL);
	owner_await(owner);
}

/* ---- SCHED_FIFO: nobody else gets the CPU but by the scheduler's fair server ---- */

static void set_policy(const struct owner_task *owner, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(owner->pid, policy, &param))
		run_fail("the owner's policy: %s", strerror(errno));
}

static void enter_fifo(struct owner_task *owner)
{
	set_policy(owner, SCHED_FIFO, PRIORITY);
	do_fill(owner);
}

static void leave_fifo(struct owner_task *owner)
{
	set_policy(owner, SCHED_OTHER, 0);
}

static char server_runtime[32];

static void set_server(const struct owner_task *owner, const char *runtime)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/debug/sched/fair_server/cpu%d/runtime",
		 owner->cpu);
	if ((!*server_runtime && read_file(path, server_runtime, sizeof(server_runtime)) < 0) ||
	    !write_file(path, runtime))
		run_fail("%s: %s", path, strerror(errno));
}

static void enter_fifo_without_server(struct owner_task *owner)
{
	set_server(owner, "0");
	enter_fifo(owner);
}

static void leave_fifo_without_server(struct owner_task *owner)
{
	leave_fifo(owner);
	set_server(owner, server_runtime);
}

/* ---- Not running ---- */

static void enter_idle(struct owner_task *owner)
{
	owner_order(owner, ORDER_SLEEP);
	owner_await_sleep(owner);
}

static void leave_idle(struct owner_task *owner)
{
	owner_wake(owner);
}

static void stop(struct owner_task *owner)
{
	int status;

	if (kill(owner->pid, SIGSTOP) || waitpid(owner->pid, &status, WUNTRACED) != owner->pid ||
	    !WIFSTOPPED(status))
		run_fail("SIGSTOP: the owner on CPU %d goes on", owner->cpu);
}

static void enter_stopped(struct owner_task *owner)
{
	do_fill(owner);
	stop(owner);
}

static void leave_stopped(struct owner_task *owner)
{
	if (kill(owner->pid, SIGCONT))
		run_fail("the owner on CPU %d: %s", owner->cpu, strerror(errno));
}

static void set_online(const struct owner_task *owner, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", owner->cpu);
	if (!write_file(path, value))
		run_fail("%s: %s", path, strerror(errno));
}

/* Stopped before, or it would spin on another CPU. */
static void enter_unplugged(struct owner_task *owner)
{
	enter_stopped(owner);
	set_online(owner, "0");
}

static void leave_unplugged(struct owner_task *owner)
{
	cpu_set_t set;

	set_online(owner, "1");
	CPU_ZERO(&set);
	CPU_SET(owner->cpu, &set);
	if (sched_setaffinity(owner->pid, sizeof(set), &set))
		run_fail("the owner on CPU %d: %s", owner->cpu, strerror(errno));
	leave_stopped(owner);
}

/* ---- Tables ---- */

/* What an owner may do. */
static const struct state owners[] = {
	{ .name = "nothing cached" },
	{ .name = "user mode", .enter = do_fill },
	{ .name = "user mode, strict", .enter = do_fill, .strict = true },
	{ .name = "system call", .order = ORDER_SYSTEM_CALL, .met = true },
	{ .name = "interrupts off", .order = ORDER_IRQS_OFF, .met = true },
	{ .name = "idle", .enter = enter_idle, .leave = leave_idle },
	{ .name = "FIFO", .enter = enter_fifo, .leave = leave_fifo },
	{ .name = "stopped", .enter = enter_stopped, .leave = leave_stopped },
	{ .name = "unplugged", .enter = enter_unplugged, .leave = leave_unplugged },
};

/* How it grows with the number of CPUs. */
static const struct state cpus[] = {
	{ .name = "nothing cached" },
	{ .name = "user mode", .enter = do_fill },
	{ .name = "user mode, all", .enter = do_fill, .all = true },
	{ .name = "system call, all", .order = ORDER_SYSTEM_CALL, .met = true, .all = true },
	{ .name = "idle, all", .enter = enter_idle, .leave = leave_idle, .all = true },
};

/* How long a requester is kept waiting. */
static const struct state fifo[] = {
	{ .name = "FIFO", .enter = enter_fifo, .leave = leave_fifo },
	{ .name = "FIFO, no fair server", .enter = enter_fifo_without_server,
	  .leave = leave_fifo_without_server },
};

static const struct group {
	const char *name;
	const struct state *states;
	int nr;
} groups[] = {
	{ "owners", owners, ARRAY_SIZE(owners) },
	{ "cpus", cpus, ARRAY_SIZE(cpus) },
	{ "fifo", fifo, ARRAY_SIZE(fifo) },
};

const struct state *states_named(const char *name, int *nr)
{
	const struct group *group;

	for (group = groups; group < groups + ARRAY_SIZE(groups); group++) {
		if (strcmp(group->name, name))
			continue;
		*nr = group->nr;
		return group->states;
	}
	return NULL;
}
