// SPDX-License-Identifier: GPL-2.0-only
#include "windows.h"

#define MAX_LABELS	128
#define MAX_NUMBERS	16	/* CPUs of a guest */

/* What a CPU had counted when a window began. */
struct snapshot {
	bool open;
	__u64 arg;
	__u64 longest;	/* absence from user mode that ended in the window */
	struct counters then;
};

static struct snapshot snapshots[MAX_LABELS][MAX_NUMBERS];

static struct snapshot *snapshot_of(__u64 arg, int number)
{
	__u64 label = WINDOW_LABEL(arg);

	if (label >= MAX_LABELS || number >= MAX_NUMBERS)
		return NULL;
	return &snapshots[label][number];
}

bool windows_begin(__u64 arg, int number, const struct counters *cpu)
{
	struct snapshot *snapshot = snapshot_of(arg, number);

	if (!snapshot || snapshot->open)
		return false;
	*snapshot = (struct snapshot){ .open = true, .arg = arg, .then = *cpu };
	return true;
}

void windows_cancel(__u64 arg, int number)
{
	struct snapshot *snapshot = snapshot_of(arg, number);

	if (snapshot && snapshot->arg == arg)
		snapshot->open = false;
}

static void note_absence(struct snapshot *snapshot, __u64 left, __u64 now)
{
	__u64 since = left > snapshot->then.kernel ? left : snapshot->then.kernel;

	if (now - since > snapshot->longest)
		snapshot->longest = now - since;
}

void windows_absence(int number, __u64 left, __u64 now)
{
	int label;

	for (label = 0; number < MAX_NUMBERS && label < MAX_LABELS; label++) {
		if (snapshots[label][number].open)
			note_absence(&snapshots[label][number], left, now);
	}
}

/* Only what is not 0 is written: most columns of most windows are. */
static void write_count(FILE *out, const char *group, const char *name,
			__u64 count)
{
	if (count)
		fprintf(out, ",\"%s%s\":%llu", group, name, count);
}

static void write_causes(FILE *out, const char *what,
			 const __u64 (*now)[NR_KINDS], const __u64 (*then)[NR_KINDS])
{
	int role, kind;
	char group[32];

	for (role = 0; role < NR_ROLES; role++) {
		snprintf(group, sizeof(group), "%s/%s/", what, role_names[role]);
		for (kind = 0; kind < NR_KINDS; kind++)
			write_count(out, group, kind_names[kind],
				    now[role][kind] - then[role][kind]);
	}
}

static void write_row(FILE *out, const struct snapshot *snapshot, int number,
		      const struct counters *now)
{
	const struct counters *then = &snapshot->then;
	int kind, call;

	fprintf(out, "{\"window\":{\"label\":%llu,\"round\":%llu,\"cpu\":%d",
		WINDOW_LABEL(snapshot->arg), WINDOW_ROUND(snapshot->arg), number);
	write_count(out, "", "kernel", now->kernel - then->kernel);
	write_count(out, "", "user", now->user - then->user);
	write_count(out, "", "switches", now->switches - then->switches);
	write_count(out, "", "works", now->works - then->works);
	write_count(out, "", "atomics", now->atomics - then->atomics);
	write_count(out, "", "absence", snapshot->longest);
	for (kind = 1; kind < NR_KINDS; kind++) {
		write_count(out, "from_user/", kind_names[kind],
			    now->from_user[kind] - then->from_user[kind]);
		write_count(out, "from_kernel/", kind_names[kind],
			    now->from_kernel[kind] - then->from_kernel[kind]);
	}
	write_causes(out, "cause", now->cause, then->cause);
	write_causes(out, "atomics", now->atomics_of, then->atomics_of);
	for (call = 0; call < MAX_CALLS; call++)
		write_count(out, "calls/", symbols_call_name(call),
			    now->calls[call] - then->calls[call]);
	fputs("}}\n", out);
}

int windows_end(FILE *out, __u64 arg, int number, const struct counters *cpu,
		__u64 left)
{
	struct snapshot *snapshot = snapshot_of(arg, number);

	if (!snapshot || !snapshot->open || snapshot->arg != arg)
		return -1;
	snapshot->open = false;
	if (left < cpu->kernel)
		note_absence(snapshot, left, cpu->kernel);
	if (!out || (cpu->kernel == snapshot->then.kernel &&
		     cpu->user == snapshot->then.user))
		return 0;
	write_row(out, snapshot, number, cpu);
	return 1;
}
