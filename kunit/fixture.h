/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_FIXTURE_H
#define _PCD_KUNIT_FIXTURE_H

/* What the files of the suite share. */

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include "../internal.h"

/* The limit of each wait of a test; long, since emulated CPUs share real ones. */
#define LIMIT_MS 10000

/**
 * eventually - wait until something holds
 * @condition: evaluated once a jiffy
 *
 * Return: true, or false if it does not hold within LIMIT_MS.
 */
#define eventually(condition)						\
({									\
	unsigned long __end = jiffies + msecs_to_jiffies(LIMIT_MS);	\
	bool __holds;							\
									\
	while (!(__holds = (condition)) && time_before(jiffies, __end))	\
		schedule_timeout_uninterruptible(1);			\
	__holds;							\
})

/* ---- the scripted class: a number per CPU, cached in any context ---- */

/* Who drains. */
enum by {
	BY_NOBODY,
	BY_OWNER,	/* the task whose items they are */
	BY_TASK,	/* another user task */
	BY_KWORKER,
	BY_REQUESTER,
	BY_DEAD,	/* the callback of a CPU that has died */
};

/* The last drain of one CPU's items. */
struct script_drain {
	enum by by;
	int on;		/* the CPU that it ran on; -1: none yet */
};

struct script {
	atomic_long_t items[NR_CPUS];	/* words: pcd_take() */
	struct script_drain last[NR_CPUS];
	atomic_t added[NR_CPUS];	/* items, ever: counted once they are there */
	atomic_t visits[NR_CPUS];	/* drains, of nothing too */
	atomic_t cached;		/* items, so far */
	atomic_t drained;		/* likewise */
	atomic_t drains;		/* that found something */
	struct task_struct *owner;	/* the task under test, or NULL */
	void *key;			/* of all items; NULL: of no key that a request names */
	int held_cpu;			/* hold up drains of this CPU; -1: none */
	struct completion entered;	/* the held drain has begun */
	struct completion release;	/* let it go on */
	void (*in_drain)(void);		/* called by drains that find something, or NULL */
};

extern struct script script;
extern struct pcd_class scripted;

/* A second class, for tests that need two. */
extern struct pcd_class second;

void script_reset(void);
void script_cache(void *unused);
void script_cache_half(void);
void script_cache_other_half(void);
void script_cache_second(void);
void script_cache_when_dying(int cpu);
unsigned int second_items(int cpu);
unsigned int script_items(int cpu);
unsigned int script_added(struct pcd_class *class, int cpu);
struct pcd_stats *script_stats(int cpu);
s64 script_helps(int cpu, enum pcd_help why);

/* ---- CPUs ---- */

bool caches_nothing(int cpu);
bool is_upstream(int cpu);
const struct cpumask *upstream_cpus(void);
int upstream_cpu(struct kunit *test, unsigned int nr);
bool is_isolated(int cpu);
int any_isolated_cpu(struct kunit *test, unsigned int nr);
int isolated_cpu(struct kunit *test, unsigned int nr);
int requester_cpu(unsigned int nr);
int other_housekeeping_cpu(struct kunit *test);
void stay_here(struct kunit *test);

/* ---- threads ---- */

/* A thread of a test, joined by thread_join(). */
struct thread {
	int (*fn)(void *arg);
	void *arg;
	int ret;
	struct completion done;
	struct task_struct *task;
};

void thread_start(struct kunit *test, struct thread *thread, int cpu,
		  int (*fn)(void *arg), void *arg);
int thread_join(struct thread *thread);
int call_on(struct kunit *test, int cpu, int (*fn)(void *arg), void *arg);

/* After its last switch; exit_state is set earlier, while the task may still free things. */
static inline bool task_is_gone(struct task_struct *task)
{
	return READ_ONCE(task->__state) == TASK_DEAD && !READ_ONCE(task->on_cpu);
}

/* ---- requests ---- */

struct request {
	struct pcd_class *class;
	void *key;
	enum pcd_mode mode;
	struct timer_list *timer;	/* to start when the request begins, or NULL */
	struct pcd_result result;
};

int make_request(void *data);

void ask(struct kunit *test, enum pcd_mode mode);
void ask_for(struct kunit *test, void *key, enum pcd_mode mode);
void ask_class(struct kunit *test, struct pcd_class *class, enum pcd_mode mode);
bool asked_is_answered(void);
struct pcd_result answer(struct kunit *test);
struct task_struct *asker(void);

#endif /* _PCD_KUNIT_FIXTURE_H */
