// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot paths: operations that every program on every CPU makes all the time,
 * each repeated between two marks, so that the counting plugin sees what one
 * of them takes. What a drain costs is another question: nobody asks for one.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "client.h"
#include "marks.h"
#include "proofs.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

/* Where the operations work; the same for all of them, set up once a CPU. */
static struct {
	int there[2], back[2];	/* pipes to and from the partner */
	int other_cpu;
	int asked, answered;	/* by number, across CPUs */
} at;

/* ---- The operations, and what has to be so before each repetition ---- */

static void nothing(unsigned long i)
{
	(void)i;
}

static void do_getpid(unsigned long i)
{
	(void)i;
	syscall(SYS_getppid);
}

/* To the partner and back: it yields as well. */
static void do_yield(unsigned long i)
{
	(void)i;
	sched_yield();
}

static void do_pipe(unsigned long i)
{
	char byte = i;

	if (write(at.there[1], &byte, 1) != 1 || read(at.back[0], &byte, 1) != 1)
		client_fail("hotpath: pipe");
}

/* Whoever else has to run does so before, and not in between. */
static void give_way(unsigned long i)
{
	(void)i;
	sleep_until(now_ns() + 30000);
}

static void do_sleep(unsigned long i)
{
	(void)i;
	sleep_until(now_ns() + 20000);
}

/* An interrupt in user mode. Both sides spin, so that nobody sleeps. */
static void do_ipi(unsigned long i)
{
	/* Each release pairs with the other side's acquire. */
	__atomic_store_n(&at.asked, i + 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&at.answered, __ATOMIC_ACQUIRE) != (int)i + 1)
		spin_block();
}

static const struct hot_path first[] = {
	{ "nothing",		nothing,	nothing },
	{ "getppid",		nothing,	do_getpid },
	{}
};

static const struct hot_path last[] = {
	{ "interrupt",		nothing,	do_ipi },
	{ "sleep",		give_way,	do_sleep },
	{ "yield there, back",	nothing,	do_yield },
	{ "pipe there, back",	give_way,	do_pipe },
	{}
};

#define MAX_OPS 64

/* In the order of pages: the first ones, each client's, the last ones. */
static struct hot_path ops[MAX_OPS];
static size_t nr_ops;

static void add(const struct hot_path *paths)
{
	for (; paths && paths->name; paths++) {
		if (nr_ops == MAX_OPS)
			client_fail("hotpath: too many");
		ops[nr_ops++] = *paths;
	}
}

static void collect(void)
{
	const struct guest_client *client;

	add(first);
	for (client = clients; client; client = client->next)
		add(client->paths);
	add(last);
}

/* The last ones need a partner on the same CPU. */
#define FIRST_WITH_PARTNER (nr_ops - 2)
#define PIPE (nr_ops - 1)

/* ---- Others that take part ---- */

static void *interrupter(void *unused)
{
	int answered = 0;

	(void)unused;
	if (!pin(at.other_cpu))
		client_fail("hotpath: pin");
	for (;;) {
		if (__atomic_load_n(&at.asked, __ATOMIC_ACQUIRE) == answered) {
			spin_block();
			continue;
		}
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			client_fail("hotpath: membarrier");
		__atomic_store_n(&at.answered, ++answered, __ATOMIC_RELEASE);
	}
}

static void start_interrupter(void)
{
	pthread_t thread;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		client_fail("hotpath: membarrier");
	if (pthread_create(&thread, NULL, interrupter, NULL))
		client_fail("hotpath: thread");
}

static void partner(size_t op)
{
	char byte;

	for (;;) {
		if (op == PIPE) {
			if (read(at.there[0], &byte, 1) != 1 ||
			    write(at.back[1], &byte, 1) != 1)
				client_fail("hotpath: pipe");
		} else {
			sched_yield();
		}
	}
}

/* Of the same realtime priority, so that a yield always goes to the other. */
static pid_t start_partner(size_t op)
{
	struct sched_param param = { .sched_priority = 1 };
	pid_t pid;

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		client_fail("hotpath: SCHED_FIFO");
	pid = fork();
	if (!pid)
		partner(op);
	/* It may have to wait for a kworker first, which this task must not hold up. */
	sleep_until(now_ns() + 1000000);
	return pid;
}

/* ---- One CPU ---- */

static void set_up(void)
{
	const struct guest_client *client;

	for (client = clients; client; client = client->next)
		if (client->set_up)
			client->set_up();
	if (pipe(at.there) || pipe(at.back))
		client_fail("hotpath: set-up");
	start_interrupter();
}

static void repeat(size_t op, unsigned long times)
{
	unsigned long i;
	pid_t pid = 0;

	/* RCU callbacks and deferred work of the operation before are done then. */
	sleep_until(now_ns() + 10000000);
	if (op >= FIRST_WITH_PARTNER)
		pid = start_partner(op);
	for (i = 0; i < times; i++) {
		ops[op].prepare(i);
		mark(MARK_OP_BEGIN, op);
		ops[op].run(i);
		mark(MARK_OP_END, op);
	}
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void run_all(void *arg)
{
	const struct params *params = arg;
	size_t op;

	set_up();
	for (op = 0; op < nr_ops; op++)
		repeat(op, params->repeats);
}

static bool run_on(const struct params *params, const char *kind, int cpu, int other)
{
	int status;
	pid_t pid;

	channel_line("{\"hotpath\":\"%s\",\"cpu\":%d}", kind, cpu);
	at.other_cpu = other;
	pid = spawn(cpu, ROLE_OWNER, run_all, (void *)params);
	return waitpid(pid, &status, 0) == pid && !status;
}

const char *hotpath_run(const struct params *params, const struct cpus *cpus)
{
	int cpu = cpus->isolated;
	size_t op;

	if (!params->repeats || params->repeats > MAX_REPEATS || cpus->nr < 2)
		return "hotpath: repeats are 1 to 512, on at least 2 CPUs";
	collect();
	for (op = 0; op < nr_ops; op++)
		channel_line("{\"op\":%zu,\"name\":\"%s\",\"repeats\":%llu}", op,
			     ops[op].name, params->repeats);
	if (cpu < 0)
		return run_on(params, "not isolated", 1, 0) ? NULL :
			"a hot path failed, see the console";
	if (!run_on(params, "isolated", cpu, 0) ||
	    !run_on(params, "housekeeping", 0, cpu))
		return "a hot path failed, see the console";
	return NULL;
}
