// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU plugin that counts, exactly and per guest CPU, the instructions that
 * the kernel takes, and says why: which task, and which kernel entry.
 *
 *   -plugin pcd_count.so,syms=System.map,out=counts.jsonl[,by=instruction]
 *           [,trace=SYMBOL[:BYTES]]...[,calls=FUNCTION]...
 *
 * For x86-64 guests with TCG's one thread for all vCPUs (-icount, or
 * -accel tcg,thread=single). bench/REFERENCE.md gives the format of the file.
 *
 * Which CPU runs? Under icount QEMU passes a callback the index of the vCPU
 * that *translated* a block, which says nothing about the one that executes
 * it. The kernel's per-CPU base does: it is in the GS base while in the kernel
 * and in the kernel GS base while in user mode, so that of the two the one in
 * the upper half of the address space names the CPU at every instruction,
 * between an entry and its SWAPGS too.
 *
 * Counting is by block, at the block's start. A block that is left half way,
 * because an instruction in it faults or is memory-mapped I/O, is counted
 * whole, and its rest again when it resumes: measured, one or two instructions
 * in 10000. by=instruction counts each one when it executes, at four times the
 * time, to check that.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "decode.h"
#include "irqs_off.h"
#include "lines.h"
#include "operations.h"
#include "qemu_api.h"
#include "symbols.h"
#include "windows.h"
#include "../guest/marks.h"

#define MAX_CPUS	64	/* per-CPU bases seen; early boot has its own */
#define MAX_TASKS	16384	/* a power of two; pointers are used again */
#define MAX_NESTING	8
#define TURN_BINS	32

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

const char *const role_names[NR_ROLES] = {
	[ROLE_KTHREAD]		= "kthread",
	[ROLE_IDLE]		= "idle",
	[ROLE_KWORKER]		= "kworker",
	[ROLE_USER]		= "user",
	[ROLE_OWNER]		= "owner",
	[ROLE_CYCLICTEST]	= "cyclictest",
	[ROLE_REQUESTER]	= "requester",
	[ROLE_BALLAST]		= "ballast",
};

/* A task's way into the kernel: one level, and one more for each interrupt. */
struct task {
	__u64 addr;		/* of its task_struct, 0: free slot */
	__u64 kernel;	/* instructions executed in the kernel */
	__u64 pending;	/* not attributed before the handler is known */
	enum role role;
	bool unnamed;		/* came from user mode, handler not reached */
	bool leaving;		/* in the assembly on the way out of a level */
	unsigned int level;
	enum kind kinds[MAX_NESTING];
};

struct cpu {
	__u64 base;
	int number;		/* the guest's, -1 before MARK_CPU */
	bool in_user;
	bool flags_known;	/* 'irqs' says if interrupts are on */
	__u64 left_user;	/* its count in the kernel when it left user mode */
	struct task *sleeper;	/* 'window' begins with the timer interrupt that wakes it */
	bool window_begun;	/* with one, which may have woken somebody else */
	__u64 window;
	struct task *current;
	struct task boot_task;	/* until the first context switch */
	struct counters total;
	struct counters at_request;
	struct irqs_off irqs;
};

static struct cpu cpus[MAX_CPUS];
static size_t nr_cpus;
static struct cpu *running;		/* whose turn it is */
static __u64 turn_length;
static __u64 turns[TURN_BINS];	/* by log2 of instructions */
static struct task tasks[MAX_TASKS];
static __u64 requester_start;	/* its own count at MARK_REQUEST_BEGIN */
static struct cpu *op_cpu;		/* between MARK_OP_BEGIN and MARK_OP_END */

static FILE *out;
static bool by_instruction;
static __u64 nr_lines;
static struct glib_bytes *reg_buf;
static struct qemu_plugin_register *reg_gs, *reg_kernel_gs, *reg_rdi, *reg_rsi;
static struct qemu_plugin_register *reg_flags;

