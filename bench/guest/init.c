// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's init: prove that the machine is fit to be measured, run the
 * workload, send what came out, end the machine.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "channel.h"
#include "files.h"
#include "machine.h"
#include "marks.h"
#include "pad.h"
#include "params.h"
#include "proofs.h"
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

static void __noreturn __printf(1, 2)
fail(const char *fmt, ...)
{
	char why[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	fprintf(stderr, "init: %s\n", why);
	channel_line("{\"failed\":\"%s\"}", why);
	channel_end();
	machine_exit(params.exit_port, ENDING_FAILED);
}

static void mount_one(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) && errno != EBUSY) {
		fprintf(stderr, "init: mount %s: %s\n", where, strerror(errno));
		machine_exit(0, ENDING_FAILED);
	}
}

static void mount_filesystems(void)
{
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("devtmpfs", "/dev");
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("tmpfs", "/tmp");
}

static void read_parameters_and_say_hello(void)
{
	struct utsname kernel;
	const char *nonsense;
	char why[256];
	bool known = params_read(&params, why, sizeof(why));

	if (!channel_open(params.channel)) {
		fprintf(stderr, "init: %s: %s\n", params.channel, strerror(errno));
		machine_exit(params.exit_port, ENDING_FAILED);
	}
	uname(&kernel);
	channel_line("{\"hello\":\"%s\",\"version\":\"%s\"}", kernel.release,
		     kernel.version);
	channel_flush();
	if (!known)
		fail("%s", why);
	nonsense = params_nonsense(&params);
	if (nonsense)
		fail("boot parameters: %s", nonsense);
}

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
		fail("as asked by the boot parameter bench.inject");
}

/* Each CPU says its number, so that counts can be given by number. */
static void number_cpus(void)
{
	int cpu;

	cpus.nr = sysconf(_SC_NPROCESSORS_ONLN);
	cpus.isolated = -1;
	if (cpus.nr > MAX_CPUS)
		fail("more than %d CPUs", MAX_CPUS);
	for (cpu = 0; cpu < cpus.nr; cpu++) {
		if (!pin(cpu))
			fail("CPU %d: %s", cpu, strerror(errno));
		mark(MARK_CPU, cpu);
		if (cpus.isolated < 0 &&
		    cpu_in_list_file("/sys/devices/system/cpu/nohz_full", cpu))
			cpus.isolated = cpu;
	}
	if (!pin(0))
		fail("CPU 0: %s", strerror(errno));
	channel_line("{\"cpus\":%d,\"isolated\":%d}", cpus.nr, cpus.isolated);
}

/*
 * As tuning guides for isolated CPUs have it: a timer that is started there
 * fires there. Else a housekeeping CPU takes it and wakes cyclictest by IPI.
 */
static void keep_timers_local(void)
{
	if (!write_file("/proc/sys/kernel/timer_migration", "0\n"))
		fail("/proc/sys/kernel/timer_migration: %s", strerror(errno));
}

static void prove(const char *name, bool proved)
{
	if (!proved)
		fail("not proved: %s: %s", name, proof_why);
	channel_line("{\"proof\":\"%s\",\"at_ns\":%llu}", name, now_ns());
}

static void fail_if(const char *why)
{
	if (why)
		fail("%s", why);
}

int main(void)
{
	mount_filesystems();
	read_parameters_and_say_hello();
	inject_failure();
	number_cpus();

	prove("parameters", proof_parameters());
	prove("isolation", proof_isolation(cpus.isolated, params.isolated));
	prove("timers", proof_timers(cpus.nr));
	prove("clock", proof_clock());
	prove("trigger", proof_trigger(params.class));
	if (params_storm_is(&params, "dose"))
		prove("dose", proof_dose(cpus.isolated, params.dose));

	keep_timers_local();
	channel_line("{\"storm_first\":%s,\"metronome\":%llu}",
		     params_storm_first(&params) ? "true" : "false",
		     params_metronome(&params));
	if (!metronome_start(params_metronome(&params)))
		fail("metronome: %s", strerror(errno));
	if (!strcmp(params.mode, "drain")) {
		if (!pad_hold(&params))
			fail("pad: %s", strerror(errno));
		workload_start(&params, &cpus);
		prove("tick_stopped", proof_tick_stopped(cpus.isolated));
		fail_if(workload_run(&params, &cpus));
	} else if (!strcmp(params.mode, "hotpath")) {
		fail_if(hotpath_run(&params, &cpus));
	} else if (!strcmp(params.mode, "anatomy")) {
		fail_if(anatomy_run(&params, &cpus));
	} else if (!strcmp(params.mode, "check")) {
		fail_if(check_run(&cpus));
	} else {
		fail("mode is drain, hotpath, anatomy or check, not %s", params.mode);
	}

	prove("clock_still", proof_clock());
	prove("clean", proof_clean());
	channel_end();
	machine_exit(params.exit_port, ENDING_GOOD);
}
