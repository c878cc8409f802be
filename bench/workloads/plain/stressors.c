// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debian's stress-ng and hackbench. stress-ng makes a fixed number of a
 * stressor's operations, and then twice as many. It says of itself that it is
 * no precise benchmark; here its operations are only counted, not timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plain.h"
#include "../../guest/files.h"

#define LOG "/tmp/log"

static const struct stressor {
	const char *name;
	const char *operations;	/* the parameter that says how many */
	const char *further[4];	/* arguments */
} stressors[] = {
	{ "vm", "stress_vm", { "--vm-bytes", "256K", "--vm-method", "write64" } },
	{ "fork", "stress_fork", { NULL } },
	{ "mmap", "stress_mmap", { "--mmap-bytes", "64K" } },
	{ "pipe", "stress_pipe", { NULL } },
	{ "switch", "stress_switch", { NULL } },
};

static const char *const factors[] = { "once", "twice" };

#define NR_STRESSORS	ARRAY_SIZE(stressors)
#define NR_FACTORS	ARRAY_SIZE(factors)

/* What a program says is of use only if it fails, and a console takes time. */
static void say_into_log(void)
{
	int log = open(LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(1);
}

static void show_log(void)
{
	char text[4096];

	if (read_file(LOG, text, sizeof(text)) > 0)
		fputs(text, stderr);
}

static bool succeeds(int cpu, int role, void (*run)(void *arg), void *arg)
{
	bool good = load_wait(spawn(cpu, role, run, arg));

	if (!good)
		show_log();
	return good;
}

/* ---- stress-ng ---- */

struct job {
	const struct stressor *stressor;
	__u64 operations;
	int cpu;
};

static void become_stressor(void *arg)
{
	const struct job *job = arg;
	const char *const *further = job->stressor->further;
	char instances[32], option[32], operations[32], cpu[16];

	snprintf(instances, sizeof(instances), "--%s", job->stressor->name);
	snprintf(option, sizeof(option), "--%s-ops", job->stressor->name);
	snprintf(operations, sizeof(operations), "%llu", job->operations);
	snprintf(cpu, sizeof(cpu), "%d", job->cpu);
	say_into_log();
	execl("/usr/bin/stress-ng", "stress-ng", instances, "1", option, operations,
	      "--taskset", cpu, "--no-rand-seed", "--temp-path", "/tmp", further[0],
	      further[1], further[2], further[3], NULL);
	perror("stress-ng");
	_exit(1);
}

static bool run_stressor(struct job *job)
{
	return succeeds(job->cpu, ROLE_OWNER, become_stressor, job);
}

static bool run_in_window(struct job *job, int label, __u64 round)
{
	bool good;

	window_begin(label, round);
	good = run_stressor(job);
	window_end(label, round);
	load_value(label, round, "operations", job->operations);
	return good;
}

/* One run before all others: files are read and slabs filled for the first time. */
static bool warm_up(int cpu)
{
	struct job job = { .stressor = &stressors[0], .operations = 1, .cpu = cpu };

	return run_stressor(&job);
}

/* ---- hackbench ---- */

static void become_hackbench(void *arg)
{
	const struct cpus *cpus = arg;
	cpu_set_t all;
	int cpu;

	CPU_ZERO(&all);
	for (cpu = 0; cpu < cpus->nr; cpu++)
		CPU_SET(cpu, &all);
	say_into_log();
	if (!sched_setaffinity(0, sizeof(all), &all))
		execl("/usr/bin/hackbench", "hackbench", "-p", "-g", "1", "-l", "20", NULL);
	perror("hackbench");
	_exit(1);
}

struct round {
	__u64 number;
	int cpu;
	__u64 operations[NR_STRESSORS];
	int labels[NR_STRESSORS][NR_FACTORS];
};

static bool run_round(const struct round *round)
{
	size_t i, k;

	for (i = 0; i < NR_STRESSORS; i++) {
		for (k = 0; k < NR_FACTORS; k++) {
			struct job job = {
				.stressor = &stressors[i],
				.operations = round->operations[i] * (k + 1),
				.cpu = round->cpu,
			};

			if (!run_in_window(&job, round->labels[i][k], round->number))
				return false;
		}
	}
	return true;
}

static bool prepare(struct round *round)
{
	size_t i, k;

	for (i = 0; i < NR_STRESSORS; i++) {
		round->operations[i] = load_number(stressors[i].operations);
		if (!round->operations[i])
			return false;
		for (k = 0; k < NR_FACTORS; k++)
			round->labels[i][k] = load_label("stress-ng %s, %s",
							 stressors[i].name, factors[k]);
	}
	return true;
}

const char *stressors_run(const struct cpus *cpus)
{
	struct round round = { .cpu = load_measured(cpus) };
	__u64 rounds = load_number("rounds");

	if (!rounds || !prepare(&round))
		return "rounds, or the operations of a stressor, are 0";
	if (!warm_up(round.cpu))
		return "stress-ng failed, see the console";
	for (; round.number < rounds; round.number++) {
		if (!run_round(&round))
			return "stress-ng failed, see the console";
	}
	if (!succeeds(0, ROLE_USER, become_hackbench, (void *)cpus))
		return "hackbench failed, see the console";
	return NULL;
}
