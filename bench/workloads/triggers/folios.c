// SPDX-License-Identifier: GPL-2.0-only
/* Triggers that ask all CPUs for their folios, and leave them where they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

#define HUGE_PAGE	(2UL << 20)

/* ---- Files ---- */

static void from_file(int round)
{
	(void)round;
	owner_source(disk_file());
}

static void from_plain_disk(int round)
{
	(void)round;
	owner_source(disk_fd(DISK_PLAIN));
}

static bool file_is_gone(int round)
{
	(void)round;
	return !pages_cached(disk_file());
}

static bool plain_disk_is_gone(int round)
{
	(void)round;
	return !pages_cached(disk_fd(DISK_PLAIN));
}

static int drop_page_cache(int round)
{
	(void)round;
	return put("/proc/sys/vm/drop_caches", "1");
}

static int fadvise(int round)
{
	(void)round;
	return posix_fadvise(disk_file(), 0, 0, POSIX_FADV_DONTNEED);
}

static int flush_plain_disk(int round)
{
	(void)round;
	return disk_flush(DISK_PLAIN);
}

/*
 * Pages of all disks, files apart, in kB. Superblock and the like stay; the indirect
 * block goes, if no CPU has its buffer head. mincore() does not see a block that was
 * read for a file system.
 */
static __u64 buffers(void)
{
	unsigned long long kb;
	char text[4096], *at;

	if (read_file("/proc/meminfo", text, sizeof(text)) < 0)
		run_fail("/proc/meminfo: %s", strerror(errno));
	at = strstr(text, "Buffers:");
	if (!at || sscanf(at, "Buffers: %llu", &kb) != 1)
		run_fail("/proc/meminfo: no Buffers");
	return kb;
}

static __u64 buffers_before;

static int flush_disk(int round)
{
	(void)round;
	buffers_before = buffers();
	return disk_flush(DISK_FILE);
}

static bool indirect_block_is_gone(int round)
{
	(void)round;
	return buffers() < buffers_before;
}

/* ---- memfd ---- */

static int memfds[256];

/* One a round, before there is an owner, which then has them too. */
static const char *memfds_begin(void)
{
	__u64 rounds = load_number("rounds"), i;

	if (rounds > ARRAY_SIZE(memfds))
		run_fail("rounds=%llu are over %zu", rounds, ARRAY_SIZE(memfds));
	for (i = 0; i < rounds; i++) {
		memfds[i] = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (memfds[i] < 0)
			return "no memfd";
	}
	return NULL;
}

static void from_memfd(int round)
{
	owner_source(memfds[round]);
}

static int seal(int round)
{
	return fcntl(memfds[round], F_ADD_SEALS, F_SEAL_WRITE) ? -errno : 0;
}

/* ---- Compaction ---- */

static const char *compaction_begin(void)
{
	return access("/proc/sys/vm/compact_memory", F_OK) ? "no compaction" : NULL;
}

static int compact_all(int round)
{
	(void)round;
	return put("/proc/sys/vm/compact_memory", "1");
}

/* The only way to wake kcompactd that does not hang on how memory looks. */
static int wake_kcompactd(int round)
{
	(void)round;
	return put("/proc/sys/vm/compaction_proactiveness", "20");
}

/* ---- Huge pages ---- */

#define KHUGEPAGED	"/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define FOR_EVER	"4000000000"	/* ms */

/*
 * khugepaged sleeps but for its triggers, in which it may look at memory of this
 * process, or of the owner. A process that has no memory for it is not visited.
 */
