// SPDX-License-Identifier: GPL-2.0-only
/* What a control loop does once it is awake. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cycle.h"
#include "../../guest/spin.h"

#define PAGE		4096UL
#define TABLE		512UL	/* pages that one page table maps */
#define RECORD		64	/* bytes; 64 records fill a page of the log */

static struct {
	char *page;	/* touched last */
	int input, log, event;
} at;

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static bool begins_table(const char *page)
{
	return (size_t)page % (TABLE * PAGE) == 0;
}

/* Each page table's first page is touched, so that no cycle has one to allocate. */
static char *map_with_tables(__u64 pages)
{
	size_t size = (pages + pages / (TABLE - 1) + TABLE) * PAGE, i;
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		fail("owner: mmap");
	/* EINVAL: a kernel that knows no huge pages. */
	madvise(base, size, MADV_NOHUGEPAGE);
	touch(base);
	for (i = 0; i < size; i += PAGE) {
		if (begins_table(base + i))
			touch(base + i);
	}
	return base;
}

static char *next_page(void)
{
	at.page += PAGE;
	if (begins_table(at.page))
		at.page += PAGE;
	return at.page;
}

void cycle_set_up(const struct cycle *cycle, __u64 cycles)
{
	char record[RECORD] = "";

	at.page = map_with_tables(cycles * cycle->touches);
	at.input = open("/tmp/loop.in", O_RDWR | O_CREAT | O_TRUNC, 0600);
	at.log = open("/tmp/loop.log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	at.event = eventfd(0, EFD_NONBLOCK);
	if (at.input < 0 || at.log < 0 || at.event < 0 ||
	    write(at.input, record, sizeof(record)) != sizeof(record))
		fail("owner: files");
}

/* Each cycle begins with the first, so that an event is set before it is read. */
static void call(__u64 number)
{
	char record[RECORD] = "";
	__u64 event = 1;

	switch (number % 4) {
	case 0:
		if (pread(at.input, record, sizeof(record), 0) != sizeof(record))
			fail("owner: pread");
		break;
	case 1:
		if (write(at.log, record, sizeof(record)) != sizeof(record))
			fail("owner: write");
		break;
	case 2:
		if (write(at.event, &event, sizeof(event)) != sizeof(event))
			fail("owner: write of the eventfd");
		break;
	case 3:
		if (read(at.event, &event, sizeof(event)) != sizeof(event))
			fail("owner: read of the eventfd");
		break;
	}
}

void cycle_run(const struct cycle *cycle)
{
	__u64 i;

	for (i = 0; i < cycle->touches; i++)
		touch(next_page());
	for (i = 0; i < cycle->calls / 2; i++)
		call(i);
	for (i = 0; i < cycle->blocks; i++)
		spin_block();
	for (i = cycle->calls / 2; i < cycle->calls; i++)
		call(i);
}
