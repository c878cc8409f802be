// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel objects in this program: made to run as they do after boot. Its code
 * is patched (returns, static branches), and each thread that is to be a CPU gets
 * a per-CPU area and %gs.
 */
#include <asm/prctl.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image.h"
#include "link.h"

#define PAGE 4096UL

static void __noreturn fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Where a field of the image points to that says how far from itself. */
static unsigned long pointed(const void *field, __s64 offset)
{
	return (unsigned long)field + offset;
}

/* Each return is a jump to a thunk that need be none on a CPU without its bugs. */
static void patch_returns(void)
{
	static const __u8 jump = 0xe9, ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };
	__s32 *site;

	for (site = cyc_returns; site < cyc_returns_end; site++) {
		__u8 *code = (__u8 *)pointed(site, *site);

		if (*code == jump)
			memcpy(code, ret, sizeof(ret));
	}
}

static void patch_branch(struct jump_entry *entry, bool on)
{
	__u8 *code = (__u8 *)pointed(&entry->code, entry->code);
	__s32 distance = pointed(&entry->target, entry->target) - (unsigned long)code;
	bool jump = on != (entry->key & 1);
	/* Two bytes or five, as the assembler has found. */
	bool two = code[0] == 0xeb || (code[0] == 0x66 && code[1] == 0x90);

	if (two) {
		code[0] = jump ? 0xeb : 0x66;
		code[1] = jump ? distance - 2 : 0x90;
	} else if (jump) {
		distance -= 5;
		code[0] = 0xe9;
		memcpy(code + 1, &distance, sizeof(distance));
	} else {
		memcpy(code, "\x0f\x1f\x44\x00\x00", 5);
	}
}

/*
 * All static branches on a key. Keys of objects that are not here are off: they are
 * of tracing, debugging and features that the lab's guests do not use either.
 */
static void patch_branches(const void *key, bool on)
{
	struct jump_entry *entry;

	for (entry = cyc_jumps; entry < cyc_jumps_end; entry++)
		if (!key || pointed(&entry->key, entry->key & ~3L) == (unsigned long)key)
			patch_branch(entry, on);
}

/**
 * image_begin - patch the code for all keys off
 */
void image_begin(void)
{
	if (mprotect(cyc_text, cyc_text_end - cyc_text, PROT_READ | PROT_WRITE | PROT_EXEC))
		fail("mprotect the kernel's code");
	patch_returns();
	patch_branches(NULL, false);
}

/**
 * image_key - put a static key on, or what else has a name
 * @name: of cyc_keys
 *
 * On the thread that is the CPU.
 */
void image_key(const char *name)
{
	const struct cyc_key *key;

	for (key = cyc_keys; key->name; key++)
		if (!strcmp(key->name, name))
			break;
	if (!key->name) {
		fprintf(stderr, "error: --key %s: this kernel has no such key\n", name);
		exit(1);
	}
	if (key->key)
		patch_branches(key->key, true);
	if (key->set)
		key->set();
}

/**
 * image_cpu - the calling thread becomes a CPU
 * @cpu: which
 */
void image_cpu(int cpu)
{
	size_t size = cyc_percpu_end - cyc_percpu;
	char *area = aligned_alloc(PAGE, size);
	unsigned long offset = area - cyc_percpu;

	if (!area)
		fail("per-CPU area");
	memcpy(area, cyc_percpu, size);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, offset))
		fail("arch_prctl");
	cyc_cpu_begin(cpu, offset);
}

/**
 * image_has - is it the kernel's code?
 * @address: of an instruction
 */
bool image_has(unsigned long address)
{
	return address >= (unsigned long)cyc_text && address < (unsigned long)cyc_text_end;
}

/**
 * image_alternative - would boot perhaps have replaced it?
 * @address: of an instruction
 */
bool image_alternative(unsigned long address)
{
	struct alt_instr *alt;

	for (alt = cyc_alternatives; alt < cyc_alternatives_end; alt++) {
		unsigned long code = pointed(&alt->instr_offset, alt->instr_offset);

		if (address >= code && address < code + alt->instrlen)
			return true;
	}
	return false;
}

static __thread bool passing;

/**
 * image_pass_irqs - may this thread's kernel code disable and enable interrupts?
 * @pass: yes, and nothing comes of it: for what is not measured, since each is a fault
 */
void image_pass_irqs(bool pass)
{
	passing = pass;
}

/**
 * image_passes_irqs - go on behind an instruction that faulted, if it may be passed
 * @context: of the fault
 *
 * Return: does it go on?
 */
bool image_passes_irqs(ucontext_t *context)
{
	static const __u8 cli = 0xfa, sti = 0xfb;
	greg_t *at = &context->uc_mcontext.gregs[REG_RIP];
	const __u8 *code = (const __u8 *)*at;

	if (!passing || !image_has(*at) || (*code != cli && *code != sti))
		return false;
	++*at;
	return true;
}
