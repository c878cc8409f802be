// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo cache for the KUnit suite (client.h), and tests that need what only it has:
 * a place to hold its owner up.
 */
#include <kunit/test.h>
#include <linux/hrtimer.h>
#include <linux/pcpu_drain_demo.h>
#include <linux/slab.h>

#include "client.h"
#include "fixture.h"

/* ---- for all tests of clients ---- */

#define ITEMS 5

static unsigned int violations;

static void demo_begin(struct kunit *test)
{
	struct pcd_demo_item *items = kunit_kcalloc(test, ITEMS, sizeof(*items), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, items);
	violations = pcd_demo_violations();
	for (i = 0; i < ITEMS; i++)
		pcd_demo_put(&items[i]);
	pcd_drain_all(pcd_class_find("demo"), NULL, PCD_MUST);
}

/* An item is in a cache or in the depot. */
static void demo_cache(void *unused)
{
	struct pcd_demo_item *item = pcd_demo_get();

	if (item)
		pcd_demo_put(item);
}

static void demo_end(struct kunit *test)
{
	struct pcd_demo_item *item;
	LIST_HEAD(items);

	KUNIT_EXPECT_EQ(test, pcd_demo_empty_depot(&items), ITEMS);
	list_for_each_entry(item, &items, node)
		KUNIT_EXPECT_EQ(test, item->cached, 0);
	KUNIT_EXPECT_EQ_MSG(test, pcd_demo_violations(), violations,
			    "two were inside one CPU's cache at once, or one item in two");
}

static struct client demo = {
	.name = "demo",
	.begin = demo_begin,
	.cache = demo_cache,
	.end = demo_end,
};

KUNIT_CLIENT(demo);

/* ---- a requester that waits for an owner inside ---- */

static struct {
	struct hrtimer timer;
	struct pcd_demo_hold hold;
} wait_for_owner;

/* A hard interrupt, on the CPU of the requester. */
static enum hrtimer_restart let_the_owner_go(struct hrtimer *timer)
{
	smp_store_release(&wait_for_owner.hold.release, true);	/* pairs with demo_linger() */
	return HRTIMER_NORESTART;
}

static int make_interrupted_request(void *data)
{
	hrtimer_start(&wait_for_owner.timer, ms_to_ktime(20), HRTIMER_MODE_REL_PINNED_HARD);
	return make_request(data);
}

static int put_one(void *item)
{
	pcd_demo_put(item);
	return 0;
}

/* Only that interrupt lets the owner go on: a requester that keeps it out waits for ever. */
static void waiting_requester_is_interrupted(struct kunit *test)
{
	struct pcd_class *class = pcd_class_find("demo");
	struct pcd_demo_item *items = kunit_kcalloc(test, 2, sizeof(*items), GFP_KERNEL);
	struct request request = { class, NULL, PCD_WAIT };
	struct thread owner, requester;
	LIST_HEAD(out);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, class);
	KUNIT_ASSERT_NOT_NULL(test, items);
	stay_here(test);
	cpu = upstream_cpu(test, 1);
	wait_for_owner.hold = (struct pcd_demo_hold){ .at = PCD_DEMO_INSIDE };
	items[1].hold = &wait_for_owner.hold;
	hrtimer_setup(&wait_for_owner.timer, let_the_owner_go, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);

	call_on(test, cpu, put_one, &items[0]);
	thread_start(test, &owner, cpu, put_one, &items[1]);
	while (!smp_load_acquire(&wait_for_owner.hold.inside))	/* pairs with demo_linger() */
		cpu_relax();
	thread_start(test, &requester, upstream_cpu(test, 2), make_interrupted_request, &request);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(READ_ONCE(wait_for_owner.hold.release)),
			      "no interrupt comes to a requester that waits");
	WRITE_ONCE(wait_for_owner.hold.release, true);
	thread_join(&owner);
	thread_join(&requester);
	hrtimer_cancel(&wait_for_owner.timer);

	pcd_drain_all(class, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, pcd_demo_empty_depot(&out), 2);
}

/* ---- a count while its owner caches ---- */

/*
 * The owner has put an item into its slot, where it does not count yet.  The slot's
 * previous item has left and is freed: a count must not look at it.
 */
static void count_while_an_item_is_stored(struct kunit *test)
{
	struct pcd_class *class = pcd_class_find("demo");
	struct pcd_demo_hold hold = { .at = PCD_DEMO_STORED };
	struct pcd_demo_item *first, item = { .hold = &hold };
	unsigned int counted[2];
	struct thread owner;
	LIST_HEAD(out);
	int cpu, key;

	KUNIT_ASSERT_NOT_NULL(test, class);
	stay_here(test);
	cpu = upstream_cpu(test, 1);
	first = kzalloc_obj(*first);
	KUNIT_ASSERT_NOT_NULL(test, first);
	first->key = &key;
	item.key = &key;
	call_on(test, cpu, put_one, first);
	pcd_drain_all(class, NULL, PCD_MUST);
	pcd_demo_empty_depot(&out);

	thread_start(test, &owner, cpu, put_one, &item);
	while (!smp_load_acquire(&hold.inside))		/* pairs with demo_linger() */
		cpu_relax();
	counted[0] = class->count(cpu, &key);
	kfree(first);
	counted[1] = class->count(cpu, &key);		/* KASAN watches */
	smp_store_release(&hold.release, true);		/* pairs with demo_linger() */
	thread_join(&owner);

	KUNIT_EXPECT_EQ(test, counted[0], 0);
	KUNIT_EXPECT_EQ(test, counted[1], 0);
	KUNIT_EXPECT_EQ(test, class->count(cpu, &key), 1);
	pcd_drain_all(class, NULL, PCD_MUST);
	INIT_LIST_HEAD(&out);
	KUNIT_EXPECT_EQ(test, pcd_demo_empty_depot(&out), 1);
}

static struct kunit_case demo_cases[] = {
	KUNIT_CASE(waiting_requester_is_interrupted),
	KUNIT_CASE(count_while_an_item_is_stored),
	{}
};

static struct kunit_suite demo_suite = {
	.name = "mm_pcpu_drain_demo",
	.test_cases = demo_cases,
};

kunit_test_suite(demo_suite);
