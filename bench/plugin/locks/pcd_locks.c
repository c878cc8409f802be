// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU plugin that says how long locks are held, and how long who met them
 * held had still to wait, in instructions.
 *
 *   -plugin pcd_locks.so,syms=System.map,out=FILE[,lock=SYMBOL+OFFSET:MASK]...
 *
 * SYMBOL is per CPU; the word that lies OFFSET bytes behind it has bits of MASK
 * set as long as the lock is held. bench/REFERENCE.md gives the format of the file.
 *
 * It looks at the word, not at functions: what takes a lock is inline. A store
 * that sets the first of these bits takes it, one that clears the last releases
 * it, and a load by another CPU meanwhile has met it. It is a plugin of its own,
 * so that what counts campaigns is the same file with and without it; which CPU
 * runs, and how blocks are counted, is as it is there (pcd_count.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../guest/marks.h"
#include "../qemu_api.h"
#include "../symbols.h"

#define MAX_CPUS	64	/* per-CPU bases seen; early boot has its own */
#define MAX_NUMBER	8	/* of CPUs that have said their number */
#define MAX_LOCKS	8

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

struct cpu {
	__u64 base;
	int number;		/* the guest's, -1 before MARK_CPU */
	__u64 instructions;
	__u64 interrupts;
};

/* One CPU's copy of a lock. */
struct copy {
	__u64 addr;		/* of the word, 0: that CPU has no number yet */
	const struct cpu *holder;	/* or NULL */
	struct cpu begin;	/* the holder when it took the lock */
	unsigned int met;	/* bits of CPUs that have met this holder */
};

static struct lock {
	const char *name;
	__u64 offset;		/* from a CPU's base */
	__u64 mask;
	struct copy copies[MAX_NUMBER];
} locks[MAX_LOCKS];
static size_t nr_locks;
static bool may_be_word[512];	/* by slot_of(): most accesses are to none */

static struct cpu cpus[MAX_CPUS];
static size_t nr_cpus;
static struct cpu *running;
static __u64 clock_now;		/* instructions of all CPUs */
static bool recording;

static FILE *out;
static __u64 nr_lines;
static struct glib_bytes *reg_buf;
static struct qemu_plugin_register *reg_gs, *reg_kernel_gs, *reg_rdi;

static void __noreturn __printf(1, 2)
give_up(const char *fmt, ...)
{
	va_list args;

	fputs("pcd_locks: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

/* ---- CPUs ---- */

static __u64 read_reg(struct qemu_plugin_register *reg)
{
	__u64 value;

	reg_buf->len = 0;
	if (qemu_plugin_read_register(reg, reg_buf) != sizeof(value))
		give_up("a guest register is not %zu bytes wide", sizeof(value));
	memcpy(&value, reg_buf->data, sizeof(value));
	return value;
}

static bool in_kernel_half(__u64 addr)
{
	return addr >> 63;
}

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
	return &cpus[nr_cpus++];
}

static void count(bool in_user, unsigned int instructions)
{
	__u64 base = read_reg(in_user ? reg_kernel_gs : reg_gs);

	if (!in_kernel_half(base))
		base = read_reg(in_user ? reg_gs : reg_kernel_gs);
	if (!running || running->base != base)
		running = cpu_by_base(base);
	running->instructions += instructions;
	clock_now += instructions;
}

static void user_block(unsigned int vcpu_index, void *userdata)
{
	(void)vcpu_index;
	count(true, (unsigned long)userdata);
}

static void kernel_block(unsigned int vcpu_index, void *userdata)
{
	(void)vcpu_index;
	count(false, (unsigned long)userdata);
}

/* Called after kernel_block() for the same block, the first of an interrupt. */
static void interrupt(unsigned int vcpu_index, void *userdata)
{
	(void)vcpu_index;
	(void)userdata;
	running->interrupts++;
}

/* ---- Locks ---- */

/* later: instructions of this block that are counted and still to come */
static void write_row(const char *what, const struct lock *lock,
		      const struct copy *copy, unsigned int later)
{
	/* Who runs may be the holder; any other one stands between two blocks. */
	unsigned int too_many = copy->holder == running ? later : 0;

	if (!recording)
		return;
	fprintf(out, "{\"lock\":[\"%s\",%d,\"%s\",%td,%llu,%llu,%llu]}\n", what,
		running->number, lock->name, copy - lock->copies,
		clock_now - later,
		copy->holder->instructions - too_many - copy->begin.instructions,
		copy->holder->interrupts - copy->begin.interrupts);
	nr_lines++;
}

static void access_copy(const struct lock *lock, struct copy *copy, __u64 value,
			bool store, unsigned int later)
{
	bool held = value & lock->mask;

	if (!store) {
		if (!held || !copy->holder || copy->holder == running ||
		    copy->met & 1U << running->number)
			return;
		copy->met |= 1U << running->number;
		write_row("meet", lock, copy, later);
	} else if (held && !copy->holder) {
		copy->holder = running;
		copy->begin = *running;
		copy->begin.instructions -= later;
		copy->met = 0;
		write_row("take", lock, copy, later);
	} else if (!held && copy->holder) {
		if (copy->holder != running)
			give_up("CPU %d releases what CPU %d has taken",
				running->number, copy->holder->number);
		write_row("free", lock, copy, later);
		copy->holder = NULL;
	}
}

static __u64 value_of(__u32 info)
{
	struct qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);

	switch (value.type) {
	case QEMU_PLUGIN_MEM_VALUE_U8:
		return value.data.u8;
	case QEMU_PLUGIN_MEM_VALUE_U16:
		return value.data.u16;
	case QEMU_PLUGIN_MEM_VALUE_U32:
		return value.data.u32;
	case QEMU_PLUGIN_MEM_VALUE_U64:
		return value.data.u64;
	default:
		give_up("a lock's word is accessed by 16 bytes");
	}
}

static size_t slot_of(__u64 addr)
{
	return addr / sizeof(__u64) % ARRAY_SIZE(may_be_word);
}

static void accessed(unsigned int vcpu_index, __u32 info, __u64 addr,
		     void *userdata)
{
	size_t i, cpu;

	(void)vcpu_index;
	if (!may_be_word[slot_of(addr)])
		return;
	for (i = 0; i < nr_locks; i++) {
		for (cpu = 0; cpu < MAX_NUMBER; cpu++) {
			struct copy *copy = &locks[i].copies[cpu];

			if (copy->addr == addr && running->number >= 0)
				access_copy(&locks[i], copy, value_of(info),
					    qemu_plugin_mem_is_store(info),
					    (unsigned long)userdata);
		}
	}
}

static bool add_lock(const char *what, const char *map)
{
	struct lock *lock = &locks[nr_locks];
	char *name = strdup(what), *plus = name ? strchr(name, '+') : NULL, *end;
	bool per_cpu;
	__u64 addr;

	if (!plus || nr_locks == MAX_LOCKS)
		goto refuse;
	*plus = '\0';
	lock->offset = strtoull(plus + 1, &end, 0);
	if (*end != ':')
		goto refuse;
	lock->mask = strtoull(end + 1, &end, 0);
	if (*end || !lock->mask || !symbols_data(map, name, &addr, &per_cpu) || !per_cpu)
		goto refuse;
	lock->name = name;
	lock->offset += addr;
	nr_locks++;
	return true;
refuse:
	fprintf(stderr, "pcd_locks: lock=%s is not SYMBOL+OFFSET:MASK, or one of over %d\n",
		what, MAX_LOCKS);
	free(name);
	return false;
}

/* ---- Marks ---- */

static void number_cpu(struct cpu *cpu, __u64 number)
{
	size_t i;

	if (number >= MAX_NUMBER)
		give_up("over %d CPUs", MAX_NUMBER);
	cpu->number = number;
	for (i = 0; i < nr_locks; i++) {
		__u64 addr = cpu->base + locks[i].offset;

		locks[i].copies[number].addr = addr;
		may_be_word[slot_of(addr)] = true;
	}
}

static void mark_executed(unsigned int vcpu_index, void *userdata)
{
	unsigned long id = (unsigned long)userdata;

	(void)vcpu_index;
	if (id == MARK_CPU) {
		number_cpu(running, read_reg(reg_rdi));
	} else if (id == MARK_STORM_BEGIN || id == MARK_STORM_END) {
		recording = id == MARK_STORM_BEGIN;
		fprintf(out, "{\"mark\":[%lu,%llu]}\n", id, clock_now);
		nr_lines++;
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

static void translate(__u64 id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	__u64 addr = qemu_plugin_tb_vaddr(tb);
	bool in_kernel = in_kernel_half(addr);
	const struct watch *watch = symbols_find(addr);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, in_kernel ? kernel_block : user_block,
					     QEMU_PLUGIN_CB_R_REGS, (void *)n);
	if (watch && watch->event == EVENT_INTERRUPT)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, interrupt,
						     QEMU_PLUGIN_CB_NO_REGS, NULL);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (in_kernel)
			qemu_plugin_register_vcpu_mem_cb(insn, accessed,
							 QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW,
							 (void *)(n - 1 - i));
		else
			find_mark(insn);
	}
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
	reg_buf = g_byte_array_new();
}

