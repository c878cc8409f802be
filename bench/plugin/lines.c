// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "symbols.h"

#define LINE_SHIFT	6
#define NO_CPU		-1
#define MAX_LINES	1024
#define NR_SLOTS	(4 * MAX_LINES)	/* a power of two */
#define MAX_SYMBOLS	64
#define MAX_CPUS	8

struct accesses {
	__u64 loads;
	__u64 stores;
	__u64 transfers;
};

struct line {
	__u64 number;		/* address >> LINE_SHIFT */
	const char *symbol;
	int copy;		/* the CPU whose per-CPU copy it is, or NO_CPU */
	unsigned int index;	/* in the symbol */
	unsigned int holders;	/* bits of CPUs */
	int writer;		/* the last one, or NO_CPU */
	/* The last access, to know an instruction's store after its load. */
	int last_cpu;
	__u64 last_instruction;
	bool last_was_load;
	bool last_transferred;
	struct accesses by[MAX_CPUS];
	struct accesses at_request[MAX_CPUS];
};

/* Per-CPU symbols, of which each CPU that turns up gets its copy traced. */
static struct per_cpu_symbol {
	const char *name;
	__u64 addr;
	__u64 bytes;
} symbols[MAX_SYMBOLS];
static size_t nr_symbols;

static struct line lines[MAX_LINES];
static size_t nr_lines;
static struct line *slots[NR_SLOTS];
static bool traced, marked;
static unsigned int nr_marked;

bool lines_traced(void)
{
	return traced;
}

/* Where a line is, or would be. */
static struct line **slot_of(__u64 number)
{
	size_t i = number * 0x9e3779b97f4a7c15ULL >> 52;

	while (slots[i % NR_SLOTS] && slots[i % NR_SLOTS]->number != number)
		i++;
	return &slots[i % NR_SLOTS];
}

/* A line that is traced already keeps its first name. */
static bool add_line(__u64 number, const char *symbol, int copy,
		     unsigned int index)
{
	struct line **slot = slot_of(number);

	if (*slot)
		return true;
	if (nr_lines == MAX_LINES)
		return false;
	*slot = &lines[nr_lines++];
	**slot = (struct line){ .number = number, .symbol = symbol,
				.copy = copy, .index = index,
				.writer = NO_CPU, .last_cpu = NO_CPU };
	return true;
}

static bool add_lines(__u64 addr, __u64 bytes, const char *symbol, int copy)
{
	__u64 first = addr >> LINE_SHIFT;
	__u64 last = (addr + bytes - 1) >> LINE_SHIFT, number;

	for (number = first; number <= last; number++) {
		if (!add_line(number, symbol, copy, number - first))
			return false;
	}
	return true;
}

static bool add_data(const char *name, __u64 bytes, const char *map)
{
	bool per_cpu = false;
	char *end;
	__u64 addr = strtoull(name, &end, 16);

	if (strncmp(name, "0x", 2) || *end) {
		if (!symbols_data(map, name, &addr, &per_cpu))
			return false;
	}
	if (!per_cpu && add_lines(addr, bytes, name, NO_CPU))
		return true;
	if (per_cpu && nr_symbols < MAX_SYMBOLS) {
		symbols[nr_symbols++] = (struct per_cpu_symbol){ name, addr, bytes };
		return true;
	}
	fprintf(stderr, "pcd_count: trace=%s: over %d lines, or %d per-CPU symbols\n",
		name, MAX_LINES, MAX_SYMBOLS);
	return false;
}

bool lines_add(const char *what, const char *map)
{
	char *name = strdup(what), *colon = name ? strchr(name, ':') : NULL;
	__u64 bytes = 1;

	traced = true;
	if (!strcmp(what, "marked")) {
		marked = true;
		free(name);
		return true;
	}
	if (colon) {
		char *end;

		*colon = '\0';
		bytes = strtoull(colon + 1, &end, 0);
		if (!colon[1] || *end)
			bytes = 0;
	}
	if (!name || !bytes || bytes >> LINE_SHIFT > MAX_LINES) {
		fprintf(stderr, "pcd_count: trace=%s is not SYMBOL[:BYTES] with 1 to %d bytes\n",
			what, MAX_LINES << LINE_SHIFT);
		free(name);
		return false;
	}
	return add_data(name, bytes, map);	/* keeps the name */
}

