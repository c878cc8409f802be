// SPDX-License-Identifier: GPL-2.0-only
/* How tests of owners on isolated CPUs begin: see scene.h. */
#include "fixture.h"
#include "owner_acts.h"
#include "scene.h"
#include "user_probe.h"

/* A machine that comes between as often is to be looked at. */
#define ATTEMPTS 20

/* An owner on an isolated CPU, nothing cached there, the probe on. */
struct user_owner *scene_start(struct kunit *test, int cpu)
{
	struct user_owner *owner;

	/* Isolated by nohz_full alone we might be beside the owner, and wait for its CPU. */
	stay_here(test);
	script_reset();
	probe_start(test);
	owner = owner_start(test, cpu);
	script.owner = owner_task(owner);
	close_gate(test);
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
 * Have @owner cache something and go to user mode, and the drain of each class posted.
 * Again, should a tick come between: then it drains in the kernel, or has drained.
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
