// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs with known counts, to check the counting plugin: what is counted
 * between two marks must be what the program did. The arguments of the marks
 * say which check it is and how often it did it.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "marks.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

#define TIMES 1000UL

/*
 * what: the plugin's columns, added up; less what is counted between two marks
 * with nothing in between, it is what the program did. spare: so many more may
 * be other tasks' doing.
 */
static void announce(int number, const char *what, unsigned long expected,
		     unsigned long spare)
{
	channel_line("{\"check\":%d,\"what\":\"%s\",\"expected\":%lu,\"spare\":%lu}",
		     number, what, expected, spare);
}

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

/* 0: nothing. */
static void check_nothing(void)
{
	mark(MARK_CHECK_BEGIN, 0);
	mark(MARK_CHECK_END, 0);
}

/* 1: nothing but user instructions, and exactly so many. */
static void check_user(void)
{
	mark(MARK_CHECK_BEGIN, 1);
	__asm__ volatile("mov %0, %%ecx\n"
			 "3: .rept 98\n nop\n .endr\n"
			 "dec %%ecx\n jnz 3b\n" : : "i"(TIMES) : "ecx", "cc");
	mark(MARK_CHECK_END, 1);
}

/* 2: system calls. */
static void check_syscalls(void)
{
	unsigned long i;

	mark(MARK_CHECK_BEGIN, 2);
	for (i = 0; i < TIMES; i++)
		syscall(SYS_getppid);
	mark(MARK_CHECK_END, 2);
}

/* 3: page faults. */
static void check_faults(void)
{
	char *region = mmap(NULL, TIMES * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long i;

	if (region == MAP_FAILED)
		fail("check: mmap");
	madvise(region, TIMES * 4096, MADV_NOHUGEPAGE);
	mark(MARK_CHECK_BEGIN, 3);
	for (i = 0; i < TIMES; i++)
		touch(region + i * 4096);
	mark(MARK_CHECK_END, 3);
}

/* 4: context switches, two for each byte that goes there and back. */
static void check_switches(void)
{
	int there[2], back[2];
	unsigned long i;
	char byte = 0;

	if (pipe(there) || pipe(back))
		fail("check: pipe");
	if (!fork()) {
		close(there[1]);
		while (read(there[0], &byte, 1) == 1) {
			if (write(back[1], &byte, 1) != 1)
				fail("check: pipe");
		}
		_exit(0);
	}
	mark(MARK_CHECK_BEGIN, 4);
	for (i = 0; i < TIMES; i++) {
		if (write(there[1], &byte, 1) != 1 ||
		    read(back[0], &byte, 1) != 1)
			fail("check: pipe");
	}
	mark(MARK_CHECK_END, 4);
	close(there[1]);
	wait(NULL);
}

static void *spin_thread(void *cpu)
{
	if (!pin(*(const int *)cpu))
		fail("check: pin");
	for (;;)
		spin_block();
}

/* 5: interrupts that another CPU's membarrier() sends to a spinning thread. */
static void check_ipis(const int *isolated)
{
	pthread_t thread;
	unsigned long i;

	if (!pin(0) || pthread_create(&thread, NULL, spin_thread, (void *)isolated))
		fail("check: thread");
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		fail("check: membarrier");
	sleep_until(now_ns() + 20000000);
	mark(MARK_CHECK_BEGIN, 5);
	for (i = 0; i < TIMES; i++) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			fail("check: membarrier");
	}
	mark(MARK_CHECK_END, 5);
}

static void run_all(void *arg)
{
	check_nothing();
	check_user();
	check_syscalls();
	check_faults();
	check_switches();
	check_ipis(arg);
}

const char *check_run(const struct cpus *cpus)
{
	int isolated = cpus->isolated, status;
	pid_t pid;

	announce(1, "user", TIMES * 100 + 1, 0);
	announce(2, "from_user/syscall", TIMES, 0);
	announce(3, "from_user/page_fault", TIMES, 0);
	announce(4, "switches", TIMES * 2, 10);
	announce(5, "from_user/call_function+from_kernel/call_function", TIMES, 0);
	pid = spawn(isolated, ROLE_OWNER, run_all, &isolated);
	if (waitpid(pid, &status, 0) != pid || status)
		return "a check program failed, see the console";
	return NULL;
}
