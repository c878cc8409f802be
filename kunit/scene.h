/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_SCENE_H
#define _PCD_KUNIT_SCENE_H

/* How tests of owners on isolated CPUs begin, hold up a request, and end. */

#include <kunit/test.h>

#include "user_owner.h"

struct user_owner *scene_start(struct kunit *test, int cpu);
void scene_post(struct kunit *test, int cpu, struct user_owner *owner);
void scene_post_both(struct kunit *test, int cpu, struct user_owner *owner);

bool scene_drains_unasked(int cpu);
void scene_hold_up_request(struct kunit *test, int cpu, struct user_owner *owner);
void scene_let_request_go(struct kunit *test, int cpu, struct user_owner *owner);

void scene_expect_not_stranded(struct kunit *test, int cpu, struct user_owner *in_user_mode);
void scene_expect_nothing_lost(struct kunit *test, int cpu);

#endif /* _PCD_KUNIT_SCENE_H */