static void __noreturn __printf(1, 2)
give_up(const char *fmt, ...)
{
	va_list args;

	fputs("pcd_count: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

/* ---- The guest's registers ---- */

/* size: 4 or 8 bytes */
static __u64 read_sized_reg(struct qemu_plugin_register *reg, int size)
{
	__u64 value = 0;

	reg_buf->len = 0;
	if (qemu_plugin_read_register(reg, reg_buf) != size)
		give_up("a guest register is not %d bytes wide", size);
	memcpy(&value, reg_buf->data, size);
	return value;
}

static __u64 read_reg(struct qemu_plugin_register *reg)
{
	return read_sized_reg(reg, sizeof(__u64));
}

static bool interrupts_are_on(void)
{
	return read_sized_reg(reg_flags, sizeof(__u32)) & 0x200;
}

static bool in_kernel_half(__u64 addr)
{
	return addr >> 63;
}

static __u64 per_cpu_base(bool in_user)
{
	struct qemu_plugin_register *first = in_user ? reg_kernel_gs : reg_gs;
	struct qemu_plugin_register *second = in_user ? reg_gs : reg_kernel_gs;
	__u64 base = read_reg(first);

	return in_kernel_half(base) ? base : read_reg(second);
}

/* ---- CPUs and their turns ---- */

static struct cpu *cpu_by_base(__u64 base)
{
	size_t i;

	for (i = 0; i < nr_cpus; i++) {
		if (cpus[i].base == base)
			return &cpus[i];
	}
	if (nr_cpus == MAX_CPUS)
		give_up("over %d per-CPU bases", MAX_CPUS);
	cpus[nr_cpus] = (struct cpu){ .base = base, .number = -1 };
	cpus[nr_cpus].current = &cpus[nr_cpus].boot_task;
	return &cpus[nr_cpus++];
}

static void end_turn(void)
{
	unsigned int bin = 0;

	while (bin < TURN_BINS - 1 && turn_length >> (bin + 1))
		bin++;
	turns[bin]++;
	turn_length = 0;
}

static struct cpu *running_cpu(bool in_user, unsigned int instructions)
{
	__u64 base = per_cpu_base(in_user);

	if (!running || running->base != base) {
		if (running)
			end_turn();
		running = cpu_by_base(base);
	}
	turn_length += instructions;
	return running;
}

/* ---- Tasks ---- */

static struct task *task_by_addr(__u64 addr)
{
	size_t i = (addr >> 6) * 0x9e3779b97f4a7c15ULL >> 50;
	size_t probes;

	for (probes = 0; probes < MAX_TASKS; probes++) {
		struct task *task = &tasks[(i + probes) % MAX_TASKS];

		if (!task->addr)
			task->addr = addr;
		if (task->addr == addr)
			return task;
	}
	give_up("over %d tasks", MAX_TASKS);
}

static void switch_tasks(struct cpu *cpu)
{
	if (cpu->current == &cpu->boot_task) {
		struct task *task = task_by_addr(read_reg(reg_rdi));
		__u64 addr = task->addr;

		*task = cpu->boot_task;
		task->addr = addr;
	}
	cpu->current = task_by_addr(read_reg(reg_rsi));
	cpu->total.switches++;
}

/* A child does what its parent does, until it says otherwise. */
static void start_task(const struct cpu *cpu)
{
	struct task *child = task_by_addr(read_reg(reg_rdi));
	enum role role = cpu->current->role;

	if (role == ROLE_IDLE || role == ROLE_KWORKER)
		role = ROLE_KTHREAD;
	*child = (struct task){ .addr = child->addr, .role = role };
}

/* ---- Windows ---- */

static void begin_window(__u64 window)
{
	size_t i;

	for (i = 0; i < nr_cpus; i++) {
		if (cpus[i].number < 0 ||
		    windows_begin(window, cpus[i].number, &cpus[i].total))
			continue;
		give_up("window %llu of label %llu begins twice, or its numbers are too large",
			WINDOW_ROUND(window), WINDOW_LABEL(window));
	}
}

static void begin_window_at_timer(struct cpu *cpu)
{
	size_t i;

	for (i = 0; cpu->window_begun && i < nr_cpus; i++) {
		if (cpus[i].number >= 0)
			windows_cancel(cpu->window, cpus[i].number);
	}
	begin_window(cpu->window);
	cpu->window_begun = true;
}

/*
 * One that waits for a timer interrupt may end before that. only: the CPU whose
 * counts are wanted, NULL: all CPUs'.
 */
static void end_window(struct cpu *cpu, __u64 window, const struct cpu *only)
{
	size_t i;

	if (cpu->sleeper && !cpu->window_begun && cpu->window == window) {
		cpu->sleeper = NULL;
		return;
	}
	for (i = 0; i < nr_cpus; i++) {
		int written;

		if (cpus[i].number < 0)
			continue;
		written = windows_end(only && only != &cpus[i] ? NULL : out,
				      window, cpus[i].number, &cpus[i].total,
				      cpus[i].in_user ? cpus[i].total.kernel :
				      cpus[i].left_user);
		if (written < 0)
			give_up("window %llu of label %llu ends, but did not begin",
				WINDOW_ROUND(window), WINDOW_LABEL(window));
		nr_lines += written;
	}
	if (fflush(out))
		give_up("cannot write counts: %s", strerror(errno));
}

/* ---- Attribution of kernel instructions ---- */

static void attribute_pending(struct cpu *cpu, struct task *task)
{
	cpu->total.cause[task->role][task->kinds[task->level]] += task->pending;
	task->pending = 0;
}

static void leave_level(struct cpu *cpu, struct task *task)
{
	attribute_pending(cpu, task);
	task->level--;
	task->leaving = false;
}

static void enter_level(struct cpu *cpu, struct task *task, enum kind kind)
{
	if (task->leaving)
		leave_level(cpu, task);
	if (task->unnamed) {
		task->unnamed = false;
		cpu->total.from_user[kind]++;
	} else {
		if (task->level == MAX_NESTING - 1)
			give_up("over %d nested kernel entries", MAX_NESTING);
		task->level++;
		cpu->total.from_kernel[kind]++;
	}
	task->kinds[task->level] = kind;
	if (kind == KIND_TIMER && cpu->sleeper)
		begin_window_at_timer(cpu);
}

static void handle_event(struct cpu *cpu, const struct watch *watch)
{
	struct task *task = cpu->current;

	switch (watch->event) {
	case EVENT_ENTRY:
		enter_level(cpu, task, watch->kind);
		break;
	case EVENT_ENTRY_END:
		task->leaving = task->level > 0;
		break;
	case EVENT_SWITCH:
		switch_tasks(cpu);
		break;
	case EVENT_NEW_TASK:
		start_task(cpu);
		break;
	case EVENT_WORK:
		cpu->total.works++;
		break;
	case EVENT_WORKER:
		task->role = ROLE_KWORKER;
		break;
	case EVENT_IDLE:
		task->role = ROLE_IDLE;
		break;
	case EVENT_INTERRUPT:
		irqs_off_end(&cpu->irqs, cpu->total.kernel);
		break;
	case EVENT_CALL:
		cpu->total.calls[watch->call]++;
		break;
	case EVENT_NONE:
		break;
	}
}

/* ---- Interrupts off ---- */

/*
 * Whether interrupts are on, the CPU's flags say. They change by CLI, whose
 * place in its block cli_executed() knows, by STI, POPF and IRET, after each of
 * which QEMU begins a new block, and by an entry, which begins one in the entry
 * assembly: so it is enough to look there. What a look at the next block cannot
 * see is that they were on between an instruction that turned them on and an
 * interrupt right after it: an interrupt's entry ends the stretch before. An
 * exception there would join two stretches to one (the first user instruction
 * after a return, not mapped).
 */
static void follow_interrupts(struct cpu *cpu, unsigned int function,
			      bool lock_text, bool look)
{
	struct irqs_off *irqs = &cpu->irqs;

	if (look && interrupts_are_on()) {
		irqs_off_end(irqs, cpu->total.kernel);
	} else if (look && !irqs->is_off) {
		irqs_off_begin(irqs, cpu->total.kernel, function, lock_text);
	} else if (irqs->is_off && irqs->in_lock_text && !lock_text) {
		irqs->in_lock_text = false;
		irqs->function = function;
	}
}

/*
 * Where the assembly around an entry belongs: on the way in, to the handler
 * that comes; on the way out, to the one that was.
 */
static void count_kernel(struct cpu *cpu, bool entry_text,
			 unsigned int instructions)
{
	struct task *task = cpu->current;

	if (task->leaving && !entry_text)
		leave_level(cpu, task);
	cpu->total.kernel += instructions;
	task->kernel += instructions;
	task->pending += instructions;
	if (!task->unnamed && (!entry_text || task->leaving))
		attribute_pending(cpu, task);
}

/* None are between an entry and its handler, so that the kind is known. */
static void count_atomics(struct cpu *cpu, unsigned int atomics)
{
	const struct task *task = cpu->current;

	cpu->total.atomics += atomics;
	cpu->total.atomics_of[task->role][task->kinds[task->level]] += atomics;
}

/* ---- Executed blocks ---- */

/*
 * What a block's callback needs to know fits in its pointer, so that nothing
 * is allocated per translation.
 */
#define BLOCK_INSTRUCTIONS	0x3ffUL		/* QEMU's limit is 512 */
#define BLOCK_ATOMIC		0x400UL		/* one locked instruction */
#define BLOCK_ATOMICS		0xffc00UL
#define BLOCK_ENTRY_TEXT	0x100000UL
#define BLOCK_LOCK_TEXT		0x200000UL
#define BLOCK_CHANGES_FLAGS	0x400000UL	/* its last may turn interrupts on or off */
#define BLOCK_FUNCTION_SHIFT	32

static void user_block(unsigned int vcpu_index, void *userdata)
{
	unsigned int instructions = (unsigned long)userdata & BLOCK_INSTRUCTIONS;
	struct cpu *cpu = running_cpu(true, instructions);
	struct task *task = cpu->current;

	(void)vcpu_index;
	cpu->total.user += instructions;
	/* The firmware, and the kernel's first steps, have low addresses. */
	if (cpu->in_user || task == &cpu->boot_task)
		return;
	cpu->in_user = true;
	task->leaving = false;
	attribute_pending(cpu, task);
	if (cpu->number >= 0 && cpu->total.kernel > cpu->left_user)
		windows_absence(cpu->number, cpu->left_user, cpu->total.kernel);
	cpu->left_user = cpu->total.kernel;
	irqs_off_end(&cpu->irqs, cpu->total.kernel);
	if (task->role == ROLE_KTHREAD)
		task->role = ROLE_USER;
	if (cpu->window_begun && task == cpu->sleeper)
		cpu->sleeper = NULL;
}

static struct cpu *kernel_cpu(unsigned int instructions)
{
	struct cpu *cpu = running_cpu(false, instructions);

	if (cpu->in_user) {
		cpu->in_user = false;
		cpu->left_user = cpu->total.kernel;
		cpu->current->unnamed = true;
		cpu->current->level = 0;
		cpu->current->kinds[0] = KIND_NONE;
	}
	return cpu;
}

static void kernel_block(unsigned int vcpu_index, void *userdata)
{
	unsigned long block = (unsigned long)userdata;
	unsigned int instructions = block & BLOCK_INSTRUCTIONS;
	unsigned int atomics = (block & BLOCK_ATOMICS) / BLOCK_ATOMIC;
	struct cpu *cpu = kernel_cpu(instructions);

	(void)vcpu_index;
	follow_interrupts(cpu, block >> BLOCK_FUNCTION_SHIFT,
			  block & BLOCK_LOCK_TEXT,
			  !cpu->flags_known || block & BLOCK_ENTRY_TEXT);
	cpu->flags_known = !(block & BLOCK_CHANGES_FLAGS);
	count_kernel(cpu, block & BLOCK_ENTRY_TEXT, instructions);
	count_atomics(cpu, atomics);
	if (cpu == op_cpu)
		op_count(block >> BLOCK_FUNCTION_SHIFT, instructions, atomics);
}

/* BLOCK_INSTRUCTIONS are here those after this one, which are counted already. */
static void cli_executed(unsigned int vcpu_index, void *userdata)
{
	unsigned long block = (unsigned long)userdata;

	(void)vcpu_index;
	if (!running->irqs.is_off)
		irqs_off_begin(&running->irqs, running->total.kernel -
			       (block & BLOCK_INSTRUCTIONS),
			       block >> BLOCK_FUNCTION_SHIFT,
			       block & BLOCK_LOCK_TEXT);
}

/* Called before kernel_block() for the same block. */
static void watched_block(unsigned int vcpu_index, void *userdata)
{
	(void)vcpu_index;
	handle_event(kernel_cpu(0), userdata);
}

/* ---- The file ---- */

static void line_end(void)
{
	fputs("\n", out);
	if (fflush(out))
		give_up("cannot write counts: %s", strerror(errno));
	nr_lines++;
}

static void write_header(void)
{
	int role, kind;

	fputs("{\"schema\":1,\"unit\":\"instructions\",\"mark\":[", out);
	fputs("\"mark\",\"arg\",\"cpu\",\"kernel\",\"user\"", out);
	fputs(",\"switches\",\"works\",\"atomics\",\"irqs_off\"", out);
	for (kind = 1; kind < NR_KINDS; kind++)
		fprintf(out, ",\"from_user/%s\"", kind_names[kind]);
	for (kind = 1; kind < NR_KINDS; kind++)
		fprintf(out, ",\"from_kernel/%s\"", kind_names[kind]);
	for (role = 0; role < NR_ROLES; role++) {
		for (kind = 0; kind < NR_KINDS; kind++)
			fprintf(out, ",\"cause/%s/%s\"", role_names[role],
				kind_names[kind]);
	}
	fputs("],\"request\":[\"request\",\"cpu\",\"own\",\"kernel\"", out);
	fputs(",\"switches\",\"works\",\"entries\"]", out);
	fputs(",\"turns\":[\"mark\",\"log2\",\"count\"]", out);
	fputs(",\"line\":[\"mark\",\"arg\",\"cpu\",\"symbol\",\"copy\"", out);
	fputs(",\"line\",\"loads\",\"stores\",\"transfers\"]", out);
	fputs(",\"request_line\":[\"request\",\"cpu\",\"symbol\",\"copy\"", out);
	fputs(",\"line\",\"loads\",\"stores\",\"transfers\"]", out);
	fputs(",\"irqs_off\":[\"mark\",\"arg\",\"cpu\",\"instructions\"", out);
	fputs(",\"function\"]", out);
	fputs(",\"op\":[\"op\",\"cpu\",\"times\",\"kernel\",\"atomics\"", out);
	fputs(",\"switches\",\"entries\"],\"function\":[\"op\",\"cpu\"", out);
	fputs(",\"name\",\"instructions\",\"atomics\"]}", out);
	line_end();
}

static void write_mark_row(const struct cpu *cpu, unsigned int id, __u64 arg)
{
	const struct counters *c = &cpu->total;
	int role, kind;

	fprintf(out, "{\"mark\":[%u,%llu,%d,%llu,%llu,%llu,%llu,%llu,%llu",
		id, arg, cpu->number, c->kernel, c->user, c->switches, c->works,
		c->atomics, cpu->irqs.sum);
	for (kind = 1; kind < NR_KINDS; kind++)
		fprintf(out, ",%llu", c->from_user[kind]);
	for (kind = 1; kind < NR_KINDS; kind++)
		fprintf(out, ",%llu", c->from_kernel[kind]);
	for (role = 0; role < NR_ROLES; role++) {
		for (kind = 0; kind < NR_KINDS; kind++)
			fprintf(out, ",%llu", c->cause[role][kind]);
	}
	fputs("]}", out);
	line_end();
}

static void write_irqs_off(struct cpu *cpu, unsigned int id, __u64 arg)
{
	const struct stretch *s = cpu->irqs.longest;

	for (; s < cpu->irqs.longest + IRQS_OFF_LONGEST && s->instructions; s++) {
		fprintf(out, "{\"irqs_off\":[%u,%llu,%d,%llu,\"%s\"]}", id, arg,
			cpu->number, s->instructions,
			symbols_function_name(s->function));
		line_end();
	}
	irqs_off_reset(&cpu->irqs);
}

static void write_mark(unsigned int id, __u64 arg)
{
	unsigned int bin;
	size_t i;

	for (i = 0; i < nr_cpus; i++) {
		if (cpus[i].number < 0)
			continue;
		write_mark_row(&cpus[i], id, arg);
		write_irqs_off(&cpus[i], id, arg);
	}
	nr_lines += lines_write(out, id, arg);
	for (bin = 0; bin < TURN_BINS; bin++) {
		if (!turns[bin])
			continue;
		fprintf(out, "{\"turns\":[%u,%u,%llu]}", id, bin,
			turns[bin]);
		line_end();
	}
}

static __u64 entries(const struct counters *c)
{
	__u64 sum = 0;
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		sum += c->from_user[kind] + c->from_kernel[kind];
	return sum;
}

static void begin_request(const struct cpu *requester)
{
	size_t i;

	requester_start = requester->current->kernel;
	for (i = 0; i < nr_cpus; i++)
		cpus[i].at_request = cpus[i].total;
	lines_begin_request();
}

static void write_request(const struct cpu *requester, __u64 number)
{
	size_t i;

	for (i = 0; i < nr_cpus; i++) {
		const struct counters *now = &cpus[i].total;
		const struct counters *then = &cpus[i].at_request;
		__u64 own = 0;

		if (cpus[i].number < 0)
			continue;
		if (&cpus[i] == requester)
			own = requester->current->kernel - requester_start;
		fprintf(out, "{\"request\":[%llu,%d,%llu,%llu,%llu,%llu,%llu]}",
			number, cpus[i].number, own, now->kernel - then->kernel,
			now->switches - then->switches,
			now->works - then->works, entries(now) - entries(then));
		line_end();
	}
	nr_lines += lines_write_request(out, number);
}

static void write_operation(void)
{
	nr_lines += op_write(out);
}

static struct op_counts op_counts(const struct counters *c)
{
	return (struct op_counts){
		.kernel = c->kernel,
		.atomics = c->atomics,
		.switches = c->switches,
		.entries = entries(c),
	};
}

static void begin_operation(struct cpu *cpu, __u64 op)
{
	const struct op_counts now = op_counts(&cpu->total);

	if (op_is_new(op, cpu->number))
		write_operation();
	op_begin(op, cpu->number, &now);
	op_cpu = cpu;
}

static void end_operation(const struct cpu *cpu)
{
	const struct op_counts now = op_counts(&cpu->total);

	if (cpu != op_cpu)
		give_up("an operation ends on another CPU than it began on");
	op_cpu = NULL;
	if (!op_end(&now))
		give_up("no memory for an operation's counts");
}

static void write_end(__u64 id, void *userdata)
{
	(void)id;
	(void)userdata;
	write_operation();
	fprintf(out, "{\"end\":true,\"lines\":%llu}\n", nr_lines);
	if (fclose(out))
		give_up("cannot write counts: %s", strerror(errno));
}

/* ---- Marks ---- */

static void mark_executed(unsigned int vcpu_index, void *userdata)
{
	unsigned int id = (unsigned long)userdata;
	struct cpu *cpu = running_cpu(true, 0);
	__u64 arg = read_reg(reg_rdi);

	(void)vcpu_index;
	switch (id) {
	case MARK_CPU:
		cpu->number = arg;
		if (!lines_add_cpu(cpu->number, cpu->base))
			give_up("too many CPUs or lines to trace");
		break;
	case MARK_ROLE:
		if (arg >= NR_ROLES)
			give_up("a guest program marks itself as role %llu",
				arg);
		cpu->current->role = arg;
		break;
	case MARK_REQUEST_BEGIN:
		begin_request(cpu);
		break;
	case MARK_REQUEST_END:
		write_request(cpu, arg);
		break;
	case MARK_TRACE:
		if (!lines_add_marked(arg))
			give_up("too many lines to trace");
		break;
	case MARK_OP_BEGIN:
		begin_operation(cpu, arg);
		break;
	case MARK_OP_END:
		end_operation(cpu);
		break;
	case MARK_WINDOW_BEGIN:
		begin_window(arg);
		break;
	case MARK_WINDOW_AT_TIMER:
		cpu->window = arg;
		cpu->window_begun = false;
		cpu->sleeper = cpu->current;
		break;
	case MARK_WINDOW_END:
		end_window(cpu, arg, NULL);
		break;
	case MARK_WINDOW_END_HERE:
		end_window(cpu, arg, cpu);
		break;
	default:
		write_mark(id, arg);
		break;
	}
}

static void find_mark(struct qemu_plugin_insn *insn)
{
	static const __u8 nop[] = { 0x0f, 0x1f, 0x84, 0x00 };
	__u8 code[8];
	__u32 displacement;

	if (qemu_plugin_insn_size(insn) != sizeof(code) ||
	    qemu_plugin_insn_data(insn, code, sizeof(code)) != sizeof(code) ||
	    memcmp(code, nop, sizeof(nop)))
		return;
	memcpy(&displacement, code + sizeof(nop), sizeof(displacement));
	if ((displacement & ~0xffU) != MARK_MAGIC)
		return;
	qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_executed,
					       QEMU_PLUGIN_CB_R_REGS,
					       (void *)(unsigned long)(displacement & 0xff));
}

/* ---- QEMU's side ---- */

static unsigned long kernel_flags(__u64 addr)
{
	return (symbols_entry_text(addr) ? BLOCK_ENTRY_TEXT : 0) |
	       (symbols_lock_text(addr) ? BLOCK_LOCK_TEXT : 0) |
	       (unsigned long)symbols_function(addr) << BLOCK_FUNCTION_SHIFT;
}

static void count_block(struct qemu_plugin_tb *tb, exec_cb_t cb, unsigned long flags)
{
	qemu_plugin_register_vcpu_tb_exec_cb(tb, cb, QEMU_PLUGIN_CB_R_REGS,
					     (void *)flags);
}

static void count_instruction(struct qemu_plugin_insn *insn, exec_cb_t cb,
			      unsigned long flags)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_R_REGS,
					       (void *)flags);
}

