// SPDX-License-Identifier: GPL-2.0-only
/* Debian's cyclictest, one FIFO thread of 1 ms on the isolated CPU. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tasks.h"

void cyclictest_run(void *arg)
{
	const struct cyclictest *cyclictest = arg;
	char affinity[16], json[64];

	/* With -h it prints the histogram as well: it is in the JSON. */
	if (!freopen("/dev/null", "w", stdout)) {
		perror("cyclictest: /dev/null");
		_exit(1);
	}
	snprintf(affinity, sizeof(affinity), "-a%d", cyclictest->cpu);
	snprintf(json, sizeof(json), "--json=%s", cyclictest->json);
	execl("/usr/bin/cyclictest", "cyclictest", "-q", "-m", "-t1", affinity,
	      "--mainaffinity=0", "-p95", "-i1000", "-h200", json, NULL);
	perror("cyclictest");
	_exit(1);
}
