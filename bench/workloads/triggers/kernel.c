// SPDX-License-Identifier: GPL-2.0-only
/* Triggers that are about other caches, counters and control groups. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

/* ---- Counters ---- */

static int refresh_counters(int round)
{
	(void)round;
	return put("/proc/sys/vm/stat_refresh", "1");
}

/* Whatever can be read. A file that cannot is passed over, as sysctl -a does. */
static void read_all(int dir)
{
	static char text[4096];
	DIR *stream = fdopendir(dir);
	struct dirent *entry;

	if (!stream)
		return;
	while ((entry = readdir(stream))) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dir, entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (entry->d_type == DT_DIR) {
			read_all(fd);
			continue;
		}
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
	closedir(stream);
}

static int sysctl_all(int round)
{
	int dir = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)round;
	if (dir < 0)
		return -errno;
	read_all(dir);
	return 0;
}

static int overcommit_never(int round)
{
	(void)round;
	return put("/proc/sys/vm/overcommit_memory", "2");
}

static void overcommit_again(int round)
{
	(void)round;
	must_put("/proc/sys/vm/overcommit_memory", "0");
}

/* ---- Slab caches ---- */

#define SHRINK	"/sys/kernel/slab/filp/shrink"

static const char *shrink_begin(void)
{
	return access(SHRINK, F_OK) ? "no slab caches in sysfs" : NULL;
}

static int shrink(int round)
{
	(void)round;
	return put(SHRINK, "1");
}

/*
 * A cache goes with the last device that uses it: a mapped device has one for its
 * bios, whose size nobody else has.
 */
static int mapper;

static int map(unsigned int command, const char *target)
{
	struct {
		struct dm_ioctl head;
		struct dm_target_spec spec;
		char parameters[64];
	} request = {
		.head = {
			.version = { DM_VERSION_MAJOR, 0, 0 },
			.data_size = sizeof(request),
			.data_start = sizeof(request.head),
			.target_count = target ? 1 : 0,
			.name = "mapped",
		},
	};

	if (target) {
		request.spec.length = 2048;
		snprintf(request.spec.target_type, sizeof(request.spec.target_type), "linear");
		snprintf(request.parameters, sizeof(request.parameters), "%s", target);
	}
	return ioctl(mapper, command, &request) ? -errno : 0;
}

static const char *mapper_begin(void)
{
	const char *why = disks_begin();

	if (why)
		return why;
	mapper = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	return mapper < 0 ? "no mapped devices" : NULL;
}

static void map_device(int round)
{
	(void)round;
	/* To end a suspension is to begin the device. */
	if (map(DM_DEV_CREATE, NULL) || map(DM_TABLE_LOAD, "/dev/ram1 0") ||
	    map(DM_DEV_SUSPEND, NULL))
		run_fail("mapped device: %s", strerror(errno));
}

static int unmap_device(int round)
{
	(void)round;
	return map(DM_DEV_REMOVE, NULL);
}

/* ---- Control groups ---- */

#define LINGERS_US	30000	/* it is taken apart behind rmdir() */

static char group[64];

static const char *groups_begin(void)
{
	const char *why = disks_begin();

	return why ?: cgroups_begin("+memory");
}

static __u64 dying(void)
{
	unsigned long long nr;
	char text[256], *at;

	if (read_file(CGROUPS "/cgroup.stat", text, sizeof(text)) < 0)
		run_fail("cgroup.stat: %s", strerror(errno));
	at = strstr(text, "nr_dying_descendants ");
	if (!at || sscanf(at, "nr_dying_descendants %llu", &nr) != 1)
		run_fail("cgroup.stat: no nr_dying_descendants");
	return nr;
}

static __u64 dying_before;

static void charge_new_group(int round)
{
	dying_before = dying();
	snprintf(group, sizeof(group), CGROUPS "/gone-%d", round);
	if (mkdir(group, 0755))
		run_fail("%s: %s", group, strerror(errno));
	owner_source(disk_file());
	owner_group(group);
}

static int remove_group(int round)
{
	(void)round;
	return rmdir(group) ? -errno : 0;
}

/*
 * Its pages are given up first, wherever they are cached. Then only what a CPU has
 * charged in advance can keep it.
 */
static bool group_is_gone(int round)
{
	(void)round;
	owner_group(NULL);
	clear_caches();
	sleep_until(now_ns() + LINGERS_US * US);
	return dying() <= dying_before;
}

#define PARTITION	CGROUPS "/partition"

/* Of the last CPU, which is a housekeeping one. */
static const char *partition_begin(void)
{
	const char *why = cgroups_begin("+cpuset");
	char last[24];

	if (why)
		return why;
	if (mkdir(PARTITION, 0755) && errno != EEXIST)
		run_fail(PARTITION ": %s", strerror(errno));
	snprintf(last, sizeof(last), "%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	must_put(PARTITION "/cpuset.cpus", last);
	return NULL;
}

/* The kernel takes what it cannot do as well, and says "invalid" here. */
static bool partition_is(const char *wanted)
{
	char text[128];

	if (read_file(PARTITION "/cpuset.cpus.partition", text, sizeof(text)) < 0)
		run_fail("cpuset.cpus.partition: %s", strerror(errno));
	return !strcmp(text, wanted);
}

static int partition_root(int round)
{
	(void)round;
	return put(PARTITION "/cpuset.cpus.partition", "root");
}

static bool partition_is_root(int round)
{
	(void)round;
	return partition_is("root\n");
}

static int partition_isolated(int round)
{
	(void)round;
	return put(PARTITION "/cpuset.cpus.partition", "isolated");
}

static bool partition_is_isolated(int round)
{
	(void)round;
	return partition_is("isolated\n");
}

static void partition_member(int round)
{
	(void)round;
	must_put(PARTITION "/cpuset.cpus.partition", "member");
}

const struct trigger kernel_triggers[] = {
	{
		.name = "vm.stat_refresh", .residue = RESIDUE_ANON, .fire = refresh_counters,
	},
	{
		.name = "sysctl -a", .residue = RESIDUE_ANON, .fire = sysctl_all,
	},
	{
		.name = "overcommit_memory=2", .residue = RESIDUE_ANON,
		.fire = overcommit_never, .after = overcommit_again,
	},
	{
		.name = "slab shrink", .residue = RESIDUE_OBJECTS, .begin = shrink_begin,
		.fire = shrink,
	},
	{
		.name = "slab cache destroyed", .residue = RESIDUE_MAPPED,
		.begin = mapper_begin, .before = map_device, .fire = unmap_device,
	},
	{
		.name = "cgroup removed", .residue = RESIDUE_FILE, .begin = groups_begin,
		.before = charge_new_group, .fire = remove_group, .did = group_is_gone,
		.by_domain = true, .lasts_us = LINGERS_US,
	},
	{
		.name = "cpuset partition", .residue = RESIDUE_ANON, .begin = partition_begin,
		.fire = partition_root, .did = partition_is_root, .after = partition_member,
	},
	{
		.name = "cpuset isolated partition", .residue = RESIDUE_ANON,
		.begin = partition_begin, .fire = partition_isolated,
		.did = partition_is_isolated, .after = partition_member,
	},
	{ .name = NULL },
};
