// SPDX-License-Identifier: GPL-2.0-only
/* What tests of owners on isolated CPUs have in common: see scene.h. */
#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_probe.h"

/* If the machine interferes more often than this, look at the machine. */
#define ATTEMPTS 20

/* An owner on an isolated CPU, nothing cached there, the probe on. */
struct user_owner *scene_start(struct kunit *test, int cpu)
{
	struct user_owner *owner;

	/* With nohz_full alone we might run on the owner's CPU, and wait for it. */
	stay_here(test);
	script_reset();
	probe_start(test);
	owner = owner_start(test, cpu);
	script.owner = owner_task(owner);
	close_latch(test);
	return owner;
}

/* Ask an owner in user mode for one class. */
static struct pcd_result ask_quietly(struct kunit *test, struct pcd_class *class, int cpu)
{
	probe_await_quiet(cpu);
	ask_class(test, class, PCD_WAIT);
	return answer(test);
}

/*
 * Have @owner cache something and go to user mode, then have each class's drain posted.
 * Repeat if a tick comes between: then it drains in the kernel, or has drained.
 */
static void post(struct kunit *test, int cpu, struct user_owner *owner,
		 void (*cache)(void *unused), struct pcd_class **classes, unsigned int nr)
{
	unsigned int posted = 0, there, i, attempt;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		owner_do(test, owner, cache, NULL, OWNER_SPIN);
		for (i = 0; i < nr; i++)
			posted += ask_quietly(test, classes[i], cpu).posted;
		for (there = 0, i = 0; i < nr; i++)
			there += classes[i]->count(cpu, NULL);
		if (posted && there == nr)
			return;
		if (!posted && attempt >= 2)
			kunit_skip(test, "nothing is posted in this variant");
		owner_come_back(test, owner);
	}
	KUNIT_FAIL_AND_ABORT(test, "what is posted is drained at once");
}

void scene_post(struct kunit *test, int cpu, struct user_owner *owner)
{
	post(test, cpu, owner, script_cache, (struct pcd_class *[]){ &scripted }, 1);
}

static void cache_both(void *unused)
{
	script_cache(NULL);
	script_cache_second();
}

void scene_post_both(struct kunit *test, int cpu, struct user_owner *owner)
{
	post(test, cpu, owner, cache_both, (struct pcd_class *[]){ &scripted, &second }, 2);
}

/* Is what an isolated owner caches drained without a request? */
bool scene_drains_unasked(int cpu)
{
	return pcd_variant_clean_in_user() && is_isolated(cpu);
}

/* A request is out, and the drain that it waits for has begun and is held up. */
void scene_hold_up_request(struct kunit *test, int cpu, struct user_owner *owner)
{
	WRITE_ONCE(script.held_cpu, cpu);
	owner_tell(owner, cache_and_be_busy, NULL, OWNER_SPIN);
	KUNIT_ASSERT_TRUE(test, eventually(script_items(cpu)));
	/* The drain begins for the request, or else when the owner leaves. */
	if (scene_drains_unasked(cpu))
		open_latch(NULL);
	else
		ask(test, PCD_WAIT);
	KUNIT_EXPECT_TRUE(test, eventually(completion_done(&script.entered)));
	if (scene_drains_unasked(cpu))
		ask(test, PCD_WAIT);
}

/* Let request and owner go on, the owner to user mode and back. */
void scene_let_request_go(struct kunit *test, int cpu, struct user_owner *owner)
{
	KUNIT_EXPECT_FALSE_MSG(test, asked_is_answered(), "it is still being drained");
	WRITE_ONCE(script.held_cpu, -1);
	complete_all(&script.release);
	answer(test);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	open_latch(NULL);
	KUNIT_EXPECT_TRUE(test, eventually(owner_is_in_user_mode(owner)));
	owner_come_back(test, owner);
}

/*
 * Whatever has become of the owner, what it cached is drained on request: at the latest
 * when @in_user_mode has come back, the task that is in user mode on that CPU, if any.
 */
void scene_expect_not_stranded(struct kunit *test, int cpu, struct user_owner *in_user_mode)
{
	if (pcd_variant_clean_in_user())
		KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)),
				      "it is still cached, and nobody will drain it unasked");
	ask(test, PCD_WAIT);
	answer(test);
	if (in_user_mode)
		owner_come_back(test, in_user_mode);
	KUNIT_EXPECT_TRUE_MSG(test, eventually(!script_items(cpu)), "it is still cached");
	probe_expect_no_debt(test);
}

void scene_expect_nothing_lost(struct kunit *test, int cpu)
{
	ask(test, PCD_MUST);
	answer(test);
	pcd_drain_all(&second, NULL, PCD_MUST);
	KUNIT_EXPECT_EQ(test, script_items(cpu), 0);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&script.drained), atomic_read(&script.cached),
			    "lost, or drained twice");
}
