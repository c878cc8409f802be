// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../guest/files.h"
#include "../../guest/run.h"
#include "debugfs.h"

#define RESIDUE "/sys/kernel/debug/pcpu_drain/residue"

__u64 residue_of(const char *class, int cpu)
{
	static char text[4096];
	char *line, *save = NULL;

	if (read_file(RESIDUE, text, sizeof(text)) < 0)
		run_fail(RESIDUE ": %s", strerror(errno));
	/* Lines "<class> <cpu> <items>". */
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned int items;
		char name[32];
		int of;

		if (sscanf(line, "%31s %d %u", name, &of, &items) == 3 &&
		    of == cpu && !strcmp(name, class))
			return items;
	}
	run_fail(RESIDUE " has no line of %s and CPU %d", class, cpu);
}

static void write_or_fail(const char *path, const char *text)
{
	if (!write_file(path, text))
		run_fail("%s: %s", path, strerror(errno));
}

void fair_server_stop(int cpu)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/sched/fair_server/cpu%d/runtime",
		 cpu);
	write_or_fail(path, "0\n");
	/* It had the same purpose before, and still has where the scheduler groups RT tasks. */
	write_or_fail("/proc/sys/kernel/sched_rt_runtime_us", "-1\n");
}
