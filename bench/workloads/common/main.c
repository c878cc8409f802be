// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of a workload's guest: prove that the machine is fit to be measured,
 * start ballast, run the workload, end the machine.
 */
#include <errno.h>
#include <string.h>

#include "load.h"
#include "../../guest/channel.h"
#include "../../guest/files.h"
#include "../../guest/machine.h"
#include "../../guest/pad.h"
#include "../../guest/proofs.h"
#include "../../guest/run.h"

static struct params params = {
	.mode = "load",
	.class = "lru",
	.order = "drawn",
	.storm = "drain",
	.phase_ms = 1,
	.requests = 1,
	.fills = 1,
	.mlock_every = 1,
	.isolated = 1,
	.channel = "/dev/ttyS1",
	.inject = "",
};

/* One on each CPU that is neither isolated nor measured; the one on CPU 0 dithers the metronome. */
static void start_ballast(const struct cpus *cpus)
{
	struct ballast ballast = {
		.params = &params,
		.shared = load_shared(sizeof(struct shared)),
	};
	int cpu;

	for (cpu = 0; params.ballast && cpu < cpus->nr; cpu++) {
		if (cpu_in_list_file("/sys/devices/system/cpu/nohz_full", cpu) ||
		    cpu == load_measured(cpus))
			continue;
		ballast.dithers = !cpu && params.metronome && params_dither(&params);
		spawn(cpu, ROLE_BALLAST, ballast_run, &ballast);
	}
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
	channel_line("{\"measured\":%d}", load_measured(&cpus));
	run_prove("parameters", proof_parameters());
	run_prove("isolation", proof_isolation(cpus.isolated, params.isolated));
	run_prove("timers", proof_timers(cpus.nr));
	run_prove("clock", proof_clock());
	run_prove("trigger", proof_trigger(params.class));
	/* As tuning guides for isolated CPUs have it: a timer fires where it is started. */
	if (!write_file("/proc/sys/kernel/timer_migration", "0\n"))
		run_fail("/proc/sys/kernel/timer_migration: %s", strerror(errno));
	if (!metronome_start(params_metronome(&params)))
		run_fail("metronome: %s", strerror(errno));
	if (!pad_hold(&params))
		run_fail("pad: %s", strerror(errno));
	start_ballast(&cpus);
	channel_flush();
	why = load_run(&params, &cpus);
	load_send();
	if (why)
		run_fail("%s", why);
	run_prove("clock_still", proof_clock());
	run_prove("clean", proof_clean());
	run_end();
}
