// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two disks in memory. On the first is an ext2 of one group, with one file: there
 * is no program here that makes file systems, and an empty one takes six blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trigger.h"
#include "../../guest/run.h"

#define FILE_PAGES	64
#define MAX_PAGES	4096	/* of a disk: CONFIG_BLK_DEV_RAM_SIZE */
#define MOUNTED		"/tmp/disk"

/* Of a little-endian machine, as x86 is. Only what is not 0; names as in fs/ext2/ext2.h. */
struct super_block {
	__u32 inodes_count;
	__u32 blocks_count;
	__u32 r_blocks_count;
	__u32 free_blocks_count;
	__u32 free_inodes_count;
	__u32 first_data_block;
	__u32 log_block_size;		/* 0: 1 KiB */
	__u32 log_frag_size;
	__u32 blocks_per_group;
	__u32 frags_per_group;
	__u32 inodes_per_group;
	__u32 mtime;
	__u32 wtime;
	__u16 mnt_count;
	__s16 max_mnt_count;
	__u16 magic;
	__u16 state;
	__u16 errors;
};

struct group_desc {
	__u32 block_bitmap;
	__u32 inode_bitmap;
	__u32 inode_table;
	__u16 free_blocks_count;
	__u16 free_inodes_count;
	__u16 used_dirs_count;
};

struct inode {
	__u16 mode;
	__u16 uid;
	__u32 size;
	__u32 atime, ctime, mtime, dtime;
	__u16 gid;
	__u16 links_count;
	__u32 blocks;		/* of 512 bytes */
	__u32 flags;
	__u32 osd1;
	__u32 block[15];
};

struct entry {
	__u32 inode;
	__u16 rec_len;
	__u8 name_len;
	__u8 file_type;
	char name[4];
};

enum block { SUPER, GROUPS, BLOCK_BITMAP, INODE_BITMAP, INODES, ROOT, NR_USED };

#define INODE_SIZE	128
#define NR_INODES	(PAGE / INODE_SIZE)
#define RESERVED	10	/* inodes */
#define ROOT_INODE	2
#define EXT2_MAGIC	0xef53

static char image[NR_USED][PAGE];

static void fill_super(__u32 blocks)
{
	*(struct super_block *)(image[SUPER] + 1024) = (struct super_block){
		.inodes_count = NR_INODES,
		.blocks_count = blocks,
		.free_blocks_count = blocks - NR_USED,
		.free_inodes_count = NR_INODES - RESERVED,
		.log_block_size = 2,
		.log_frag_size = 2,
		.blocks_per_group = 8 * PAGE,
		.frags_per_group = 8 * PAGE,
		.inodes_per_group = NR_INODES,
		.max_mnt_count = -1,
		.magic = EXT2_MAGIC,
		.state = 1,
		.errors = 1,
	};
	*(struct group_desc *)image[GROUPS] = (struct group_desc){
		.block_bitmap = BLOCK_BITMAP,
		.inode_bitmap = INODE_BITMAP,
		.inode_table = INODES,
		.free_blocks_count = blocks - NR_USED,
		.free_inodes_count = NR_INODES - RESERVED,
		.used_dirs_count = 1,
	};
}

/* Bits of what is used, and of what lies behind the end. */
static void fill_bitmap(enum block block, __u32 used, __u32 end)
{
	__u32 i;

	for (i = 0; i < 8 * PAGE; i++) {
		if (i < used || i >= end)
			image[block][i / 8] |= 1 << i % 8;
	}
}

static void fill_root(void)
{
	struct inode *root = (void *)(image[INODES] + (ROOT_INODE - 1) * INODE_SIZE);
	struct entry *entry = (void *)image[ROOT];

	*root = (struct inode){
		.mode = S_IFDIR | 0755,
		.size = PAGE,
		.links_count = 2,
		.blocks = PAGE / 512,
		.block = { ROOT },
	};
	entry[0] = (struct entry){ ROOT_INODE, sizeof(*entry), 1, 0, "." };
	entry[1] = (struct entry){ ROOT_INODE, PAGE - sizeof(*entry), 2, 0, ".." };
}

static int disks[2], file;

