// SPDX-License-Identifier: GPL-2.0-only
/*
 * qpw: per-CPU caches under a lock that a requester takes remotely.
 *
 * The idea is Leonardo Bras' and Marcelo Tosatti's ("Introduce QPW for per-cpu
 * operations", 2024 to 2026); all of it that is not a lock is in the facade.
 */
#define pr_fmt(fmt) "pcpu_drain: " fmt

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/pcpu_drain.h>
#include <linux/printk.h>
#include <linux/string.h>

DEFINE_STATIC_KEY_FALSE(pcd_qpw_key);

/*
 * An early parameter, because slab takes such locks before any initcall, and a
 * pair whose lock and unlock see different modes corrupts both.
 */
static int __init pcd_qpw_setup(char *arg)
{
	if (arg && !strcmp(arg, "1")) {
		static_branch_enable(&pcd_qpw_key);
		return 0;
	}
	/* The last one given counts. */
	static_branch_disable(&pcd_qpw_key);
	if (arg && !strcmp(arg, "0"))
		return 0;
	pr_err("qpw=%s: unknown, want 0 or 1; going on with qpw=0\n",
	       arg ?: "");
	return -EINVAL;
}
early_param("qpw", pcd_qpw_setup);
