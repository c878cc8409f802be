// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite for the draining of per-CPU caches, callers: those that need folios to
 * leave an isolated CPU's batches get that, while the CPU's owner spins in user mode.
 * README.md in this folder lists all callers.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/mmzone.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <uapi/linux/memfd.h>

#include "../../internal.h"	/* lru_cache_disable() */
#include "fixture.h"
#include "owner_acts.h"
#include "user_owner.h"
#include "user_probe.h"

static struct user_owner *start(struct kunit *test, int cpu)
{
	stay_here(test);
	script_reset();
	probe_start(test);
	return owner_start(test, cpu);
}

/* On a FIFO owner's CPU a kworker runs only by the scheduler's fair server. */
static const bool is_fifo[] = { false, true };

static void fifo_name(const bool *fifo, char *name)
{
	strscpy(name, *fifo ? "fifo" : "other", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fifo, is_fifo, fifo_name);

static void become_what_the_case_says(const bool *fifo)
{
	if (*fifo)
		sched_set_fifo(current);
}

/* ---- each kind of caller ---- */

struct kind {
	const char *name;
	void (*drain)(void);
	bool may_be_posted;
};

static void disable_lru_cache(void)
{
	lru_cache_disable();
	lru_cache_enable();
}

static const struct kind kinds[] = {
	{ "strict", lru_add_drain_all },
	{ "must", disable_lru_cache },
	{ "hint", lru_add_drain_all_nodisturb, .may_be_posted = true },
};

static void kind_name(const struct kind *kind, char *name)
{
	strscpy(name, kind->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_name);

static void cache_folio(void *folio)
{
	folio_add_lru(folio);
}

static s64 posted(struct pcd_class *class, int cpu)
{
	return atomic64_read(&per_cpu_ptr(class->pcpu, cpu)->stats.posted);
}

static void caller_finds_the_folio_on_the_lru(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct pcd_class *class = pcd_class_find("lru");
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	int cpu = any_isolated_cpu(test, 0);
	struct user_owner *owner;
	s64 before;

	KUNIT_ASSERT_NOT_NULL(test, class);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_ASSERT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
	owner = start(test, cpu);
	owner_do(test, owner, cache_folio, folio, OWNER_SPIN);
	before = posted(class, cpu);
	kind->drain();
	/* What is posted may be drained already, should the owner have entered the kernel. */
	KUNIT_EXPECT_TRUE(test, folio_test_lru(folio) ||
			  (kind->may_be_posted && posted(class, cpu) != before));
	if (!kind->may_be_posted)
		KUNIT_EXPECT_EQ(test, posted(class, cpu), before);
	owner_come_back(test, owner);
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
	probe_expect_no_debt(test);
}

/* ---- F_SEAL_WRITE ---- */

static struct {
	const bool *fifo;
	struct file *file;
	ssize_t written;
} memfd;

static void write_memfd(void *unused)
{
	loff_t pos = 0;

	become_what_the_case_says(memfd.fifo);
	memfd.written = kernel_write(memfd.file, "x", 1, &pos);
}

static void seal_of_what_the_owner_wrote(struct kunit *test)
{
	int cpu = any_isolated_cpu(test, 0);
	struct user_owner *owner;

	if (!IS_ENABLED(CONFIG_MEMFD_CREATE))
		kunit_skip(test, "needs CONFIG_MEMFD_CREATE");
	owner = start(test, cpu);
	memfd.fifo = test->param_value;
	memfd.file = memfd_alloc_file("pcd_kunit", MFD_ALLOW_SEALING);
	KUNIT_ASSERT_FALSE(test, IS_ERR(memfd.file));
	owner_do(test, owner, write_memfd, NULL, OWNER_SPIN);
	KUNIT_EXPECT_EQ(test, memfd.written, 1);

	KUNIT_EXPECT_EQ(test, memfd_fcntl(memfd.file, F_ADD_SEALS, F_SEAL_WRITE), 0);
	owner_come_back(test, owner);
	fput(memfd.file);
	probe_expect_no_debt(test);
}

/* ---- a longterm pin of a folio in ZONE_MOVABLE ---- */

static struct {
	const bool *fifo;
	struct mm_struct *mm;
	unsigned long at;
	struct page *page;
	long pinned;
} pin;

static void map_and_touch(void *unused)
{
	become_what_the_case_says(pin.fifo);
	pin.at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (!IS_ERR_VALUE(pin.at) && put_user(1, (int __user *)pin.at))
		pin.at = -EFAULT;
}

static int pin_for_long(void *unused)
{
	mmap_read_lock(pin.mm);
	pin.pinned = pin_user_pages_remote(pin.mm, pin.at, 1, FOLL_WRITE | FOLL_LONGTERM,
					   &pin.page, NULL);
	mmap_read_unlock(pin.mm);
	return 0;
}

static void pin_of_what_the_owner_touched(struct kunit *test)
{
	static struct thread pinner;
	int cpu = any_isolated_cpu(test, 0);
	struct user_owner *owner;

	if (!populated_zone(&NODE_DATA(0)->node_zones[ZONE_MOVABLE]))
		kunit_skip(test, "needs movablecore=");
	owner = start(test, cpu);
	pin.fifo = test->param_value;
	owner_do(test, owner, map_and_touch, NULL, OWNER_SPIN);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(pin.at));
	pin.mm = get_task_mm(owner_task(owner));
	KUNIT_ASSERT_NOT_NULL(test, pin.mm);

	thread_start(test, &pinner, requester_cpu(0), pin_for_long, NULL);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(completion_done(&pinner.done)),
			      "it pins and gives up, again and again");
	owner_come_back(test, owner);
	thread_join(&pinner);
	KUNIT_EXPECT_EQ(test, pin.pinned, 1);
	if (pin.pinned == 1)
		unpin_user_page(pin.page);
	mmput(pin.mm);
	probe_expect_no_debt(test);
}

static struct kunit_case pcpu_drain_callers_cases[] = {
	KUNIT_CASE_PARAM(caller_finds_the_folio_on_the_lru, kind_gen_params),
	KUNIT_CASE_PARAM(seal_of_what_the_owner_wrote, fifo_gen_params),
	KUNIT_CASE_PARAM(pin_of_what_the_owner_touched, fifo_gen_params),
	{}
};

static struct kunit_suite pcpu_drain_callers_suite = {
	.name = "mm_pcpu_drain_callers",
	.test_cases = pcpu_drain_callers_cases,
};

kunit_test_suite(pcpu_drain_callers_suite);
