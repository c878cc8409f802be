/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners: one on each isolated CPU. It spins in user mode until it is told what
 * to do.
 */
#ifndef REQUESTER_OWNER_H
#define REQUESTER_OWNER_H

#include "../common/load.h"

enum order {
	ORDER_RESET,		/* give all pages back: the next touch of each caches it */
	ORDER_ENTER,		/* a system call that does nothing */
	ORDER_FILL,		/* touch pages in user mode */
	ORDER_SYSTEM_CALL,	/* a system call that caches pages, then computes for long */
	ORDER_IRQS_OFF,	/* one that caches pages, then has interrupts off */
	ORDER_SLEEP,		/* one that caches pages, then sleeps */
};

/* What owner and others share. */
struct owner_words {
	int order;	/* enum order; valid with asked */
	int asked;	/* how many; others write it (release), the owner reads it (acquire) */
	int done;	/* the other way round */
	int entered;	/* the system call of asked begins next; as done */
};

struct owner_task {
	int cpu;
	pid_t pid;
	int pipe[2];		/* it sleeps in a write to it */
	char *pages;		/* private, not touched; the rest follows them */
	__u64 *rest;		/* shared; the system call writes here when it has cached */
	char *note;		/* locked, not touched: what the kernel is told */
	size_t note_length;
	struct owner_words *words;
};

/**
 * owner_start() - start one
 * @cpu: where
 *
 * load.fills: pages that it caches each time; load.system_call_bytes: what the
 * long system call writes after that; load.dose: instructions with interrupts
 * off. In init only.
 */
void owner_start(struct owner_task *owner, int cpu);

/** owner_order() - tell it what to do; it has done all before */
void owner_order(struct owner_task *owner, enum order order);

/** owner_is_done() - has it done all that it was told? */
bool owner_is_done(const struct owner_task *owner);

/** owner_await() - sleep until it has; ends the machine if it does not */
void owner_await(const struct owner_task *owner);

/**
 * owner_is_inside() - is it where its order leads?
 *
 * In the system call and done with caching (ORDER_SYSTEM_CALL), or about to
 * enter it (ORDER_IRQS_OFF); for any other order always true.
 */
bool owner_is_inside(const struct owner_task *owner);

/** owner_await_sleep() - sleep until its pipe is full, in ORDER_SLEEP; else as owner_await() */
void owner_await_sleep(const struct owner_task *owner);

/** owner_wake() - empty its pipe until it is done */
void owner_wake(const struct owner_task *owner);

#endif /* REQUESTER_OWNER_H */
