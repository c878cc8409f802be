// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loop that polls in user mode. Rounds, in random order: the owner's CPU has
 * something cached or not, somebody asks for a drain or does not, and a window
 * shows what that takes from the owner.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/load.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"
#include "../../guest/run.h"
#include "debugfs.h"
#include "poller.h"
#include "requests.h"

#define US		1000ULL
#define MS		(1000 * US)
#define LEAD		(200 * US)	/* a window begins so long before its request is due */
#define BEFORE		(1500 * US)	/* and a look at what is before it so long before that */
#define LOOK		(100 * US)	/* how often a late request is looked at */
#define PATIENCE	(3 * MS)	/* with one whose owner could give way */
#define MAX_RESTS	100

/* What happens in a round. */
enum kind {
	DRAIN,
	EMPTY,
	QUIET,
	CROWD,		/* several requests at once */
	LONG_QUIET,	/* longer than the period of vmstat */
	MEMBARRIER,	/* an interrupt that is no strategy's business */
	NR_KINDS
};

static struct about {
	int label;
	__u64 rounds;		/* still to be run */
	int requests;
	__u64 settle;		/* ns that the CPU has to become quiet */
	__u64 window;		/* ns from when the request is due */
	__u64 limit;		/* as well, if a request is not finished by then */
} kinds[NR_KINDS];

/* Windows before and within those of drains show that longer ones would have no more. */
static struct {
	int before, late;	/* labels */
	__u64 left;		/* so many drains still have them */
} margins;

static const struct params *bench;
static int measured;
static bool rests;		/* the owner sleeps once before a round */

static void interrupt_owner(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0))
		run_fail("membarrier: %s", strerror(errno));
}

static void describe_kinds(void)
{
	const struct about usual = {
		.settle = load_number("settle_us") * US,
		.window = load_number("window_us") * US,
		.limit = load_number("limit_us") * US,
	};
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		kinds[kind] = usual;
	kinds[DRAIN].label = load_label("drain");
	kinds[DRAIN].rounds = load_number("drains");
	kinds[DRAIN].requests = 1;

	kinds[EMPTY].label = load_label("drain of an empty cache");
	kinds[EMPTY].rounds = load_number("empties");
	kinds[EMPTY].requests = 1;

	kinds[QUIET].label = load_label("quiet");
	kinds[QUIET].rounds = load_number("quiets");

	kinds[CROWD].label = load_label("requests at once");
	kinds[CROWD].rounds = load_number("crowds");
	kinds[CROWD].requests = load_number("requesters");
	kinds[CROWD].limit = load_number("crowd_limit_us") * US;

	kinds[LONG_QUIET].label = load_label("long quiet");
	kinds[LONG_QUIET].rounds = load_number("long_quiets");
	kinds[LONG_QUIET].settle = load_number("long_settle_us") * US;
	kinds[LONG_QUIET].window = load_number("long_quiet_us") * US;

	kinds[MEMBARRIER].label = load_label("membarrier");
	kinds[MEMBARRIER].rounds = load_number("membarriers");

	margins.before = load_label("before a drain");
	margins.late = load_label("late after a drain");
	margins.left = load_number("margins");
	if (usual.settle < BEFORE || usual.window < LOOK || usual.limit < usual.window)
		run_fail("settle_us, window_us or limit_us is too short");
}

/*
 * The owner sleeps only if it must: when it has, its tick takes longer to stop
 * after drains, and the timer of the fair server runs.
 */
static void let_through(int requests)
{
	int tries = 0;

	while (requests_unfinished(requests)) {
		if (tries++ == MAX_RESTS)
			run_fail("a request does not return, though the owner sleeps");
		poller_does(REST);
	}
}

/* What was only posted is drained when the owner has been in the kernel. */
static void empty_cache(void)
{
	__u64 until = now_ns() + PATIENCE;

	requests_make(1, now_ns());
	while (requests_unfinished(1) && now_ns() < until)
		sleep_until(now_ns() + LOOK);
	let_through(1);
	poller_does(ENTER_KERNEL);
	if (residue_of(bench->class, measured))
		run_fail("a drain left something, though its owner has been in the kernel");
}

