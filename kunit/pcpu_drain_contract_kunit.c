// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite: the contract, cell by cell (contract.h).
 *
 * Each case puts an owner on an isolated CPU into a state, something cached there,
 * makes a request, lets the owner move on, and notes what happened.  What the table
 * says only decides how long to wait for it.
 *
 * pcd_kunit.arm=NAME on the command line says which table is to hold.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/interrupt.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "client.h"
#include "contract.h"
#include "contracts.h"
#include "fixture.h"
#include "owner_acts.h"
#include "user_owner.h"
#include "user_probe.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "pcd_kunit."

static char *arm = "";
module_param(arm, charp, 0444);
MODULE_PARM_DESC(arm, "whose contract to check");

/* Long enough for whatever happens by itself; shorter than PCD_PATIENCE. */
#define SETTLE (HZ / 25)

/* If the machine interferes more often than this, look at the machine. */
#define ATTEMPTS 5

static const struct contract *contract_of_arm(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(contracts); i++)
		if (!strcmp(contracts[i].arm, arm))
			return &contracts[i];
	KUNIT_FAIL_AND_ABORT(test, "no contract for pcd_kunit.arm=%s", arm);
	return NULL;
}

/* ---- states: how to get there, something cached, and how to move on ---- */

struct situation {
	int cpu;
	struct user_owner *owner;	/* asleep in its read before @enter */
	struct thread thread;
};

static struct situation situation;

struct state {
	const char *name;
	void (*enter)(struct kunit *test, struct situation *s);
	void (*move_on)(struct kunit *test, struct situation *s);
};

static void let_go_on(struct kunit *test, struct situation *s)
{
	open_latch(NULL);
}

static void enter_user_mode(struct kunit *test, struct situation *s)
{
	owner_do(test, s->owner, script_cache, NULL, OWNER_SPIN);
}

/* To the kernel and back again. */
static void make_a_system_call(struct kunit *test, struct situation *s)
{
	owner_tell(s->owner, NULL, NULL, OWNER_SPIN);
	owner_go(s->owner);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(s->owner)));
	owner_come_back(test, s->owner);
}

static void system_call(struct kunit *test, struct situation *s)
{
	owner_tell(s->owner, cache_and_be_busy, NULL, OWNER_AGAIN);
}

static void exception(struct kunit *test, struct situation *s)
{
	owner_on_fault(s->owner, cache_and_be_busy, NULL);
	owner_tell(s->owner, NULL, NULL, OWNER_FAULT);
}

/* The owner is in its guest when this returns.  The guest runs in the page whose fault caches. */
static void enter_guest(struct kunit *test, struct situation *s)
{
	if (!IS_ENABLED(CONFIG_KVM))
		kunit_skip(test, "no virtual machines in this kernel");
	owner_on_fault(s->owner, script_cache, NULL);
	owner_do(test, s->owner, NULL, NULL, OWNER_GUEST);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(owner_is_in_user_mode(s->owner)),
			      "the guest does not run");
}

static void leave_guest(struct kunit *test, struct situation *s)
{
	owner_come_back(test, s->owner);
}

static void interrupted(struct kunit *test, struct situation *s)
{
	owner_do(test, s->owner, NULL, NULL, OWNER_SPIN);
	smp_call_function_single(s->cpu, script_cache, NULL, true);
}

static void cache_in_softirq(struct tasklet_struct *tasklet)
{
	script_cache(NULL);
}

static DECLARE_TASKLET(caching_tasklet, cache_in_softirq);

static void raise_softirq_here(void *unused)
{
	tasklet_schedule(&caching_tasklet);
}

static void softirq(struct kunit *test, struct situation *s)
{
	owner_do(test, s->owner, NULL, NULL, OWNER_SPIN);
	smp_call_function_single(s->cpu, raise_softirq_here, NULL, true);
}

static int kthread_cache_and_be_busy(void *unused)
{
	WRITE_ONCE(script.owner, current);
	cache_and_be_busy(NULL);
	return 0;
}

static void enter_kthread(struct kunit *test, struct situation *s)
{
	thread_start(test, &s->thread, s->cpu, kthread_cache_and_be_busy, NULL);
}

static void thread_moves_on(struct kunit *test, struct situation *s)
{
	open_latch(NULL);
	thread_join(&s->thread);
}

