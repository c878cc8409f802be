// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel addresses that the counting plugin watches, out of System.map.
 * The guest boots with nokaslr, so they are the addresses at run time.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

const char *const kind_names[NR_KINDS] = {
	[KIND_NONE]		= "none",
	[KIND_SYSCALL]		= "syscall",
	[KIND_PAGE_FAULT]	= "page_fault",
	[KIND_EXCEPTION]	= "exception",
	[KIND_TIMER]		= "timer",
	[KIND_RESCHEDULE]	= "reschedule",
	[KIND_CALL_FUNCTION]	= "call_function",
	[KIND_IRQ_WORK]		= "irq_work",
	[KIND_DEVICE]		= "device",
	[KIND_OTHER_IRQ]	= "other_irq",
	[KIND_NMI]		= "nmi",
};

/* The first pattern that fits a symbol wins; 'needed' ones must be found. */
static const struct rule {
	const char *pattern;
	enum event event;
	enum kind kind;
	bool needed;
} rules[] = {
	{ "do_syscall_64",		EVENT_ENTRY, KIND_SYSCALL, true },
	{ "exc_page_fault",		EVENT_ENTRY, KIND_PAGE_FAULT, true },
	{ "exc_nmi",			EVENT_ENTRY, KIND_NMI, false },
	/* Parts of exc_debug() that would count it twice. */
	{ "exc_debug_*",		EVENT_NONE, KIND_NONE, false },
	{ "exc_*",			EVENT_ENTRY, KIND_EXCEPTION, false },
	{ "sysvec_apic_timer_interrupt", EVENT_ENTRY, KIND_TIMER, true },
	{ "sysvec_reschedule_ipi",	EVENT_ENTRY, KIND_RESCHEDULE, true },
	{ "sysvec_call_function",	EVENT_ENTRY, KIND_CALL_FUNCTION, true },
	{ "sysvec_call_function_single", EVENT_ENTRY, KIND_CALL_FUNCTION, true },
	{ "sysvec_irq_work",		EVENT_ENTRY, KIND_IRQ_WORK, false },
	{ "common_interrupt",		EVENT_ENTRY, KIND_DEVICE, true },
	{ "sysvec_*",			EVENT_ENTRY, KIND_OTHER_IRQ, false },
	{ "spurious_interrupt",		EVENT_ENTRY, KIND_OTHER_IRQ, false },
	{ "asm_sysvec_*",		EVENT_INTERRUPT, KIND_NONE, true },
	{ "asm_common_interrupt",	EVENT_INTERRUPT, KIND_NONE, true },
	{ "asm_spurious_interrupt",	EVENT_INTERRUPT, KIND_NONE, false },
	{ "error_return",		EVENT_ENTRY_END, KIND_NONE, true },
	{ "paranoid_exit",		EVENT_ENTRY_END, KIND_NONE, false },
	{ "nmi_restore",		EVENT_ENTRY_END, KIND_NONE, false },
	{ "__switch_to_asm",		EVENT_SWITCH, KIND_NONE, true },
	{ "wake_up_new_task",		EVENT_NEW_TASK, KIND_NONE, true },
	{ "process_one_work",		EVENT_WORK, KIND_NONE, true },
	{ "worker_thread",		EVENT_WORKER, KIND_NONE, true },
	{ "cpu_startup_entry",		EVENT_IDLE, KIND_NONE, true },
};

#define NR_RULES ARRAY_SIZE(rules)
#define MAX_WATCHES 192

static const char *calls[MAX_CALLS];
static int nr_calls;

bool symbols_count_calls(const char *name)
{
	if (nr_calls == MAX_CALLS) {
		fprintf(stderr, "pcd_count: calls of over %d functions\n", MAX_CALLS);
		return false;
	}
	calls[nr_calls++] = name;
	return true;
}

const char *symbols_call_name(int call)
{
	return calls[call];
}

/* Which of them a symbol is, or -1; what a rule watches is not counted. */
static int call_of(char type, const char *name)
{
	int call;

	for (call = 0; call < nr_calls; call++) {
		if (strchr("tT", type) && !strcmp(calls[call], name))
			return call;
	}
	return -1;
}

static struct watch watches[MAX_WATCHES];
static size_t nr_watches;
static __u64 entry_text_start, entry_text_end;
static __u64 lock_text_start, lock_text_end;

/* By address; the first stands for what lies before all others. */
static struct function {
	__u64 addr;
	char *name;
} functions[MAX_FUNCTIONS] = { { 0, "?" } };
static size_t nr_functions = 1;

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool add_function(__u64 addr, char type, const char *name)
{
	struct function *function = &functions[nr_functions];

	if (!strchr("tTwW", type))
		return true;
	if (nr_functions == MAX_FUNCTIONS)
		return false;
	*function = (struct function){ addr, strdup(name) };
	nr_functions++;
	return function->name;
}

