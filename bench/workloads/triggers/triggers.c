// SPDX-License-Identifier: GPL-2.0-only
/*
 * What still disturbs an isolated CPU: the owner spins in user mode, with
 * residue. On CPU 0, this process fires one trigger after another in random
 * order; each has its own label.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/channel.h"
#include "../../guest/files.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"
#include "../../guest/run.h"

#define MS		1000000ULL
#define SETTLE		(3 * MS)	/* until the tick has stopped again */
#define LEAD		(20 * MS)	/* what a round takes before its window, and more */
#define MAX_TRIGGERS	32

/* ---- What triggers share ---- */

int put(const char *path, const char *text)
{
	errno = 0;
	return write_file(path, text) ? 0 : -(errno ?: EIO);
}

void must_put(const char *path, const char *text)
{
	int error = put(path, text);

	if (error)
		run_fail("%s: %s", path, strerror(-error));
}

__u64 number_in(const char *path)
{
	char text[64];

	if (read_file(path, text, sizeof(text)) < 0)
		run_fail("%s: %s", path, strerror(errno));
	return strtoull(text, NULL, 10);
}

const char *cgroups_begin(const char *controllers)
{
	static bool mounted;

	if (!mounted) {
		mkdir(CGROUPS, 0755);
		if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
			return "no cgroup2";
		mounted = true;
	}
	return put(CGROUPS "/cgroup.subtree_control", controllers) ? "no such controller" : NULL;
}

/* ---- Rounds ---- */

static const struct trigger quiet = { .name = "quiet", .residue = RESIDUE_ANON };
static const struct trigger drain = { .name = "drain", .residue = RESIDUE_ANON };

static struct one {
	const struct trigger *trigger;
	int label;
	int left;	/* rounds */
	int done;
} ones[MAX_TRIGGERS];

static int nr_ones, nr_left;
static const struct params *here;
static __u64 window, stream;

static void add(const struct trigger *trigger, int rounds)
{
	struct one *one = &ones[nr_ones];
	const char *why = trigger->begin ? trigger->begin() : NULL;

	if (nr_ones == MAX_TRIGGERS)
		run_fail("over %d triggers", MAX_TRIGGERS);
	*one = (struct one){ trigger, load_label("%s", trigger->name), rounds, 0 };
	nr_ones++;
	if (why) {
		channel_line("{\"skipped\":[\"%s\",\"%s\"]}", trigger->name, why);
		load_value(one->label, 0, "skipped", 1);
		one->left = 0;
	}
	if (!trigger->next)
		nr_left += one->left;
}

static const struct {
	const char *name;
	const struct trigger *triggers;
} groups[] = {
	{ "folios", folio_triggers }, { "moves", move_triggers },
	{ "kernel", kernel_triggers }, { "controls", control_triggers },
};

static void add_group(const char *name, int rounds)
{
	bool by_domain = !strcmp(name, "by-domain");
	const struct trigger *trigger;
	int before = nr_ones;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		for (trigger = groups[i].triggers; trigger->name; trigger++) {
			if (by_domain ? trigger->by_domain : !strcmp(name, groups[i].name))
				add(trigger, rounds);
		}
	}
	if (nr_ones == before)
		run_fail("parameter groups: no group is '%s'", name);
}

static void add_groups(const char *names, int rounds)
{
	char copy[64], *name, *save = NULL;

	snprintf(copy, sizeof(copy), "%s", names);
	add(&quiet, rounds);
	add(&drain, rounds);
	for (name = strtok_r(copy, "+", &save); name; name = strtok_r(NULL, "+", &save))
		add_group(name, rounds);
}

/* What comes by itself soon, or else one that the seed draws; NULL: all are done. */
static struct one *draw(void)
{
	struct one *one, *waited_for = NULL;

	for (one = ones; one < ones + nr_ones; one++) {
		if (!one->trigger->next || !one->left)
			continue;
		if (one->trigger->next() < now_ns() + LEAD)
			return one;
		if (!one->done)
			waited_for = one;
	}
	while (nr_left) {
		one = &ones[random_below(&stream, nr_ones)];
		if (one->left && !one->trigger->next)
			return one;
	}
	return waited_for;
}

void clear_caches(void)
{
	if (!load_drain(here))
		run_fail("drain_now failed");
	owner_fill(RESIDUE_NONE);
	if (!load_drain(here))
		run_fail("drain_now failed");
	must_put("/proc/sys/vm/drop_caches", "1");
	if (disk_file() && disk_flush(DISK_FILE))
		run_fail("BLKFLSBUF: %s", strerror(errno));
	if (disk_file() && (pages_cached(disk_file()) || pages_cached(disk_fd(DISK_PLAIN))))
		run_fail("pages of the file are cached before a round");
}

/* Else there is nothing to drop, and a trigger would seem to succeed. */
static void prove_residue(const struct trigger *trigger)
{
	int fd;

	switch (trigger->residue) {
	case RESIDUE_FILE:
	case RESIDUE_INDIRECT:
		fd = disk_file();
		break;
	case RESIDUE_DISK:
		fd = disk_fd(DISK_PLAIN);
		break;
	default:
		return;
	}
	if (pages_cached(fd) != owner_fills())
		run_fail("%s: the owner has not read its pages", trigger->name);
}

/* In the window. */
static int fire(const struct trigger *trigger, int round)
{
	if (trigger->fire)
		return trigger->fire(round);
	if (trigger == &drain && !load_drain(here))
		return -EIO;
	return 0;
}

static void judge(const struct one *one, int error)
{
	const struct trigger *trigger = one->trigger;

	if (error && error != trigger->refusal)
		run_fail("%s: %s", trigger->name, strerror(-error));
	if (trigger->refusal || trigger->did)
		load_value(one->label, one->done, "succeeded",
			   !error && (!trigger->did || trigger->did(one->done)));
}

static void round_of(struct one *one)
{
	const struct trigger *trigger = one->trigger;
	__u64 due, begin, end;
	int error;

	clear_caches();
	if (trigger->before)
		trigger->before(one->done);
	owner_fill(trigger->residue);
	prove_residue(trigger);
	due = trigger->next ? trigger->next() : now_ns() + 2 * SETTLE;
	sleep_until(due - SETTLE);
	window_begin(one->label, one->done);
	begin = now_ns();
	error = fire(trigger, one->done);
	end = now_ns();
	sleep_until((trigger->next ? due : end) + window + trigger->lasts_us * US);
	window_end(one->label, one->done);
	load_value(one->label, one->done, "completion_ns", end - begin);
	judge(one, error);
	if (trigger->after)
		trigger->after(one->done);
	one->left--;
	one->done++;
	nr_left -= !trigger->next;
}

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	int rounds = load_number("rounds");
	__u64 fills = load_number("fills");
	struct one *one;

	if (rounds < 1)
		run_fail("rounds=%d: at least one", rounds);
	here = params;
	stream = random_stream(params->seed, STREAM_REQUESTS);
	window = load_number("window_us") * US;
	/* It says what it does on the console, unless it is told not to. */
	must_put("/proc/sys/vm/drop_caches", "4");
	add_groups(load_word("groups"), rounds);
	owner_start(cpus->isolated, fills);
	if (!proof_tick_stopped(cpus->isolated))
		return proof_why;
	while ((one = draw())) {
		sleep_until(now_ns() + random_below(&stream, MS));
		round_of(one);
	}
	return NULL;
}
