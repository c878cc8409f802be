/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations that a guest program repeats between MARK_OP_BEGIN and
 * MARK_OP_END: how many kernel instructions each repetition took on its CPU,
 * and in which functions. Repetitions with the same counts share a row.
 */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include <stdio.h>

#include "../guest/compiler.h"

/* What one CPU has counted so far, or during one repetition. */
struct op_counts {
	__u64 kernel;
	__u64 atomics;
	__u64 switches;
	__u64 entries;
};

/**
 * op_begin() - a repetition begins
 * @op: which operation
 * @cpu: the guest's number of the CPU
 * @now: what it has counted so far
 *
 * Another operation or CPU than before: op_write() first.
 */
void op_begin(__u64 op, int cpu, const struct op_counts *now);

/** op_is_new() - would op_begin() begin another operation than the last one's? */
bool op_is_new(__u64 op, int cpu);

/**
 * op_count() - kernel instructions executed during a repetition
 * @function: the symbol they are in, see symbols_function()
 * @instructions: how many
 * @atomics: how many of them are locked
 */
void op_count(unsigned int function, unsigned int instructions,
	      unsigned int atomics);

/**
 * op_end() - a repetition ends
 * @now: as for op_begin()
 * Return: false if no memory is left.
 */
bool op_end(const struct op_counts *now);

/**
 * op_write() - write the rows of the operation that was repeated last
 * @out: a file of JSON lines
 *
 * "op" rows: how often which counts came. "function" rows: in which functions
 * the instructions of the usual counts lie, those of the first repetition that
 * took them. Usual is the least that three in ten repetitions took or, if no
 * three in ten agree, what most took. bench/report/facts/hotpaths.py goes by the same.
 *
 * Return: the number of lines.
 */
unsigned int op_write(FILE *out);

#endif /* OPERATIONS_H */
