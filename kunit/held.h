/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_HELD_H
#define _PCD_KUNIT_HELD_H

/* A requester that holds an isolated CPU out of the kernel, for as long as a test wants. */

#include <kunit/test.h>

void held_begin(struct kunit *test, int cpu);
void held_end(struct kunit *test);

#endif /* _PCD_KUNIT_HELD_H */
