// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/load.h"
#include "../../guest/run.h"
#include "requests.h"

/* Shared with the requester. It writes both; init reads 'took' after 'finished'. */
struct answer {
	__u64 took;
	int finished;	/* requests so far; written with release, read with acquire */
};

static struct requester_here {
	struct answer *answer;
	int orders;	/* a pipe that carries when a request is due */
	int made;	/* requests so far */
	pid_t pid;
} requesters[MAX_REQUESTERS];

static const struct params *params_here;

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void make_requests(void *arg)
{
	struct requester_here *here = arg;
	int finished = 0;
	__u64 due;

	while (read(here->orders, &due, sizeof(due)) == sizeof(due)) {
		sleep_until(due);
		if (!load_drain(params_here))
			fail("requester: drain_now");
		here->answer->took = now_ns() - due;
		/* Pairs with the acquire in requests_unfinished_of(). */
		__atomic_store_n(&here->answer->finished, ++finished, __ATOMIC_RELEASE);
	}
	fail("requester: pipe");
}

static void start(struct requester_here *here, struct answer *answer)
{
	int ends[2];

	if (pipe(ends))
		run_fail("pipe: %s", strerror(errno));
	*here = (struct requester_here){ .answer = answer, .orders = ends[0] };
	here->pid = spawn(0, ROLE_REQUESTER, make_requests, here);
	here->orders = ends[1];
	close(ends[0]);
}

void requests_start(const struct params *params, __u64 nr)
{
	struct answer *answers = load_shared(MAX_REQUESTERS * sizeof(*answers));
	__u64 i;

	if (!nr || nr > MAX_REQUESTERS)
		run_fail("requesters are 1 to %d", MAX_REQUESTERS);
	params_here = params;
	for (i = 0; i < nr; i++)
		start(&requesters[i], &answers[i]);
}

void requests_make(int nr, __u64 due)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (write(requesters[i].orders, &due, sizeof(due)) != sizeof(due))
			run_fail("requester's pipe: %s", strerror(errno));
		requesters[i].made++;
	}
}

bool requests_unfinished_of(int requester)
{
	const struct requester_here *here = &requesters[requester];

	/* Pairs with the release in make_requests(). */
	if (__atomic_load_n(&here->answer->finished, __ATOMIC_ACQUIRE) == here->made)
		return false;
	if (waitpid(here->pid, NULL, WNOHANG))
		run_fail("a requester ended, see the console");
	return true;
}

int requests_unfinished(int nr)
{
	int i, unfinished = 0;

	for (i = 0; i < nr; i++)
		unfinished += requests_unfinished_of(i);
	return unfinished;
}

__u64 requests_took(int requester)
{
	return requesters[requester].answer->took;
}
