/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_USER_PROBE_H
#define _PCD_KUNIT_USER_PROBE_H

#include <kunit/test.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

void probe_start(struct kunit *test);
unsigned int probe_entries(int cpu);
unsigned int probe_exits(int cpu);
void probe_signals_of(struct task_struct *task);
unsigned int probe_signalled(void);
void probe_await_quiet(int cpu);
unsigned int probe_sent(void);
struct work_struct *probe_queued(void);
void probe_expect_no_debt(struct kunit *test);

#endif /* _PCD_KUNIT_USER_PROBE_H */
