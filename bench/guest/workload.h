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
 * cpus_number() - each CPU says its number, so that counts can be given by number
 * @cpus: filled in; isolated is -1 if no CPU is
 *
 * The caller is on CPU 0 afterwards. On an error the machine ends.
 */
void cpus_number(struct cpus *cpus);

/**
 * workload_start() - start the tasks that run in both phases
 * @params: of this boot
 * @cpus: the isolated CPU gets the owner, each other one ballast
 */
void workload_start(const struct params *params, const struct cpus *cpus);

/**
 * workload_run() - the quiet phase and the storm
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

/**
 * hotpath_run() - operations that everybody makes all the time
 * @params: of this boot
 * @cpus: they run on the isolated CPU and on CPU 0; where none is isolated,
 * on CPU 1
 * Return: NULL, or one line about what went wrong.
 */
const char *hotpath_run(const struct params *params, const struct cpus *cpus);

/**
 * anatomy_run() - one drain, traced
 * @params: of this boot; class is used
 * @cpus: as for workload_start()
 * Return: NULL, or one line about what went wrong.
 */
const char *anatomy_run(const struct params *params, const struct cpus *cpus);

#endif /* WORKLOAD_H */
