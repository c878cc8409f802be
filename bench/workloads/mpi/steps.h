/* SPDX-License-Identifier: GPL-2.0-only */
/* What init and the ranks share: a file that all of them map. */
#ifndef STEPS_H
#define STEPS_H

#include "../../guest/compiler.h"

#define NR_RANKS	2
#define MAX_BLOCKS	512
#define MAX_REDUCED	1024

/* What a rank's quantum of computation has in it, and what init does meanwhile. */
enum kind {
	BARE_QUIET,	/* not one system call; pages are touched before it */
	BARE_DRAINED,	/* the same, while drains are requested */
	CALLS_QUIET,	/* some system calls */
	CALLS_DRAINED,
	NR_KINDS
};

/*
 * Steps come in blocks, all of a kind. Init lets one after the other run; while
 * a rank waits for init, it spins in user mode and nothing of it is counted.
 */
struct steps {
	/* Init writes these before the ranks start. */
	__u64 quantum;		/* spin_block()s that a quantum has */
	__u64 sets;		/* of system calls in a quantum that has some */
	__u64 bytes;		/* that one of them writes */
	__u64 fills;		/* pages touched before a quantum that has none */
	__u64 reduced;		/* numbers that ranks add up at the end of a step */
	int steps;		/* of a block */
	int blocks;
	int warm_up;		/* blocks at the beginning that have no windows */
	int cpus[NR_RANKS];
	int quantum_labels[NR_KINDS][NR_RANKS];
	int block_labels[NR_KINDS][NR_RANKS];
	enum kind kinds[MAX_BLOCKS];

	/* Blocks that may run: init writes it (release), ranks read it (acquire). */
	int go;
	/* The other way round: MPI works, and blocks done. */
	int ready[NR_RANKS];
	int done[NR_RANKS];
};

static inline bool has_calls(enum kind kind)
{
	return kind == CALLS_QUIET || kind == CALLS_DRAINED;
}

static inline bool is_drained(enum kind kind)
{
	return kind == BARE_DRAINED || kind == CALLS_DRAINED;
}

#endif /* STEPS_H */
