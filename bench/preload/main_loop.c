// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into a QEMU that counts instructions (-icount sleep=off, one thread for
 * all CPUs): its main loop waits until that thread sleeps.
 *
 * When all CPUs are halted the main loop sets the clock on to the next timer.  A CPU
 * is halted once it has executed HLT, but what it executed before is added to the clock
 * only some microseconds later, and no lock is held in between.  A main loop that
 * happens to be awake then, as each timer wakes it, takes the time to the next
 * timer from a clock that is late, and sets the new one too far by as much: hundreds of
 * instructions, and from there on the boot is another one (QEMU 10.0:
 * icount_start_warp_timer(), icount_process_data()).  `make check-lab-repeat` widens the
 * gap, and sees boots part without this and none with it.
 *
 * The thread of the CPUs sleeps in pthread_cond_wait(), holding the lock until then
 * which the main loop takes next, and its clock is right.  Who wakes it holds the lock too.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

/*
 * While CPUs run the main loop has nothing to do but to end QEMU, so much later.  Where CPUs
 * run for longer, one is hardly ever halted; the gap stays for a thread that the machine
 * does not let run for so long just there.
 */
#define WAIT_NS	100000000

/* Of the CPUs' thread, the only other one to wait for a condition without a limit. */
static atomic_int asleep;

static int (*next_cond_wait)(pthread_cond_t *cond, pthread_mutex_t *mutex);
static int (*next_cond_broadcast)(pthread_cond_t *cond);

__attribute__((constructor)) static void find_next(void)
{
	next_cond_wait = next_cond("pthread_cond_wait");
	next_cond_broadcast = next_cond("pthread_cond_broadcast");
}

PRELOAD_EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	int error;

	if (is_main_loop())
		return next_cond_wait(cond, mutex);
	/* Before the lock is let go; pairs with main_loop_has_polled(). */
	atomic_store(&asleep, 1);
	syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	error = next_cond_wait(cond, mutex);
	atomic_store(&asleep, 0);
	return error;
}

/*
 * Who is woken runs as soon as it can: not only once it has said so.  Should it be another
 * condition that is meant here, the main loop waits for once until the limit.
 */
PRELOAD_EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
	atomic_store(&asleep, 0);
	return next_cond_broadcast(cond);
}

/* QEMU has polled: let it go on once the CPUs sleep. */
static void main_loop_has_polled(void)
{
	const struct timespec limit = { .tv_nsec = WAIT_NS };

	/* Pairs with pthread_cond_wait() above.  A signal may ask QEMU to end. */
	while (!atomic_load(&asleep)) {
		if (syscall(SYS_futex, &asleep, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0) &&
		    errno != EAGAIN)
			break;
	}
}
