// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into QEMU by a check: its threads take long where they seldom do, so that
 * main_loop.c has something to guard against.
 *
 * A CPU leaves the code that it executes by a long jump, at HLT as well, before what it
 * executed is added to the clock.  The jumps that follow a sleep are slow: one of them
 * is that of the next HLT.  The main loop is late by another time each time that it wakes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <time.h>

#include "preload.h"

#define JUMPS	20	/* slow ones after a sleep; a CPU awake makes about 10 */
#define JUMP_NS	100000
#define POLL_NS	400000	/* at most */

static int slow_jumps;		/* left; the CPUs' thread's own */

static void spin(long ns)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < ns);
}

PRELOAD_EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	static int (*next)(pthread_cond_t *cond, pthread_mutex_t *mutex);
	int error;

	if (!next)
		next = next_cond("pthread_cond_wait");
	error = next(cond, mutex);
	if (!is_main_loop())
		slow_jumps = JUMPS;
	return error;
}

static __noreturn void slow_jump(const char *name, struct __jmp_buf_tag *env, int value)
{
	static void (*next)(struct __jmp_buf_tag *env, int value) __noreturn;

	if (!next)
		next = next_function(name);
	if (!is_main_loop() && slow_jumps > 0) {
		slow_jumps--;
		spin(JUMP_NS);
	}
	next(env, value);
}

PRELOAD_EXPORT void siglongjmp(struct __jmp_buf_tag env[1], int value)
{
	slow_jump("siglongjmp", env, value);
}

/* The same, as a fortified QEMU calls it. */
PRELOAD_EXPORT __noreturn void __longjmp_chk(struct __jmp_buf_tag env[1], int value)
{
	slow_jump("__longjmp_chk", env, value);
}

static void main_loop_has_polled(void)
{
	static long delay;

	delay = (delay + 70000) % POLL_NS;
	spin(delay);
}