static void an_io_worker(struct kunit *test, struct situation *s)
{
	owner_do(test, s->owner, create_io_worker, NULL, OWNER_AGAIN);
	io_worker_caches();
}

static void idle(struct kunit *test, struct situation *s)
{
	smp_call_function_single(s->cpu, script_cache, NULL, true);
}

static void asleep(struct kunit *test, struct situation *s)
{
	owner_tell(s->owner, cache_and_be_asleep, NULL, OWNER_AGAIN);
}

static void stopped(struct kunit *test, struct situation *s)
{
	owner_do(test, s->owner, script_cache, NULL, OWNER_STOP);
	KUNIT_ASSERT_TRUE(test, eventually(task_is_stopped(owner_task(s->owner))));
}

static void continued(struct kunit *test, struct situation *s)
{
	send_sig(SIGCONT, owner_task(s->owner), 1);
}

static void exiting(struct kunit *test, struct situation *s)
{
	owner_tell(s->owner, cache_late_in_exit, NULL, OWNER_EXIT);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_dead(s->owner)));
}

static void offline(struct kunit *test, struct situation *s)
{
	if (!cpu_is_hotpluggable(s->cpu))
		kunit_skip(test, "CPU %d cannot be unplugged", s->cpu);
	script_cache_when_dying(s->cpu);
	KUNIT_ASSERT_EQ(test, remove_cpu(s->cpu), 0);
	script_cache_when_dying(-1);
}

static void online_again(struct kunit *test, struct situation *s)
{
	KUNIT_ASSERT_EQ(test, add_cpu(s->cpu), 0);
}

static void stays(struct kunit *test, struct situation *s) { }

static const struct state states[] = {
	[IN_USER_MODE] = { "user_mode", enter_user_mode, make_a_system_call },
	[IN_SYSTEM_CALL] = { "system_call", system_call, let_go_on },
	[IN_EXCEPTION] = { "exception", exception, let_go_on },
	[IN_GUEST] = { "virtual_machine", enter_guest, leave_guest },
	[INTERRUPTED] = { "interrupt", interrupted, make_a_system_call },
	[IN_SOFTIRQ] = { "softirq", softirq, make_a_system_call },
	[IS_KTHREAD] = { "kthread", enter_kthread, thread_moves_on },
	[IS_IO_WORKER] = { "io_worker", an_io_worker, let_go_on },
	[IS_IDLE] = { "idle", idle, stays },
	[IS_ASLEEP] = { "asleep", asleep, let_go_on },
	[IS_STOPPED] = { "stopped", stopped, continued },
	[IS_EXITING] = { "exiting", exiting, stays },
	[IS_OFFLINE] = { "offline", offline, online_again },
};

