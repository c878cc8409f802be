// SPDX-License-Identifier: GPL-2.0-only
/* The sample strategy: drains as upstream does. */
#define pr_fmt(fmt) "pcpu_drain: " fmt

#include <linux/init.h>
#include <linux/printk.h>

static int __init sample_setup(char *arg)
{
	pr_info("sample=%s\n", arg ?: "");
	return 0;
}
early_param("sample", sample_setup);
