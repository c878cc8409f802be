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
#include "counters.h"
#include "files.h"
#include "marks.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

#define TIMES 1000UL
#define PASSES 200UL

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

/* The same for one CPU's accesses to a line, which the plugin must trace. */
static void announce_line(int number, int cpu, const char *line,
			  const char *what, unsigned long expected,
			  unsigned long spare)
{
	channel_line("{\"check\":%d,\"cpu\":%d,\"line\":[%s],\"what\":\"%s\",%s:%lu,%s:%lu}",
		     number, cpu, line, what, "\"expected\"", expected,
		     "\"spare\"", spare);
}

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

/* What a check does is also a window, of its number as label: both must count the same. */
static __always_inline void begin(int number)
{
	mark(MARK_WINDOW_BEGIN, WINDOW(number, 0));
	mark(MARK_CHECK_BEGIN, number);
}

static __always_inline void end(int number)
{
	mark(MARK_CHECK_END, number);
	mark(MARK_WINDOW_END, WINDOW(number, 0));
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
	begin(1);
	__asm__ volatile("mov %0, %%ecx\n"
			 "3: .rept 98\n nop\n .endr\n"
			 "dec %%ecx\n jnz 3b\n" : : "i"(TIMES) : "ecx", "cc");
	end(1);
}

/* 2: system calls. */
static void check_syscalls(void)
{
	unsigned long i;

	begin(2);
	for (i = 0; i < TIMES; i++)
		syscall(SYS_getppid);
	end(2);
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
	begin(3);
	for (i = 0; i < TIMES; i++)
		touch(region + i * 4096);
	end(3);
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
	begin(4);
	for (i = 0; i < TIMES; i++) {
		if (write(there[1], &byte, 1) != 1 ||
		    read(back[0], &byte, 1) != 1)
			fail("check: pipe");
	}
	end(4);
	close(there[1]);
	wait(NULL);
}

/* What the programs and their parent share. */
struct known {
	const struct cpus *cpus;
	struct counters before;
	struct counters after;
};

/* Two lines that two CPUs take from each other, in turns. */
static struct ball {
	int turn;		/* the CPU whose turn it is */
	char rest_of_line[64 - sizeof(int)];
	unsigned long count;
} *ball;

static void wait_for_turn(int cpu)
{
	while (__atomic_load_n(&ball->turn, __ATOMIC_ACQUIRE) != cpu)
		spin_block();
}

static void pass_on(int cpu)
{
	__atomic_fetch_add(&ball->count, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&ball->turn, cpu, __ATOMIC_RELEASE);
}

#define WARM_UP 2

static void *play_on_cpu_0(void *isolated)
{
	unsigned long i;

	if (!pin(0))
		fail("check: pin");
	for (i = 0; i < WARM_UP + PASSES; i++) {
		wait_for_turn(0);
		pass_on(*(const int *)isolated);
	}
	return NULL;
}

/*
 * 6: cache lines. In each round each CPU takes 'turn' once to see that it is its
 * turn, once more to write it while the other CPU holds it, and 'count' once.
 */
static void check_lines(const int *isolated)
{
	pthread_t thread;
	unsigned long i;

	ball = aligned_alloc(64, 2 * 64);
	if (!ball)
		fail("check: memory");
	*ball = (struct ball){ .turn = *isolated };
	mark(MARK_TRACE, (unsigned long)&ball->turn);
	mark(MARK_TRACE, (unsigned long)&ball->count);
	if (pthread_create(&thread, NULL, play_on_cpu_0, (void *)isolated))
		fail("check: thread");
	for (i = 0; i < WARM_UP; i++) {
		wait_for_turn(*isolated);
		pass_on(0);
	}
	wait_for_turn(*isolated);
	begin(6);
	for (i = 0; i < PASSES; i++) {
		pass_on(0);
		wait_for_turn(*isolated);
	}
	end(6);
	pthread_join(thread, NULL);
}

struct echo {
	int cpu;
	int there[2];
	int back[2];
};

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
	begin(5);
	for (i = 0; i < TIMES; i++) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			fail("check: membarrier");
	}
	end(5);
}

static void *echo_thread(void *arg)
{
	const struct echo *echo = arg;
	char byte;

	if (!pin(echo->cpu))
		fail("check: pin");
	while (read(echo->there[0], &byte, 1) == 1) {
		if (write(echo->back[1], &byte, 1) != 1)
			fail("check: pipe");
	}
	return NULL;
}

