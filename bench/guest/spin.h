/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPIN_H
#define SPIN_H

#include <time.h>

#include "compiler.h"

/*
 * Busy in user mode, cheaply for an emulator: one long straight block, which
 * fits into one translation block of at most 512 instructions.
 */
#define SPIN_BLOCK 448

static inline void spin_block(void)
{
	__asm__ volatile(".rept %c0\n nop\n .endr" : : "i"(SPIN_BLOCK));
}

/* A write that the compiler keeps. */
static inline void touch(char *byte)
{
	__asm__ volatile("movb $1, %0" : "=m"(*byte));
}

/* In user mode only: the vDSO reads the TSC, which init has proved stable. */
static inline __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

#endif /* SPIN_H */