static void memory_accessed(unsigned int vcpu_index, __u32 info, __u64 addr,
			    void *userdata)
{
	(void)vcpu_index;
	if (running && running->number >= 0)
		lines_access(running->number, (unsigned long)userdata, addr,
			     1U << qemu_plugin_mem_size_shift(info),
			     qemu_plugin_mem_is_store(info));
}

static void trace_memory(struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		unsigned long addr = qemu_plugin_insn_vaddr(insn);

		qemu_plugin_register_vcpu_mem_cb(insn, memory_accessed,
						 QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW,
						 (void *)addr);
	}
}

static void translate_kernel(struct qemu_plugin_tb *tb, __u64 addr)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	const struct watch *watch = symbols_find(addr);
	unsigned long block = kernel_flags(addr) | n;

	if (watch)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, watched_block,
						     QEMU_PLUGIN_CB_R_REGS,
						     (void *)watch);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		unsigned long atomic = is_atomic(insn) ? BLOCK_ATOMIC : 0;

		if (by_instruction)
			count_instruction(insn, kernel_block, atomic | 1 |
					  BLOCK_CHANGES_FLAGS |
					  kernel_flags(qemu_plugin_insn_vaddr(insn)));
		else if (is_cli(insn))
			count_instruction(insn, cli_executed, (n - 1 - i) |
					  kernel_flags(qemu_plugin_insn_vaddr(insn)));
		block += atomic;
		if (changes_flags(insn))
			block |= BLOCK_CHANGES_FLAGS;
	}
	if (!by_instruction)
		count_block(tb, kernel_block, block);
}

