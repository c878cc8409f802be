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
#define DOSE		"/sys/kernel/debug/bench_dose"
#define RESIDUE		"/sys/kernel/debug/pcpu_drain/residue"

/* Where to write what, to have a drain or a dose. */
struct trigger {
	const char *path;
	char text[32];
	int fd;
};

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		fail(path);
	return fd;
}

static struct trigger open_trigger(const struct requester *requester)
{
	const struct params *params = requester->params;
	struct trigger trigger = { .path = DRAIN_NOW };

	if (params_storm_is(params, "dose")) {
		/* Self test of the control by doses: none arrives. */
		trigger.path = strcmp(params->inject, "no-dose") ? DOSE : "/dev/null";
		snprintf(trigger.text, sizeof(trigger.text), "%d %llu",
			 requester->isolated, params->dose);
	} else {
		snprintf(trigger.text, sizeof(trigger.text), "%s", params->class);
	}
	trigger.fd = open_file(trigger.path, O_WRONLY);
	return trigger;
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

static void pull(const struct trigger *trigger, __u64 number)
{
	size_t len = strlen(trigger->text);
	ssize_t n;

	mark(MARK_REQUEST_BEGIN, number);
	n = write(trigger->fd, trigger->text, len);
	mark(MARK_REQUEST_END, number);
	if (n != (ssize_t)len)
		fail(trigger->path);
}

void requester_run(void *arg)
{
	const struct requester *requester = arg;
	const struct params *params = requester->params;
	struct shared *shared = requester->shared;
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS);
	__u64 *times = calloc(params->requests, sizeof(*times)), i;
	struct trigger trigger = open_trigger(requester);
	int residue = open_file(RESIDUE, O_RDONLY);

	if (!times)
		fail("requester: memory");
	random_arrivals(&stream, times, params->requests,
			(params->phase_ms - params->tail_ms) * 1000000);

	for (i = 0; i < params->requests; i++) {
		struct request *request = &shared->requests[i];

		request->due = shared->phase_start + times[i];
		sleep_until(request->due);
		read_residue(residue, params->class, request->before);
		request->begin = now_ns();
		if (requester->storm)
			pull(&trigger, i);
		request->end = now_ns();
		read_residue(residue, params->class, request->after);
		shared->nr_done = i + 1;
	}
}
