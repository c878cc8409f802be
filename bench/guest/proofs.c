// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <time.h>

#include "files.h"
#include "proofs.h"
#include "spin.h"
#include "tasks.h"

#define SYSLOG_READ_ALL		3
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define CPUS "/sys/devices/system/cpu"
#define MS 1000000ULL

char proof_why[256];

#define refuse(...)							\
	(snprintf(proof_why, sizeof(proof_why), __VA_ARGS__), false)

static void copy_line(char *to, size_t size, const char *from)
{
	size_t len = strcspn(from, "\n"), i;

	if (len > size - 1)
		len = size - 1;
	for (i = 0; i < len; i++)
		to[i] = from[i] == '"' || from[i] == '\\' ? '\'' : from[i];
	to[len] = '\0';
}

bool proof_parameters(void)
{
	static const char *const complaints[] = {
		"Malformed early option",
		"Unknown kernel command line parameters",
		"invalid for parameter",
		"Invalid value for parameter",
	};
	static char log[1 << 18];
	int len = klogctl(SYSLOG_READ_ALL, log, sizeof(log) - 1);
	char line[200];
	size_t i;

	if (len < 0)
		return refuse("kernel log: %s", strerror(errno));
	log[len] = '\0';
	for (i = 0; i < ARRAY_SIZE(complaints); i++) {
		const char *at = strstr(log, complaints[i]);

		if (!at)
			continue;
		copy_line(line, sizeof(line), at);
		return refuse("boot parameter refused by the kernel: %s", line);
	}
	return true;
}

bool proof_clock(void)
{
	char name[64] = "";
	int tries;

	/* The TSC is refined for a second before it takes over. */
	for (tries = 0; tries < 500; tries++) {
		if (read_file(CLOCKSOURCE, name, sizeof(name)) < 0)
			return refuse(CLOCKSOURCE ": %s", strerror(errno));
		if (!strcmp(name, "tsc\n"))
			return true;
		sleep_until(now_ns() + 10 * MS);
	}
	name[strcspn(name, "\n")] = '\0';
	return refuse("clock source is %s, not tsc", name);
}

bool proof_timers(int nr_cpus)
{
	struct timespec resolution;
	int cpu;

	if (clock_getres(CLOCK_MONOTONIC, &resolution))
		return refuse("clock_getres: %s", strerror(errno));
	if (resolution.tv_sec || resolution.tv_nsec != 1)
		return refuse("no high-resolution timers: resolution is %ld ns",
			      resolution.tv_nsec);
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		char path[128], name[64] = "";

		snprintf(path, sizeof(path),
			 "/sys/devices/system/clockevents/clockevent%d/current_device",
			 cpu);
		if (read_file(path, name, sizeof(name)) < 0)
			return refuse("%s: %s", path, strerror(errno));
		name[strcspn(name, "\n")] = '\0';
		if (strncmp(name, "lapic", 5))
			return refuse("CPU %d's timer is %s, not its local APIC",
				      cpu, name);
	}
	return true;
}

bool proof_isolation(int cpu, bool wanted)
{
	if (!wanted)
		return cpu < 0 || refuse("CPU %d is nohz_full", cpu);
	if (cpu < 0)
		return refuse("no CPU is nohz_full");
	if (cpu_in_list_file(CPUS "/nohz_full", 0))
		return refuse("CPU 0 must be a housekeeping CPU");
	return true;
}

/* Sum of a CPU's column in /proc/interrupts. */
static bool sum_interrupts(int cpu, __u64 *sum)
{
	static char text[65536];
	char *line, *save = NULL;

	if (read_file("/proc/interrupts", text, sizeof(text)) < 0)
		return false;
	*sum = 0;
	strtok_r(text, "\n", &save);
	while ((line = strtok_r(NULL, "\n", &save))) {
		char *at = strchr(line, ':'), *end;
		int column;

		if (!at++)
			continue;
		for (column = 0; column <= cpu; column++, at = end) {
			__u64 count = strtoull(at, &end, 10);

			if (end == at)
				break;
			if (column == cpu)
				*sum += count;
		}
	}
	return true;
}

bool proof_tick_stopped(int cpu)
{
	__u64 before, after = 0;
	int tries;

	for (tries = 0; tries < 50; tries++) {
		if (!sum_interrupts(cpu, &before))
			return refuse("/proc/interrupts: %s", strerror(errno));
		sleep_until(now_ns() + 20 * MS);
		if (!sum_interrupts(cpu, &after))
			return refuse("/proc/interrupts: %s", strerror(errno));
		if (before == after)
			return true;
	}
	return refuse("CPU %d still gets interrupts: %llu in the last 20 ms",
		      cpu, after - before);
}

bool proof_trigger(const char *class)
{
	if (!write_file("/sys/kernel/debug/pcpu_drain/drain_now", class))
		return refuse("drain_now does not take %s: %s", class,
			      strerror(errno));
	return true;
}

bool proof_dose(int cpu, __u64 instructions)
{
	char text[32];

	snprintf(text, sizeof(text), "%d %llu", cpu, instructions);
	if (!write_file("/sys/kernel/debug/bench_dose", text))
		return refuse("bench_dose does not take %s: %s", text,
			      strerror(errno));
	return true;
}

bool proof_clean(void)
{
	char tainted[64];

	if (read_file("/proc/sys/kernel/tainted", tainted, sizeof(tainted)) < 0)
		return refuse("/proc/sys/kernel/tainted: %s", strerror(errno));
	if (strcmp(tainted, "0\n")) {
		tainted[strcspn(tainted, "\n")] = '\0';
		return refuse("the kernel warned: tainted is %s, see the console",
			      tainted);
	}
	return true;
}
