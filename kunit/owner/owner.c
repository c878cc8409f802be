// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task in user mode for the KUnit suite to command: see owner_abi.h.
 *   owner FILE
 *   owner STATE CPU [PID...]	no owner, but see partition.h
 * The suite starts it before there is an init, so it mounts /proc itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "guest.h"
#include "owner_abi.h"
#include "partition.h"

#define PAGE	4096UL

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void *map(int file, enum owner_map page)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, page * PAGE);

	if (at == MAP_FAILED)
		fail("owner: mmap");
	return at;
}

/* Each time a new mapping, so that each time it faults. */
static void fault(int file)
{
	char *at = map(file, OWNER_MAP_FAULT);

	/* Atomic, so that the compiler keeps a store that nobody reads. */
	__atomic_store_n(at, 1, __ATOMIC_RELAXED);
	if (munmap(at, PAGE))
		fail("owner: munmap");
}

static void guest(int file, struct owner_page *page)
{
	void *memory = map(file, OWNER_MAP_FAULT);

	run_guest(page, memory);
	if (munmap(memory, PAGE))
		fail("owner: munmap");
}

/* Its environment is a page that faults: the kernel reads it in the middle of an exec. */
static void __noreturn exec(int file, char **argv)
{
	char *const envp[] = { map(file, OWNER_MAP_FAULT), NULL };

	execve(OWNER_PROGRAM, argv, envp);
	fail("owner: execve");
}

static struct owner_page *page;

static void count(int signal)
{
	(void)signal;
	__atomic_add_fetch(&page->signals, 1, __ATOMIC_RELAXED);
}

static void spin(void)
{
	while (!__atomic_load_n(&page->go, __ATOMIC_RELAXED))
		__atomic_add_fetch(&page->beats, 1, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	__u32 next;
	int file;

	if (argc > 2)
		return make_partition(argv);
	if (argc != 2)
		return 1;
	if (mount("proc", "/proc", "proc", 0, NULL) && errno != EBUSY)
		fail("owner: mount");
	file = open(argv[1], O_RDWR | O_CLOEXEC);
	if (file < 0)
		fail(argv[1]);
	page = map(file, OWNER_MAP_PAGE);
	if (signal(OWNER_SIGNAL, count) == SIG_ERR)
		fail("owner: signal");

	while (read(file, &next, sizeof(next)) == sizeof(next)) {
		switch (next) {
		case OWNER_AGAIN:
			break;
		case OWNER_SPIN:
			spin();
			break;
		case OWNER_FAULT:
			fault(file);
			break;
		case OWNER_GUEST:
			guest(file, page);
			break;
		case OWNER_EXEC:
			exec(file, argv);
		case OWNER_STOP:
			if (raise(SIGSTOP))
				fail("owner: raise");
			break;
		case OWNER_EXIT:
			return 0;
		default:
			return 1;
		}
	}
	fail("owner: read");
}
