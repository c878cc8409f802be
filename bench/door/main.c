// SPDX-License-Identifier: GPL-2.0-only
/*
 * One run: what a door costs its owner, on two CPUs.
 *   door --owner CPU --holder CPU --seed N [--ms N]
 * Prints a JSON object a line; "part" says of which part of the run.  The parts come
 * in an order that the seed draws.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"

/**
 * check - end the program if something failed
 * @error: 0 if it did not, else an errno
 * @what: what it was
 */
void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "error: %s: %s\n", what, strerror(error));
	exit(1);
}

/**
 * pin - run on one CPU only
 * @cpu: which
 */
void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus) ? errno : 0, "sched_setaffinity");
}

/**
 * begin_thread - pthread_create(), which must succeed
 * @thread: for end_thread()
 * @run: what it runs
 * @of: its argument
 */
void begin_thread(pthread_t *thread, void *(*run)(void *), void *of)
{
	check(pthread_create(thread, NULL, run, of), "pthread_create");
}

/**
 * end_thread - wait until it has ended
 * @thread: of begin_thread()
 */
void end_thread(pthread_t thread)
{
	check(pthread_join(thread, NULL), "pthread_join");
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * sort - the least first
 * @values: of these
 * @nr: so many
 */
void sort(__u64 *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), compare);
}

/**
 * rank - the least value that so many do not exceed
 * @sorted: the values
 * @nr: how many, at least one
 * @share: of them, 0 to 1
 *
 * Return: one of them.
 */
__u64 rank(const __u64 *sorted, size_t nr, double share)
{
	size_t at = share * nr;

	return sorted[at < nr ? at : nr - 1];
}

static void measure(const struct setting *setting, unsigned int part)
{
	if (part < WAITS)
		measure_waits(setting, part);
	else if (part == WAITS)
		measure_pairs(setting);
	else
		measure_lines(setting);
}

static void measure_all(const struct setting *setting)
{
	unsigned int parts[WAITS + 2], nr = WAITS + 2, i;
	struct draw order = { .state = setting->seed };

	for (i = 0; i < nr; i++)
		parts[i] = i;
	for (; nr; nr--) {
		i = draw(&order) % nr;
		measure(setting, parts[i]);
		parts[i] = parts[nr - 1];
	}
}

static unsigned int number(const char *text)
{
	char *end;
	long found = strtol(text, &end, 10);

	check(!*text || *end || found < 0 || found > 1000000 ? EINVAL : 0, text);
	return found;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "owner", required_argument, NULL, 'o' },
		{ "holder", required_argument, NULL, 'h' },
		{ "seed", required_argument, NULL, 's' },
		{ "ms", required_argument, NULL, 'm' },
		{ }
	};
	struct setting setting = { .owner = 0, .holder = 1, .seed = 1, .ms = 800 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			setting.owner = number(optarg);
			break;
		case 'h':
			setting.holder = number(optarg);
			break;
		case 's':
			setting.seed = number(optarg);
			break;
		case 'm':
			setting.ms = number(optarg);
			break;
		default:
			return 1;
		}
	}
	check(optind != argc || !setting.seed || !setting.ms || setting.owner == setting.holder ?
	      EINVAL : 0, "two CPUs, a seed and a length are wanted");
	pin(setting.owner);
	measure_beside(&setting);
	measure_all(&setting);
	measure_beside(&setting);
	return 0;
}
