// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload: the same two phases for every kernel, one without requests
 * for drains, one with them. Same tasks, same random times, same length.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "files.h"
#include "marks.h"
#include "random.h"
#include "spin.h"
#include "tasks.h"
#include "workload.h"

#define DEBUGFS	"/sys/kernel/debug/pcpu_drain"
#define US	1000ULL
#define MS	(1000 * US)

/* Between the decision to start a phase and its start, for all to be ready. */
#define PHASE_LEAD (5 * MS)

static struct shared *shared;
static pid_t owner_pid;

static const char *const phase_names[] = {
	[PHASE_QUIET] = "quiet",
	[PHASE_STORM] = "storm",
};

void workload_start(const struct params *params, const struct cpus *cpus)
{
	struct ballast ballast = { .params = params };
	struct owner owner;
	int cpu;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("init: shared memory");
		abort();
	}
	memset(shared, 0, sizeof(*shared));
	owner = (struct owner){ .params = params, .shared = shared };
	ballast.shared = shared;
	for (cpu = 0; cpu < cpus->nr; cpu++) {
		if (cpu == cpus->isolated || !params->ballast)
			continue;
		ballast.dithers = !cpu && params->metronome && params_dither(params);
		spawn(cpu, ROLE_BALLAST, ballast_run, &ballast);
	}
	owner_pid = spawn(cpus->isolated, ROLE_OWNER, owner_run, &owner);
}

static bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/* Both phases start with empty caches and, in the facade, zeroed counters. */
static bool drain_and_clear(const char *class)
{
	struct stat st;

	if (!write_file(DEBUGFS "/drain_now", class))
		return false;
	return stat(DEBUGFS "/clear", &st) || write_file(DEBUGFS "/clear", "1");
}

static const char *join(char *to, const __u32 *items, int nr)
{
	int i, len = 0;

	for (i = 0; i < nr; i++)
		len += sprintf(to + len, i ? ",%u" : "%u", items[i]);
	return to;
}

static void send_request(__u64 number, const struct request *r, int nr_cpus)
{
	char times[128], before[16 * MAX_CPUS], after[16 * MAX_CPUS];
	__u64 start = shared->phase_start;

	snprintf(times, sizeof(times),
		 "\"due_ns\":%llu,\"begin_ns\":%llu,\"end_ns\":%llu",
		 r->due - start, r->begin - start, r->end - start);
	channel_line("{\"request\":%llu,%s,\"before\":[%s],\"after\":[%s]}",
		     number, times, join(before, r->before, nr_cpus),
		     join(after, r->after, nr_cpus));
}

/* Before the next phase, which writes over the requests and clears the rest. */
static void send_storm(int nr_cpus)
{
	__u64 i;

	for (i = 0; i < shared->nr_done; i++)
		send_request(i, &shared->requests[i], nr_cpus);
	channel_file("stats", DEBUGFS "/stats", false);
	channel_file("hist", DEBUGFS "/hist", false);
	channel_file("residue", DEBUGFS "/residue", false);
}

static void send_phase(int phase, __u64 marked_end)
{
	char path[64], key[64], fills[128];

	snprintf(fills, sizeof(fills), "\"fills\":%llu,\"fill_late_max_ns\":%llu",
		 shared->fills_done[phase], shared->fill_late_max[phase]);
	channel_line("{\"phase\":\"%s\",\"length_ns\":%llu,\"requests\":%llu,%s}",
		     phase_names[phase], marked_end - shared->phase_start,
		     phase == PHASE_STORM ? shared->nr_done : 0, fills);
	snprintf(path, sizeof(path), "/tmp/%s.json", phase_names[phase]);
	snprintf(key, sizeof(key), "cyclictest_%s", phase_names[phase]);
	channel_file(key, path, true);
}

/* A mark's number is part of an instruction, so it must be a constant. */
static void mark_begin(int phase)
{
	if (phase == PHASE_QUIET)
		mark(MARK_QUIET_BEGIN, 0);
	else
		mark(MARK_STORM_BEGIN, 0);
}

static void mark_end(int phase)
{
	if (phase == PHASE_QUIET)
		mark(MARK_QUIET_END, 0);
	else
		mark(MARK_STORM_END, 0);
}

/*
 * Starting and stopping cyclictest lies outside of the marks: its histogram
 * covers a little more than the phase, its share of the counts exactly it.
 */
static const char *run_phase(const struct params *params,
			     const struct cpus *cpus, int phase, __u64 offset)
{
	struct requester requester = {
		.params = params,
		.shared = shared,
		.isolated = cpus->isolated,
		.storm = phase == PHASE_STORM,
	};
	struct cyclictest cyclictest = { .cpu = cpus->isolated };
	__u64 start, end, end_mark;
	pid_t cyclictest_pid, requester_pid;
	char json[64];

	if (!drain_and_clear(params->class))
		return "drain_now or clear failed";
	snprintf(json, sizeof(json), "/tmp/%s.json", phase_names[phase]);
	cyclictest.json = json;
	cyclictest_pid = spawn(0, ROLE_CYCLICTEST, cyclictest_run, &cyclictest);
	sleep_until(now_ns() + params->settle_ms * MS + offset);

	start = now_ns() + PHASE_LEAD;
	end = start + params->phase_ms * MS;
	shared->phase_start = start;
	shared->nr_done = 0;
	/* Pairs with the acquire in owner_run(). */
	__atomic_store_n(&shared->phase, phase, __ATOMIC_RELEASE);
	requester_pid = spawn(0, ROLE_REQUESTER, requester_run, &requester);

	sleep_until(start);
	mark_begin(phase);
	sleep_until(end);
	mark_end(phase);
	end_mark = now_ns();

	if (!ended_well(requester_pid))
		return "the requester failed, see the console";
	kill(cyclictest_pid, SIGTERM);
	if (!ended_well(cyclictest_pid))
		return "cyclictest failed, see the console";
	if (waitpid(owner_pid, NULL, WNOHANG))
		return "the owner ended, see the console";
	if (shared->fills_done[phase] != params->fills)
		return "the owner did not fill as often as asked";
	if (shared->nr_done != params->requests)
		return "the requester did not ask as often as asked";
	if (shared->requests[params->requests - 1].end > end)
		return "the last drain ended after the phase: take a longer tail_ms";
	send_phase(phase, end_mark);
	if (phase == PHASE_STORM)
		send_storm(cpus->nr);
	return NULL;
}

const char *workload_run(const struct params *params, const struct cpus *cpus)
{
	__u64 stream = random_stream(params->seed, STREAM_PHASES), offset[3];
	int first = PHASE_QUIET, second = PHASE_STORM;
	const char *why;

	/* Up to a period of cyclictest: its phase is drawn anew each time. */
	offset[PHASE_QUIET] = random_below(&stream, MS) + params->phase_us * US;
	offset[PHASE_STORM] = random_below(&stream, MS) + params->phase_us * US;
	if (params_storm_first(params)) {
		first = PHASE_STORM;
		second = PHASE_QUIET;
	}
	why = run_phase(params, cpus, first, offset[first]);
	if (!why)
		why = run_phase(params, cpus, second, offset[second]);
	/* With order, metronome, dither, pad and requests all that a seed draws. */
	channel_line("{\"drawn\":{\"first_fill_ns\":%llu,\"first_turn\":%llu,\"offset_ns\":%llu}}",
		     shared->first_fill, shared->first_turn, offset[PHASE_STORM]);
	return why;
}
