// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of a guest for who holds whose lock: the workload, and if dose is not
 * 0 a storm of interrupts on the requester's CPU. It comes from a further CPU,
 * whose task interrupts CPU 0 at random times again and again; the handler takes
 * so many instructions. A program of its own, so that the guest that is measured
 * is the same with and without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../channel.h"
#include "../files.h"
#include "../machine.h"
#include "../marks.h"
#include "../params.h"
#include "../proofs.h"
#include "../random.h"
#include "../run.h"
#include "../spin.h"
#include "../tasks.h"
#include "../workload.h"

#define DOSE		"/sys/kernel/debug/bench_dose"
#define REQUESTERS_CPU	0
#define MOST_BLOCKS	64	/* between two interrupts, of SPIN_BLOCK instructions */

static struct params params = {
	.mode = "drain",
	.class = "lru",
	.order = "quiet-first",
	.storm = "drain",
	.mlock_every = 8,
	.ballast = 1,
	.isolated = 1,
	.channel = "/dev/ttyS1",
	.inject = "",
};

static void interrupt_run(void *unused)
{
	__u64 stream = random_stream(params.seed, STREAM_INTERRUPTS), i;
	int fd = open(DOSE, O_WRONLY);
	char text[32];
	int len;

	(void)unused;
	len = snprintf(text, sizeof(text), "%d %llu", REQUESTERS_CPU, params.dose);
	while (write(fd, text, len) == len) {
		for (i = random_below(&stream, MOST_BLOCKS); i; i--)
			spin_block();
	}
	perror(DOSE);
	_exit(1);
}

int main(void)
{
	struct cpus cpus;
	const char *why;

	run_begin(&params);
	why = params_nonsense(&params);
	if (why)
		run_fail("boot parameters: %s", why);
	run_mount("debugfs", "/sys/kernel/debug");
	run_mount("tmpfs", "/tmp");
	cpus_number(&cpus);
	if (cpus.nr < 3)
		run_fail("%d CPUs, not 3 or more", cpus.nr);
	run_prove("parameters", proof_parameters());
	run_prove("isolation", proof_isolation(cpus.isolated, params.isolated));
	run_prove("timers", proof_timers(cpus.nr));
	run_prove("clock", proof_clock());
	run_prove("trigger", proof_trigger(params.class));
	run_prove("dose", proof_dose(REQUESTERS_CPU, params.dose));

	if (!metronome_start(params_metronome(&params)))
		run_fail("metronome: %s", strerror(errno));
	workload_start(&params, &cpus);
	run_prove("tick_stopped", proof_tick_stopped(cpus.isolated));
	if (params.dose)
		spawn(cpus.nr - 1, ROLE_BALLAST, interrupt_run, NULL);
	why = workload_run(&params, &cpus);
	if (why)
		run_fail("%s", why);

	run_prove("clock_still", proof_clock());
	run_prove("clean", proof_clean());
	run_end();
}