/* Of several names of one address, keep the first. */
static void sort_functions(void)
{
	size_t i, kept = 1;

	qsort(functions, nr_functions, sizeof(functions[0]), compare_functions);
	for (i = 1; i < nr_functions; i++) {
		if (functions[i].addr == functions[kept - 1].addr)
			free(functions[i].name);
		else
			functions[kept++] = functions[i];
	}
	nr_functions = kept;
}

static int compare_watches(const void *a, const void *b)
{
	const struct watch *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/*
 * Only functions, and only those: a sysvec_ function has helpers named
 * __sysvec_..., which no pattern fits. A compiler's ".isra.0" is cut off;
 * its ".cold" part is another address, which is not the function's start.
 */
static const struct rule *rule_for(char type, char *name)
{
	char *dot = strchr(name, '.');
	size_t i;

	if (type != 't' && type != 'T')
		return NULL;
	if (dot && strstr(dot, ".cold"))
		return NULL;
	if (dot)
		*dot = '\0';
	for (i = 0; i < NR_RULES; i++) {
		if (!fnmatch(rules[i].pattern, name, 0))
			return &rules[i];
	}
	return NULL;
}

static bool all_found(const char *path, const bool *found)
{
	size_t i;

	for (i = 0; i < NR_RULES; i++) {
		if (rules[i].needed && !found[i]) {
			fprintf(stderr, "pcd_count: %s has no %s: counts by cause need it\n",
				path, rules[i].pattern);
			return false;
		}
	}
	if (!entry_text_start || entry_text_end <= entry_text_start ||
	    !lock_text_start || lock_text_end <= lock_text_start) {
		fprintf(stderr, "pcd_count: %s lacks __%s\n", path,
			"entry_text_start, _end or __lock_text_start, _end");
		return false;
	}
	return true;
}

bool symbols_load(const char *path)
{
	bool found[NR_RULES] = {};
	FILE *file = fopen(path, "r");
	char line[1024], name[512], type;
	__u64 addr;
	int call;

	if (!file) {
		fprintf(stderr, "pcd_count: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), file)) {
		const struct rule *rule;

		if (sscanf(line, "%llx %c %511s", &addr, &type, name) != 3)
			continue;
		if (!strcmp(name, "__entry_text_start"))
			entry_text_start = addr;
		if (!strcmp(name, "__entry_text_end"))
			entry_text_end = addr;
		if (!strcmp(name, "__lock_text_start"))
			lock_text_start = addr;
		if (!strcmp(name, "__lock_text_end"))
			lock_text_end = addr;
		if (!add_function(addr, type, name)) {
			fprintf(stderr, "pcd_count: %s: over %d functions, or no memory\n",
				path, MAX_FUNCTIONS);
			fclose(file);
			return false;
		}
		rule = rule_for(type, name);
		call = call_of(type, name);	/* the name is cut now */
		if (!rule && call < 0)
			continue;
		if (nr_watches == MAX_WATCHES) {
			fprintf(stderr, "pcd_count: %s: over %d watched symbols\n",
				path, MAX_WATCHES);
			fclose(file);
			return false;
		}
		if (rule) {
			found[rule - rules] = true;
			watches[nr_watches++] = (struct watch){ addr, rule->event,
								rule->kind, 0 };
		} else {
			watches[nr_watches++] = (struct watch){ addr, EVENT_CALL,
								KIND_NONE, call };
		}
	}
	fclose(file);
	sort_functions();
	qsort(watches, nr_watches, sizeof(watches[0]), compare_watches);
	return all_found(path, found);
}

bool symbols_data(const char *path, const char *name, __u64 *addr,
		  bool *per_cpu)
{
	__u64 start = 0, end = 0, at;
	FILE *file = fopen(path, "r");
	char line[1024], found[512];

	*addr = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %511s", &at, found) != 2)
			continue;
		if (!strcmp(found, "__per_cpu_start"))
			start = at;
		if (!strcmp(found, "__per_cpu_end"))
			end = at;
		if (!strcmp(found, name))
			*addr = at;
	}
	if (file)
		fclose(file);
	if (!*addr)
		fprintf(stderr, "pcd_count: %s has no symbol %s to trace\n", path,
			name);
	*per_cpu = *addr >= start && *addr < end;
	return *addr;
}

const struct watch *symbols_find(__u64 addr)
{
	struct watch key = { .addr = addr };

	return bsearch(&key, watches, nr_watches, sizeof(watches[0]),
		       compare_watches);
}

bool symbols_entry_text(__u64 addr)
{
	return addr >= entry_text_start && addr < entry_text_end;
}

bool symbols_lock_text(__u64 addr)
{
	return addr >= lock_text_start && addr < lock_text_end;
}

unsigned int symbols_function(__u64 addr)
{
	size_t low = 0, high = nr_functions;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (functions[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return low;
}

const char *symbols_function_name(unsigned int function)
{
	return functions[function].name;
}
