// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners in user mode: tasks that a test starts, and commands one step at a
 * time.
 *
 * The program (kunit/owner/) comes with the initramfs and reads its file under
 * /proc for its next command.  A command is a function, called in that read, so
 * in the owner's own system call, and a thing to do in user mode after it.
 * While there is no command the owner sleeps in the read.
 *
 * Nothing here lives on a test's stack: an owner may outlive a test that failed.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <linux/umh.h>
#include <linux/wait.h>

#include "fixture.h"
#include "user_owner.h"

/**
 * struct user_owner - one owner
 * @file: its file's name
 * @task: the owner's task, once it has opened the file; we hold a reference
 * @page: what we share with it
 * @wait: the owner sleeps here when it has nothing to do
 * @told: commands given
 * @taken: commands that it has begun
 * @done: commands whose function has returned
 * @waiting: the owner has nothing to do
 * @fn: the newest command's function, or NULL
 * @arg: its argument
 * @next: what to do in user mode after it
 * @repeat: when the newest command is done, do it again
 * @fault_fn: called by the fault handler, or NULL
 * @fault_arg: its argument
 *
 * The test writes @fn, @arg, @next before @told (release; pairs with the
 * owner's acquire), and not before @done has caught up.
 */
struct user_owner {
	const char *file;
	struct task_struct *task;
	struct page *page;
	wait_queue_head_t wait;
	unsigned int told;
	unsigned int taken;
	unsigned int done;
	bool waiting;
	void (*fn)(void *arg);
	void *arg;
	enum owner_next next;
	bool repeat;
	void (*fault_fn)(void *arg);
	void *fault_arg;
};

static struct user_owner owners[USER_OWNERS] = {
	{ .file = "0" },
	{ .file = "1" },
};

static struct proc_dir_entry *owner_dir;

static struct owner_page *shared(struct user_owner *owner)
{
	return page_address(owner->page);
}

/* ---- the owner's side ---- */

static int owner_open(struct inode *inode, struct file *file)
{
	struct user_owner *owner = pde_data(inode);

	/* After an exec it is the same task. */
	if (!owner->task)
		/* Pairs with the acquire in owner_ready(). */
		smp_store_release(&owner->task, get_task_struct(current));
	return nonseekable_open(inode, file);
}

static bool owner_has_to_act(struct user_owner *owner)
{
	/* Pairs with the release in owner_tell(). */
	return smp_load_acquire(&owner->told) != owner->taken || READ_ONCE(owner->repeat);
}

static ssize_t owner_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct user_owner *owner = pde_data(file_inode(file));
	__u32 next;

	if (size != sizeof(next))
		return -EINVAL;
	WRITE_ONCE(owner->waiting, true);
	if (wait_event_interruptible(owner->wait, owner_has_to_act(owner)))
		return -ERESTARTSYS;
	WRITE_ONCE(owner->waiting, false);
	next = owner->next;
	WRITE_ONCE(shared(owner)->beats, 0);
	WRITE_ONCE(shared(owner)->go, 0);
	WRITE_ONCE(shared(owner)->signals, 0);
	owner->taken = owner->told;
	if (owner->fn)
		owner->fn(owner->arg);
	/* Pairs with the acquire in owner_has_done(). */
	smp_store_release(&owner->done, owner->taken);
	return put_user(next, (__u32 __user *)buf) ?: sizeof(next);
}

static vm_fault_t owner_fault(struct vm_fault *vmf)
{
	struct user_owner *owner = vmf->vma->vm_private_data;

	if (vmf->pgoff == OWNER_MAP_FAULT && owner->fault_fn)
		owner->fault_fn(owner->fault_arg);
	vmf->page = owner->page;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct owner_vm_ops = {
	.fault = owner_fault,
};

static int owner_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff > OWNER_MAP_FAULT || vma_pages(vma) != 1)
		return -EINVAL;
	vma->vm_private_data = pde_data(file_inode(file));
	vma->vm_ops = &owner_vm_ops;
	return 0;
}

