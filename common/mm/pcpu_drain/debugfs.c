// SPDX-License-Identifier: GPL-2.0-only
/*
 * User space's view of the facade, in debugfs under pcpu_drain/.
 *
 *   drain_now	write "<class> [wait|post|strict|must]": make that request now
 *   residue	a line "<class> <cpu> <items>": what is cached (a racy peek)
 *   stats	what happened, per class and CPU, and completion times
 *   clear	write anything: start stats afresh
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal.h"

static const char * const pcd_mode_names[] = {
	[PCD_WAIT] = "wait",
	[PCD_POST] = "post",
	[PCD_STRICT] = "strict",
	[PCD_MUST] = "must",
};

static ssize_t drain_now_write(struct file *file, const char __user *from,
			       size_t count, loff_t *ppos)
{
	struct pcd_class *class;
	char buf[64], *rest = buf, *name, *word;
	int mode = PCD_WAIT;

	if (count >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, from, count))
		return -EFAULT;
	buf[count] = '\0';
	rest = strim(buf);
	name = strsep(&rest, " ");
	word = strsep(&rest, " ");

	class = pcd_class_find(name);
	if (!class || rest)
		return -EINVAL;
	if (word) {
		mode = match_string(pcd_mode_names, ARRAY_SIZE(pcd_mode_names),
				    word);
		if (mode < 0)
			return mode;
	}
	pcd_drain_all(class, NULL, mode);
	return count;
}

static const struct file_operations drain_now_fops = {
	.open = simple_open,
	.write = drain_now_write,
};

static int residue_show(struct seq_file *m, void *unused)
{
	struct pcd_class *class;
	int cpu;

	list_for_each_entry(class, &pcd_classes, list)
		for_each_possible_cpu(cpu)
			seq_printf(m, "%s %d %u\n", class->name, cpu,
				   class->count(cpu, NULL));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(residue);

static const char * const pcd_help_names[] = {
	[PCD_HELP_STRICT] = "strict",
	[PCD_HELP_PATIENCE] = "patience",
	[PCD_HELP_IDLE] = "idle",
};

static void stats_show_cpu(struct seq_file *m, struct pcd_class *class, int cpu)
{
	struct pcd_stats *stats = &per_cpu_ptr(class->pcpu, cpu)->stats;
	int i;

	seq_printf(m, "%s %d requests %lld rides %lld drained %lld posted %lld left %lld works %lld remote %lld",
		   class->name, cpu,
		   atomic64_read(&stats->requests), atomic64_read(&stats->rides),
		   atomic64_read(&stats->drained), atomic64_read(&stats->posted),
		   atomic64_read(&stats->left), atomic64_read(&stats->works),
		   atomic64_read(&stats->remote));
	for (i = 0; i < PCD_HELPS; i++)
		seq_printf(m, " help_%s %lld", pcd_help_names[i],
			   atomic64_read(&stats->helps[i]));
	/* floor(log2(ns)):requests, empty buckets left out */
	for (i = 0; i < PCD_HIST_BUCKETS; i++)
		if (atomic64_read(&stats->completion[i]))
			seq_printf(m, " %d:%lld", i,
				   atomic64_read(&stats->completion[i]));
	seq_putc(m, '\n');
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct pcd_class *class;
	int cpu;

	list_for_each_entry(class, &pcd_classes, list)
		for_each_possible_cpu(cpu)
			stats_show_cpu(m, class, cpu);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void stats_clear(struct pcd_stats *stats)
{
	int i;

	atomic64_set(&stats->requests, 0);
	atomic64_set(&stats->rides, 0);
	atomic64_set(&stats->drained, 0);
	atomic64_set(&stats->posted, 0);
	atomic64_set(&stats->left, 0);
	atomic64_set(&stats->works, 0);
	atomic64_set(&stats->remote, 0);
	for (i = 0; i < PCD_HELPS; i++)
		atomic64_set(&stats->helps[i], 0);
	for (i = 0; i < PCD_HIST_BUCKETS; i++)
		atomic64_set(&stats->completion[i], 0);
}

static ssize_t clear_write(struct file *file, const char __user *from,
			   size_t count, loff_t *ppos)
{
	struct pcd_class *class;
	int cpu;

	list_for_each_entry(class, &pcd_classes, list)
		for_each_possible_cpu(cpu)
			stats_clear(&per_cpu_ptr(class->pcpu, cpu)->stats);
	return count;
}

static const struct file_operations clear_fops = {
	.open = simple_open,
	.write = clear_write,
};

static int __init pcd_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("pcpu_drain", NULL);

	debugfs_create_file("drain_now", 0200, dir, NULL, &drain_now_fops);
	debugfs_create_file("residue", 0400, dir, NULL, &residue_fops);
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
	debugfs_create_file("clear", 0200, dir, NULL, &clear_fops);
	return 0;
}
late_initcall(pcd_debugfs_init);