static void window_before(__u64 due, __u64 round)
{
	sleep_until(due - LEAD - BEFORE);
	window_begin(margins.before, round);
	sleep_until(due - LEAD);
	window_end(margins.before, round);
}

static void window_late(__u64 due, __u64 window, __u64 round)
{
	sleep_until(due + window * 2 / 3);
	window_begin(margins.late, round);
	sleep_until(due + window);
	window_end(margins.late, round);
}

/* After a late request a window goes on for its usual time, up to the limit. */
static void wait_for_requests(const struct about *about, __u64 due)
{
	__u64 now, last = due + about->limit;

	if (!requests_unfinished(about->requests))
		return;
	while ((now = now_ns()) < last && requests_unfinished(about->requests))
		sleep_until(now + LOOK < last ? now + LOOK : last);
	if (now + about->window < last)
		last = now + about->window;
	sleep_until(last);
}

static void run_window(enum kind kind, __u64 due, __u64 round, bool margin)
{
	const struct about *about = &kinds[kind];

	if (margin)
		window_before(due, round);
	sleep_until(due - LEAD);
	window_begin(about->label, round);
	if (now_ns() > due)
		run_fail("a window began when its request was due already");
	sleep_until(due);
	if (kind == MEMBARRIER)
		interrupt_owner();
	if (margin)
		window_late(due, about->window, round);
	sleep_until(due + about->window);
	wait_for_requests(about, due);
	window_end(about->label, round);
}

static void tell_requests(const struct about *about, __u64 round)
{
	int i;

	if (about->requests)
		load_value(about->label, round, "unfinished",
			   requests_unfinished(about->requests));
	for (i = 0; i < about->requests; i++) {
		if (!requests_unfinished_of(i))
			load_value(about->label, round, "completion_ns", requests_took(i));
	}
}

static void run_round(enum kind kind, __u64 round, __u64 *stream)
{
	const struct about *about = &kinds[kind];
	bool margin = kind == DRAIN && margins.left;
	__u64 due;

	empty_cache();
	poller_does(REFILL);
	if (kind == EMPTY)
		empty_cache();
	if (rests && kind != LONG_QUIET)
		poller_does(REST);
	load_value(about->label, round, "items_before", residue_of(bench->class, measured));
	due = now_ns() + about->settle + LEAD + random_below(stream, MS);
	requests_make(about->requests, due);
	run_window(kind, due, round, margin);
	margins.left -= margin;
	load_value(about->label, round, "items_after", residue_of(bench->class, measured));
	tell_requests(about, round);
	let_through(about->requests);
}

static enum kind draw(__u64 *stream)
{
	enum kind kind;

	do
		kind = random_below(stream, NR_KINDS);
	while (!kinds[kind].rounds);
	kinds[kind].rounds--;
	return kind;
}

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS), round, rounds = 0;
	__u64 requesters = load_number("requesters");
	int kind;

	/* Windows begin exactly when they are to, not up to 50 us later. */
	if (prctl(PR_SET_TIMERSLACK, 1))
		return "PR_SET_TIMERSLACK is refused";
	bench = params;
	measured = load_measured(cpus);
	rests = load_number("rests");
	describe_kinds();
	for (kind = 0; kind < NR_KINDS; kind++)
		rounds += kinds[kind].rounds;
	if (!load_number("fair_server"))
		fair_server_stop(measured);
	poller_start(measured, load_word("policy"), load_number("fills"));
	requests_start(params, requesters);
	if (cpus->isolated >= 0 && !proof_tick_stopped(measured))
		return proof_why;
	/* The first request of each opens files. */
	requests_make(requesters, now_ns());
	let_through(requesters);
	for (round = 0; round < rounds; round++)
		run_round(draw(&stream), round, &stream);
	return NULL;
}
