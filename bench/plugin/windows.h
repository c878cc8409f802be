/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: what all CPUs count between two marks of a guest program. Those of
 * different labels may overlap, and may begin on different CPUs.
 */
#ifndef WINDOWS_H
#define WINDOWS_H

#include <stdio.h>

#include "counters.h"

/**
 * windows_begin() - a window begins
 * @arg: WINDOW(label, round) of the guest program
 * @cpu: what one CPU has counted so far
 * @number: the guest's number of that CPU
 *
 * To be called for each CPU. Return: false if the label or the CPU is too
 * large, or if this window is open already.
 */
bool windows_begin(__u64 arg, int number, const struct counters *cpu);

/**
 * windows_cancel() - a window has not begun, after all
 * @arg, @number: as for windows_begin()
 *
 * To be called for each CPU.
 */
void windows_cancel(__u64 arg, int number);

/**
 * windows_absence() - a CPU is back in user mode
 * @number: the guest's number of the CPU
 * @left: its count of kernel instructions when it left user mode
 * @now: that count now
 */
void windows_absence(int number, __u64 left, __u64 now);

/**
 * windows_end() - a window ends
 * @out: gets a row, if this CPU has counted anything in the window; NULL: none is wanted
 * @arg, @number, @cpu: as for windows_begin()
 * @left: if the CPU is in the kernel, its count when it left user mode
 *
 * To be called for each CPU. An absence counts for the window in which it
 * ends, from the window's begin at the earliest; one that goes on at the end of
 * the window counts until there.
 *
 * Return: the number of lines written, or -1 if the window was not open.
 */
int windows_end(FILE *out, __u64 arg, int number, const struct counters *cpu,
		__u64 left);

#endif /* WINDOWS_H */
