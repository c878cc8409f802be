/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "params.h"

/* The CPUs of this machine; the first nohz_full one is measured. */
struct cpus {
	int nr;
	int isolated;
};

/**
 * workload_start() - start the tasks that run in both phases
 * @params: of this boot
 * @cpus: the isolated CPU gets the owner, each other one ballast
 */
void workload_start(const struct params *params, const struct cpus *cpus);

/**
 * workload_run() - the quiet phase, then the storm
 * @params: of this boot
 * @cpus: as for workload_start()
 * Return: NULL, or one line about what went wrong.
 */
const char *workload_run(const struct params *params, const struct cpus *cpus);

/**
 * check_run() - programs with known counts instead of the workload
 * @cpus: as for workload_start(); on the isolated one they run
 * Return: NULL, or one line about what went wrong.
 */
const char *check_run(const struct cpus *cpus);

#endif /* WORKLOAD_H */
