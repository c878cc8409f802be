/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLIENT_H
#define CLIENT_H

/* What the guest knows of a client of the facade: its folder's guest.c. */

#include "params.h"

#define PAGE		4096UL
#define PAGE_TABLE	(512 * PAGE)	/* what one page table maps */
#define MAX_REPEATS	512UL		/* of a hot path */

/**
 * struct hot_path - an operation that is repeated, and counted
 * @name: what pages call it
 * @prepare: what has to be so before each repetition
 * @run: the operation
 */
struct hot_path {
	const char *name;
	void (*prepare)(unsigned long i);
	void (*run)(unsigned long i);
};

/**
 * struct guest_client - a client
 * @class: its class, as the workload's class= names it
 * @begin: for the owner of that workload: get what the fills need
 * @fill: cache something, the @i-th time in this phase
 * @next_phase: that was the last of a phase
 * @set_up: for hot paths: get what they need, once a CPU
 * @paths: its hot paths, to a nameless one; or NULL
 * @next: for client_register()
 *
 * A client that user space cannot fill leaves out the first three.
 */
struct guest_client {
	const char *class;
	void (*begin)(const struct params *params);
	void (*fill)(unsigned long i);
	void (*next_phase)(void);
	void (*set_up)(void);
	const struct hot_path *paths;
	struct guest_client *next;
};

/* A file's client is known to the guest. */
#define GUEST_CLIENT(client)						\
static void __attribute__((constructor)) client##_register(void)	\
{									\
	client_register(&(client));					\
}

/* All, in the order of their folders' names. */
extern struct guest_client *clients;

/** client_register() - add a client behind the others */
void client_register(struct guest_client *client);

/** client_fail() - end this program, and say why */
void __noreturn client_fail(const char *what);

/** map_aligned() - map memory of which no page is there, aligned to its size */
char *map_aligned(size_t size);

#endif /* CLIENT_H */
