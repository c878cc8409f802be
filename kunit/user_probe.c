// SPDX-License-Identifier: GPL-2.0-only
/*
 * A look at isolated CPUs whenever they enter or leave user mode, by the trace
 * points of context tracking (others have none), and at what requests send to them.
 *
 * What was posted is kept: a request notes how much was ever cached when it begins,
 * and when it has been told that this is posted, the CPU owes a drain of that much.
 * One that was asked in user mode pays before it next enters user mode after having
 * entered the kernel; one that was asked in the kernel, before it next enters user
 * mode.  The probe asks the scripted classes, and does not trust the variant's word.
 *
 * User mode is left alone: no work and no interrupt is sent to a CPU that is in it by
 * the task that makes a request, unless that is STRICT or MUST, or its patience has ended.
 * Whatever else comes to such a CPU is not the request's doing.
 */
#include <linux/percpu.h>
#include <linux/sched/signal.h>

#include "fixture.h"
#include "user_probe.h"

#ifdef CONFIG_CONTEXT_TRACKING_USER
#include <trace/events/context_tracking.h>
#include <trace/events/csd.h>
#include <trace/events/ipi.h>
#include <trace/events/pcpu_drain.h>
#include <trace/events/sched.h>
#include <trace/events/workqueue.h>

/* Tests have fewer. */
#define REQUESTS_AT_ONCE 8

static struct pcd_class *const classes[] = { &scripted, &second };

/* Written by the CPU itself, interrupts disabled; the test peeks. */
struct probe {
	unsigned int entries;	/* to user mode */
	unsigned int exits;	/* from it */
	unsigned int debts;	/* entries and exits that the variant rules out */
	unsigned int cached;	/* likewise, with something cached */
	unsigned int unkept;	/* entries, with something cached that was posted */
	unsigned int signalled;	/* entries of one task, with a signal pending */
	unsigned int due[ARRAY_SIZE(classes)];	/* posted when it entered the kernel */
};

static DEFINE_PER_CPU(struct probe, probes);
static DEFINE_PER_CPU(bool, in_user_mode);	/* requests peek */

static bool on;		/* a test looks */
static struct task_struct *signalled_task;

/* What was posted on a CPU, by where it was; written with the class's lock held. */
struct posted {
	unsigned int in_user;
	unsigned int in_kernel;
};

static DEFINE_PER_CPU(struct posted[ARRAY_SIZE(classes)], posted);

/* A request under way, its task's own business. */
struct asking {
	struct task_struct *task;
	enum pcd_mode mode;
	unsigned int added[NR_CPUS];	/* when it began */
	unsigned int sent;		/* to CPUs in user mode that are to be left alone */
	void *sent_for;			/* the last of these: a function there, or who sent it */
	void *calling;			/* the function that an interrupt is sent for next */
	struct task_struct *waking;	/* who is being woken, not a kworker */
	bool may_disturb;
};

static struct asking askings[REQUESTS_AT_ONCE];

static atomic_t sent;		/* to CPUs in user mode, by whatever request */
static atomic_t disturbing;	/* of these, by one that is to leave them alone */
static void *disturber;		/* what one of them was sent for */
static atomic_t unseen;		/* requests that found no room */
static struct work_struct *queued;	/* by a request, the last one */

/* ---- entry to and exit from user mode ---- */

static bool is_after(unsigned int a, unsigned int b)
{
	return (int)(a - b) > 0;
}

static bool is_unkept(int cpu, unsigned int class)
{
	struct posted *now = &per_cpu(posted, cpu)[class];
	unsigned int drained = script_added(classes[class], cpu) -
			       classes[class]->count(cpu, NULL);

	return is_after(per_cpu(probes, cpu).due[class], drained) ||
	       /* Acquire: pairs with the release in note_posted(). */
	       is_after(smp_load_acquire(&now->in_kernel), drained);
}

static void probe_user_enter(void *unused, int dummy)
{
	struct probe *probe = this_cpu_ptr(&probes);
	int cpu = smp_processor_id();
	unsigned int class;

	this_cpu_write(in_user_mode, true);
	if (!READ_ONCE(on))
		return;
	probe->entries++;
	probe->debts += pcd_variant_owes(cpu);
	probe->cached += pcd_variant_clean_in_user() &&
			 (script_items(cpu) || second_items(cpu));
	for (class = 0; class < ARRAY_SIZE(classes); class++)
		probe->unkept += is_unkept(cpu, class);
	probe->signalled += current == READ_ONCE(signalled_task) && signal_pending(current);
}

