/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chosen cache lines: which CPU loads and stores there, and when a line would
 * have to come from another CPU.
 *
 * The machine has no caches, so that is a count on a model: MSI, each line by
 * itself, no line ever evicted. A transfer is a store to a line that another
 * CPU holds, or a load of one that this CPU does not hold and another wrote
 * last. An instruction that loads and stores (LOCK, XCHG, INC) asks for the
 * line once.
 *
 * Lines are told apart by virtual address: one that is mapped twice is two. What
 * the CPU itself accesses (page tables, an interrupt's frame) is not seen.
 */
#ifndef LINES_H
#define LINES_H

#include <stdio.h>

#include "../guest/compiler.h"

/**
 * lines_add() - trace what an argument of the plugin names
 * @what: SYMBOL[:BYTES], ADDRESS[:BYTES] (0x...) or "marked": what guest
 *	programs mark. All lines of BYTES bytes; without, the first one. Of a
 *	per-CPU symbol each CPU's copy.
 * @map: the System.map
 * Return: true, or false after one line on stderr.
 */
bool lines_add(const char *what, const char *map);

/** lines_traced() - was lines_add() ever called? */
bool lines_traced(void);

/**
 * lines_add_cpu() - from now on trace this CPU's copies of per-CPU symbols
 * @cpu: the guest's number
 * @base: what is added to a per-CPU symbol to get the address of its copy
 * Return: false if there are too many CPUs or lines.
 */
bool lines_add_cpu(int cpu, __u64 base);

/**
 * lines_add_marked() - from now on trace the line of an address
 * @addr: the address
 *
 * Nothing happens unless "marked" was asked for.
 * Return: false if there are too many lines.
 */
bool lines_add_marked(__u64 addr);

/**
 * lines_access() - a CPU accesses memory
 * @cpu: the guest's number, as for lines_add_cpu()
 * @instruction: address of the instruction
 * @addr: what it accesses
 * @bytes: how many
 * @store: or load
 */
void lines_access(int cpu, __u64 instruction, __u64 addr, unsigned int bytes,
		  bool store);

/**
 * lines_write() - write a "line" row for each line and CPU that touched it
 * @out: a file of JSON lines
 * @mark: first column
 * @arg: second column
 * Return: the number of lines.
 */
unsigned int lines_write(FILE *out, unsigned int mark, __u64 arg);

/** lines_begin_request() - a request begins */
void lines_begin_request(void);

/** lines_write_request() - "request_line" rows, of what was touched since then */
unsigned int lines_write_request(FILE *out, __u64 number);

#endif /* LINES_H */