static const struct proc_ops owner_ops = {
	.proc_open = owner_open,
	.proc_read = owner_read,
	.proc_mmap = owner_mmap,
};

static int __init owner_init(void)
{
	int i;

	owner_dir = proc_mkdir(OWNER_DIR, NULL);
	for (i = 0; i < USER_OWNERS; i++) {
		init_waitqueue_head(&owners[i].wait);
		owners[i].page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!owners[i].page ||
		    !proc_create_data(owners[i].file, 0600, owner_dir, &owner_ops, &owners[i]))
			return -ENOMEM;
	}
	return 0;
}
late_initcall(owner_init);

/* ---- the test's side ---- */

static struct user_owner *owner_unused(void)
{
	int i;

	for (i = 0; i < USER_OWNERS; i++)
		if (!owners[i].task)
			return &owners[i];
	return NULL;
}

/* End it whatever it does: what holds it up must have been let go before. */
static void owner_end(void *data)
{
	struct user_owner *owner = data;

	if (!owner->task)
		return;
	send_sig(SIGKILL, owner->task, 1);
	if (!eventually(owner_is_dead(owner))) {
		/* Not to be used again, and its task not to be freed. */
		pr_err("owner %s does not die\n", owner->file);
		return;
	}
	put_task_struct(owner->task);
	owner->task = NULL;
}

static void owner_pin(void *cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of((long)cpu));
}

static int owner_run(struct user_owner *owner, int wait)
{
	char file[32], *argv[] = { OWNER_PROGRAM, file, NULL }, *envp[] = { NULL };

	snprintf(file, sizeof(file), "/proc/" OWNER_DIR "/%s", owner->file);
	return call_usermodehelper(OWNER_PROGRAM, argv, envp, wait);
}

static int owner_run_and_wait(void *owner)
{
	return owner_run(owner, UMH_WAIT_PROC);
}

static struct user_owner *owner_prepare(struct kunit *test)
{
	struct user_owner *owner = owner_unused();

	KUNIT_ASSERT_NOT_NULL_MSG(test, owner, "an earlier test's owner is still there");
	owner->told = 0;
	owner->taken = 0;
	owner->done = 0;
	owner->repeat = false;
	owner->waiting = false;
	owner->fault_fn = NULL;
	return owner;
}

static void owner_ready(struct kunit *test, struct user_owner *owner, int cpu)
{
	/* Pairs with the release in owner_open(). */
	KUNIT_ASSERT_TRUE_MSG(test, eventually(smp_load_acquire(&owner->task)),
			      "%s does not open its file", OWNER_PROGRAM);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, owner_end, owner), 0);
	owner_do(test, owner, owner_pin, (void *)(long)cpu, OWNER_AGAIN);
	KUNIT_ASSERT_TRUE(test, eventually(owner_is_waiting(owner)));
	KUNIT_ASSERT_EQ(test, task_cpu(owner->task), cpu);
}

/**
 * owner_start - start an owner
 * @test: ends with the owner's end
 * @cpu: where it shall be
 *
 * Return: the owner, asleep for want of a command; never NULL.
 */
struct user_owner *owner_start(struct kunit *test, int cpu)
{
	struct user_owner *owner = owner_prepare(test);

	KUNIT_ASSERT_EQ_MSG(test, owner_run(owner, UMH_WAIT_EXEC), 0,
			    "cannot start %s; is it in the initramfs?", OWNER_PROGRAM);
	owner_ready(test, owner, cpu);
	return owner;
}

/**
 * owner_start_awaited - the same, and a work item waits for the owner's end
 * @test: ends with the owner's end
 * @cpu: where it shall be
 *
 * As usermode helpers often run: the work is on a system workqueue.
 *
 * Return: the owner, asleep for want of a command; never NULL.
 */
struct user_owner *owner_start_awaited(struct kunit *test, int cpu)
{
	static struct thread waiter;
	struct user_owner *owner = owner_prepare(test);

