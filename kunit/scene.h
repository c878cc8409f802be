/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_SCENE_H
#define _PCD_KUNIT_SCENE_H

/* How tests of owners on isolated CPUs begin. */

#include <kunit/test.h>

#include "user_owner.h"

struct user_owner *scene_start(struct kunit *test, int cpu);
void scene_post(struct kunit *test, int cpu, struct user_owner *owner);
void scene_post_both(struct kunit *test, int cpu, struct user_owner *owner);

#endif /* _PCD_KUNIT_SCENE_H */
