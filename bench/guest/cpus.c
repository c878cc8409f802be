// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "files.h"
#include "marks.h"
#include "run.h"
#include "tasks.h"
#include "workload.h"

void cpus_number(struct cpus *cpus)
{
	int cpu;

	cpus->nr = sysconf(_SC_NPROCESSORS_ONLN);
	cpus->isolated = -1;
	if (cpus->nr > MAX_CPUS)
		run_fail("more than %d CPUs", MAX_CPUS);
	for (cpu = 0; cpu < cpus->nr; cpu++) {
		if (!pin(cpu))
			run_fail("CPU %d: %s", cpu, strerror(errno));
		mark(MARK_CPU, cpu);
		if (cpus->isolated < 0 &&
		    cpu_in_list_file("/sys/devices/system/cpu/nohz_full", cpu))
			cpus->isolated = cpu;
	}
	if (!pin(0))
		run_fail("CPU 0: %s", strerror(errno));
	channel_line("{\"cpus\":%d,\"isolated\":%d}", cpus->nr, cpus->isolated);
}
