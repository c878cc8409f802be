/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_HOLDUP_H
#define _PCD_KUNIT_HOLDUP_H

/*
 * CPUs are held up for a moment between any two instructions, whether or not their
 * interrupts are enabled, as by a hypervisor that has other things to do.
 */

#include <kunit/test.h>
#include <linux/cpumask.h>

void holdup_start(struct kunit *test, int sender, const struct cpumask *cpus);
void holdup_one(struct kunit *test, int cpu);
void holdup_one_end(void *unused);

#endif /* _PCD_KUNIT_HOLDUP_H */
