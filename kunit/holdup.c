// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hold-ups by non-maskable interrupts that last: see holdup.h.  A timer on a CPU
 * that takes no part in the test sends them at random.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/smp.h>

#include "holdup.h"

#if defined(CONFIG_X86_LOCAL_APIC) && !defined(CONFIG_UML)
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/nmi.h>

/* Longer than an owner takes from a system call to its next. */
#define LONGEST_US 150
#define SHORTEST_PAUSE_NS 10000
#define LONGEST_PAUSE_NS 150000

static struct {
	struct hrtimer timer;
	struct rnd_state rnd;
	struct cpumask cpus;	/* to be held up */
} holdups;

static DEFINE_PER_CPU(struct rnd_state, holdup_rnd);

static int hold_up(unsigned int type, struct pt_regs *regs)
{
	udelay(prandom_u32_state(this_cpu_ptr(&holdup_rnd)) % LONGEST_US);
	return NMI_HANDLED;
}

/* It lasts on purpose: the kernel is not to warn of that. */
static struct nmiaction holdup_action = {
	.list = LIST_HEAD_INIT(holdup_action.list),
	.handler = hold_up,
	.max_duration = U64_MAX,
	.name = "pcd_kunit",
};

static enum hrtimer_restart hold_up_another(struct hrtimer *timer)
{
	u32 nth = prandom_u32_state(&holdups.rnd) % cpumask_weight(&holdups.cpus);
	u32 span = LONGEST_PAUSE_NS - SHORTEST_PAUSE_NS;

	__apic_send_IPI(cpumask_nth(nth, &holdups.cpus), NMI_VECTOR);
	hrtimer_forward_now(timer, ns_to_ktime(SHORTEST_PAUSE_NS +
					       prandom_u32_state(&holdups.rnd) % span));
	return HRTIMER_RESTART;
}

static void start_here(void *unused)
{
	hrtimer_start(&holdups.timer, ns_to_ktime(LONGEST_PAUSE_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

static void nothing(void *unused)
{
}

static void holdup_end(void *unused)
{
	int cpu;

	hrtimer_cancel(&holdups.timer);
	/* Then no NMI is still on its way: they come before any other interrupt. */
	for_each_cpu(cpu, &holdups.cpus)
		smp_call_function_single(cpu, nothing, NULL, true);
	unregister_nmi_handler(NMI_LOCAL, holdup_action.name);
}

/**
 * holdup_start - hold up CPUs until the test ends
 * @test: the test
 * @sender: the CPU that sends the NMIs
 * @cpus: those that are held up
 */
void holdup_start(struct kunit *test, int sender, const struct cpumask *cpus)
{
	int cpu;

	cpumask_copy(&holdups.cpus, cpus);
	for_each_cpu(cpu, cpus)
		prandom_seed_state(per_cpu_ptr(&holdup_rnd, cpu), cpu);
	prandom_seed_state(&holdups.rnd, 1);
	hrtimer_setup(&holdups.timer, hold_up_another, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	KUNIT_ASSERT_EQ(test, __register_nmi_handler(NMI_LOCAL, &holdup_action), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, holdup_end, NULL), 0);
	KUNIT_ASSERT_EQ(test, smp_call_function_single(sender, start_here, NULL, true), 0);
}

/* ---- one NMI, for as long as a test wants ---- */

/* No longer, should the test have failed. */
#define ONE_US 5000000

static struct {
	int cpu;
	bool in, over;
} one;

static int hold_up_one(unsigned int type, struct pt_regs *regs)
{
	int us;

	if (raw_smp_processor_id() != one.cpu || READ_ONCE(one.in))
		return NMI_DONE;
	WRITE_ONCE(one.in, true);
	for (us = 0; us < ONE_US && !READ_ONCE(one.over); us++)
		udelay(1);
	return NMI_HANDLED;
}

static struct nmiaction one_action = {
	.list = LIST_HEAD_INIT(one_action.list),
	.handler = hold_up_one,
	.max_duration = U64_MAX,
	.name = "pcd_kunit_one",
};

static void one_unregister(void *unused)
{
	WRITE_ONCE(one.over, true);
	smp_call_function_single(one.cpu, nothing, NULL, true);
	unregister_nmi_handler(NMI_LOCAL, one_action.name);
}

/**
 * holdup_one - hold up one CPU by an NMI, which it is in when this returns
 * @test: until its end at the latest
 * @cpu: the CPU
 */
void holdup_one(struct kunit *test, int cpu)
{
	one.cpu = cpu;
	one.in = false;
	one.over = false;
	KUNIT_ASSERT_EQ(test, __register_nmi_handler(NMI_LOCAL, &one_action), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, one_unregister, NULL), 0);
	__apic_send_IPI(cpu, NMI_VECTOR);
	while (!READ_ONCE(one.in))
		cpu_relax();
}

/* It goes on. */
void holdup_one_end(void *unused)
{
	WRITE_ONCE(one.over, true);
}

#else

void holdup_one(struct kunit *test, int cpu)
{
	kunit_skip(test, "needs interrupts that cannot be disabled");
}

void holdup_one_end(void *unused) { }

void holdup_start(struct kunit *test, int sender, const struct cpumask *cpus)
{
	kunit_skip(test, "needs interrupts that cannot be disabled");
}

#endif
