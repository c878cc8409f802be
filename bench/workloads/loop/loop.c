// SPDX-License-Identifier: GPL-2.0-only
/*
 * A control loop: its timer wakes the owner once a period for one cycle of work.
 * First nobody drains. Then, in random order, a period has no drain, or another
 * CPU asks for one while the owner works, or while it slept before.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cycle.h"
#include "../common/load.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"

#define US		1000ULL
#define MAX_TOUCHES	16
#define MAX_ROUNDS	1000
#define WARM_UP		62	/* periods: twice as many new pages as a folio batch takes */
#define MAX_PERIODS	(WARM_UP + 3 * MAX_ROUNDS)
#define SET_UP		(20000 * US)
#define WAKE_UP		(400 * US)	/* init is awake by then, with slower or more CPUs too */

enum kind { UNDRAINED, QUIET, INSIDE, OUTSIDE, NR_KINDS, WARMING = -1 };

static const char *const kind_names[NR_KINDS] = {
	[UNDRAINED]	= "undrained",
	[QUIET]		= "quiet",
	[INSIDE]	= "drained inside",
	[OUTSIDE]	= "drained outside",
};

/*
 * A plan that init makes, and what became of it; times in ns since the period was
 * due. The owner reads the plan of before its fork, and writes marked and cycle,
 * which init reads when the owner has ended (waitpid).
 */
struct period {
	int kind;
	__s64 drain;	/* if the kind has one: when it is to begin, */
	__s64 begins;	/* and when it did */
	__s64 cycle;	/* the owner's work was done */
	bool marked;	/* it was in time, so that there is a window */
};

static struct period *periods;	/* shared */
static __u64 nr_periods;
static __u64 first_due;

static __u64 length;		/* of a period, in ns */
static __u64 priority;		/* of the owner, SCHED_FIFO; 0: it is SCHED_OTHER */
static struct cycle cycle;

static __u64 due(__u64 number)
{
	return first_due + number * length;
}

/* ---- The owner ---- */

static void set_up(void)
{
	struct sched_param param = { .sched_priority = priority };
	__u64 i;

	cycle_set_up(&cycle, nr_periods);
	/* A fork does not copy the page tables of shared memory. */
	for (i = 0; i < nr_periods; i++)
		periods[i].cycle = 0;
	if (priority && sched_setscheduler(0, SCHED_FIFO, &param)) {
		perror("owner: SCHED_FIFO");
		_exit(1);
	}
	if (now_ns() > due(0)) {
		fprintf(stderr, "owner: its first period was due before it was set up\n");
		_exit(1);
	}
}

static void owner(void *labels)
{
	__u64 i;

	set_up();
	for (i = 0; i < nr_periods; i++) {
		struct period *period = &periods[i];
		/* Without a sleep there is no timer interrupt. */
		bool marked = period->kind != WARMING && now_ns() < due(i);
		int label = marked ? ((int *)labels)[period->kind] : 0;

		if (marked)
			window_at_timer(label, i);
		sleep_until(due(i));
		cycle_run(&cycle);
		if (marked)
			window_end_here(label, i);
		period->marked = marked;
		period->cycle = now_ns() - due(i);
	}
}

/* ---- Init, which asks for drains ---- */

/* Exactly: init's timers are up to 50 us late, which is as long as a cycle. */
static void wait_until(__u64 when)
{
	sleep_until(when - WAKE_UP);
	while (now_ns() < when)
		;
}

static bool is_drained(const struct period *period)
{
	return period->kind == INSIDE || period->kind == OUTSIDE;
}

static const char *drain_as_planned(const struct params *params)
{
	__u64 i;

	for (i = 0; i < nr_periods; i++) {
		struct period *period = &periods[i];

		if (!is_drained(period))
			continue;
		wait_until(due(i) + period->drain);
		period->begins = now_ns() - due(i);
		if (!load_drain(params))
			return "drain_now failed";
	}
	return NULL;
}

static void send(const int *labels)
{
	__u64 i;

	for (i = 0; i < nr_periods; i++) {
		struct period *period = &periods[i];
		int label;

		if (!period->marked)
			continue;
		label = labels[period->kind];
		load_value(label, i, "cycle_ns", period->cycle);
		if (period->kind == INSIDE)
			load_value(label, i, "drain_after_ns", period->begins);
		/* 0: it began when the period was due already. */
		if (period->kind == OUTSIDE)
			load_value(label, i, "drain_before_ns",
				   period->begins < 0 ? -period->begins : 0);
	}
}

