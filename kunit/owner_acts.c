// SPDX-License-Identifier: GPL-2.0-only
/* What owners do in the kernel: see owner_acts.h. */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/pipe_fs_i.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "fixture.h"
#include "owner_acts.h"

/* Holds up an owner in a system call, busy or asleep; opened at the test's end. */
static bool latch_open;
static bool io_worker_may_cache;
static struct task_struct *io_worker_task;
static DECLARE_WAIT_QUEUE_HEAD(latch);

/* Later tests are to find no other task on the owner's CPU. */
static void await_io_worker(void *unused)
{
	if (!io_worker_task || !eventually(task_is_gone(io_worker_task)))
		return;
	put_task_struct(io_worker_task);
	io_worker_task = NULL;
}

/* Closed until the test ends at the latest. */
void close_latch(struct kunit *test)
{
	await_io_worker(NULL);
	WRITE_ONCE(latch_open, false);
	WRITE_ONCE(io_worker_may_cache, false);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, await_io_worker, NULL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, open_latch, NULL), 0);
}

void open_latch(void *unused)
{
	WRITE_ONCE(latch_open, true);
	wake_up_all(&latch);
}

void be_busy(void *unused)
{
	while (!READ_ONCE(latch_open))
		cpu_relax();
}

void be_asleep(void *unused)
{
	wait_event(latch, READ_ONCE(latch_open));
}

void go_to(void *cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of((long)cpu));
}

void cache_and_go_to(void *cpu)
{
	script_cache(NULL);
	go_to(cpu);
}

/* FIFO, so that no kworker does what the owner may do. */
void fifo_cache(void *unused)
{
	sched_set_fifo(current);
	script_cache(NULL);
}

void cache_and_be_busy(void *unused)
{
	script_cache(NULL);
	be_busy(NULL);
}

void cache_and_be_asleep(void *unused)
{
	script_cache(NULL);
	be_asleep(NULL);
}

/* Whoever caches stays on its CPU until pcd_cached() returns, as under a lock. */
static void cache_with_a_pause_within(void (*pause)(void *unused))
{
	migrate_disable();
	script_cache_half();
	pause(NULL);
	script_cache_other_half();
	migrate_enable();
}

void cache_busy_within(void *unused)
{
	cache_with_a_pause_within(be_busy);
}

void cache_asleep_within(void *unused)
{
	cache_with_a_pause_within(be_asleep);
}

/*
 * After exit_task_work() a task takes no task work any more, and still frees: here
 * its splice pipe, with a buffer whose release function is ours.
 */
static void cache_on_release(struct pipe_inode_info *pipe, struct pipe_buffer *buf)
{
	script_cache(NULL);
}

static const struct pipe_buf_operations caching_pipe = {
	.release = cache_on_release,
};

void cache_late_in_exit(void *unused)
{
	struct pipe_inode_info *pipe = alloc_pipe_info();

	if (!pipe)
		return;
	pipe->bufs[0].ops = &caching_pipe;
	current->splice_pipe = pipe;
}

/*
 * As io_wq_worker(), without its I/O: when told to, it caches something, is
 * busy until the latch is open, and looks at its task works before it sleeps.
 */
static int io_worker(void *unused)
{
	wait_event(latch, READ_ONCE(io_worker_may_cache) || READ_ONCE(latch_open));
	WRITE_ONCE(script.owner, current);
	cache_and_be_busy(NULL);
	if (test_thread_flag(TIF_NOTIFY_RESUME))
		resume_user_mode_work(NULL);
	schedule_timeout_idle(HZ / 100);
	do_exit(0);
}

void create_io_worker(void *unused)
{
	struct task_struct *task = create_io_thread(io_worker, NULL, NUMA_NO_NODE);

	if (IS_ERR(task))
		return;
	io_worker_task = get_task_struct(task);
	wake_up_new_task(task);
}

void cache_and_create_io_worker(void *unused)
{
	script_cache(NULL);
	create_io_worker(NULL);
}

void io_worker_caches(void)
{
	WRITE_ONCE(io_worker_may_cache, true);
	wake_up_all(&latch);
}
