// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long an owner waits that enters whenever it likes, while a holder takes out of
 * its cache whenever it likes: the holder alone on its CPU; beside a thread that spins
 * there, so that it is descheduled also while it holds; and beside it, but of a class
 * that is not descheduled for it.  User space cannot disable interrupts, nor preemption.
 *
 * The owner counts what it puts into its cache, the holder what it takes: if an item
 * is lost, or taken twice, the program fails.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "door.h"
#include "protocol.h"
#include "tsc.h"

#define MOST		4000000		/* waits, and holds, of a part; 1.1 million were seen */
#define LONG		100000		/* cycles */
#define AWAY		10000		/* cycles: no round of a wait takes that long */
#define OWNER_ROUNDS	1024		/* of work in user mode, less than */
#define HOLDER_ROUNDS	256		/* and between two attempts to hold */
/*
 * The holder sleeps at times, lest it be throttled as a real-time thread
 * (/proc/sys/kernel/sched_rt_runtime_us: 95 %).  In between it is awake for several
 * times what the scheduler gives a thread at once, so that it is descheduled.
 */
#define AWAKE_NS	20000000
#define ASLEEP_NS	3000000

enum company { ALONE, BESIDE, FIFO };

static const struct part {
	const char *technique;
	enum technique how;
	const char *holder;
	enum company company;
} parts[WAITS] = {
	{ "door", DOOR, "alone", ALONE },
	{ "door", DOOR, "beside", BESIDE },
	{ "door", DOOR, "fifo", FIFO },
	{ "lock", LOCK, "alone", ALONE },
	{ "lock", LOCK, "beside", BESIDE },
	{ "lock", LOCK, "fifo", FIFO },
};

/**
 * struct tally - what one side has seen
 * @lengths: of waits, or holds
 * @nr: how many
 * @entries: of the owner; of the holder: attempts
 * @away: waits most of which the owner was away itself, and that are not in @lengths
 * @refused: attempts to hold an owner that was inside, or whose cache had changed
 * @items: put or taken
 * @sum: of these
 * @switches: how often its CPU was taken from it
 */
struct tally {
	__u64 *lengths;
	size_t nr;
	unsigned long entries;
	unsigned long away;
	unsigned long refused;
	unsigned long items;
	unsigned long sum;
	long switches;
};

static struct {
	const struct part *part;
	const struct setting *setting;
	struct tally owner __aligned(128);
	struct tally holder __aligned(128);
	bool there __aligned(128);
	bool over __aligned(128);
	bool enough __aligned(128);
} run;

