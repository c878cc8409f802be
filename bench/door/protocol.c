// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not inline of both ways: what they are about, and the wait.
 */
#include "protocol.h"
#include "tsc.h"

struct cpu cpu;

/* A stamp after another: was there more between them than ever before? */
static inline __u64 since(__u64 last, __u64 now, struct wait *wait)
{
	if (now - last > wait->away)
		wait->away = now - last;
	return now;
}

/**
 * wait_for - the owner waits until nobody holds its CPU, or it has its lock
 * @how: which of both
 *
 * There is a stamp in each round, so that who was away itself knows it.
 * Return: how long it took.
 */
struct wait wait_for(enum technique how)
{
	__u64 begin = tsc(), last = begin;
	struct wait wait = { };

#ifdef CARELESS		/* for check-door: a door that does not keep anybody out */
	if (how == DOOR)
		return wait;
#endif
	do {
		__builtin_ia32_pause();
		last = since(last, __builtin_ia32_rdtsc(), &wait);
	} while (!may_pass(how));
	wait.cycles = since(last, tsc(), &wait) - begin;
	return wait;
}
