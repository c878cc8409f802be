// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of the ranks: compute for a fixed number of instructions, add up a few
 * numbers with the other rank, and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../steps.h"
#include "../../common/load.h"

#define PAGE		4096UL

static struct steps *steps;
static int rank;

static char *fresh;	/* the next page that nobody has touched */
static char *fresh_end;
static char *written;	/* what write() is given */
static int output;

static void __noreturn __printf(1, 2)
fail(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "rank %d: ", rank);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void map_steps(const char *path)
{
	int fd = open(path, O_RDWR);

	steps = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, fd, 0);
	if (steps == MAP_FAILED)
		fail("%s: %s", path, strerror(errno));
	close(fd);
}

/* It was mpiexec that bound this process to its CPU. */
static void see_where_it_runs(void)
{
	cpu_set_t set;
	int size;

	MPI_Comm_size(MPI_COMM_WORLD, &size);
	if (size != NR_RANKS)
		fail("there are %d ranks, not %d", size, NR_RANKS);
	if (sched_getaffinity(0, sizeof(set), &set))
		fail("affinity: %s", strerror(errno));
	if (CPU_COUNT(&set) != 1 || !CPU_ISSET(steps->cpus[rank], &set))
		fail("not bound to CPU %d alone", steps->cpus[rank]);
}

static void get_memory(void)
{
	__u64 pages = steps->fills * steps->steps * steps->blocks;
	char path[32];

	fresh = mmap(NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	written = calloc(1, steps->bytes + 1);
	if (fresh == MAP_FAILED || !written)
		fail("memory: %s", strerror(errno));
	fresh_end = fresh + pages * PAGE;
	snprintf(path, sizeof(path), "/tmp/output.%d", rank);
	output = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (output < 0)
		fail("%s: %s", path, strerror(errno));
}

static void compute(__u64 blocks)
{
	while (blocks--)
		spin_block();
}

/* Memory for a while, and a record for a file. */
static void make_calls(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	touch(page);
	if (munmap(page, PAGE))
		fail("munmap: %s", strerror(errno));
	if (write(output, written, steps->bytes) != (ssize_t)steps->bytes)
		fail("write: %s", strerror(errno));
}

/* The same number of instructions each time, with its calls spread over it evenly. */
static void run_quantum(enum kind kind)
{
	__u64 sets = has_calls(kind) ? steps->sets : 0;
	__u64 part = steps->quantum / (sets + 1), i;

	for (i = 0; i < sets; i++) {
		compute(part);
		make_calls();
	}
	compute(steps->quantum - sets * part);
}

/* As data that arrived since the last step would: the caches have something. */
static void fill_caches(void)
{
	__u64 i;

	for (i = 0; i < steps->fills && fresh < fresh_end; i++, fresh += PAGE)
		touch(fresh);
}

static void add_up(void)
{
	static double numbers[MAX_REDUCED];
	__u64 i;

	for (i = 0; i < steps->reduced; i++)
		numbers[i] = rank + 1;
	MPI_Allreduce(MPI_IN_PLACE, numbers, steps->reduced, MPI_DOUBLE, MPI_SUM,
		      MPI_COMM_WORLD);
	for (i = 0; i < steps->reduced; i++) {
		if (numbers[i] != 1 + 2)
			fail("the ranks added up %g and not 3", numbers[i]);
	}
}

static void run_step(enum kind kind, __u64 number, bool counted)
{
	int label = steps->quantum_labels[kind][rank];

	if (!has_calls(kind))
		fill_caches();
	if (counted)
		window_begin(label, number);
	run_quantum(kind);
	if (counted)
		window_end_here(label, number);
	add_up();
}

static void run_block(int block)
{
	enum kind kind = steps->kinds[block];
	int label = steps->block_labels[kind][rank], i;
	bool counted = block >= steps->warm_up;

	if (counted)
		window_begin(label, block);
	for (i = 0; i < steps->steps; i++)
		run_step(kind, (__u64)block * steps->steps + i, counted);
	if (counted)
		window_end_here(label, block);
}

int main(int argc, char **argv)
{
	int block;

	if (argc != 2)
		fail("rank FILE, which init has made");
	mark(MARK_ROLE, ROLE_OWNER);
	map_steps(argv[1]);
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	see_where_it_runs();
	get_memory();
	__atomic_store_n(&steps->ready[rank], 1, __ATOMIC_RELEASE);
	for (block = 0; block < steps->blocks; block++) {
		while (__atomic_load_n(&steps->go, __ATOMIC_ACQUIRE) <= block)
			spin_block();
		run_block(block);
		__atomic_store_n(&steps->done[rank], block + 1, __ATOMIC_RELEASE);
	}
	MPI_Finalize();
	return 0;
}