/* Closed again: nobody may write to a disk that is mounted. */
static bool format(const char *disk)
{
	int fd = open(disk, O_WRONLY | O_CLOEXEC);
	__u64 size;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size))
		return false;
	fill_super(size / PAGE);
	fill_bitmap(BLOCK_BITMAP, NR_USED, size / PAGE);
	fill_bitmap(INODE_BITMAP, RESERVED, NR_INODES);
	fill_root();
	return pwrite(fd, image, sizeof(image), 0) == sizeof(image) && !fsync(fd) &&
	       !close(fd);
}

static bool write_zeroes(const char *path, __u64 pages)
{
	static const char zeroes[PAGE];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	bool good = fd >= 0;

	for (; good && pages; pages--)
		good = write(fd, zeroes, PAGE) == (ssize_t)PAGE;
	if (fd >= 0)
		good = !fsync(fd) && !close(fd) && good;
	return good;
}

/* In two steps: read-only, nothing is written back later on. */
static bool mount_disk(void)
{
	return !mkdir(MOUNTED, 0755) &&
	       !mount("/dev/ram0", MOUNTED, "ext2", MS_NOATIME, NULL) &&
	       write_zeroes(MOUNTED "/file", FILE_PAGES) &&
	       !umount(MOUNTED) &&
	       !mount("/dev/ram0", MOUNTED, "ext2", MS_NOATIME | MS_RDONLY, NULL);
}

const char *disks_begin(void)
{
	static const char *const names[] = { "/dev/ram0", "/dev/ram1" };
	int disk;

	if (file)
		return NULL;
	if (access(names[DISK_PLAIN], F_OK))
		return "no RAM disks";
	if (!format(names[DISK_FILE]) || !mount_disk() ||
	    !write_zeroes(names[DISK_PLAIN], FILE_PAGES))
		run_fail("RAM disk: %s", strerror(errno));
	for (disk = 0; disk < 2; disk++) {
		disks[disk] = open(names[disk], O_RDONLY | O_CLOEXEC);
		if (disks[disk] < 0)
			run_fail("%s: %s", names[disk], strerror(errno));
	}
	file = open(MOUNTED "/file", O_RDONLY | O_CLOEXEC);
	/* Only what is asked for: no reading ahead, where the indirect block is needed. */
	if (file < 0 || posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM) ||
	    posix_fadvise(disks[DISK_PLAIN], 0, 0, POSIX_FADV_RANDOM))
		run_fail("file on a RAM disk: %s", strerror(errno));
	if (disk_flush(DISK_FILE) || disk_flush(DISK_PLAIN))
		run_fail("BLKFLSBUF: %s", strerror(errno));
	return NULL;
}

int disk_fd(int disk)
{
	return disks[disk];
}

int disk_file(void)
{
	return file;
}

int disk_flush(int disk)
{
	return ioctl(disks[disk], BLKFLSBUF, 0) ? -errno : 0;
}

/* Of a mapping that nobody touches: it holds no page itself. */
struct map {
	int fd;
	void *start;
	size_t pages;
};

static const struct map *map_of(int fd)
{
	static struct map maps[3];
	struct map *map;

	for (map = maps; map < maps + ARRAY_SIZE(maps); map++) {
		if (map->start && map->fd == fd)
			return map;
		if (map->start)
			continue;
		map->fd = fd;
		map->pages = lseek(fd, 0, SEEK_END) / PAGE;
		map->start = mmap(NULL, map->pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);
		if (map->start == MAP_FAILED || map->pages > MAX_PAGES)
			run_fail("mmap of a file with %zu pages: %s", map->pages, strerror(errno));
		return map;
	}
	run_fail("mmap of more than %zu files", ARRAY_SIZE(maps));
}

__u64 pages_cached(int fd)
{
	static unsigned char cached[MAX_PAGES];
	const struct map *map = map_of(fd);
	__u64 nr = 0, i;

	if (mincore(map->start, map->pages * PAGE, cached))
		run_fail("mincore: %s", strerror(errno));
	for (i = 0; i < map->pages; i++)
		nr += cached[i] & 1;
	return nr;
}
