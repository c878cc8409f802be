// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ballast. Guest time is shared by the CPUs that are busy; if a CPU is always
 * busy, an arm whose requester sleeps gains no time by it.
 */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "spin.h"
#include "tasks.h"

void ballast_run(void *unused)
{
	struct sched_param param = { 0 };

	(void)unused;
	if (sched_setscheduler(0, SCHED_IDLE, &param)) {
		perror("ballast: SCHED_IDLE");
		_exit(1);
	}
	for (;;)
		spin_block();
}