bool lines_add_cpu(int cpu, __u64 base)
{
	size_t i;

	if (!traced)
		return true;
	if (cpu < 0 || cpu >= MAX_CPUS)
		return false;
	for (i = 0; i < nr_symbols; i++) {
		if (!add_lines(base + symbols[i].addr, symbols[i].bytes,
			       symbols[i].name, cpu))
			return false;
	}
	return true;
}

bool lines_add_marked(__u64 addr)
{
	return !marked ||
	       add_line(addr >> LINE_SHIFT, "marked", NO_CPU, nr_marked++);
}

static bool is_transfer(const struct line *line, int cpu, bool store)
{
	if (store)
		return line->holders & ~(1U << cpu);
	return !(line->holders & 1U << cpu) && line->writer != NO_CPU;
}

static void access_line(struct line *line, int cpu, __u64 instruction,
			bool store)
{
	bool second_half = store && line->last_was_load &&
			   line->last_cpu == cpu &&
			   line->last_instruction == instruction;
	bool transfer = is_transfer(line, cpu, store) &&
			!(second_half && line->last_transferred);

	line->by[cpu].loads += !store;
	line->by[cpu].stores += store;
	line->by[cpu].transfers += transfer;
	if (store) {
		line->holders = 1U << cpu;
		line->writer = cpu;
	} else {
		line->holders |= 1U << cpu;
	}
	line->last_cpu = cpu;
	line->last_instruction = instruction;
	line->last_was_load = !store;
	line->last_transferred = transfer;
}

void lines_access(int cpu, __u64 instruction, __u64 addr, unsigned int bytes,
		  bool store)
{
	__u64 last = (addr + bytes - 1) >> LINE_SHIFT, number;

	for (number = addr >> LINE_SHIFT; number <= last; number++) {
		struct line *line = *slot_of(number);

		if (line)
			access_line(line, cpu, instruction, store);
	}
}

/* The columns that both kinds of rows end with. */
static void write_accesses(FILE *out, const struct line *line, int cpu,
			   const struct accesses *since)
{
	const struct accesses *now = &line->by[cpu];

	fprintf(out, "%d,\"%s\",%d,%u,%llu,%llu,%llu]}\n", cpu, line->symbol,
		line->copy, line->index, now->loads - since->loads,
		now->stores - since->stores, now->transfers - since->transfers);
}

static bool touched(const struct accesses *now, const struct accesses *since)
{
	return memcmp(now, since, sizeof(*now));
}

unsigned int lines_write(FILE *out, unsigned int mark, __u64 arg)
{
	static const struct accesses none;
	unsigned int written = 0;
	size_t i;
	int cpu;

	for (i = 0; i < nr_lines; i++) {
		for (cpu = 0; cpu < MAX_CPUS; cpu++) {
			if (!touched(&lines[i].by[cpu], &none))
				continue;
			fprintf(out, "{\"line\":[%u,%llu,", mark, arg);
			write_accesses(out, &lines[i], cpu, &none);
			written++;
		}
	}
	return written;
}

void lines_begin_request(void)
{
	size_t i;

	for (i = 0; i < nr_lines; i++)
		memcpy(lines[i].at_request, lines[i].by, sizeof(lines[i].by));
}

unsigned int lines_write_request(FILE *out, __u64 number)
{
	unsigned int written = 0;
	size_t i;
	int cpu;

	for (i = 0; i < nr_lines; i++) {
		for (cpu = 0; cpu < MAX_CPUS; cpu++) {
			const struct accesses *since = &lines[i].at_request[cpu];

			if (!touched(&lines[i].by[cpu], since))
				continue;
			fprintf(out, "{\"request_line\":[%llu,", number);
			write_accesses(out, &lines[i], cpu, since);
			written++;
		}
	}
	return written;
}
