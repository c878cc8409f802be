// SPDX-License-Identifier: GPL-2.0-only
/* What clients' guest.c register with, and what they share: see client.h. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

struct guest_client *clients;

void client_register(struct guest_client *client)
{
	struct guest_client **at = &clients;

	while (*at)
		at = &(*at)->next;
	*at = client;
}

void __noreturn client_fail(const char *what)
{
	perror(what);
	_exit(1);
}

char *map_aligned(size_t size)
{
	char *base = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		client_fail("hotpath: mmap");
	/* Aligned to its size: all pages of a region are in one page table. */
	return (char *)(((size_t)base + size - 1) / size * size);
}
