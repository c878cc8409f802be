/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requesters: processes that ask for a drain when init tells them to. Init does
 * not wait with them, since a request may wait as long as the owner polls.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "../../guest/params.h"

#define MAX_REQUESTERS	8

/**
 * requests_start() - start requesters on CPU 0
 * @params: class is used
 * @nr: so many, 1 to MAX_REQUESTERS
 */
void requests_start(const struct params *params, __u64 nr);

/**
 * requests_make() - let requesters make a request each
 * @nr: the first so many, none of which has one unfinished
 * @due: when, in ns since boot
 */
void requests_make(int nr, __u64 due);

/**
 * requests_unfinished() - how many of the first @nr requesters still wait
 *
 * Ends the machine if a requester has ended.
 */
int requests_unfinished(int nr);

/** requests_unfinished_of() - whether a requester still waits */
bool requests_unfinished_of(int requester);

/** requests_took() - ns from when a finished request was due to its return */
__u64 requests_took(int requester);

#endif /* REQUESTS_H */
