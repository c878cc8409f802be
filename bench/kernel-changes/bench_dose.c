// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bench only, not for upstream: disturb a CPU by a known dose. "CPU
 * INSTRUCTIONS" written to /sys/kernel/debug/bench_dose interrupts that CPU,
 * whose handler executes so many instructions more than for a dose of 0. The
 * writer waits until it has. What the interrupt itself takes is not in it.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#define DOSE_STEP	100	/* instructions of one round of the loop */
#define DOSE_MAX	100000	/* all with interrupts off */

/* 98 NOPs, DEC, JNZ: straight code, which an emulator runs as one block. */
static void dose(void *rounds)
{
	unsigned long left = (unsigned long)rounds;

	if (!left)
		return;
	asm volatile("1: .rept %c1 - 2\n"
		     "nop\n"
		     ".endr\n"
		     "dec %0\n"
		     "jnz 1b\n" : "+r" (left) : "i" (DOSE_STEP) : "cc");
}

static ssize_t dose_write(struct file *file, const char __user *ubuf,
			  size_t len, loff_t *ppos)
{
	unsigned int cpu, instructions;
	char text[32] = {};
	int err;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, ubuf, len))
		return -EFAULT;
	if (sscanf(text, "%u %u", &cpu, &instructions) != 2 ||
	    cpu >= nr_cpu_ids || instructions > DOSE_MAX ||
	    instructions % DOSE_STEP)
		return -EINVAL;

	err = smp_call_function_single(cpu, dose,
				       (void *)(unsigned long)(instructions / DOSE_STEP), 1);
	return err ?: len;
}

static const struct file_operations dose_fops = {
	.owner	= THIS_MODULE,
	.open	= nonseekable_open,
	.write	= dose_write,
};

static int __init dose_init(void)
{
	debugfs_create_file("bench_dose", 0200, NULL, NULL, &dose_fops);
	return 0;
}
late_initcall(dose_init);