	thread_start(test, &waiter, requester_cpu(0), owner_run_and_wait, owner);
	owner_ready(test, owner, cpu);
	return owner;
}

/**
 * owner_stop - end an owner before the test ends
 * @test: that started it
 * @owner: which; what holds it up must have been let go before
 */
void owner_stop(struct kunit *test, struct user_owner *owner)
{
	kunit_release_action(test, owner_end, owner);
}

/**
 * owner_tell - give the next command, wait for nothing
 * @owner: which
 * @fn: to be called in its system call, or NULL
 * @arg: for @fn
 * @next: to be done in user mode after that
 */
void owner_tell(struct user_owner *owner, void (*fn)(void *arg), void *arg,
		enum owner_next next)
{
	owner->fn = fn;
	owner->arg = arg;
	owner->next = next;
	/* Pairs with the acquire in owner_read(). */
	smp_store_release(&owner->told, owner->told + 1);
	wake_up(&owner->wait);
}

/* Do the newest command again and again, or no more. */
void owner_repeat(struct user_owner *owner, bool on)
{
	WRITE_ONCE(owner->repeat, on);
	wake_up(&owner->wait);
}

/* Has the newest command's function returned? Orders what that did before our return. */
bool owner_has_done(struct user_owner *owner)
{
	return smp_load_acquire(&owner->done) == owner->told;	/* pairs with owner_read() */
}

/* Only after OWNER_SPIN, or in its guest after OWNER_GUEST, until owner_go(). */
bool owner_is_in_user_mode(struct user_owner *owner)
{
	return owner_has_done(owner) && READ_ONCE(shared(owner)->beats);
}

/* OWNER_SIGNALs that it has handled since its newest command. */
unsigned int owner_signals(struct user_owner *owner)
{
	return READ_ONCE(shared(owner)->signals);
}

/* End its spinning, without a word to its CPU. */
void owner_go(struct user_owner *owner)
{
	WRITE_ONCE(shared(owner)->go, 1);
}

/* What its next OWNER_FAULT or OWNER_GUEST calls. */
void owner_on_fault(struct user_owner *owner, void (*fn)(void *arg), void *arg)
{
	owner->fault_arg = arg;
	owner->fault_fn = fn;
}

/* Asleep or stopped, and off its CPU. */
bool owner_is_asleep(struct user_owner *owner)
{
	return READ_ONCE(owner->task->__state) != TASK_RUNNING &&
	       !READ_ONCE(owner->task->on_rq) && !READ_ONCE(owner->task->on_cpu);
}

/* Asleep in its read for want of a command. */
bool owner_is_waiting(struct user_owner *owner)
{
	return owner_has_done(owner) && READ_ONCE(owner->waiting) && owner_is_asleep(owner);
}

bool owner_is_dead(struct user_owner *owner)
{
	return task_is_gone(owner->task);
}

struct task_struct *owner_task(struct user_owner *owner)
{
	return owner->task;
}

/**
 * owner_do - give a command and wait until its function has returned
 * @test: fails if it does not in time
 * @owner: which
 * @fn: see owner_tell()
 * @arg: likewise
 * @next: if OWNER_SPIN: wait until it spins in user mode
 */
void owner_do(struct kunit *test, struct user_owner *owner, void (*fn)(void *arg),
	      void *arg, enum owner_next next)
{
	owner_tell(owner, fn, arg, next);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(owner_has_done(owner)),
			      "the owner does not get through its system call");
	if (next == OWNER_SPIN)
		KUNIT_ASSERT_TRUE_MSG(test, eventually(owner_is_in_user_mode(owner)),
				      "the owner does not get to user mode");
}

/* End its spinning and wait until it sleeps in its next read. */
void owner_come_back(struct kunit *test, struct user_owner *owner)
{
	owner_go(owner);
	KUNIT_ASSERT_TRUE_MSG(test, eventually(owner_is_waiting(owner)),
			      "the owner does not come back");
}