/* Before any hook of a variant: the state is still that of user mode. */
static void probe_user_exit(void *unused, int dummy)
{
	struct probe *probe = this_cpu_ptr(&probes);
	unsigned int class;

	this_cpu_write(in_user_mode, false);
	if (!READ_ONCE(on))
		return;
	probe->exits++;
	probe->debts += pcd_variant_owes(smp_processor_id());
	for (class = 0; class < ARRAY_SIZE(classes); class++)
		/* Acquire: pairs with the release in note_posted(). */
		probe->due[class] = smp_load_acquire(&(*this_cpu_ptr(&posted))[class].in_user);
}

/* ---- requests ---- */

static int number_of(struct pcd_class *class)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i] == class)
			return i;
	return -1;
}

/* The request that is calling us, or NULL: an interrupt is no part of it. */
static struct asking *asking_here(void)
{
	int i;

	for (i = 0; in_task() && i < REQUESTS_AT_ONCE; i++)
		if (READ_ONCE(askings[i].task) == current)
			return &askings[i];
	return NULL;
}

static struct asking *asking_new(void)
{
	int i;

	for (i = 0; i < REQUESTS_AT_ONCE; i++)
		if (!cmpxchg(&askings[i].task, NULL, current))
			return &askings[i];
	return NULL;
}

static void probe_request(void *unused, struct pcd_class *class, enum pcd_mode mode)
{
	struct asking *asking;
	int cpu;

	if (!READ_ONCE(on) || number_of(class) < 0)
		return;
	asking = asking_new();
	if (!asking) {
		atomic_inc(&unseen);
		return;
	}
	asking->mode = mode;
	asking->sent = 0;
	asking->calling = NULL;
	asking->waking = NULL;
	asking->may_disturb = mode != PCD_WAIT && mode != PCD_POST;
	for_each_possible_cpu(cpu)
		asking->added[cpu] = script_added(class, cpu);
}

/* Release: whoever reads the note also sees what had been asked for by then. */
static void note_posted(unsigned int *where, unsigned int added)
{
	if (is_after(added, *where))
		/* Pairs with the acquires of who enters and leaves user mode. */
		smp_store_release(where, added);
}

static void probe_ask(void *unused, struct pcd_class *class, int cpu, bool in_kernel)
{
	struct asking *asking = asking_here();
	struct posted *now;

	if (!asking)
		return;
	now = &per_cpu(posted, cpu)[number_of(class)];
	if (!in_kernel)
		note_posted(&now->in_user, asking->added[cpu]);
	/* Where it is taken out from elsewhere, the owner may be in user mode meanwhile. */
	else if (asking->mode == PCD_POST && !pcd_holds())
		note_posted(&now->in_kernel, asking->added[cpu]);
}

static void probe_help(void *unused, struct pcd_class *class, int cpu, enum pcd_help why)
{
	struct asking *asking = asking_here();

	if (asking)
		asking->may_disturb = true;
}

static void probe_served(void *unused, struct pcd_class *class, const struct pcd_result *result)
{
	struct asking *asking = asking_here();

	if (!asking)
		return;
	if (!asking->may_disturb && asking->sent) {
		atomic_add(asking->sent, &disturbing);
		WRITE_ONCE(disturber, asking->sent_for);
	}
	/* Release: pairs with the cmpxchg in asking_new(). */
	smp_store_release(&asking->task, NULL);
}

/* ---- what is sent to a CPU ---- */

/*
 * A request that finds the CPU in the kernel may send it something, and the CPU does
 * not enter user mode before that.
 */
static void note_sent(int cpu, void *what)
{
	struct asking *asking = asking_here();

	if (!asking || !READ_ONCE(per_cpu(in_user_mode, cpu)))
		return;
	atomic_inc(&sent);
	if (pcd_tracks(cpu) || pcd_locks_remotely()) {
		asking->sent++;
		asking->sent_for = what;
	}
}

static void probe_queue_work(void *unused, int cpu, struct pool_workqueue *pwq,
			     struct work_struct *work)
{
	if (asking_here())
		WRITE_ONCE(queued, work);
	if (cpu != WORK_CPU_UNBOUND)
		note_sent(cpu, work->func);
}

static void probe_call(void *unused, unsigned int cpu, unsigned long callsite,
		       smp_call_func_t func, call_single_data_t *csd)
{
	struct asking *asking = asking_here();

	if (asking)
		asking->calling = func;
}

static void probe_send_cpu(void *unused, unsigned int cpu, unsigned long callsite, void *callback)
{
	struct asking *asking = asking_here();
	void *func = asking ? asking->calling : NULL;

	if (!asking)
		return;
	asking->calling = NULL;
	/*
	 * On PREEMPT_RT a task of that CPU may have waited for a lock that the requester
	 * held for a moment.  It is woken because of that lock, and not for the request.
	 */
	if (!asking->waking || task_cpu(asking->waking) != cpu)
		note_sent(cpu, func ?: (void *)callsite);
}