static void translate_user(struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;

	if (!by_instruction)
		count_block(tb, user_block, n);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (by_instruction)
			count_instruction(insn, user_block, 1);
		find_mark(insn);
	}
}

static void translate(__u64 id, struct qemu_plugin_tb *tb)
{
	__u64 addr = qemu_plugin_tb_vaddr(tb);

	(void)id;
	if (in_kernel_half(addr))
		translate_kernel(tb, addr);
	else
		translate_user(tb);
	if (lines_traced())
		trace_memory(tb);
}

static struct qemu_plugin_register *find_reg(const struct glib_array *regs,
					     const char *name)
{
	const struct qemu_plugin_reg_descriptor *reg = (const void *)regs->data;
	unsigned int i;

	for (i = 0; i < regs->len; i++) {
		if (!strcmp(reg[i].name, name))
			return reg[i].handle;
	}
	give_up("this QEMU shows no register %s", name);
}

static void vcpu_init(__u64 id, unsigned int vcpu_index)
{
	struct glib_array *regs;

	(void)id;
	(void)vcpu_index;
	if (reg_gs)
		return;
	regs = qemu_plugin_get_registers();
	reg_gs = find_reg(regs, "gs_base");
	reg_kernel_gs = find_reg(regs, "k_gs_base");
	reg_rdi = find_reg(regs, "rdi");
	reg_rsi = find_reg(regs, "rsi");
	reg_flags = find_reg(regs, "eflags");
	reg_buf = g_byte_array_new();
}

