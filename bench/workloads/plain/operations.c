// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations in batches: as many one after the other as it takes to see what
 * each of them leaves for later, such as a full batch of folios. Where one
 * operation alone is of interest, see the hot paths (bench/guest/hotpath.c).
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plain.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"

#define US		1000ULL
#define PAGE		4096UL
#define MAX_PAGES	512UL	/* of one page table */
#define REGION		(MAX_PAGES * PAGE)
/* Rounds before the first that counts: the page allocator's lists settle. */
#define WARM_UP		1

/* Where the operations work. */
static struct {
	char *pages;		/* MAX_PAGES, in a page table of their own */
	char *one;		/* an address for a page */
	int written, cached;	/* files on tmpfs */
	int there[2], back[2];	/* pipes to and from the partner */
} at;

static char page[PAGE];

static void __noreturn fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void nothing(void)
{
}

/* ---- The operations, and what has to be so before and after each batch ---- */

static void map_pages(void)
{
	if (mmap(at.pages, REGION, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at.pages)
		fail("operations: mmap");
	madvise(at.pages, REGION, MADV_NOHUGEPAGE);
}

/* A new page: its folio goes into the batch of folios to be added. */
static void do_fault(unsigned long i)
{
	touch(at.pages + i * PAGE);
}

/* So that fork() has nothing of it to copy. */
static void unmap_pages(void)
{
	if (munmap(at.pages, REGION))
		fail("operations: munmap");
}

static void empty_file(void)
{
	if (ftruncate(at.written, 0))
		fail("operations: ftruncate");
}

/* A new page as well, of a file. */
static void do_write(unsigned long i)
{
	if (pwrite(at.written, page, PAGE, i * PAGE) != PAGE)
		fail("operations: pwrite");
}

static void do_map(unsigned long i)
{
	(void)i;
	if (mmap(at.one, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at.one)
		fail("operations: mmap");
	touch(at.one);
	if (munmap(at.one, PAGE))
		fail("operations: munmap");
}

/* Read more than once before, so that nothing about it changes any more. */
static void do_read(unsigned long i)
{
	if (pread(at.cached, page, PAGE, i * PAGE) != PAGE)
		fail("operations: pread");
}

static void do_fork(unsigned long i)
{
	pid_t pid = fork();
	int status;

	(void)i;
	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("operations: fork");
}

static void do_pipe(unsigned long i)
{
	char byte = i;

	if (write(at.there[1], &byte, 1) != 1 || read(at.back[0], &byte, 1) != 1)
		fail("operations: pipe");
}

static const struct operation {
	const char *name;
	const char *batch;	/* the parameter that says how many are in one */
	unsigned long most;
	void (*before)(void);
	void (*run)(unsigned long i);
	void (*after)(void);
} operations[] = {
	{ "page fault", "faults", MAX_PAGES, map_pages, do_fault, unmap_pages },
	{ "file write", "writes", MAX_PAGES, empty_file, do_write, nothing },
	{ "file read", "reads", MAX_PAGES, nothing, do_read, nothing },
	{ "mmap, touch, munmap", "maps", ~0UL, nothing, do_map, nothing },
	{ "fork, exit, wait", "forks", ~0UL, nothing, do_fork, nothing },
	{ "pipe there, back", "pipes", ~0UL, nothing, do_pipe, nothing },
};

#define NR_OPERATIONS ARRAY_SIZE(operations)

/* ---- Who makes them ---- */

struct plan {
	__u64 seed;
	__u64 rounds;
	unsigned long batch[NR_OPERATIONS];
	int label[NR_OPERATIONS];
	int *go;	/* init writes it (release), the owner reads it (acquire) */
};

static pid_t start_partner(void)
{
	pid_t pid = fork();
	char byte;

	while (!pid) {
		if (read(at.there[0], &byte, 1) != 1 ||
		    write(at.back[1], &byte, 1) != 1)
			fail("operations: pipe");
	}
	return pid;
}

static char *space(size_t size)
{
	char *base = mmap(NULL, 2 * size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		fail("operations: mmap");
	return (char *)(((size_t)base + size - 1) / size * size);
}

static void set_up(void)
{
	unsigned long i;
	int times;

	at.pages = space(REGION);
	at.one = space(REGION);
	at.written = open("/tmp/written", O_RDWR | O_CREAT, 0600);
	at.cached = open("/tmp/cached", O_RDWR | O_CREAT, 0600);
	if (at.written < 0 || at.cached < 0 || pipe(at.there) || pipe(at.back))
		fail("operations: set-up");
	for (i = 0; i < MAX_PAGES; i++) {
		if (pwrite(at.cached, page, PAGE, i * PAGE) != PAGE)
			fail("operations: pwrite");
	}
	for (times = 0; times < 3; times++) {
		for (i = 0; i < MAX_PAGES; i++)
			do_read(i);
	}
}

static void run_batch(const struct plan *plan, size_t op, __u64 round, bool counts)
{
	const struct operation *operation = &operations[op];
	unsigned long batch = plan->batch[op], i;

	if (counts)
		window_begin(plan->label[op], round);
	for (i = 0; i < batch; i++)
		operation->run(i);
	if (counts)
		window_end(plan->label[op], round);
}

static void shuffle(size_t *order, __u64 *stream)
{
	size_t i, other, was;

	for (i = NR_OPERATIONS - 1; i; i--) {
		other = random_below(stream, i + 1);
		was = order[i];
		order[i] = order[other];
		order[other] = was;
	}
}

static void run_plan(void *arg)
{
	const struct plan *plan = arg;
	__u64 stream = random_stream(plan->seed, STREAM_PHASES), round;
	struct sched_param param = { 0 };
	size_t order[NR_OPERATIONS], i;
	pid_t partner;

	/* Who wakes another goes on until it waits: all pings switch as often. */
	if (sched_setscheduler(0, SCHED_BATCH, &param))
		fail("operations: SCHED_BATCH");
	/* The pad's, as many as the seed says, which fork() would copy. */
	if (close_range(STDERR_FILENO + 1, ~0U, 0))
		fail("operations: close_range");
	set_up();
	partner = start_partner();
	for (i = 0; i < NR_OPERATIONS; i++)
		order[i] = i;
	while (!__atomic_load_n(plan->go, __ATOMIC_ACQUIRE))
		spin_block();
	for (round = 0; round < WARM_UP + plan->rounds; round++) {
		shuffle(order, &stream);
		for (i = 0; i < NR_OPERATIONS; i++) {
			size_t op = order[i];

			operations[op].before();
			/* RCU callbacks and deferred work are done then. */
			sleep_until(now_ns() + 2000 * US + random_below(&stream, 1000 * US));
			run_batch(plan, op, round, round >= WARM_UP);
			operations[op].after();
		}
	}
	if (partner < 0 || kill(partner, SIGKILL))
		fail("operations: partner");
}

static const char *prepare(struct plan *plan)
{
	size_t op;

	plan->rounds = load_number("rounds");
	for (op = 0; op < NR_OPERATIONS; op++) {
		plan->label[op] = load_label("%s", operations[op].name);
		plan->batch[op] = load_number(operations[op].batch);
		if (!plan->batch[op] || plan->batch[op] > operations[op].most)
			return "a batch is empty, or larger than a page table";
	}
	return plan->rounds ? NULL : "rounds are 0";
}

static void tell_batches(const struct plan *plan)
{
	__u64 round;
	size_t op;

	for (round = WARM_UP; round < WARM_UP + plan->rounds; round++) {
		for (op = 0; op < NR_OPERATIONS; op++)
			load_value(plan->label[op], round, "operations",
				   plan->batch[op]);
	}
}

const char *operations_run(const struct params *params, const struct cpus *cpus)
{
	static struct plan plan;
	const char *why = prepare(&plan);
	pid_t pid;

	if (why)
		return why;
	plan.seed = params->seed;
	plan.go = load_shared(sizeof(*plan.go));
	pid = spawn(load_measured(cpus), ROLE_OWNER, run_plan, &plan);
	if (cpus->isolated >= 0 && !proof_tick_stopped(cpus->isolated))
		return proof_why;
	__atomic_store_n(plan.go, 1, __ATOMIC_RELEASE);
	if (!load_wait(pid))
		return "an operation failed, see the console";
	tell_batches(&plan);
	return NULL;
}
