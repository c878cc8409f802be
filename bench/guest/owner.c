// SPDX-License-Identifier: GPL-2.0-only
/* The owner: see struct owner. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "random.h"
#include "spin.h"
#include "tasks.h"

/* Who fills the caches of the class that the workload drains. */
static const struct guest_client *client_of(const char *class)
{
	const struct guest_client *client;

	for (client = clients; client; client = client->next)
		if (!strcmp(client->class, class) && client->fill)
			return client;
	client_fail("owner: no client's guest.c fills that class");
}

static void fill_in_phase(const struct owner *owner, const __u64 *times,
			  const struct guest_client *client, int phase)
{
	__u64 start = owner->shared->phase_start, i;

	for (i = 0; i < owner->params->fills; i++) {
		__u64 now, due = start + times[i];

		while ((now = now_ns()) < due)
			spin_block();
		if (now - due > owner->shared->fill_late_max[phase])
			owner->shared->fill_late_max[phase] = now - due;
		client->fill(i);
		owner->shared->fills_done[phase] = i + 1;
	}
	client->next_phase();
}

void owner_run(void *arg)
{
	const struct owner *owner = arg;
	const struct params *params = owner->params;
	__u64 *times = calloc(params->fills, sizeof(*times));
	__u64 stream = random_stream(params->seed, STREAM_FILLS);
	const struct guest_client *client = client_of(params->class);
	int phase = PHASE_NONE;

	if (!times)
		client_fail("owner: memory");
	client->begin(params);
	random_arrivals(&stream, times, params->fills,
			(params->phase_ms - params->tail_ms) * 1000000);
	owner->shared->first_fill = times[0];
	now_ns();

	for (;;) {
		/* Pairs with the release in run_phase(). */
		int next = __atomic_load_n(&owner->shared->phase,
					   __ATOMIC_ACQUIRE);

		if (next == phase) {
			spin_block();
			continue;
		}
		phase = next;
		if (phase != PHASE_NONE)
			fill_in_phase(owner, times, client, phase);
	}
}