static void write_end(__u64 id, void *userdata)
{
	(void)id;
	(void)userdata;
	fprintf(out, "{\"end\":true,\"lines\":%llu}\n", nr_lines);
	if (ferror(out) || fclose(out))
		give_up("cannot write what was seen: %s", strerror(errno));
}

static bool read_options(int argc, char **argv)
{
	const char *map = NULL, *path = NULL;
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "syms=", 5))
			map = argv[i] + 5;
		else if (!strncmp(argv[i], "out=", 4))
			path = argv[i] + 4;
	}
	if (!map || !path) {
		fprintf(stderr, "pcd_locks: usage: %s\n",
			"syms=FILE,out=FILE[,lock=SYMBOL+OFFSET:MASK]...");
		return false;
	}
	if (!symbols_load(map))
		return false;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "lock=", 5) && !add_lock(argv[i] + 5, map))
			return false;
	}
	out = fopen(path, "w");
	if (!out)
		fprintf(stderr, "pcd_locks: %s: %s\n", path, strerror(errno));
	return out;
}

PLUGIN_EXPORT int qemu_plugin_install(__u64 id,
				      const struct qemu_info *info, int argc,
				      char **argv)
{
	if (info->version.min > PLUGIN_API_VERSION ||
	    info->version.cur < PLUGIN_API_VERSION) {
		fprintf(stderr, "pcd_locks: QEMU's plugin interface is %d to %d, not %d\n",
			info->version.min, info->version.cur, PLUGIN_API_VERSION);
		return -1;
	}
	if (!read_options(argc, argv))
		return -1;
	fputs("{\"schema\":1,\"unit\":\"instructions\",\"mark\":[\"mark\",\"clock\"]", out);
	fputs(",\"lock\":[\"what\",\"cpu\",\"lock\",\"copy\",\"clock\",\"held\",\"interrupts\"]}\n",
	      out);
	nr_lines++;
	qemu_plugin_register_vcpu_init_cb(id, vcpu_init);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, write_end, NULL);
	return 0;
}
