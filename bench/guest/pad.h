/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PAD_H
#define PAD_H

#include "params.h"

/**
 * pad_hold() - hold memory that nobody uses, as much as the seed says
 * @params: pad and seed are used
 *
 * Pages, slab objects and a file, up to @params->pad of each kind (the file:
 * pages), so that what is allocated later lies elsewhere with another seed.
 * Says on the channel what it holds, until the caller ends.
 *
 * Return: true, or false with errno set.
 */
bool pad_hold(const struct params *params);

#endif /* PAD_H */