/* Run what is planned, by an owner of its own. */
static const char *run(const struct params *params, int cpu, int *labels)
{
	const char *why;
	pid_t pid;

	first_due = now_ns() + SET_UP;
	pid = spawn(cpu, ROLE_OWNER, owner, labels);
	why = drain_as_planned(params);
	if (why)
		return why;
	if (!load_wait(pid))
		return "the owner failed, see the console";
	send(labels);
	return NULL;
}

/* ---- What is planned ---- */

static void plan_undrained(__u64 rounds)
{
	__u64 i;

	nr_periods = WARM_UP + rounds;
	for (i = 0; i < nr_periods; i++)
		periods[i] = (struct period){ .kind = i < WARM_UP ? WARMING : UNDRAINED };
}

static int compare(const void *a, const void *b)
{
	__s64 x = *(const __s64 *)a, y = *(const __s64 *)b;

	return x < y ? -1 : x > y;
}

/* How long a cycle took that nobody disturbed. */
static __u64 usual_cycle(void)
{
	static __s64 cycles[MAX_PERIODS];
	__u64 i, nr = 0;

	for (i = WARM_UP; i < nr_periods; i++)
		cycles[nr++] = periods[i].cycle;
	qsort(cycles, nr, sizeof(cycles[0]), compare);
	return cycles[nr / 2];
}

/* Outside: in the middle half of the period before, so that the drain ends in time. */
static __s64 draw_drain(int kind, __u64 *stream, __u64 usual)
{
	if (kind == INSIDE)
		return random_below(stream, usual);
	return (__s64)random_below(stream, length / 2) - (__s64)(length * 3 / 4);
}

static void plan_mixed(const struct params *params, __u64 *left, __u64 usual)
{
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS), i;

	nr_periods = WARM_UP + left[QUIET] + left[INSIDE] + left[OUTSIDE];
	for (i = 0; i < nr_periods; i++) {
		int kind = WARMING;

		while (i >= WARM_UP && (kind == WARMING || !left[kind]))
			kind = QUIET + random_below(&stream, NR_KINDS - QUIET);
		periods[i] = (struct period){ .kind = kind };
		if (kind != WARMING)
			left[kind]--;
		if (is_drained(&periods[i]))
			periods[i].drain = draw_drain(kind, &stream, usual);
	}
}

static void spin_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		spin_block();
}

static bool tick_stops(int cpu)
{
	pid_t pid = spawn(cpu, ROLE_OWNER, spin_for_ever, NULL);
	bool stops = proof_tick_stopped(cpu);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return stops;
}

static const char *read_parameters(__u64 *wanted)
{
	__u64 period = load_number("period_us");
	int kind;

	wanted[UNDRAINED] = load_number("undrained");
	wanted[QUIET] = load_number("quiet");
	wanted[INSIDE] = load_number("inside");
	wanted[OUTSIDE] = load_number("outside");
	priority = load_number("priority");
	cycle = (struct cycle){
		.touches = load_number("touches"),
		.calls = load_number("calls"),
		.blocks = load_number("blocks"),
	};
	for (kind = 0; kind < NR_KINDS; kind++) {
		if (wanted[kind] > MAX_ROUNDS)
			return "a label has at most " STRING(MAX_ROUNDS) " rounds";
	}
	if (!wanted[UNDRAINED])
		return "undrained is 1 or more";
	if (period < 1000 || period > 1000000)
		return "period_us is 1000 to 1000000";
	if (cycle.touches > MAX_TOUCHES)
		return "touches is at most " STRING(MAX_TOUCHES);
	length = period * US;
	return NULL;
}

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	int labels[NR_KINDS], kind;
	__u64 wanted[NR_KINDS];
	const char *why = read_parameters(wanted);

	if (why)
		return why;
	periods = load_shared(MAX_PERIODS * sizeof(*periods));
	for (kind = 0; kind < NR_KINDS; kind++)
		labels[kind] = load_label("%s", kind_names[kind]);
	if (!tick_stops(cpus->isolated))
		return proof_why;
	plan_undrained(wanted[UNDRAINED]);
	why = run(params, cpus->isolated, labels);
	if (why)
		return why;
	if (usual_cycle() > length / 2)
		return "a cycle takes more than half of its period";
	if (!(wanted[QUIET] + wanted[INSIDE] + wanted[OUTSIDE]))
		return NULL;
	plan_mixed(params, wanted, usual_cycle());
	return run(params, cpus->isolated, labels);
}
