// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's init: prove that the machine is fit to be measured, run the
 * workload, send what came out, end the machine.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "files.h"
#include "machine.h"
#include "marks.h"
#include "pad.h"
#include "params.h"
#include "proofs.h"
#include "run.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

static struct params params = {
	.mode = "drain",
	.class = "lru",
	.order = "quiet-first",
	.storm = "drain",
	.phase_ms = 500,
	.settle_ms = 30,
	.tail_ms = 20,
	.requests = 120,
	.fills = 1000,
	.mlock_every = 8,
	.ballast = 1,
	.repeats = 200,
	.isolated = 1,
	.channel = "/dev/ttyS1",
	.inject = "",
};

static struct cpus cpus;

/* Self tests of the one who reads the channel and watches the machine. */
static void inject_failure(void)
{
	if (!strcmp(params.inject, "panic"))
		exit(1);
	if (!strcmp(params.inject, "hang")) {
		for (;;)
			spin_block();
	}
	if (!strcmp(params.inject, "garbage"))
		channel_raw("\001garbage{\n");
	if (!strcmp(params.inject, "fail"))
		run_fail("as asked by the boot parameter bench.inject");
}

/*
 * As tuning guides for isolated CPUs have it: a timer that is started there
 * fires there. Else a housekeeping CPU takes it and wakes cyclictest by IPI.
 */
static void keep_timers_local(void)
{
	if (!write_file("/proc/sys/kernel/timer_migration", "0\n"))
		run_fail("/proc/sys/kernel/timer_migration: %s", strerror(errno));
}

static void fail_if(const char *why)
{
	if (why)
		run_fail("%s", why);
}

int main(void)
{
	const char *nonsense;

	run_begin(&params);
	nonsense = params_nonsense(&params);
	if (nonsense)
		run_fail("boot parameters: %s", nonsense);
	run_mount("debugfs", "/sys/kernel/debug");
	run_mount("tmpfs", "/tmp");
	inject_failure();
	cpus_number(&cpus);

	run_prove("parameters", proof_parameters());
	run_prove("isolation", proof_isolation(cpus.isolated, params.isolated));
	run_prove("timers", proof_timers(cpus.nr));
	run_prove("clock", proof_clock());
	run_prove("trigger", proof_trigger(params.class));
	if (params_storm_is(&params, "dose"))
		run_prove("dose", proof_dose(cpus.isolated, params.dose));

	keep_timers_local();
	channel_line("{\"storm_first\":%s,\"metronome\":%llu,\"dither\":%llu}",
		     params_storm_first(&params) ? "true" : "false",
		     params_metronome(&params), params_dither(&params));
	if (!metronome_start(params_metronome(&params)))
		run_fail("metronome: %s", strerror(errno));
	if (!strcmp(params.mode, "drain")) {
		if (!pad_hold(&params))
			run_fail("pad: %s", strerror(errno));
		workload_start(&params, &cpus);
		run_prove("tick_stopped", proof_tick_stopped(cpus.isolated));
		fail_if(workload_run(&params, &cpus));
	} else if (!strcmp(params.mode, "hotpath")) {
		fail_if(hotpath_run(&params, &cpus));
	} else if (!strcmp(params.mode, "anatomy")) {
		fail_if(anatomy_run(&params, &cpus));
	} else if (!strcmp(params.mode, "check")) {
		fail_if(check_run(&cpus));
	} else {
		run_fail("mode is drain, hotpath, anatomy or check, not %s", params.mode);
	}

	run_prove("clock_still", proof_clock());
	run_prove("clean", proof_clean());
	run_end();
}
