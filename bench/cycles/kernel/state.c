// SPDX-License-Identifier: GPL-2.0-only
/*
 * What boot would have set up of the little that the measured paths look at:
 * per-CPU variables, two tasks, nothing pending.
 */
#include <linux/cpumask.h>
#include <linux/linkage.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "../../kernel/sched/sched.h"

#include "cycles.h"

/* As arch/x86 and mm define them; all of them in one cache line, as there. */
DEFINE_PER_CPU_CACHE_HOT(struct task_struct *, current_task);
DEFINE_PER_CPU_CACHE_HOT(unsigned long, __preempt_count);
DEFINE_PER_CPU_CACHE_HOT(unsigned long, __stack_chk_guard);
DEFINE_PER_CPU_CACHE_HOT(int, cpu_number);
DEFINE_PER_CPU_CACHE_HOT(unsigned long, this_cpu_off);
DEFINE_PER_CPU(int, numa_node);
DEFINE_PER_CPU(int, _numa_mem_);
DEFINE_PER_CPU_SHARED_ALIGNED(struct rq, runqueues);

unsigned long __per_cpu_offset[NR_CPUS];
unsigned int nr_cpu_ids = CYC_CPUS;
struct cpumask __cpu_online_mask;
unsigned long page_offset_base, vmemmap_base;

static struct task_struct tasks[CYC_CPUS];

/* Boot replaces the calls by this instruction, with which no register is lost either. */
asm(".globl __sw_hweight64; __sw_hweight64: popcntq %rdi, %rax; " ASM_RET);

/**
 * cyc_cpu_begin - be this CPU
 * @cpu: which
 * @offset: where its per-CPU area is, from the first; %gs has it already
 */
void cyc_cpu_begin(int cpu, unsigned long offset)
{
	struct task_struct *task = &tasks[cpu];

	__per_cpu_offset[cpu] = offset;
	__this_cpu_write(this_cpu_off, offset);
	__this_cpu_write(cpu_number, cpu);
	__this_cpu_write(__stack_chk_guard, 0x5afe);
	cpumask_set_cpu(cpu, &__cpu_online_mask);
	task->cpus_ptr = &task->cpus_mask;
	__this_cpu_write(current_task, task);
	/* Preemptible, and nobody asks for it. */
	__this_cpu_write(__preempt_count, PREEMPT_ENABLED);
}
