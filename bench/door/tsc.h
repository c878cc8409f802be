/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOOR_TSC_H
#define DOOR_TSC_H

#include <linux/types.h>

/**
 * tsc - the time stamp counter, in order
 *
 * What is before it has been executed, with its stores in the cache (mfence); what is
 * behind it has not begun (lfence).  Reading it in order costs some tens of cycles:
 * subtract what two stamps with nothing between them give.
 */
static inline __u64 tsc(void)
{
	__u64 now;

	__builtin_ia32_mfence();
	__builtin_ia32_lfence();
	now = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return now;
}

/**
 * tsc_within - the same with little delay for what is behind it
 *
 * What is behind it may have begun.
 */
static inline __u64 tsc_within(void)
{
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
}

#endif /* DOOR_TSC_H */
