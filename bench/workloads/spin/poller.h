/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner: it polls in user mode and never enters the kernel, except when
 * init orders it to, between windows.
 */
#ifndef POLLER_H
#define POLLER_H

#include "../../guest/compiler.h"

/**
 * poller_start() - start the owner
 * @cpu: where it polls
 * @policy: how it is scheduled: "other", "nice" (that, at nice -20) or "fifo"
 * @fills: pages that one refill touches; the last of them is mlocked
 *
 * Ends the machine if @policy is none of these, or @fills no sensible number.
 */
void poller_start(int cpu, const char *policy, __u64 fills);

/* What init may order. */
enum order {
	REFILL,		/* touch new pages, which the CPU then has cached */
	ENTER_KERNEL,	/* make a system call that does nothing */
	REST,		/* sleep once, so that what waits for the CPU comes through */
};

/**
 * poller_does() - let the owner do something, and wait for it
 *
 * Ends the machine if the owner has ended.
 */
void poller_does(enum order order);

#endif /* POLLER_H */
