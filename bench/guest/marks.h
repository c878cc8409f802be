/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: how a guest program tells the counting plugin something, in one
 * instruction that does nothing on any machine. A mark is an 8-byte NOP whose
 * displacement carries a magic number and the mark; the argument is in RDI.
 * The jumps around it end the emulator's block before and after, so that a
 * mark lies exactly between the instructions counted before and after it.
 *
 * Shared by the guest programs and by the plugin.
 */
#ifndef MARKS_H
#define MARKS_H

#include "compiler.h"

#define MARK_MAGIC 0x70636400	/* "pcd", the low byte is the mark */

enum mark {
	MARK_QUIET_BEGIN	= 1,
	MARK_QUIET_END		= 2,
	MARK_STORM_BEGIN	= 3,
	MARK_STORM_END		= 4,
	MARK_REQUEST_BEGIN	= 5,	/* argument: number of the request */
	MARK_REQUEST_END	= 6,	/* argument: number of the request */
	MARK_CPU		= 7,	/* argument: number of this CPU */
	MARK_ROLE		= 8,	/* argument: enum role of this task */
	MARK_CHECK_BEGIN	= 9,	/* argument: number of the check */
	MARK_CHECK_END		= 10,	/* argument: number of the check */
	MARK_OP_BEGIN		= 11,	/* argument: number of the operation */
	MARK_OP_END		= 12,
	MARK_TRACE		= 13,	/* argument: address, whose line is to be traced */
	MARK_WINDOW_BEGIN	= 14,	/* argument: WINDOW() */
	MARK_WINDOW_AT_TIMER	= 15,	/* as well: from the timer interrupt that wakes this task */
	MARK_WINDOW_END		= 16,	/* argument: as at its begin */
	MARK_WINDOW_END_HERE	= 17,	/* the same, but only this CPU's counts are wanted */
};

/* A window is one round of a label, which says what happens in it. */
#define WINDOW(label, round)	((unsigned long)(label) << 32 | (round))
#define WINDOW_LABEL(window)	((window) >> 32)
#define WINDOW_ROUND(window)	((window) & 0xffffffffUL)

/*
 * What a task is. The plugin finds the first four by itself; a program says
 * the others of itself, and its children inherit them.
 */
enum role {
	ROLE_KTHREAD,
	ROLE_IDLE,
	ROLE_KWORKER,
	ROLE_USER,
	ROLE_OWNER,
	ROLE_CYCLICTEST,
	ROLE_REQUESTER,
	ROLE_BALLAST,
	NR_ROLES
};

/**
 * mark() - execute a mark
 * @id: which; a constant, as it is part of the instruction
 * @arg: see there
 */
static __always_inline void mark(enum mark id, unsigned long arg)
{
	__asm__ volatile("jmp 1f\n"
			 "1: .byte 0x0f, 0x1f, 0x84, 0x00\n"
			 ".long %c0\n"
			 "jmp 2f\n"
			 "2:\n"
			 : : "i"(MARK_MAGIC | id), "D"(arg) : "memory");
}

#endif /* MARKS_H */
