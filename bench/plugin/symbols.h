/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include "../guest/compiler.h"

/* How control got into the kernel. KIND_NONE: a kernel thread's own work. */
enum kind {
	KIND_NONE,
	KIND_SYSCALL,
	KIND_PAGE_FAULT,
	KIND_EXCEPTION,
	KIND_TIMER,
	KIND_RESCHEDULE,
	KIND_CALL_FUNCTION,
	KIND_IRQ_WORK,
	KIND_DEVICE,
	KIND_OTHER_IRQ,
	KIND_NMI,
	NR_KINDS
};

/* What happens when a certain kernel address is executed. */
enum event {
	EVENT_NONE,
	EVENT_ENTRY,		/* an entry's C handler: 'kind' says which */
	EVENT_ENTRY_END,	/* the way back out of an exception or interrupt */
	EVENT_SWITCH,		/* context switch, RDI to RSI */
	EVENT_NEW_TASK,		/* RDI is a new task */
	EVENT_WORK,		/* a work item is run */
	EVENT_WORKER,		/* the current task is a kworker */
	EVENT_IDLE,		/* the current task is an idle task */
	EVENT_INTERRUPT,	/* an interrupt's first steps: interrupts were on */
	EVENT_CALL,		/* a function whose calls are counted: 'call' says which */
};

struct watch {
	__u64 addr;
	enum event event;
	enum kind kind;
	int call;
};

#define MAX_CALLS	16	/* functions whose calls are counted */

/**
 * symbols_count_calls() - count a function's calls
 * @name: of the function; to be told before symbols_load()
 * Return: true, or false after one line on stderr. A kernel that does not have
 * the function, or has inlined it, does not call it.
 */
bool symbols_count_calls(const char *name);

/** symbols_call_name() - the function of that number, or NULL */
const char *symbols_call_name(int call);

/**
 * symbols_load() - find the watched addresses in a System.map
 * @path: the file
 * Return: true, or false after one line on stderr.
 */
bool symbols_load(const char *path);

/**
 * symbols_data() - find a symbol of any kind in a System.map
 * @path: the file
 * @name: of the symbol
 * @addr: its address
 * @per_cpu: is that a per-CPU symbol's, to which a CPU's base is to be added?
 * Return: true, or false after one line on stderr.
 */
bool symbols_data(const char *path, const char *name, __u64 *addr,
		  bool *per_cpu);

/**
 * symbols_find() - what to watch at an address
 * @addr: address of a block's first instruction
 * Return: the entry, or NULL.
 */
const struct watch *symbols_find(__u64 addr);

/**
 * symbols_entry_text() - is this the assembly around kernel entries?
 * @addr: an address
 * Return: true if so: its instructions belong to the entry that is about to
 * be named, or to the one that is ending.
 */
bool symbols_entry_text(__u64 addr);

/** symbols_lock_text() - is this one of the functions that only take or release a lock? */
bool symbols_lock_text(__u64 addr);

#define MAX_FUNCTIONS 131072

/**
 * symbols_function() - the function that an address is in
 * @addr: an address
 * Return: a number below MAX_FUNCTIONS; 0: before all functions.
 */
unsigned int symbols_function(__u64 addr);

/** symbols_function_name() - its name, of several the first in the alphabet */
const char *symbols_function_name(unsigned int function);

extern const char *const kind_names[NR_KINDS];

#endif /* SYMBOLS_H */