static void probe_waking(void *unused, struct task_struct *task)
{
	struct asking *asking = asking_here();

	if (asking)
		asking->waking = task->flags & PF_WQ_WORKER ? NULL : task;
}

static void probe_woken(void *unused, struct task_struct *task)
{
	struct asking *asking = asking_here();

	if (asking)
		asking->waking = NULL;
}

static void probe_send_cpumask(void *unused, const struct cpumask *cpus, unsigned long callsite,
			       void *callback)
{
	int cpu;

	for_each_cpu(cpu, cpus)
		note_sent(cpu, (void *)callsite);
}

/* ---- for tests ---- */

/* Once for all: each time code is patched that all CPUs run. */
static int __init probe_init(void)
{
	return register_trace_user_enter(probe_user_enter, NULL) ?:
	       register_trace_user_exit(probe_user_exit, NULL) ?:
	       register_trace_pcd_request(probe_request, NULL) ?:
	       register_trace_pcd_ask(probe_ask, NULL) ?:
	       register_trace_pcd_help(probe_help, NULL) ?:
	       register_trace_pcd_served(probe_served, NULL) ?:
	       register_trace_workqueue_queue_work(probe_queue_work, NULL) ?:
	       register_trace_sched_waking(probe_waking, NULL) ?:
	       register_trace_sched_wakeup(probe_woken, NULL) ?:
	       register_trace_csd_queue_cpu(probe_call, NULL) ?:
	       register_trace_ipi_send_cpu(probe_send_cpu, NULL) ?:
	       register_trace_ipi_send_cpumask(probe_send_cpumask, NULL);
}
late_initcall(probe_init);

static void probe_end(void *unused)
{
	WRITE_ONCE(on, false);
}

/* Until the test ends. */
void probe_start(struct kunit *test)
{
	int cpu;

	signalled_task = NULL;
	queued = NULL;
	memset(askings, 0, sizeof(askings));
	atomic_set(&sent, 0);
	atomic_set(&disturbing, 0);
	atomic_set(&unseen, 0);
	for_each_possible_cpu(cpu) {
		per_cpu(probes, cpu) = (struct probe){};
		memset(per_cpu(posted, cpu), 0, sizeof(per_cpu(posted, cpu)));
	}
	WRITE_ONCE(on, true);
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

static bool is_quiet(int cpu)
{
	unsigned int exits = probe_exits(cpu);

	schedule_timeout_uninterruptible(4);
	return probe_exits(cpu) == exits;
}

/* Wait until nothing comes to @cpu for some ticks: its own tick has stopped as well. */
void probe_await_quiet(int cpu)
{
	eventually(is_quiet(cpu));
}

/* From now on, look for signals when @task enters user mode. */
void probe_signals_of(struct task_struct *task)
{
	WRITE_ONCE(signalled_task, task);
}

/* How often it did so with one pending: wrong, if sent while it could be handled. */
unsigned int probe_signalled(void)
{
	unsigned int signalled = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		signalled += per_cpu(probes.signalled, cpu);
	return signalled;
}

/* Works and interrupts that requests have sent to CPUs in user mode, rightly or not. */
unsigned int probe_sent(void)
{
	return atomic_read(&sent);
}

/* The work that a request has queued last; NULL: none has. */
struct work_struct *probe_queued(void)
{
	return READ_ONCE(queued);
}

/* Once the test's requests have returned. */
void probe_expect_no_debt(struct kunit *test)
{
	unsigned int entries = 0, debts = 0, cached = 0, unkept = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		entries += per_cpu(probes.entries, cpu);
		debts += per_cpu(probes.debts, cpu);
		cached += per_cpu(probes.cached, cpu);
		unkept += per_cpu(probes.unkept, cpu);
	}
	KUNIT_EXPECT_GT_MSG(test, entries, 0, "no isolated CPU was in user mode");
	KUNIT_EXPECT_EQ_MSG(test, debts, 0,
			    "so often a drain was owed, entering user mode %u times and leaving it",
			    entries);
	KUNIT_EXPECT_EQ_MSG(test, cached, 0, "of %u entries to user mode, so many had items cached",
			    entries);
	KUNIT_EXPECT_EQ_MSG(test, unkept, 0,
			    "of %u entries to user mode, so many had items cached that were posted",
			    entries);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&disturbing), 0,
			    "so many works and interrupts were sent to owners in user mode, one for %pS",
			    READ_ONCE(disturber));
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&unseen), 0, "more requests than it has room for");
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

void probe_signals_of(struct task_struct *task) { }

unsigned int probe_signalled(void)
{
	return 0;
}

void probe_await_quiet(int cpu) { }

unsigned int probe_sent(void)
{
	return 0;
}

struct work_struct *probe_queued(void)
{
	return NULL;
}

void probe_expect_no_debt(struct kunit *test) { }

#endif
