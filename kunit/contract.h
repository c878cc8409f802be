/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_CONTRACT_H
#define _PCD_KUNIT_CONTRACT_H

/*
 * The contract, cell by cell: what becomes of something that the owner cached in a
 * certain state, on an isolated CPU, when a PCD_WAIT request for it comes while the
 * owner is still in that state.
 *
 * Each variant's contract.h has one table per arm; pcpu_drain_contract_kunit.c
 * measures them, and contract.py prints them.
 */

#include <linux/bits.h>

/* The owner's states. */
enum contract_state {
	IN_USER_MODE,	/* again; cached in the system call before */
	IN_SYSTEM_CALL,	/* still in it, running */
	IN_EXCEPTION,	/* a page fault, still running */
	IN_GUEST,	/* it runs a virtual machine; cached in that system call, KVM_RUN */
	INTERRUPTED,	/* cached by an interrupt that hit user mode */
	IN_SOFTIRQ,	/* likewise by a softirq; PREEMPT_RT: by its thread */
	IS_KTHREAD,	/* the owner is a kernel thread, running */
	IS_IO_WORKER,	/* ... a task that never goes to user mode, running */
	IS_IDLE,	/* cached by an interrupt that hit the idle task */
	IS_ASLEEP,	/* in a system call, nobody else there */
	IS_STOPPED,	/* by SIGSTOP */
	IS_EXITING,	/* past its last task work, then gone */
	IS_OFFLINE,	/* cached as the last thing that the CPU did */
	CONTRACT_STATES
};

/* Who drains; a table may allow several, or nobody: nothing is cached. */
enum contract_by {
	OWNER = BIT(0),		/* the task itself */
	NEXT_TASK = BIT(1),	/* another one there */
	KWORKER = BIT(2),
	REQUESTER = BIT(3),
	DEAD_CALLBACK = BIT(4),
	NOBODY = BIT(5),
};

/* On which CPU. */
enum contract_where {
	ON_ITS_CPU,
	ELSEWHERE,
	NOWHERE,
};

/* What the requester waits for. */
enum contract_waits {
	FOR_NOTHING,
	FOR_DRAIN,	/* which comes while the owner stays in its state */
	FOR_OWNER,	/* to move on; not beyond the requester's patience */
};

/* What it is told. */
enum contract_told {
	NOTHING,	/* nothing was cached any more when it asked */
	DRAINED,
	POSTED,		/* until the owner's next entry to the kernel */
	LEFT,
};

/* What help it takes. */
enum contract_help {
	NO_HELP,
	HELP_PATIENCE,
	HELP_IDLE,
};

struct contract_cell {
	unsigned int by;
	enum contract_where where;
	enum contract_waits waits;
	enum contract_told told;
	enum contract_help help;
};

struct contract {
	const char *arm;
	struct contract_cell cells[CONTRACT_STATES];
};

#endif /* _PCD_KUNIT_CONTRACT_H */
