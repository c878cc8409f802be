/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_USER_OWNER_H
#define _PCD_KUNIT_USER_OWNER_H

#include <kunit/test.h>
#include <linux/sched.h>

#include "owner_abi.h"

/* Owners at once. */
#define USER_OWNERS 2

struct user_owner;

struct user_owner *owner_start(struct kunit *test, int cpu);
struct user_owner *owner_start_awaited(struct kunit *test, int cpu);
void owner_stop(struct kunit *test, struct user_owner *owner);
void owner_tell(struct user_owner *owner, void (*fn)(void *arg), void *arg,
		enum owner_next next);
void owner_repeat(struct user_owner *owner, bool on);
bool owner_has_done(struct user_owner *owner);
bool owner_is_in_user_mode(struct user_owner *owner);
unsigned int owner_signals(struct user_owner *owner);
void owner_go(struct user_owner *owner);
void owner_on_fault(struct user_owner *owner, void (*fn)(void *arg), void *arg);
bool owner_is_asleep(struct user_owner *owner);
bool owner_is_waiting(struct user_owner *owner);
bool owner_is_dead(struct user_owner *owner);
struct task_struct *owner_task(struct user_owner *owner);

void owner_do(struct kunit *test, struct user_owner *owner, void (*fn)(void *arg),
	      void *arg, enum owner_next next);
void owner_come_back(struct kunit *test, struct user_owner *owner);

#endif /* _PCD_KUNIT_USER_OWNER_H */