static void state_name(const struct state *state, char *name)
{
	strscpy(name, state->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(state, states, state_name);

/* ---- what happens ---- */

static unsigned int measured_by(int cpu)
{
	switch (script.last[cpu].by) {
	case BY_OWNER:
		return OWNER;
	case BY_TASK:
		return NEXT_TASK;
	case BY_KWORKER:
		return KWORKER;
	case BY_REQUESTER:
		return REQUESTER;
	case BY_DEAD:
		return DEAD_CALLBACK;
	default:
		return NOBODY;
	}
}

static enum contract_where measured_where(int cpu)
{
	int on = script.last[cpu].on;

	if (on < 0)
		return NOWHERE;
	return on == cpu ? ON_ITS_CPU : ELSEWHERE;
}

static enum contract_told measured_told(struct pcd_result result)
{
	if (result.drained)
		return DRAINED;
	if (result.posted)
		return POSTED;
	return result.left ? LEFT : NOTHING;
}

struct helps {
	s64 patience;
	s64 idle;
};

static struct helps helps(int cpu)
{
	struct pcd_stats *stats = script_stats(cpu);

	return (struct helps) {
		.patience = atomic64_read(&stats->helps[PCD_HELP_PATIENCE]),
		.idle = atomic64_read(&stats->helps[PCD_HELP_IDLE]),
	};
}

static enum contract_help measured_help(int cpu, struct helps before)
{
	struct helps after = helps(cpu);

	if (after.patience != before.patience)
		return HELP_PATIENCE;
	return after.idle != before.idle ? HELP_IDLE : NO_HELP;
}

static bool answered_in_time(enum contract_waits expected)
{
	if (expected != FOR_OWNER)
		return eventually(asked_is_answered());
	schedule_timeout_uninterruptible(SETTLE);
	return asked_is_answered();
}

/*
 * The experiment; afterwards nothing is cached.
 *
 * False if it does not count, since the machine interfered.  An owner that enters the
 * kernel unasked is asked there, or drains what is posted, perhaps before we look
 * whether the requester waited for that.  And where a tenth of a second is too short, a
 * patience ends that the contract does not expect to end.
 */
static bool measure(struct kunit *test, const struct state *state,
		    const struct contract_cell *expected, struct contract_cell *cell)
{
	struct situation *s = &situation;
	struct helps before = helps(s->cpu);
	unsigned int exits, entered_at;
	bool entered;

	state->enter(test, s);
	entered_at = probe_exits(s->cpu);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(atomic_read(&script.cached)),
			      "nothing is cached");
	if (expected->told == NOTHING)
		eventually(!script_items(s->cpu));
	else
		schedule_timeout_uninterruptible(SETTLE);

	/* Nothing is left: whatever the requester waits for is not a drain. */
	cell->waits = FOR_NOTHING;
	if (script_items(s->cpu))
		cell->waits = FOR_DRAIN;
	exits = probe_exits(s->cpu);
	ask(test, PCD_WAIT);
	if (!answered_in_time(expected->waits))
		cell->waits = FOR_OWNER;
	else if (script_items(s->cpu))
		cell->waits = FOR_NOTHING;
	entered = probe_exits(s->cpu) != exits;
	state->move_on(test, s);
	cell->told = measured_told(answer(test));
	KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(s->cpu)), "it is still cached");

	cell->by = measured_by(s->cpu);
	cell->where = measured_where(s->cpu);
	cell->help = measured_help(s->cpu, before);
	/* The request may also have met the end of an entry that began before it. */
	entered |= cell->told != POSTED && exits != entered_at;
	return !(expected->told == POSTED && entered) &&
	       (cell->help != HELP_PATIENCE || expected->help == HELP_PATIENCE);
}

/* With an owner of its own. */
static bool attempt(struct kunit *test, const struct state *state,
		    const struct contract_cell *expected, struct contract_cell *cell)
{
	struct situation *s = &situation;
	bool counts;

	script_reset();
	s->owner = owner_start(test, s->cpu);
	script.owner = owner_task(s->owner);
	close_latch(test);
	counts = measure(test, state, expected, cell);
	open_latch(NULL);
	owner_stop(test, s->owner);
	return counts;
}

static void contract(struct kunit *test)
{
	const struct state *state = test->param_value;
	int cpu = any_isolated_cpu(test, 0);
	const struct contract_cell *expected = &contract_of_arm(test)->cells[state - states];
	struct contract_cell cell;
	int i;

	stay_here(test);
	situation.cpu = cpu;
	probe_start(test);
	for (i = 0; i < ATTEMPTS && !attempt(test, state, expected, &cell); i++)
		kunit_info(test, "%s: does not count, the machine came between", state->name);

	KUNIT_EXPECT_TRUE_MSG(test, cell.by & expected->by, "who drains: %#x, not %#x",
			      cell.by, expected->by);
	KUNIT_EXPECT_EQ_MSG(test, cell.where, expected->where, "where");
	KUNIT_EXPECT_EQ_MSG(test, cell.waits, expected->waits, "what the requester waits for");
	KUNIT_EXPECT_EQ_MSG(test, cell.told, expected->told, "what it is told");
	KUNIT_EXPECT_EQ_MSG(test, cell.help, expected->help, "what help it takes");
}

/* The requester waits for the owner to move on, and the owner does not. */
static void patience_is_counted(struct kunit *test)
{
	int cpu = isolated_cpu(test, 0);
	struct situation *s = &situation;
	struct helps before = helps(cpu);

	if (contract_of_arm(test)->cells[IN_SYSTEM_CALL].waits != FOR_OWNER)
		kunit_skip(test, "nobody here waits for an owner to move on");
	stay_here(test);
	script_reset();
	s->owner = owner_start(test, cpu);
	close_latch(test);
	system_call(test, s);
	KUNIT_ASSERT_TRUE(test, eventually(atomic_read(&script.cached)));
	ask(test, PCD_WAIT);
	KUNIT_EXPECT_EQ(test, answer(test).drained, 1);
	KUNIT_EXPECT_EQ_MSG(test, measured_help(cpu, before), HELP_PATIENCE,
			    "a kworker helped, and nobody counted it");
}

