// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot paths: operations that every program on every CPU makes all the time,
 * each repeated between two marks, so that the counting plugin sees what one
 * of them takes. What a drain costs is another question: nobody asks for one.
 */
#include <fcntl.h>
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
#include "marks.h"
#include "proofs.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

#define PAGE		4096UL
#define MAX_REPEATS	512UL	/* pages of one page table */
#define REGION		(MAX_REPEATS * PAGE)

/* Where the operations work; the same for all of them, set up once a CPU. */
static struct {
	char *fresh;		/* never touched */
	char *touched;
	char *one;		/* a page in a mapping of its own */
	int file;		/* on tmpfs */
	int there[2], back[2];	/* pipes to and from the partner */
	int other_cpu;
	int asked, answered;	/* by number, across CPUs */
} at;

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static char *map(size_t size)
{
	char *base = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		fail("hotpath: mmap");
	/* Aligned to its size: all pages of a region are in one page table. */
	return (char *)(((size_t)base + size - 1) / size * size);
}

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

/* A new page: its folio goes into the batch of folios to be added. */
static void do_fault(unsigned long i)
{
	touch(at.fresh + i * PAGE);
}

static void do_mlock(unsigned long i)
{
	(void)i;
	if (mlock(at.one, PAGE))
		fail("hotpath: mlock");
}

static void do_munlock(unsigned long i)
{
	(void)i;
	if (munlock(at.one, PAGE))
		fail("hotpath: munlock");
}

static void map_one(unsigned long i)
{
	(void)i;
	if (mmap(at.one, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at.one)
		fail("hotpath: mmap");
	touch(at.one);
}

static void do_munmap(unsigned long i)
{
	(void)i;
	if (munmap(at.one, PAGE))
		fail("hotpath: munmap");
}

/* The second reading of a page makes it active: the batch of activations. */
static void do_read(unsigned long i)
{
	char byte;

	if (pread(at.file, &byte, 1, i * PAGE) != 1)
		fail("hotpath: pread");
}

/* The batch of folios that may be freed. */
static void do_free(unsigned long i)
{
	if (madvise(at.touched + i * PAGE, PAGE, MADV_FREE))
		fail("hotpath: madvise");
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
		fail("hotpath: pipe");
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

static const struct op {
	const char *name;
	void (*prepare)(unsigned long i);
	void (*run)(unsigned long i);
} ops[] = {
	{ "nothing",		nothing,	nothing },
	{ "getppid",		nothing,	do_getpid },
	{ "page fault",		nothing,	do_fault },
	{ "mlock",		do_munlock,	do_mlock },
	{ "munlock",		do_mlock,	do_munlock },
	{ "munmap",		map_one,	do_munmap },
	{ "read again",		do_read,	do_read },
	{ "madvise free",	nothing,	do_free },
	{ "interrupt",		nothing,	do_ipi },
	{ "sleep",		give_way,	do_sleep },
	{ "yield there, back",	nothing,	do_yield },
	{ "pipe there, back",	give_way,	do_pipe },
};

/* The last ones need a partner on the same CPU. */
#define FIRST_WITH_PARTNER (ARRAY_SIZE(ops) - 2)
#define PIPE (ARRAY_SIZE(ops) - 1)

/* ---- Others that take part ---- */

static void *interrupter(void *unused)
{
	int answered = 0;

	(void)unused;
	if (!pin(at.other_cpu))
		fail("hotpath: pin");
	for (;;) {
		if (__atomic_load_n(&at.asked, __ATOMIC_ACQUIRE) == answered) {
			spin_block();
			continue;
		}
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			fail("hotpath: membarrier");
		__atomic_store_n(&at.answered, ++answered, __ATOMIC_RELEASE);
	}
}

static void start_interrupter(void)
{
	pthread_t thread;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		fail("hotpath: membarrier");
	if (pthread_create(&thread, NULL, interrupter, NULL))
		fail("hotpath: thread");
}

static void partner(size_t op)
{
	char byte;

	for (;;) {
		if (op == PIPE) {
			if (read(at.there[0], &byte, 1) != 1 ||
			    write(at.back[1], &byte, 1) != 1)
				fail("hotpath: pipe");
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
		fail("hotpath: SCHED_FIFO");
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
	unsigned long i;

	at.fresh = map(REGION);
	at.touched = map(REGION);
	at.one = map(PAGE);
	madvise(at.fresh, REGION, MADV_NOHUGEPAGE);
	madvise(at.touched, REGION, MADV_NOHUGEPAGE);
	at.file = open("/tmp/hotpath", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (at.file < 0 || pipe(at.there) || pipe(at.back))
		fail("hotpath: set-up");
	for (i = 0; i < MAX_REPEATS; i++) {
		touch(at.touched + i * PAGE);
		if (pwrite(at.file, "x", 1, i * PAGE) != 1)
			fail("hotpath: pwrite");
	}
	map_one(0);
	/* It drains what this has cached: the folios are on their lists. */
	do_mlock(0);
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
	for (op = 0; op < ARRAY_SIZE(ops); op++)
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
	for (op = 0; op < ARRAY_SIZE(ops); op++)
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
