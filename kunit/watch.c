// SPDX-License-Identifier: GPL-2.0-only
/* Watched variables, by the processors' debug registers: see watch.h. */
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>

#include "watch.h"

#ifdef CONFIG_HAVE_HW_BREAKPOINT

static struct {
	struct perf_event * __percpu *breakpoints;
	void (*fn)(bool irqs_on);
} watched;

static void on_touch(struct perf_event *event, struct perf_sample_data *data,
		     struct pt_regs *regs)
{
	watched.fn(!regs_irqs_disabled(regs));
}

static void watch_end(void *unused)
{
	unregister_wide_hw_breakpoint(watched.breakpoints);
}

/**
 * watch_start - until the test ends, stop whoever touches a variable
 * @test: the test
 * @what: the variable, a long
 * @fn: called on a CPU right behind each instruction that reads or writes the variable,
 *	with whether interrupts were enabled there; may do what an NMI handler may
 */
void watch_start(struct kunit *test, void *what, void (*fn)(bool irqs_on))
{
	struct perf_event_attr attr;

	hw_breakpoint_init(&attr);
	attr.bp_addr = (unsigned long)what;
	attr.bp_len = sizeof(long);
	attr.bp_type = HW_BREAKPOINT_RW;
	watched.fn = fn;
	watched.breakpoints = register_wide_hw_breakpoint(&attr, on_touch, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR_PCPU(watched.breakpoints));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, watch_end, NULL), 0);
}

#else

void watch_start(struct kunit *test, void *what, void (*fn)(bool irqs_on))
{
	kunit_skip(test, "needs debug registers");
}

#endif
