// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody asks for a drain of all CPUs: what it costs who asks, what it has
 * other CPUs do, how long it takes, and whether anything is left, by what the
 * owners of the caches do just then.
 */
#include "asker.h"
#include "owner.h"
#include "states.h"
#include "../../guest/files.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"

#define US		1000ULL
#define MS		(1000 * US)
#define SETTLE		(3 * MS)	/* until a tick that restarted has stopped */
#define MAX_STATES	16

static struct owner_task owners[MAX_CPUS];
static int nr_owners;

static void start_owners(const struct cpus *cpus)
{
	int cpu;

	for (cpu = 0; cpu < cpus->nr; cpu++) {
		if (cpu_in_list_file("/sys/devices/system/cpu/nohz_full", cpu))
			owner_start(&owners[nr_owners++], cpu);
	}
}

static bool all_ticks_stopped(void)
{
	int i;

	for (i = 0; i < nr_owners; i++) {
		if (!proof_tick_stopped(owners[i].cpu))
			return false;
	}
	return true;
}

static void order_all(enum order order)
{
	int i;

	for (i = 0; i < nr_owners; i++)
		owner_order(&owners[i], order);
	for (i = 0; i < nr_owners; i++)
		owner_await(&owners[i]);
}

/*
 * All owners spin in user mode, with nothing cached. What a request leaves in
 * user mode may be drained at the next entry.
 */
static bool start_afresh(const struct params *params)
{
	int tries;

	order_all(ORDER_RESET);
	for (tries = 0; tries < 5; tries++) {
		if (!load_drain(params))
			return false;
		order_all(ORDER_ENTER);
		if (!asker_residue())
			return true;
	}
	return false;
}

static void send_answer(int label, __u64 round, const struct answer *answer)
{
	if (answer->in_time)
		load_value(label, round, "completion_ns", answer->completion);
	load_value(label, round, "in_time", answer->in_time);
	load_value(label, round, "met", answer->met);
	load_value(label, round, "found", answer->found);
	load_value(label, round, "left", answer->left);
}

static const char *run_round(const struct params *params, const struct state *state, int label,
			     __u64 round, __u64 *stream)
{
	int nr = state->all ? nr_owners : 1, i;
	struct question question = {
		.label = label,
		.round = round,
		.strict = state->strict,
		.order = state->order,
		.owners = state->met ? nr : 0,
	};
	struct answer answer;

	if (!start_afresh(params))
		return "something stays cached, or drain_now failed";
	for (i = 0; state->enter && i < nr; i++)
		state->enter(&owners[i]);
	question.drawn = now_ns() + SETTLE + random_below(stream, MS);
	asker_ask(&question, &answer);
	for (i = 0; state->leave && i < nr; i++)
		state->leave(&owners[i]);
	asker_await();
	for (i = 0; i < nr; i++)
		owner_await(&owners[i]);
	send_answer(label, round, &answer);
	return NULL;
}

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS), rounds = load_number("rounds");
	__u64 left[MAX_STATES], i;
	const struct state *states;
	int labels[MAX_STATES], nr, state;
	const char *why = NULL;

	states = states_named(load_word("states"), &nr);
	if (!states)
		return "states must be owners, cpus or fifo";
	for (state = 0; state < nr; state++) {
		labels[state] = load_label("%s", states[state].name);
		left[state] = rounds;
	}
	start_owners(cpus);
	if (!nr_owners)
		return "no CPU is isolated";
	asker_start(params, owners, nr_owners);
	if (!all_ticks_stopped())
		return proof_why;
	for (i = 0; !why && i < nr * rounds; i++) {
		do
			state = random_below(&stream, nr);
		while (!left[state]);
		left[state]--;
		why = run_round(params, &states[state], labels[state], i, &stream);
	}
	return why;
}
