/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CYCLE_H
#define CYCLE_H

#include "../../guest/compiler.h"

/** struct cycle - what is done in one, as often as numbers say */
struct cycle {
	__u64 touches;	/* new pages */
	__u64 calls;	/* system calls, half of them before what is computed */
	__u64 blocks;	/* computed: of SPIN_BLOCK instructions each */
};

/**
 * cycle_set_up() - open what cycles work on
 * @cycle: what is done in one
 * @cycles: at most so many will be run
 *
 * On an error the process ends, with a line on the console.
 */
void cycle_set_up(const struct cycle *cycle, __u64 cycles);

/** cycle_run() - do one, after cycle_set_up(); ends in user mode */
void cycle_run(const struct cycle *cycle);

#endif /* CYCLE_H */
