/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_LOCK_STATE_H
#define _PCD_KUNIT_LOCK_STATE_H

/* What a lock must leave as it was. */

#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sched.h>

struct lock_state {
	int preempt;
	int migration;
	unsigned long irqs_off;
};

static inline struct lock_state lock_state(void)
{
	return (struct lock_state) {
		.preempt = preempt_count(),
		.migration = current->migration_disabled,
		.irqs_off = irqs_disabled(),
	};
}

/* Mend what a lock left, so that the kernel lives to report it. */
static inline void lock_state_mend(struct lock_state before)
{
	if (irqs_disabled() && !before.irqs_off)
		local_irq_enable();
	while (preempt_count() > before.preempt)
		preempt_enable();
	while (current->migration_disabled > before.migration)
		migrate_enable();
}

static inline void expect_lock_state(struct kunit *test, struct lock_state after,
				     struct lock_state before)
{
	KUNIT_EXPECT_EQ(test, after.preempt, before.preempt);
	KUNIT_EXPECT_EQ(test, after.migration, before.migration);
	KUNIT_EXPECT_EQ(test, after.irqs_off, before.irqs_off);
}

#endif /* _PCD_KUNIT_LOCK_STATE_H */
