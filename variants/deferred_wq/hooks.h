/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_DEFERRED_WQ_H
#define _LINUX_PCPU_DRAIN_DEFERRED_WQ_H

/*
 * What entry to and exit from the kernel call; the rest is in
 * mm/pcpu_drain/deferred_wq.c.
 */

#ifdef CONFIG_PCPU_DRAIN_DEFERRED_WQ

#include <linux/jump_label.h>
#include <linux/pcpu_drain_owner.h>

DECLARE_STATIC_KEY_FALSE(pcd_deferred_key);
bool __pcd_claim_user(void);
void __pcd_resume_user_mode(void);
void __pcd_kernel_entered(void);

/**
 * pcd_claim_user - may this CPU go to user mode now?
 *
 * Context: interrupts disabled, the exit loop done.
 * Return: false if not: then TIF_NOTIFY_RESUME is set, so run the exit loop again.
 */
static __always_inline bool pcd_claim_user(void)
{
	return !static_branch_unlikely(&pcd_deferred_key) ||
		!raw_cpu_read(pcd_owners.tracked) || __pcd_claim_user();
}

/**
 * pcd_resume_user_mode - see to it that pcd_claim_user() succeeds
 *
 * Context: the exit loop; may sleep.
 */
static inline void pcd_resume_user_mode(void)
{
	/* Stale if we migrate; then the exit claim sends us here again. */
	if (static_branch_unlikely(&pcd_deferred_key) &&
	    raw_cpu_read(pcd_owners.tracked))
		__pcd_resume_user_mode();
}

/**
 * pcd_kernel_entered - this CPU has come from user mode
 *
 * Context: interrupts disabled, RCU watching; perhaps a machine check.  Context
 * tracking is active here, perhaps on all CPUs (CONTEXT_TRACKING_USER_FORCE).
 */
static __always_inline void pcd_kernel_entered(void)
{
	if (static_branch_unlikely(&pcd_deferred_key) &&
	    raw_cpu_read(pcd_owners.tracked))
		__pcd_kernel_entered();
}

#else

static __always_inline bool pcd_claim_user(void)
{
	return true;
}

static inline void pcd_resume_user_mode(void) { }
static __always_inline void pcd_kernel_entered(void) { }

#endif

#endif /* _LINUX_PCPU_DRAIN_DEFERRED_WQ_H */
