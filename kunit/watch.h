/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_WATCH_H
#define _PCD_KUNIT_WATCH_H

/*
 * A CPU stops right behind an instruction that touches a variable, interrupts disabled
 * or not, and does something else first.
 */

#include <kunit/test.h>

void watch_start(struct kunit *test, void *what, void (*fn)(bool irqs_on));

#endif /* _PCD_KUNIT_WATCH_H */
