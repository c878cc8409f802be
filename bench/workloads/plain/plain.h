/* SPDX-License-Identifier: GPL-2.0-only */
/* What programs do on a CPU that nobody has isolated. */
#ifndef PLAIN_H
#define PLAIN_H

#include "../common/load.h"

/**
 * operations_run() - operations of this program itself, in batches
 * @params: seed is used
 * @cpus: on the CPU that is measured they run
 *
 * A window is a batch; its label is the operation. Return: NULL, or one line
 * about what went wrong.
 */
const char *operations_run(const struct params *params, const struct cpus *cpus);

/**
 * stressors_run() - stress-ng, a stressor at a time, and hackbench
 * @cpus: on the CPU that is measured stress-ng runs
 *
 * A window is a run of stress-ng from its start to its end; its label is the
 * stressor, and whether it does its operations once or twice. The difference of
 * the two has no start-up in it. Return: NULL, or one line about what went wrong.
 */
const char *stressors_run(const struct cpus *cpus);

#endif /* PLAIN_H */
