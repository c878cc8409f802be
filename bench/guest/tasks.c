// SPDX-License-Identifier: GPL-2.0-only
/* What all processes of the workload need. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "marks.h"
#include "tasks.h"

bool pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

void sleep_until(__u64 when)
{
	struct timespec time = { when / 1000000000, when % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) ==
	       EINTR)
		;
}

pid_t spawn(int cpu, int role, void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	mark(MARK_ROLE, role);
	/* Timers exactly when they are due, not up to 50 us later. */
	if (!pin(cpu) || prctl(PR_SET_TIMERSLACK, 1)) {
		perror("init: a task of the workload");
		_exit(1);
	}
	run(arg);
	_exit(0);
}