/* Some of all that the guest counts as well, on both CPUs. */
static void be_busy(const struct echo *echo)
{
	char *region = mmap(NULL, TIMES * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long i;
	char byte = 0;

	if (region == MAP_FAILED)
		fail("check: mmap");
	for (i = 0; i < TIMES / 4; i++) {
		touch(region + i * 4096);
		if (write(echo->there[1], &byte, 1) != 1 ||
		    read(echo->back[0], &byte, 1) != 1)
			fail("check: pipe");
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			fail("check: membarrier");
	}
	sleep_until(now_ns() + 20000000);
	munmap(region, TIMES * 4096);
}

/*
 * 7 and 8: what the guest counted, between what the plugin counted before and
 * after the guest looked (8 inside of 7). The spinning thread of check 5 is
 * still there.
 */
static void check_own_counters(struct known *known)
{
	struct echo echo = { .cpu = known->cpus->isolated };
	pthread_t thread;

	if (pipe(echo.there) || pipe(echo.back) ||
	    pthread_create(&thread, NULL, echo_thread, &echo))
		fail("check: thread");
	be_busy(&echo);		/* once for page tables, caches, lazy set-up */
	mark(MARK_CHECK_BEGIN, 7);
	if (!counters_read(known->cpus->nr, &known->before))
		fail("check: the guest's own counters");
	mark(MARK_CHECK_BEGIN, 8);
	be_busy(&echo);
	mark(MARK_CHECK_END, 8);
	if (!counters_read(known->cpus->nr, &known->after))
		fail("check: the guest's own counters");
	mark(MARK_CHECK_END, 7);
}

/*
 * 9 and on: doses of instructions with interrupts off, of a known size but for
 * what the interrupt itself takes, which the dose of 0 shows.
 */
#define FIRST_DOSE 9
#define DOSE_TIMES 20

static const unsigned int doses[] = { 0, 5000, 20000 };

static void check_doses(int isolated)
{
	char text[32];
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(doses); i++) {
		snprintf(text, sizeof(text), "%d %u", isolated, doses[i]);
		mark(MARK_CHECK_BEGIN, FIRST_DOSE + i);
		for (n = 0; n < DOSE_TIMES; n++) {
			if (!write_file("/sys/kernel/debug/bench_dose", text))
				fail("check: bench_dose");
		}
		mark(MARK_CHECK_END, FIRST_DOSE + i);
	}
}

static void run_all(void *arg)
{
	struct known *known = arg;
	const int *isolated = &known->cpus->isolated;

	check_nothing();
	check_user();
	check_syscalls();
	check_faults();
	check_switches();
	check_lines(isolated);
	check_ipis(isolated);
	check_own_counters(known);
	check_doses(*isolated);
}

static void announce_lines(int cpu)
{
	announce_line(6, cpu, "\"marked\",-1,0", "transfers", PASSES * 2, 0);
	announce_line(6, cpu, "\"marked\",-1,0", "stores", PASSES, 0);
	announce_line(6, cpu, "\"marked\",-1,1", "transfers", PASSES, 0);
	announce_line(6, cpu, "\"marked\",-1,1", "loads", PASSES, 0);
	announce_line(6, cpu, "\"marked\",-1,1", "stores", PASSES, 0);
}

/*
 * Each of check 5's interrupts is queued on a list of the isolated CPU: CPU 0
 * loads its head, then exchanges it; the isolated CPU takes all by one exchange.
 */
static void announce_queue(int isolated)
{
	char queue[64];

	snprintf(queue, sizeof(queue), "\"call_single_queue\",%d,0", isolated);
	announce_line(5, 0, queue, "stores", TIMES, 0);
	announce_line(5, 0, queue, "transfers", TIMES * 2, 0);
	announce_line(5, isolated, queue, "transfers", TIMES, 0);
}

const char *check_run(const struct cpus *cpus)
{
	struct known *known = mmap(NULL, sizeof(*known), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;
	size_t i;

	if (known == MAP_FAILED)
		return "no memory for the check programs";
	known->cpus = cpus;
	announce(1, "user", TIMES * 100 + 1, 0);
	announce(2, "from_user/syscall", TIMES, 0);
	announce(3, "from_user/page_fault", TIMES, 0);
	announce(4, "switches", TIMES * 2, 10);
	announce(5, "from_user/call_function+from_kernel/call_function", TIMES, 0);
	announce_lines(0);
	announce_lines(cpus->isolated);
	announce_queue(cpus->isolated);
	for (i = 0; i < ARRAY_SIZE(doses); i++)
		channel_line("{\"dose\":%u,\"check\":%zu}", doses[i],
			     FIRST_DOSE + i);
	pid = spawn(cpus->isolated, ROLE_OWNER, run_all, known);
	if (waitpid(pid, &status, 0) != pid || status)
		return "a check program failed, see the console";
	counters_send(cpus->nr, &known->before, &known->after);
	return NULL;
}
