/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_WATCH_H
#define _PCD_KUNIT_WATCH_H

/*
 * A CPU stops right behind an instruction that touches a variable, whether or not
 * interrupts are enabled, and calls a function before it goes on.
 */

#include <kunit/test.h>

void watch_start(struct kunit *test, void *what, void (*fn)(bool irqs_on));

#endif /* _PCD_KUNIT_WATCH_H */