/* ---- each client's own cache ---- */

static int client_caches(void *client)
{
	((const struct client *)client)->cache(NULL);
	return 0;
}

/* Invariant 8: an owner that is not isolated. */
static void client_of_an_upstream_owner(struct kunit *test)
{
	const struct client *client = test->param_value;
	struct pcd_class *class = client_class(test, client);
	struct pcd_stats *stats;
	struct pcd_result result;
	s64 works, remote;
	int cpu;

	stay_here(test);
	cpu = upstream_cpu(test, 1);
	stats = &per_cpu_ptr(class->pcpu, cpu)->stats;
	client->begin(test);
	call_on(test, cpu, client_caches, (void *)client);
	works = atomic64_read(&stats->works);
	remote = atomic64_read(&stats->remote);
	ask_class(test, class, PCD_WAIT);
	result = answer(test);

	KUNIT_EXPECT_GE(test, result.drained, 1);
	KUNIT_EXPECT_EQ(test, result.posted, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&stats->works) - works, !pcd_locks_remotely());
	KUNIT_EXPECT_EQ(test, atomic64_read(&stats->remote) - remote, pcd_locks_remotely());
	pcd_drain_all(class, NULL, PCD_MUST);
	client->end(test);
}

/* The table's first line, of what a client caches in a system call. */
static void client_of_an_owner_in_user_mode(struct kunit *test)
{
	int cpu = any_isolated_cpu(test, 0);
	const struct contract_cell *expected = &contract_of_arm(test)->cells[IN_USER_MODE];
	enum contract_told told = expected->told;
	const struct client *client = test->param_value;
	struct pcd_class *class = client_class(test, client);
	struct user_owner *owner;
	struct pcd_stats *stats;
	s64 drained, posted;
	unsigned int exits;

	stay_here(test);
	script_reset();
	probe_start(test);
	stats = &per_cpu_ptr(class->pcpu, cpu)->stats;
	owner = owner_start(test, cpu);
	client->begin(test);
	drained = atomic64_read(&stats->drained);
	posted = atomic64_read(&stats->posted);
	owner_do(test, owner, client->cache, NULL, OWNER_SPIN);
	exits = probe_exits(cpu);
	if (expected->by == NOBODY) {
		KUNIT_EXPECT_EQ_MSG(test, class->count(cpu, NULL), 0, "it is cached");
	} else if (told == NOTHING) {
		KUNIT_EXPECT_TRUE_MSG(test, eventually(!class->count(cpu, NULL)),
				      "it is still cached");
		KUNIT_EXPECT_GT(test, atomic64_read(&stats->drained), drained);
		drained = atomic64_read(&stats->drained);
	}
	ask_class(test, class, PCD_WAIT);
	answer(test);

	/* An owner that entered the kernel unasked may have drained, or been asked there. */
	if (told == POSTED)
		KUNIT_EXPECT_TRUE(test, atomic64_read(&stats->posted) > posted ||
				  probe_exits(cpu) != exits);
	else
		KUNIT_EXPECT_EQ(test, atomic64_read(&stats->posted), posted);
	if (told == DRAINED)
		KUNIT_EXPECT_GT(test, atomic64_read(&stats->drained), drained);
	if (told == NOTHING)
		KUNIT_EXPECT_EQ(test, atomic64_read(&stats->drained), drained);
	owner_come_back(test, owner);
	pcd_drain_all(class, NULL, PCD_MUST);
	client->end(test);
	probe_expect_no_debt(test);
}

static struct kunit_case contract_cases[] = {
	KUNIT_CASE_PARAM(contract, state_gen_params),
	KUNIT_CASE(patience_is_counted),
	KUNIT_CASE_PARAM(client_of_an_upstream_owner, client_gen_params),
	KUNIT_CASE_PARAM(client_of_an_owner_in_user_mode, client_gen_params),
	{}
};

static struct kunit_suite contract_suite = {
	.name = "mm_pcpu_drain_contract",
	.test_cases = contract_cases,
};

kunit_test_suite(contract_suite);
