/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_OWNER_ACTS_H
#define _PCD_KUNIT_OWNER_ACTS_H

/* What owners do in the kernel: functions for owner_tell(). */

#include <kunit/test.h>

void close_latch(struct kunit *test);
void open_latch(void *unused);
void be_busy(void *unused);
void be_asleep(void *unused);
void go_to(void *cpu);
void cache_and_go_to(void *cpu);
void fifo_cache(void *unused);
void cache_and_be_busy(void *unused);
void cache_and_be_asleep(void *unused);
void cache_busy_within(void *unused);
void cache_asleep_within(void *unused);
void cache_late_in_exit(void *unused);
void create_io_worker(void *unused);
void cache_and_create_io_worker(void *unused);
void io_worker_caches(void);

#endif /* _PCD_KUNIT_OWNER_ACTS_H */
