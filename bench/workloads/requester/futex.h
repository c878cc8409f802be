/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that wait for each other asleep: a timer or a poll would be seen in a window. */
#ifndef REQUESTER_FUTEX_H
#define REQUESTER_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../guest/compiler.h"

/**
 * futex_wait() - sleep until a word has another value than this one
 * @until: or until then, in ns since boot; 0: for ever
 *
 * May return early.
 */
static inline void futex_wait(int *word, int value, __u64 until)
{
	struct timespec time = { until / 1000000000, until % 1000000000 };

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, until ? &time : NULL, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

/** futex_wake() - wake all who wait for a word to change */
static inline void futex_wake(int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX);
}

#endif /* REQUESTER_FUTEX_H */
