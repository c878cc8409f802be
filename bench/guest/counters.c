// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "counters.h"

static const struct {
	const char *name;
	const char *row;	/* in /proc/interrupts */
} about[NR_COUNTERS] = {
	[COUNTER_TIMER]		= { "timer", "LOC" },
	[COUNTER_RESCHEDULE]	= { "reschedule", "RES" },
	[COUNTER_CALL_FUNCTION]	= { "call_function", "CAL" },
	[COUNTER_IRQ_WORK]	= { "irq_work", "IWI" },
	[COUNTER_DEVICE]	= { "device", "a number" },
	[COUNTER_SWITCHES]	= { "switches", "" },
	[COUNTER_PAGE_FAULTS]	= { "page_fault", "" },
};

/* The counter of a row of /proc/interrupts, or NR_COUNTERS. */
static int counter_of(const char *row)
{
	int i;

	if (isdigit(row[0]))
		return COUNTER_DEVICE;
	for (i = 0; i < NR_INTERRUPTS; i++) {
		if (!strncmp(row, about[i].row, strlen(about[i].row)))
			return i;
	}
	return NR_COUNTERS;
}

static void add_row(const char *line, int nr_cpus, struct counters *counters)
{
	const char *row = line + strspn(line, " ");
	char *next = strchr(row, ':');
	int counter = counter_of(row), cpu;

	if (!next || counter == NR_COUNTERS)
		return;
	next++;
	for (cpu = 0; cpu < nr_cpus; cpu++)
		counters->of[counter][cpu] += strtoull(next, &next, 10);
}

static bool read_interrupts(int nr_cpus, struct counters *counters)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[512];

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		add_row(line, nr_cpus, counters);
	fclose(file);
	return true;
}

/* The number after a word at the start of a line. */
static bool read_number(const char *path, const char *word, __u64 *number)
{
	FILE *file = fopen(path, "r");
	size_t len = strlen(word);
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		found = !strncmp(line, word, len) && line[len] == ' ';
		if (found)
			*number = strtoull(line + len, NULL, 10);
	}
	if (file)
		fclose(file);
	return found;
}

bool counters_read(int nr_cpus, struct counters *counters)
{
	*counters = (struct counters){};
	return read_interrupts(nr_cpus, counters) &&
	       read_number("/proc/stat", "ctxt",
			   &counters->of[COUNTER_SWITCHES][0]) &&
	       read_number("/proc/vmstat", "pgfault",
			   &counters->of[COUNTER_PAGE_FAULTS][0]);
}

void counters_send(int nr_cpus, const struct counters *before,
		   const struct counters *after)
{
	int i, cpu;

	for (i = 0; i < NR_COUNTERS; i++) {
		for (cpu = 0; cpu < (i < NR_INTERRUPTS ? nr_cpus : 1); cpu++)
			channel_line("{\"own\":\"%s\",\"cpu\":%d,\"count\":%llu}",
				     about[i].name, i < NR_INTERRUPTS ? cpu : -1,
				     after->of[i][cpu] - before->of[i][cpu]);
	}
}
