/* SPDX-License-Identifier: GPL-2.0-only */
/* What owners do when somebody asks for a drain. */
#ifndef REQUESTER_STATES_H
#define REQUESTER_STATES_H

#include "owner.h"

struct state {
	const char *name;	/* of the label */
	bool all;		/* all owners are in it; else only the first has something cached */
	bool strict;		/* of the request */
	enum order order;	/* where a request meets owners, if it is to meet them there */
	bool met;		/* it is */
	/*
	 * Bring an owner there, with something cached if it can be so, from user
	 * mode with nothing cached; and back. NULL: nothing to do.
	 */
	void (*enter)(struct owner_task *owner);
	void (*leave)(struct owner_task *owner);
};

/**
 * states_named() - a group of states
 * @name: "owners", "cpus" or "fifo"
 * @nr: gets their number
 *
 * Return: the states, or NULL if there is no such group.
 */
const struct state *states_named(const char *name, int *nr);

#endif /* REQUESTER_STATES_H */
