/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that asks for drains. Its window is a request, from its call to its return. */
#ifndef REQUESTER_ASKER_H
#define REQUESTER_ASKER_H

#include "owner.h"

struct question {
	int label;
	__u64 round;
	bool strict;		/* the kernel may leave nothing, if it knows such a request */
	__u64 drawn;		/* when it asks, in ns since boot */
	enum order order;	/* what owners are told then; it asks when they are there */
	int owners;		/* how many of them, from the first on */
};

struct answer {
	bool in_time;		/* it returned within the limit */
	bool met;		/* owners were still there where they were told to go */
	__u64 completion;	/* ns from when it was due, if in time */
	unsigned int found;	/* items cached by owners before */
	unsigned int left;	/* and after: on return, or at the limit */
};

/**
 * asker_start() - start it on CPU 0
 * @params: class is used
 * @owners, @nr: as started
 *
 * load.limit_ms: longest time in a window. In init only.
 */
void asker_start(const struct params *params, struct owner_task *owners, int nr);

/**
 * asker_ask() - have it make a request; in init only
 * @question: what
 * @answer: what became of it by the limit
 *
 * If it has not returned by then, asker_await() must be called next.
 */
void asker_ask(const struct question *question, struct answer *answer);

/** asker_await() - wait until its request has returned; ends the machine if it does not */
void asker_await(void);

/** asker_residue() - items that owners' CPUs have cached now */
unsigned int asker_residue(void);

#endif /* REQUESTER_ASKER_H */