static const char *option(int argc, char **argv, const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], name, len) && argv[i][len] == '=')
			return argv[i] + len + 1;
	}
	return NULL;
}

static bool add_calls(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "calls=", 6) && !symbols_count_calls(argv[i] + 6))
			return false;
	}
	return true;
}

static bool add_traces(int argc, char **argv, const char *map)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "trace=", 6) && !lines_add(argv[i] + 6, map))
			return false;
	}
	return true;
}

PLUGIN_EXPORT int qemu_plugin_install(__u64 id,
				      const struct qemu_info *info, int argc,
				      char **argv)
{
	const char *syms = option(argc, argv, "syms");
	const char *path = option(argc, argv, "out");
	const char *by = option(argc, argv, "by");

	if (info->version.min > PLUGIN_API_VERSION ||
	    info->version.cur < PLUGIN_API_VERSION) {
		fprintf(stderr, "pcd_count: QEMU's plugin interface is %d to %d, not %d\n",
			info->version.min, info->version.cur, PLUGIN_API_VERSION);
		return -1;
	}
	if (strcmp(info->target_name, "x86_64") || !info->system_emulation) {
		fprintf(stderr, "pcd_count: for x86_64 system emulation only\n");
		return -1;
	}
	if (!syms || !path || (by && strcmp(by, "instruction"))) {
		fprintf(stderr, "pcd_count: usage: %s\n",
			"syms=FILE,out=FILE[,by=instruction][,trace=SYMBOL[:BYTES]]...[,calls=FUNCTION]...");
		return -1;
	}
	by_instruction = by;
	if (!add_calls(argc, argv) || !symbols_load(syms) ||
	    !add_traces(argc, argv, syms))
		return -1;
	out = fopen(path, "w");
	if (!out) {
		fprintf(stderr, "pcd_count: %s: %s\n", path, strerror(errno));
		return -1;
	}
	write_header();
	qemu_plugin_register_vcpu_init_cb(id, vcpu_init);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, write_end, NULL);
	return 0;
}
