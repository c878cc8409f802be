// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run operations of the kernel in user space and say what they take, as JSON.
 *   cycles [--key NAME]... [--seed N] [--loops N] [--cpu N] [--other N] cycles|steps|lines
 * cycles: of each operation, in long and short loops; steps: each instruction that
 * one operation executes; lines: what it takes after another CPU's deed.
 */
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "image.h"
#include "modes.h"

/* Addresses of what is not linked are where nothing is mapped. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	char text[64];
	int length;

	if (image_passes_irqs(context))
		return;
	length = snprintf(text, sizeof(text), "fault %d at %p\n", signal, info->si_addr);
	if (write(STDERR_FILENO, text, length) == length)
		_exit(3);
	_exit(4);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
}

/**
 * pin - run on this CPU of the host only
 * @cpu: which
 */
void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus)) {
		perror("error: sched_setaffinity");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "seed", required_argument, NULL, 's' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "other", required_argument, NULL, 'o' },
		{ "loops", required_argument, NULL, 'l' },
		{ }
	};
	struct setting setting = { .cpu = 0, .other = 1, .seed = 1, .loops = 1000000 };
	const char *keys[8];
	int option, i, nr = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			if (nr == sizeof(keys) / sizeof(*keys))
				return 1;
			keys[nr++] = optarg;
			break;
		case 's':
			setting.seed = atol(optarg);
			break;
		case 'c':
			setting.cpu = atoi(optarg);
			break;
		case 'o':
			setting.other = atoi(optarg);
			break;
		case 'l':
			setting.loops = atol(optarg);
			break;
		default:
			return 1;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "error: what? cycles, steps or lines\n");
		return 1;
	}

	pin(setting.cpu);
	catch_faults();
	image_begin();
	image_cpu(0);
	for (i = 0; i < nr; i++)
		image_key(keys[i]);
	cyc_begin();
	if (!strcmp(argv[optind], "cycles"))
		return measure_cycles(&setting);
	if (!strcmp(argv[optind], "steps"))
		return count_steps();
	if (!strcmp(argv[optind], "lines"))
		return measure_lines(&setting);
	fprintf(stderr, "error: %s? cycles, steps or lines\n", argv[optind]);
	return 1;
}
