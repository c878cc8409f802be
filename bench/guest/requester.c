// SPDX-License-Identifier: GPL-2.0-only
/* The requester: see struct requester. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "marks.h"
#include "random.h"
#include "spin.h"
#include "tasks.h"

#define DRAIN_NOW	"/sys/kernel/debug/pcpu_drain/drain_now"
#define RESIDUE		"/sys/kernel/debug/pcpu_drain/residue"

struct files {
	int drain_now;
	int residue;
};

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static struct files open_files(void)
{
	struct files files = {
		.drain_now = open(DRAIN_NOW, O_WRONLY),
		.residue = open(RESIDUE, O_RDONLY),
	};

	if (files.drain_now < 0)
		fail("requester: " DRAIN_NOW);
	if (files.residue < 0)
		fail("requester: " RESIDUE);
	return files;
}

/* Lines "<class> <cpu> <items>". */
static void read_residue(int fd, const char *class, __u32 *items)
{
	char buf[2048], *line, *save = NULL;
	ssize_t len = pread(fd, buf, sizeof(buf) - 1, 0);

	if (len <= 0)
		fail("requester: " RESIDUE);
	buf[len] = '\0';
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t name = strlen(class);
		unsigned int cpu, count;

		if (strncmp(line, class, name) || line[name] != ' ')
			continue;
		if (sscanf(line + name, " %u %u", &cpu, &count) == 2 &&
		    cpu < MAX_CPUS)
			items[cpu] = count;
	}
}

static void request_drain(int fd, const char *class, __u64 number)
{
	size_t len = strlen(class);
	ssize_t n;

	mark(MARK_REQUEST_BEGIN, number);
	n = write(fd, class, len);
	mark(MARK_REQUEST_END, number);
	if (n != (ssize_t)len)
		fail("requester: " DRAIN_NOW);
}

void requester_run(void *arg)
{
	const struct requester *requester = arg;
	const struct params *params = requester->params;
	struct shared *shared = requester->shared;
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS);
	__u64 *times = calloc(params->requests, sizeof(*times)), i;
	struct files files = open_files();

	if (!times)
		fail("requester: memory");
	random_arrivals(&stream, times, params->requests,
			(params->phase_ms - params->tail_ms) * 1000000);

	for (i = 0; i < params->requests; i++) {
		struct request *request = &shared->requests[i];

		request->due = shared->phase_start + times[i];
		sleep_until(request->due);
		read_residue(files.residue, params->class, request->before);
		request->begin = now_ns();
		if (requester->storm)
			request_drain(files.drain_now, params->class, i);
		request->end = now_ns();
		read_residue(files.residue, params->class, request->after);
		shared->nr_done = i + 1;
	}
}
