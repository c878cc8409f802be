/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COUNTERS_H
#define COUNTERS_H

#include "tasks.h"

/* What the kernel counts by itself, as the counting plugin names it. */
enum counter {
	COUNTER_TIMER,
	COUNTER_RESCHEDULE,
	COUNTER_CALL_FUNCTION,
	COUNTER_IRQ_WORK,
	COUNTER_DEVICE,
	NR_INTERRUPTS,
	COUNTER_SWITCHES = NR_INTERRUPTS,	/* of all CPUs, as the next */
	COUNTER_PAGE_FAULTS,
	NR_COUNTERS
};

struct counters {
	__u64 of[NR_COUNTERS][MAX_CPUS];	/* those of all CPUs: at 0 */
};

/**
 * counters_read() - read what the kernel has counted so far
 * @nr_cpus: CPUs of this machine
 * @counters: where to
 * Return: false if a file does not read as expected.
 */
bool counters_read(int nr_cpus, struct counters *counters);

/** counters_send() - send what the kernel has counted in between, a line each */
void counters_send(int nr_cpus, const struct counters *before,
		   const struct counters *after);

#endif /* COUNTERS_H */