static const char *khugepaged_begin(void)
{
	static char *range;

	if (range)
		return NULL;
	if (access(KHUGEPAGED, F_OK))
		return "no transparent huge pages in this kernel: PREEMPT_RT excludes them";
	must_put("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	must_put(KHUGEPAGED "alloc_sleep_millisecs", FOR_EVER);
	must_put(KHUGEPAGED "scan_sleep_millisecs", FOR_EVER);
	range = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (range == MAP_FAILED || madvise(range, 2 * HUGE_PAGE, MADV_HUGEPAGE))
		run_fail("MADV_HUGEPAGE: %s", strerror(errno));
	return NULL;
}

static __u64 collapsed_before;

static void note_collapsed(int round)
{
	(void)round;
	collapsed_before = number_in(KHUGEPAGED "pages_collapsed");
}

static bool is_collapsed(int round)
{
	(void)round;
	return number_in(KHUGEPAGED "pages_collapsed") > collapsed_before;
}

/* As guides have it, so that it finds more; to write it wakes khugepaged. */
static int wake_khugepaged(int round)
{
	(void)round;
	return put(KHUGEPAGED "scan_sleep_millisecs", "100");
}

static void still_khugepaged(int round)
{
	(void)round;
	must_put(KHUGEPAGED "scan_sleep_millisecs", FOR_EVER);
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

static int collapse(int round)
{
	unsigned long start = (unsigned long)owner_page(0);
	struct { unsigned long start, len; } range = { start, HUGE_PAGE };
	int pidfd = syscall(SYS_pidfd_open, owner_pid(), 0), error = 0;

	(void)round;
	if (pidfd < 0)
		return -errno;
	if (syscall(SYS_process_madvise, pidfd, &range, 1, MADV_COLLAPSE, 0) < 0)
		error = -errno;
	close(pidfd);
	return error;
}

/* ---- ksmd ---- */

#define KSM	"/sys/kernel/mm/ksm/"

static const char *ksm_begin(void)
{
	char *pages;

	if (access(KSM, F_OK))
		return "no KSM";
	pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || madvise(pages, 4 * PAGE, MADV_MERGEABLE))
		run_fail("MADV_MERGEABLE: %s", strerror(errno));
	return NULL;
}

static int run_ksm(int round)
{
	(void)round;
	return put(KSM "run", "1");
}

static void stop_ksm(int round)
{
	(void)round;
	must_put(KSM "run", "0");
}

/* ---- memory.reclaim ---- */

#define GROUP	CGROUPS "/reclaimed"

static const char *reclaim_begin(void)
{
	const char *why = cgroups_begin("+memory");

	if (why)
		return why;
	if (mkdir(GROUP, 0755))
		run_fail(GROUP ": %s", strerror(errno));
	return access(GROUP "/memory.reclaim", F_OK) ? "no memory.reclaim" : NULL;
}

static void charge_file(int round)
{
	from_file(round);
	owner_group(GROUP);
}

static int reclaim_group(int round)
{
	char bytes[32];

	(void)round;
	snprintf(bytes, sizeof(bytes), "%llu", owner_fills() * PAGE);
	return put(GROUP "/memory.reclaim", bytes);
}

static void charge_nobody(int round)
{
	(void)round;
	owner_group(NULL);
}

const struct trigger folio_triggers[] = {
	{
		.name = "drop_caches", .residue = RESIDUE_FILE, .begin = disks_begin,
		.before = from_file, .fire = drop_page_cache, .did = file_is_gone,
	},
	{
		.name = "posix_fadvise(DONTNEED)", .residue = RESIDUE_FILE,
		.begin = disks_begin, .before = from_file, .fire = fadvise,
		.did = file_is_gone,
	},
	{
		.name = "flushbufs", .residue = RESIDUE_DISK, .begin = disks_begin,
		.before = from_plain_disk, .fire = flush_plain_disk, .did = plain_disk_is_gone,
	},
	{
		.name = "flushbufs, buffer heads cached", .residue = RESIDUE_INDIRECT,
		.begin = disks_begin, .before = from_file, .fire = flush_disk,
		.did = indirect_block_is_gone, .by_domain = true,
	},
	{
		.name = "F_SEAL_WRITE", .residue = RESIDUE_MEMFD, .begin = memfds_begin,
		.before = from_memfd, .fire = seal, .refusal = -EBUSY,
	},
	{
		.name = "compact_memory", .residue = RESIDUE_ANON, .begin = compaction_begin,
		.fire = compact_all,
	},
	{
		.name = "kcompactd", .residue = RESIDUE_ANON, .begin = compaction_begin,
		.fire = wake_kcompactd,
	},
	{
		.name = "khugepaged", .residue = RESIDUE_ANON, .begin = khugepaged_begin,
		.fire = wake_khugepaged, .after = still_khugepaged,
	},
	{
		.name = "khugepaged on the owner's memory", .residue = RESIDUE_HUGE,
		.begin = khugepaged_begin, .before = note_collapsed, .fire = wake_khugepaged,
		.did = is_collapsed, .after = still_khugepaged,
	},
	{
		.name = "MADV_COLLAPSE of the owner's memory", .residue = RESIDUE_HUGE,
		.begin = khugepaged_begin, .fire = collapse, .refusal = -EAGAIN,
	},
	{
		.name = "ksmd", .residue = RESIDUE_ANON, .begin = ksm_begin, .fire = run_ksm,
		.after = stop_ksm,
	},
	{
		.name = "memory.reclaim", .residue = RESIDUE_FILE, .begin = reclaim_begin,
		.before = charge_file, .fire = reclaim_group, .refusal = -EAGAIN,
		.after = charge_nobody,
	},
	{ .name = NULL },
};
