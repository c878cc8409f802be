// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of a small machine whose memory is fought over: on its isolated CPUs
 * stress-ng maps, touches and forks, while its other CPUs compact all memory
 * and drop all caches, both of which drain those of the isolated CPUs. When all
 * is over as many pages are on the LRU lists, and as many are free, as before.
 *
 * As it was on an RT kernel whose caches were drained remotely under locks that
 * did not hold without RT (linux-rt-users, March 2020): the kernel oopsed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../bench/guest/compiler.h"
#include "../../bench/guest/files.h"

#define FACADE "/sys/kernel/debug/pcpu_drain/"

/* In pages: what differs from run to run. Slabs and stacks are not on LRU lists. */
#define SPARE_LISTED 64
#define SPARE_FREE 4096

static void __noreturn end(const char *how)
{
	printf("stress: %s\n", how);
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void must(bool good, const char *what)
{
	char line[128];

	if (good)
		return;
	snprintf(line, sizeof(line), "failed: %s: %s", what, strerror(errno));
	end(line);
}

static void make_tree(void)
{
	static const struct { const char *type, *on; } mounts[] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" }, { "tmpfs", "/tmp" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].on, 0755);
		must(!mount(mounts[i].type, mounts[i].on, mounts[i].type, 0, NULL), mounts[i].on);
	}
	mkdir("/dev", 0755);
	must(!mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) || errno == EEXIST, "/dev/null");
	/* From now on without a line on the console each time. */
	must(write_file("/proc/sys/vm/drop_caches", "4"), "drop_caches");
}

/* ---- What must come back, in pages ---- */

struct pages {
	long listed;	/* on LRU lists */
	long isolated;	/* taken from them by reclaim or migration */
	long mlocked;
	long free;
};

static long of_vmstat(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	must(found, name);
	return strtol(found + strlen(name), NULL, 10);
}

static struct pages count_pages(void)
{
	static char text[32768], refreshed[8];

	/* Per-CPU parts are added; a sum below zero is an error. */
	must(read_file("/proc/sys/vm/stat_refresh", refreshed, sizeof(refreshed)) >= 0,
	     "vm.stat_refresh, a counter of which is below zero");
	must(read_file("/proc/vmstat", text, sizeof(text)) > 0, "/proc/vmstat");
	return (struct pages){
		.listed = of_vmstat(text, "nr_inactive_anon ") +
			  of_vmstat(text, "nr_active_anon ") +
			  of_vmstat(text, "nr_inactive_file ") +
			  of_vmstat(text, "nr_active_file ") +
			  of_vmstat(text, "nr_unevictable "),
		.isolated = of_vmstat(text, "nr_isolated_anon ") +
			    of_vmstat(text, "nr_isolated_file "),
		.mlocked = of_vmstat(text, "nr_mlock "),
		.free = of_vmstat(text, "nr_free_pages "),
	};
}

static void say_pages(const char *when, const struct pages *pages)
{
	printf("stress: %s: %ld pages on LRU lists, %ld isolated, %ld mlocked, %ld free\n", when,
	       pages->listed, pages->isolated, pages->mlocked, pages->free);
}

static const char *fault(const struct pages *before, const struct pages *after)
{
	if (after->isolated)
		return "failed: pages are still isolated";
	if (after->mlocked != before->mlocked)
		return "failed: another number of pages is mlocked";
	if (labs(after->listed - before->listed) > SPARE_LISTED)
		return "failed: another number of pages is on LRU lists";
	if (labs(after->free - before->free) > SPARE_FREE)
		return "failed: another number of pages is free";
	return NULL;
}

/* ---- The load ---- */

/* The last two of four, which kunit/run-qemu.sh isolates. */
#define OWNERS "2,3"

static pid_t start_load(int seconds)
{
	char timeout[16];
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return pid;
	snprintf(timeout, sizeof(timeout), "%d", seconds);
	if (freopen("/tmp/log", "w", stdout) && dup2(STDOUT_FILENO, STDERR_FILENO) >= 0)
		execl("/usr/bin/stress-ng", "stress-ng", "--taskset", OWNERS, "--timeout", timeout,
		      "--vm", "2", "--vm-bytes", "12M", "--vm-method", "write64", "--vm-keep",
		      "--fork", "2", "--mmap", "1", "--mmap-bytes", "4M", "--mlock", "1",
		      "--temp-path", "/tmp", NULL);
	_exit(127);
}

static void drain_all(void)
{
	must(write_file("/proc/sys/vm/compact_memory", "1"), "compact_memory");
	must(write_file("/proc/sys/vm/drop_caches", "3"), "drop_caches");
}

static void pause_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* Drain all CPUs' caches until the load has ended. */
static void run_load(int seconds)
{
	pid_t load = start_load(seconds);
	time_t began = time(NULL);
	long rounds = 0, minute = 0;
	char log[2048];
	int status;

	while (!waitpid(load, &status, WNOHANG)) {
		drain_all();
		rounds++;
		pause_ms(20);
		if ((time(NULL) - began) / 60 > minute) {
			minute = (time(NULL) - began) / 60;
			printf("stress: minute %ld of %d, drained %ld times\n", minute,
			       seconds / 60, rounds);
		}
	}
	printf("stress: caches were drained %ld times in %ld s\n", rounds,
	       (long)(time(NULL) - began));
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	if (read_file("/tmp/log", log, sizeof(log)) > 0)
		fputs(log, stdout);
	end("failed: stress-ng failed, see above");
}

static struct pages at_rest(void)
{
	int i;

	unlink("/tmp/log");
	/* What is freed by RCU is freed after a while. */
	for (i = 0; i < 5; i++) {
		drain_all();
		pause_ms(500);
	}
	return count_pages();
}

static void show(const char *path)
{
	static char text[16384];

	if (read_file(path, text, sizeof(text)) > 0)
		printf("%s:\n%s", path, text);
}

int main(void)
{
	/* The kernel puts into the environment what it is told and does not know. */
	const char *given = getenv("stress_seconds");
	int seconds = given ? atoi(given) : 0;
	struct pages before, after;
	const char *why;

	setvbuf(stdout, NULL, _IOLBF, 0);
	make_tree();
	if (seconds <= 0)
		end("failed: stress_seconds= must be a number from 1 on");
	/* What the first load of all leaves behind, such as slabs, is no leak. */
	run_load(10);
	before = at_rest();
	say_pages("before", &before);
	run_load(seconds);
	after = at_rest();
	say_pages("after", &after);
	show(FACADE "stats");
	why = fault(&before, &after);
	end(why ? why : "passed");
}
