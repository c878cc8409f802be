// SPDX-License-Identifier: GPL-2.0-only
/*
 * A look at isolated CPUs whenever they enter or leave user mode, by the trace
 * points of context tracking.  Others have none.
 */
#include <linux/percpu.h>

#include "fixture.h"
#include "user_probe.h"

#ifdef CONFIG_CONTEXT_TRACKING_USER
#include <trace/events/context_tracking.h>

/* Written by the CPU itself, interrupts disabled; the test peeks. */
struct probe {
	unsigned int entries;	/* to user mode */
	unsigned int exits;	/* from it */
	unsigned int debts;	/* entries and exits that the variant rules out */
	unsigned int cached;	/* likewise, with something cached */
};

static DEFINE_PER_CPU(struct probe, probes);

static void probe_user_enter(void *unused, int dummy)
{
	struct probe *probe = this_cpu_ptr(&probes);
	int cpu = smp_processor_id();

	probe->entries++;
	probe->debts += pcd_variant_owes(cpu);
	probe->cached += pcd_variant_clean_in_user() &&
			 (script_items(cpu) || second_items(cpu));
}

/* Before any hook of a variant: the state is still that of user mode. */
static void probe_user_exit(void *unused, int dummy)
{
	struct probe *probe = this_cpu_ptr(&probes);

	probe->exits++;
	probe->debts += pcd_variant_owes(smp_processor_id());
}

static void probe_end(void *unused)
{
	unregister_trace_user_enter(probe_user_enter, NULL);
	unregister_trace_user_exit(probe_user_exit, NULL);
	tracepoint_synchronize_unregister();
}

/* Until the test ends. */
void probe_start(struct kunit *test)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(probes, cpu) = (struct probe){};
	KUNIT_ASSERT_EQ(test, register_trace_user_enter(probe_user_enter, NULL), 0);
	KUNIT_ASSERT_EQ(test, register_trace_user_exit(probe_user_exit, NULL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, probe_end, NULL), 0);
}

unsigned int probe_entries(int cpu)
{
	return READ_ONCE(per_cpu(probes.entries, cpu));
}

unsigned int probe_exits(int cpu)
{
	return READ_ONCE(per_cpu(probes.exits, cpu));
}

void probe_expect_no_debt(struct kunit *test)
{
	unsigned int entries = 0, debts = 0, cached = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		entries += per_cpu(probes.entries, cpu);
		debts += per_cpu(probes.debts, cpu);
		cached += per_cpu(probes.cached, cpu);
	}
	KUNIT_EXPECT_GT_MSG(test, entries, 0, "no isolated CPU was in user mode");
	KUNIT_EXPECT_EQ_MSG(test, debts, 0,
			    "so often a drain was owed, entering user mode %u times and leaving it",
			    entries);
	KUNIT_EXPECT_EQ_MSG(test, cached, 0, "of %u entries to user mode, so many had items cached",
			    entries);
}

#else

void probe_start(struct kunit *test)
{
	kunit_skip(test, "needs context tracking (NO_HZ_FULL)");
}

unsigned int probe_entries(int cpu)
{
	return 0;
}

unsigned int probe_exits(int cpu)
{
	return 0;
}

void probe_expect_no_debt(struct kunit *test) { }

#endif
