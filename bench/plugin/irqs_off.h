/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stretches of a CPU's kernel instructions with interrupts off: how long, and
 * in which function they began.
 */
#ifndef IRQS_OFF_H
#define IRQS_OFF_H

#include "../guest/compiler.h"

#define IRQS_OFF_LONGEST 8

/**
 * struct stretch - one of the longest stretches
 * @instructions: from the one after which interrupts are off (an entry's
 *	first, if the CPU itself turned them off) to the one that turns them on
 * @function: that it began in, see symbols_function(); not one that only
 *	takes a lock, but its caller
 */
struct stretch {
	__u64 instructions;
	unsigned int function;
};

/**
 * struct irqs_off - one CPU's stretches; all zero: interrupts are on
 * @is_off: one is under way
 * @in_lock_text: it has not yet left the function that takes a lock
 * @begin: the CPU's count of kernel instructions when it began
 * @function: where it began
 * @sum: instructions in all stretches that have ended
 * @longest: one per function, longest first; reset by irqs_off_reset()
 */
struct irqs_off {
	bool is_off;
	bool in_lock_text;
	__u64 begin;
	unsigned int function;
	__u64 sum;
	struct stretch longest[IRQS_OFF_LONGEST];
};

/**
 * irqs_off_begin() - interrupts are off from here on
 * @irqs: of a CPU, on which they are on
 * @now: its count of kernel instructions
 * @function: where it is
 * @in_lock_text: is that a function that only takes a lock?
 */
void irqs_off_begin(struct irqs_off *irqs, __u64 now, unsigned int function,
		    bool in_lock_text);

/**
 * irqs_off_end() - interrupts are on again
 * @irqs: of a CPU; nothing happens if they are on
 * @now: its count of kernel instructions
 */
void irqs_off_end(struct irqs_off *irqs, __u64 now);

/** irqs_off_reset() - forget the longest stretches */
void irqs_off_reset(struct irqs_off *irqs);

#endif /* IRQS_OFF_H */
