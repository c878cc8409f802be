/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_USER_PARTITION_H
#define _PCD_KUNIT_USER_PARTITION_H

#include <kunit/test.h>

struct user_owner;

void partition_start(struct kunit *test, int cpu);
void partition_take(struct kunit *test, struct user_owner *owner);
void partition_begin(struct kunit *test, bool isolated);
void partition_end(struct kunit *test);
void partition_change(struct kunit *test, bool isolated);

#endif /* _PCD_KUNIT_USER_PARTITION_H */
