/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TASKS_H
#define TASKS_H

#include <sys/types.h>

#include "compiler.h"
#include "params.h"

#define MAX_CPUS	16

enum phase { PHASE_NONE, PHASE_QUIET, PHASE_STORM };

/* Times in ns since boot; residues in items cached on each CPU. */
struct request {
	__u64 due;
	__u64 begin;
	__u64 end;
	__u32 before[MAX_CPUS];
	__u32 after[MAX_CPUS];
};

/*
 * What the processes share. Init writes phase_start, then phase (release);
 * the owner spins on phase (acquire). The rest has one writer, and is read
 * after that one has ended (waitpid) or its phase is over.
 */
struct shared {
	__u64 phase_start;
	int phase;
	__u64 fills_done[3];		/* by phase, written by the owner */
	__u64 fill_late_max[3];	/* ns behind schedule, as well */
	__u64 nr_done;		/* written by the requester */
	__u64 first_fill;		/* ns into a phase, written by the owner */
	__u64 first_turn;		/* the metronome's first count, written by ballast */
	struct request requests[MAX_REQUESTS];
};

/**
 * spawn() - start a process of the workload
 * @cpu: where it is pinned
 * @role: what it says to be (enum role)
 * @run: its code
 * @arg: for @run
 * Return: its pid.
 */
pid_t spawn(int cpu, int role, void (*run)(void *arg), void *arg);

/** pin() - run the caller on one CPU only; false with errno set on error. */
bool pin(int cpu);

/** sleep_until() - sleep until a time in ns since boot */
void sleep_until(__u64 when);

/**
 * struct owner - the task whose caches are drained
 * @params: fills, mlock_every, phase_ms and seed are used
 * @shared: shared memory
 *
 * It spins in user mode on the isolated CPU. In each phase, at the same random
 * times after its start, it touches one new page of anonymous memory, now and
 * then of an mlocked region: a folio for the LRU or the mlock batch. It never
 * unmaps, which would drain.
 */
struct owner {
	const struct params *params;
	struct shared *shared;
};

void owner_run(void *owner);

/**
 * struct requester - the task that asks for drains
 * @params: requests, class, storm, dose, phase_ms and seed are used
 * @shared: shared memory
 * @isolated: the CPU that a dose is for
 * @storm: request drains, or doses; else wake and look at the residues only
 */
struct requester {
	const struct params *params;
	struct shared *shared;
	int isolated;
	bool storm;
};

void requester_run(void *requester);

/**
 * struct ballast - spins as SCHED_IDLE, so that a CPU is never idle
 * @params: metronome, metronome_dither and seed are used
 * @shared: shared memory
 * @dithers: it also draws the metronome's count anew, about once a ms
 */
struct ballast {
	const struct params *params;
	struct shared *shared;
	bool dithers;
};

void ballast_run(void *ballast);

/** cyclictest_run() - become cyclictest; arg is its struct cyclictest */
struct cyclictest {
	int cpu;
	const char *json;
};

void cyclictest_run(void *cyclictest);

#endif /* TASKS_H */
