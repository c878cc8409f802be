// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "operations.h"
#include "symbols.h"

/* Instructions of one repetition in one function. */
struct share {
	unsigned int function;
	unsigned int instructions;
	unsigned int atomics;
};

/* Repetitions that counted the same. */
struct outcome {
	struct op_counts counts;
	unsigned int times;
	struct share *shares;	/* of the first of them */
	size_t nr_shares;
};

static __u64 current_op;
static int current_cpu = -1;
static struct op_counts at_begin;

static struct share shares[MAX_FUNCTIONS];
static unsigned int touched[MAX_FUNCTIONS];
static size_t nr_touched;

static struct outcome *outcomes;
static size_t nr_outcomes;

bool op_is_new(__u64 op, int cpu)
{
	return op != current_op || cpu != current_cpu;
}

void op_begin(__u64 op, int cpu, const struct op_counts *now)
{
	current_op = op;
	current_cpu = cpu;
	at_begin = *now;
	while (nr_touched)
		shares[touched[--nr_touched]] = (struct share){};
}

void op_count(unsigned int function, unsigned int instructions,
	      unsigned int atomics)
{
	struct share *share = &shares[function];

	if (!share->instructions)
		touched[nr_touched++] = function;
	share->function = function;
	share->instructions += instructions;
	share->atomics += atomics;
}

static struct outcome *outcome_of(const struct op_counts *counts)
{
	struct outcome *grown;
	size_t i;

	for (i = 0; i < nr_outcomes; i++) {
		if (!memcmp(&outcomes[i].counts, counts, sizeof(*counts)))
			return &outcomes[i];
	}
	grown = realloc(outcomes, (nr_outcomes + 1) * sizeof(*outcomes));
	if (!grown)
		return NULL;
	outcomes = grown;
	outcomes[nr_outcomes] = (struct outcome){ .counts = *counts };
	return &outcomes[nr_outcomes++];
}

static bool keep_shares(struct outcome *outcome)
{
	size_t i;

	outcome->nr_shares = nr_touched;
	outcome->shares = calloc(nr_touched + 1, sizeof(*outcome->shares));
	for (i = 0; outcome->shares && i < nr_touched; i++)
		outcome->shares[i] = shares[touched[i]];
	return outcome->shares;
}

bool op_end(const struct op_counts *now)
{
	const struct op_counts counts = {
		.kernel = now->kernel - at_begin.kernel,
		.atomics = now->atomics - at_begin.atomics,
		.switches = now->switches - at_begin.switches,
		.entries = now->entries - at_begin.entries,
	};
	struct outcome *outcome = outcome_of(&counts);

	return outcome && (outcome->times++ || keep_shares(outcome));
}

static int by_address(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return x->function < y->function ? -1 : x->function > y->function;
}

static unsigned int write_shares(FILE *out, const struct outcome *outcome)
{
	size_t i;

	qsort(outcome->shares, outcome->nr_shares, sizeof(*outcome->shares),
	      by_address);
	for (i = 0; i < outcome->nr_shares; i++) {
		const struct share *share = &outcome->shares[i];

		fprintf(out, "{\"function\":[%llu,%d,\"%s\",%u,%u]}\n",
			current_op, current_cpu,
			symbols_function_name(share->function),
			share->instructions, share->atomics);
	}
	return outcome->nr_shares;
}

/* The least that three in ten repetitions took; if no three in ten agree, what most took. */
static const struct outcome *usual(void)
{
	const struct outcome *least = NULL, *most = NULL;
	unsigned int times = 0;
	size_t i;

	for (i = 0; i < nr_outcomes; i++)
		times += outcomes[i].times;
	for (i = 0; i < nr_outcomes; i++) {
		const struct outcome *outcome = &outcomes[i];

		if (!most || outcome->times > most->times)
			most = outcome;
		if (10 * outcome->times >= 3 * times &&
		    (!least || outcome->counts.kernel < least->counts.kernel))
			least = outcome;
	}
	return least ? least : most;
}

unsigned int op_write(FILE *out)
{
	const struct outcome *shown = usual();
	unsigned int lines = nr_outcomes;
	size_t i;

	for (i = 0; i < nr_outcomes; i++) {
		const struct outcome *outcome = &outcomes[i];

		fprintf(out, "{\"op\":[%llu,%d,%u,%llu,%llu,%llu,%llu]}\n",
			current_op, current_cpu, outcome->times,
			outcome->counts.kernel, outcome->counts.atomics,
			outcome->counts.switches, outcome->counts.entries);
	}
	if (shown)
		lines += write_shares(out, shown);
	while (nr_outcomes)
		free(outcomes[--nr_outcomes].shares);
	free(outcomes);
	outcomes = NULL;
	return lines;
}