static __u64 now_ns(void)
{
	struct timespec now;

	check(clock_gettime(CLOCK_MONOTONIC, &now) ? errno : 0, "clock_gettime");
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static long switches(void)
{
	struct rusage usage;

	check(getrusage(RUSAGE_THREAD, &usage) ? errno : 0, "getrusage");
	return usage.ru_nivcsw;
}

static void add_length(struct tally *tally, __u64 cycles)
{
	check(tally->nr == MOST ? ENOSPC : 0, "more waits or holds than there is room for");
	tally->lengths[tally->nr++] = cycles;
}

/* ---- the owner ---- */

static inline void put(struct tally *tally)
{
	unsigned long nr = cpu.cache.words[0];

	if (nr == ITEMS)
		return;
	cpu.cache.words[nr + 1] = ++tally->items;
	cpu.cache.words[0] = nr + 1;
	tally->sum += tally->items;
}

static void waited(struct tally *tally, struct wait wait)
{
	if (wait.away > AWAY && wait.away > wait.cycles / 2)
		tally->away++;
	else
		add_length(tally, wait.cycles);
}

static __always_inline void own(enum technique how, struct draw *draws)
{
	struct tally *tally = &run.owner;
	struct wait wait;

	while (!__atomic_load_n(&run.over, __ATOMIC_ACQUIRE)) {	/* pairs with hold_often() */
		wait = enter(how);
		put(tally);
		leave(how);
		tally->entries++;
		if (wait.cycles)
			waited(tally, wait);
		work(draw(draws) % OWNER_ROUNDS);
	}
}

static void own_all(void)
{
	struct draw draws = { .state = run.setting->seed };

	run.owner.switches = -switches();
	if (run.part->how == DOOR)
		own(DOOR, &draws);
	else
		own(LOCK, &draws);
	run.owner.switches += switches();
}

/* ---- the holder ---- */

static __always_inline void hold_once(enum technique how)
{
	unsigned long to[1 + ITEMS], found = look(), i;
	struct tally *tally = &run.holder;
	__u64 begin, cycles;
	bool took;

	if (!found)
		return;
	tally->entries++;
	if (!hold(how)) {
		tally->refused++;
		return;
	}
	begin = tsc_within();
	took = take(to, found);
	let_go(how);
	cycles = tsc() - begin;
	add_length(tally, cycles);
	if (!took) {
		tally->refused++;
		return;
	}
	tally->items += found;
	for (i = 1; i <= found; i++)
		tally->sum += to[i];
}

static void nap(void)
{
	const struct timespec time = { .tv_nsec = ASLEEP_NS };

	check(nanosleep(&time, NULL) ? errno : 0, "nanosleep");
}

static void hold_until(__u64 end, struct draw *draws)
{
	do {
		work(draw(draws) % HOLDER_ROUNDS);
		if (run.part->how == DOOR)
			hold_once(DOOR);
		else
			hold_once(LOCK);
	} while (now_ns() < end);
}

static void *hold_often(void *unused)
{
	struct draw draws = { .state = run.setting->seed + 1000003 };
	struct sched_param priority = { .sched_priority = 1 };
	__u64 end;

	(void)unused;
	pin(run.setting->holder);
	if (run.part->company == FIFO)
		check(sched_setscheduler(0, SCHED_FIFO, &priority) ? errno : 0,
		      "SCHED_FIFO, for which one has to be root");
	run.holder.switches = -switches();
	__atomic_store_n(&run.there, true, __ATOMIC_RELAXED);
	for (end = now_ns() + run.setting->ms * 1000000ULL; now_ns() < end; nap())
		hold_until(now_ns() + AWAKE_NS, &draws);
	run.holder.switches += switches();
	__atomic_store_n(&run.over, true, __ATOMIC_RELEASE);	/* pairs with own() */
	return NULL;
}

static void *spin(void *unused)
{
	(void)unused;
	pin(run.setting->holder);
	while (!__atomic_load_n(&run.enough, __ATOMIC_RELAXED))
		work(HOLDER_ROUNDS);
	return NULL;
}

/* ---- both ---- */

static void make_room(struct tally *tally)
{
	__u64 *lengths = tally->lengths ?: calloc(MOST, sizeof(*lengths));

	check(lengths ? 0 : ENOMEM, "room for lengths");
	/* Touch it now: no page fault later. */
	memset(lengths, 0xff, MOST * sizeof(*lengths));
	*tally = (struct tally){ .lengths = lengths };
}

static void fail_if_lost(void)
{
	unsigned long items = run.holder.items, sum = run.holder.sum, i;

	items += cpu.cache.words[0];
	for (i = 1; i <= cpu.cache.words[0]; i++)
		sum += cpu.cache.words[i];
	if (items == run.owner.items && sum == run.owner.sum)
		return;
	fprintf(stderr, "error: %s, holder %s: lost: of %lu items %lu are there, or others\n",
		run.part->technique, run.part->holder, run.owner.items, items);
	exit(1);
}

/* How many; half of them, 99 %, 99.9 %, the longest; and all that are long */
static void print_lengths(const char *name, struct tally *tally)
{
	const char *comma = "";
	size_t i;

	sort(tally->lengths, tally->nr);
	printf(", \"%s\": %zu, \"%s_long\": [", name, tally->nr, name);
	for (i = 0; i < tally->nr; i++) {
		if (tally->lengths[i] <= LONG)
			continue;
		printf("%s%llu", comma, tally->lengths[i]);
		comma = ", ";
	}
	printf("]");
	if (tally->nr)
		printf(", \"%s_cycles\": [%llu, %llu, %llu, %llu]", name,
		       rank(tally->lengths, tally->nr, 0.5), rank(tally->lengths, tally->nr, 0.99),
		       rank(tally->lengths, tally->nr, 0.999), tally->lengths[tally->nr - 1]);
}

static void print(void)
{
	printf("{\"part\": \"wait\", \"technique\": \"%s\", \"holder\": \"%s\"",
	       run.part->technique, run.part->holder);
	printf(", \"entries\": %lu, \"away\": %lu", run.owner.entries, run.owner.away);
	printf(", \"attempts\": %lu, \"refused\": %lu", run.holder.entries, run.holder.refused);
	printf(", \"owner_switched\": %ld, \"holder_switched\": %ld",
	       run.owner.switches, run.holder.switches);
	print_lengths("waits", &run.owner);
	print_lengths("holds", &run.holder);
	printf("}\n");
}

/**
 * measure_waits - an owner and a holder for a while
 * @setting: of this run
 * @which: one of WAITS parts
 */
void measure_waits(const struct setting *setting, unsigned int which)
{
	pthread_t holder, spinner;

	run.part = &parts[which];
	run.setting = setting;
	make_room(&run.owner);
	make_room(&run.holder);
	run.there = false;
	run.over = false;
	run.enough = false;
	memset(&cpu, 0, sizeof(cpu));
	cpu.state = STATE_USER;
	if (run.part->company != ALONE)
		begin_thread(&spinner, spin, NULL);
	begin_thread(&holder, hold_often, NULL);
	while (!__atomic_load_n(&run.there, __ATOMIC_RELAXED))
		__builtin_ia32_pause();
	own_all();
	end_thread(holder);
	__atomic_store_n(&run.enough, true, __ATOMIC_RELAXED);
	if (run.part->company != ALONE)
		end_thread(spinner);
	fail_if_lost();
	print();
}
