/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_INTERNAL_H
#define _MM_PCPU_DRAIN_INTERNAL_H

/* Between the facade's core and the variants. */

#include <linux/pcpu_drain.h>

extern struct list_head pcd_classes;

struct pcd_class *pcd_class_find(const char *name);

/*
 * How long a request waits for owners before it disturbs them, in jiffies.
 * Far beyond what an owner in the kernel usually takes to block or to return to
 * user mode, and short for whoever waits for the requester's locks.
 */
#define PCD_PATIENCE (HZ / 10)

/* Does a request in @mode never return with something only posted? */
static inline bool pcd_never_posts(enum pcd_mode mode)
{
	return mode == PCD_STRICT || mode == PCD_MUST;
}

/* ---- one CPU's cache: drain.c ---- */

void pcd_cpu_init(struct pcd_class *class, int cpu);
unsigned int pcd_run_drain(struct pcd_class *class, int cpu, void *key, bool pays);
bool pcd_queue(struct pcd_class *class, int cpu, void *key, enum pcd_mode mode);
void pcd_await(struct pcd_class *class, int cpu, void *key, struct pcd_result *result);
void pcd_leave(struct pcd_class *class, int cpu, void *key, struct pcd_result *result);
void pcd_help(struct pcd_class *class, int cpu, enum pcd_help why);

/* ---- isolated CPUs that drain by themselves: tickets.c, tracked.c ---- */

#ifdef CONFIG_PCPU_DRAIN_TRACKED

#include <linux/pcpu_drain_owner.h>

static inline bool pcd_tracks(int cpu)
{
	return per_cpu(pcd_owners.tracked, cpu);
}

bool pcd_tracked_init(void);
void pcd_tracked_register(struct pcd_class *class);
int pcd_drain_begin(struct pcd_cpu *pc, bool pays);
void pcd_drain_end(struct pcd_cpu *pc, int ticket);
void pcd_ask(struct pcd_cpu *pc);
bool pcd_served(struct pcd_cpu *pc);
void pcd_ask_owner(struct pcd_class *class, int cpu, unsigned int items,
		   enum pcd_mode mode, struct pcd_result *result);
void pcd_await_owners(struct pcd_class *class, void *key, enum pcd_mode mode,
		      struct pcd_result *result);
void pcd_drain_pending(void);

#else

static inline bool pcd_tracks(int cpu)
{
	return false;
}

static inline void pcd_tracked_register(struct pcd_class *class) { }

static inline int pcd_drain_begin(struct pcd_cpu *pc, bool pays)
{
	return 0;
}

static inline void pcd_drain_end(struct pcd_cpu *pc, int ticket) { }

static inline void pcd_ask_owner(struct pcd_class *class, int cpu, unsigned int items,
				 enum pcd_mode mode, struct pcd_result *result) { }

static inline void pcd_await_owners(struct pcd_class *class, void *key,
				    enum pcd_mode mode, struct pcd_result *result) { }

#endif

/*
 * What a variant that tracks isolated CPUs must define:
 *
 * bool pcd_variant_ask(struct pcd_class *class, int cpu)
 *	See to it that @cpu drains @class, without disturbing its user mode.
 *	Task context.  False: it is in user mode, so do not wait.
 *
 * void pcd_variant_interrupt(int cpu)
 *	Have @cpu, which pcd_variant_ask() has just found in user mode, enter the
 *	kernel, where it does what was asked.  Task context.
 *
 * bool pcd_variant_owes(int cpu)
 *	For tests, on @cpu as it enters or leaves user mode: does it still owe a
 *	drain that it should have done before?
 *
 * bool pcd_variant_clean_in_user(void)
 *	For tests: is nothing ever cached on an isolated CPU in user mode?
 *
 * bool pcd_variant_owner_drains(void)
 *	For tests: does an owner whom nobody preempts drain by itself?
 *
 * If it selects PCPU_DRAIN_HOLDS, also:
 *
 * bool pcd_variant_take(struct pcd_class *class, int cpu)
 *	Drain @cpu from here, if it can be held.  The class's lock is held; may sleep.
 *	True: nothing is left there of what pcd_ask() has asked for.
 *
 * void pcd_variant_posted(struct pcd_class *class)
 *	See to it that somebody else has @class drained.
 */
#ifdef CONFIG_PCPU_DRAIN_TRACKED
#include "variants.h"
#else
static inline bool pcd_variant_owes(int cpu)
{
	return false;
}

static inline bool pcd_variant_clean_in_user(void)
{
	return false;
}

static inline bool pcd_variant_owner_drains(void)
{
	return false;
}
#endif

#ifndef CONFIG_PCPU_DRAIN_HOLDS
static inline bool pcd_variant_take(struct pcd_class *class, int cpu)
{
	return false;
}

static inline void pcd_variant_posted(struct pcd_class *class) { }
#endif

/* How often a waiting request looks: not everything that empties a cache wakes it. */
#ifndef PCD_LOOK
#define PCD_LOOK (HZ < 100 ? 1 : HZ / 100)
#endif

#endif /* _MM_PCPU_DRAIN_INTERNAL_H */
