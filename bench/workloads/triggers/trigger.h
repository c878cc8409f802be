/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trigger: something that people do on other CPUs, and that may disturb an
 * isolated one. The owner has residue, what the trigger looks for if that
 * matters.
 */
#ifndef TRIGGER_H
#define TRIGGER_H

#include "../common/load.h"

#define US		1000ULL
#define PAGE		4096UL

/* What the owner leaves in its caches. */
enum residue {
	RESIDUE_ANON,		/* new pages of anonymous memory */
	RESIDUE_FIRST_NODE,	/* the same, of the first node */
	RESIDUE_SECOND_NODE,
	RESIDUE_HUGE,		/* the same, in a range that may become a huge page */
	RESIDUE_FILE,		/* pages of a file, read from a disk */
	RESIDUE_INDIRECT,	/* the same, and the buffer head of its indirect block */
	RESIDUE_DISK,		/* pages of a disk without a file system */
	RESIDUE_MEMFD,		/* pages of a memfd, written */
	RESIDUE_OBJECTS,	/* slab objects: a file that was opened and closed */
	RESIDUE_MAPPED,		/* objects of a slab cache that a mapped device has */
	RESIDUE_REGISTERED,	/* as the first, and it takes part in global membarriers */
	RESIDUE_NONE,		/* it enters the kernel, and leaves nothing */
};

/**
 * struct trigger - one of them
 * @name: of its windows
 * @residue: what the owner has cached
 * @begin: once, before there is an owner, which inherits all files; returns
 *	NULL, or why this kernel or machine cannot do it. May be NULL
 * @before: before the owner fills its caches, each round; may be NULL
 * @fire: the trigger itself; returns 0 or -errno
 * @refusal: the error that means: what it was for has not come about. Any other
 *	ends the workload
 * @did: whether what it was for has come about; may be NULL
 * @after: undo it, behind the window; may be NULL
 * @next: for what comes by itself: when it comes next, in ns since boot; @fire is
 *	NULL then
 * @by_domain: the kernel spares CPUs that are isolated from scheduling domains; one
 *	that is only in nohz_full may fare otherwise
 * @lasts_us: how much longer its windows are, for what comes of it later
 *
 * It sends whether it succeeded only if there is a way to tell: @refusal or @did.
 */
struct trigger {
	const char *name;
	enum residue residue;
	const char *(*begin)(void);
	void (*before)(int round);
	int (*fire)(int round);
	int refusal;
	bool (*did)(int round);
	void (*after)(int round);
	__u64 (*next)(void);
	bool by_domain;
	__u64 lasts_us;
};

/*
 * A parameter chooses groups: what runs in one boot. The last of a group has no
 * name. One more group is all that are @by_domain.
 */
extern const struct trigger folio_triggers[];	/* ask for folios */
extern const struct trigger move_triggers[];	/* move pages away */
extern const struct trigger kernel_triggers[];	/* other caches and counters */
extern const struct trigger control_triggers[];	/* no drain has part in them */

/* ---- The owner (owner.c) ---- */

/**
 * owner_start() - start the owner, which spins from here on
 * @cpu: where
 * @fills: pages of a residue
 */
void owner_start(int cpu, __u64 fills);

/** owner_fill() - have it fill its caches; returns when it spins again */
void owner_fill(enum residue residue);

/** owner_source() - which file the next residue comes from, such as a memfd */
void owner_source(int fd);

/** owner_group() - the cgroup that pays for what it caches from here on; NULL: none */
void owner_group(const char *group);

/** owner_pid() - for who moves its memory */
pid_t owner_pid(void);

/** owner_fills() - pages of a residue */
__u64 owner_fills(void);

/** owner_page() - address of the n-th page that it touched last */
void *owner_page(__u64 n);

/* ---- Disks in memory (disk.c) ---- */

enum {
	DISK_FILE	= 0,	/* /dev/ram0, an ext2 with one file */
	DISK_PLAIN	= 1,	/* /dev/ram1 */
};

#define DISK_DIRECT	12	/* pages of the file that need no indirect block */

/** disks_begin() - make both disks; NULL, or why that cannot be. May be called again */
const char *disks_begin(void);

/** disk_fd() - a disk */
int disk_fd(int disk);

/** disk_file() - the file of DISK_FILE; 64 pages */
int disk_file(void);

/** disk_flush() - what blockdev --flushbufs does; returns 0 or -errno */
int disk_flush(int disk);

/** pages_cached() - how many pages of a file, or of a disk that is not mounted, are cached */
__u64 pages_cached(int fd);

/* ---- What triggers share (triggers.c) ---- */

/** put() - write_file() for a trigger: returns 0 or -errno */
int put(const char *path, const char *text);

/** must_put() - write_file(), or fail the run */
void must_put(const char *path, const char *text);

/**
 * clear_caches() - no residue, no page of a disk, nothing posted
 *
 * The owner enters the kernel for it: what was posted is drained then.
 */
void clear_caches(void);

/** number_in() - the number that a small file holds */
__u64 number_in(const char *path);

/** cgroups_begin() - mount cgroup2 with controllers, such as "+memory"; NULL, or why not */
const char *cgroups_begin(const char *controllers);

#define CGROUPS	"/tmp/cgroups"

#endif /* TRIGGER_H */
