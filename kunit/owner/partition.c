// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a partition of cpusets of one CPU, or a plain group of it again: see
 * partition.h.  Any error ends the program, and its errno is the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner_abi.h"
#include "partition.h"

#define GROUP	OWNER_CGROUPS "/partition"

static void must(int done)
{
	if (!done)
		_exit(errno ?: EIO);
}

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) >= 0 && !close(fd));
}

/* The kernel reports an invalid partition there, and nowhere else. */
static void must_be(const char *file, const char *text)
{
	int fd = open(file, O_RDONLY);
	char is[64] = "";

	must(fd >= 0 && read(fd, is, sizeof(is) - 1) > 0 && !close(fd));
	errno = 0;
	must(!strcmp(strtok(is, "\n"), text));
}

int make_partition(char **argv)
{
	const char *state = argv[1], *cpu = argv[2];
	char **pid;

	must(!mount("cgroup2", OWNER_CGROUPS, "cgroup2", 0, NULL) || errno == EBUSY);
	put(OWNER_CGROUPS "/cgroup.subtree_control", "+cpuset");
	must(!mkdir(GROUP, 0700) || errno == EEXIST);
	put(GROUP "/cpuset.cpus", cpu);
	for (pid = argv + 3; *pid; pid++)
		put(GROUP "/cgroup.procs", *pid);
	put(GROUP "/cpuset.cpus.partition", state);
	must_be(GROUP "/cpuset.cpus.partition", state);
	return 0;
}
