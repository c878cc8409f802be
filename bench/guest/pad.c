// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"
#include "pad.h"
#include "random.h"

#define PAGE 4096UL

static bool hold_pages(__u64 pages)
{
	char *base;

	if (!pages)
		return true;
	base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	/* Children would have to copy its page tables. */
	return base != MAP_FAILED && !madvise(base, pages * PAGE, MADV_DONTFORK);
}

static bool hold_objects(__u64 objects)
{
	while (objects--) {
		if (eventfd(0, EFD_CLOEXEC) < 0)
			return false;
	}
	return true;
}

static bool hold_file(__u64 bytes)
{
	int fd = open("/tmp/pad", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && !posix_fallocate(fd, 0, bytes + 1) && !close(fd);
}

bool pad_hold(const struct params *params)
{
	__u64 stream = random_stream(params->seed, STREAM_PAD);
	__u64 pages, objects, bytes;

	if (!params->pad)
		return true;
	pages = random_below(&stream, params->pad + 1);
	objects = random_below(&stream, params->pad + 1);
	bytes = random_below(&stream, params->pad * PAGE);
	channel_line("{\"pad\":{\"pages\":%llu,\"objects\":%llu,\"file_bytes\":%llu}}",
		     pages, objects, bytes + 1);
	return hold_pages(pages) && hold_objects(objects) && hold_file(bytes);
}
