// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two ranks of MPI on isolated CPUs, which compute and meet again and again.
 * Init starts them, lets one block of steps after the other run, and in half of
 * the blocks asks for drains at random times.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steps.h"
#include "../common/load.h"
#include "../../guest/files.h"
#include "../../guest/proofs.h"
#include "../../guest/random.h"
#include "../../guest/run.h"

#define US		1000ULL
#define MS		1000000ULL
#define SHM		"/dev/shm"
#define SHARED_FILE	SHM "/steps"
#define MAX_ARRIVALS	256

static const char *const kind_names[NR_KINDS] = {
	[BARE_QUIET]	= "bare quiet",
	[BARE_DRAINED]	= "bare drained",
	[CALLS_QUIET]	= "calls quiet",
	[CALLS_DRAINED]	= "calls drained",
};

static struct steps *steps;
static pid_t mpiexec;
static __u64 limit;	/* ns that init waits for the ranks */
static __u64 settle;	/* ns between blocks, till what drains have left behind is over */
static __u64 requests;	/* for drains, in a block */
static char why[160];

#define refuse(...)	(snprintf(why, sizeof(why), __VA_ARGS__), why)

/* ---- The machine, as MPI wants it ---- */

static const char *loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		return refuse("no loopback, which MPI needs: %s", strerror(errno));
	close(fd);
	return NULL;
}

static const char *find_cpus(const struct cpus *cpus)
{
	int cpu, rank = 0;

	for (cpu = 0; cpu < cpus->nr && rank < NR_RANKS; cpu++) {
		if (cpu_in_list_file("/sys/devices/system/cpu/nohz_full", cpu))
			steps->cpus[rank++] = cpu;
	}
	return rank == NR_RANKS ? NULL :
		refuse("%d isolated CPUs, there are to be %d", rank, NR_RANKS);
}

static const char *share_steps(void)
{
	int fd = open(SHARED_FILE, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*steps)))
		return refuse(SHARED_FILE ": %s", strerror(errno));
	steps = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	return steps == MAP_FAILED ? refuse(SHARED_FILE ": %s", strerror(errno)) : NULL;
}

/* ---- What is to be done ---- */

/* Two blocks first that are not counted, then so many of each kind in a random order. */
static const char *plan_blocks(const struct params *params, __u64 of_each)
{
	__u64 stream = random_stream(params->seed, STREAM_PHASES), left[NR_KINDS];
	int block = 0, kind;

	if (of_each * NR_KINDS + 2 > MAX_BLOCKS)
		return refuse("over %d blocks", MAX_BLOCKS);
	for (kind = 0; kind < NR_KINDS; kind++)
		left[kind] = of_each;
	steps->kinds[block++] = BARE_QUIET;
	steps->kinds[block++] = CALLS_QUIET;
	steps->warm_up = block;
	steps->blocks = block + of_each * NR_KINDS;
	while (block < steps->blocks) {
		do
			kind = random_below(&stream, NR_KINDS);
		while (!left[kind]);
		left[kind]--;
		steps->kinds[block++] = kind;
	}
	return NULL;
}

static void name_windows(void)
{
	int kind, rank;

	for (kind = 0; kind < NR_KINDS; kind++) {
		for (rank = 0; rank < NR_RANKS; rank++) {
			steps->quantum_labels[kind][rank] =
				load_label("%s quantum %d", kind_names[kind], rank);
			steps->block_labels[kind][rank] =
				load_label("%s block %d", kind_names[kind], rank);
		}
	}
}

static const char *plan(const struct params *params)
{
	steps->quantum = load_number("grain") / SPIN_BLOCK;
	steps->sets = load_number("sets");
	steps->bytes = load_number("bytes");
	steps->fills = load_number("fills");
	steps->reduced = load_number("reduced");
	steps->steps = load_number("steps");
	limit = load_number("limit_ms") * MS;
	settle = load_number("settle_us") * US;
	requests = load_number("requests");
	if (requests > MAX_ARRIVALS)
		return refuse("over %d requests in a block", MAX_ARRIVALS);
	if (!steps->quantum || !steps->sets || !steps->bytes || steps->steps < 1)
		return refuse("grain, sets, bytes and steps must not be 0");
	if (steps->reduced > MAX_REDUCED)
		return refuse("over %d numbers to add up", MAX_REDUCED);
	name_windows();
	return plan_blocks(params, load_number("blocks"));
}

/* ---- The ranks ---- */

/* mpiexec and its proxy stay on CPU 0; it binds the ranks itself. */
static void become_mpiexec(void *program)
{
	char cpus[32], number[8];

	setenv("UCX_TLS", load_word("transports"), 1);
	snprintf(cpus, sizeof(cpus), "user:%d,%d", steps->cpus[0], steps->cpus[1]);
	snprintf(number, sizeof(number), "%d", NR_RANKS);
	execl(program, program, "-launcher", "fork", "-bind-to", cpus, "-n", number,
	      load_word("program"), SHARED_FILE, NULL);
	perror(program);
	_exit(127);
}

static const char *start_ranks(void)
{
	const char *program = load_word("mpiexec");
	const char *const needed[] = { program, load_word("program") };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (access(needed[i], X_OK))
			return refuse("the guest cannot run %s: %s", needed[i],
				      strerror(errno));
	}
	mpiexec = spawn(0, ROLE_USER, become_mpiexec, (void *)program);
	return NULL;
}

/* Is mpiexec still there? It ends when a rank has failed. */
static const char *see_mpiexec(const char *meanwhile)
{
	int status;

	if (waitpid(mpiexec, &status, WNOHANG) != mpiexec)
		return NULL;
	return refuse("%s mpiexec ended with %s %d, see the console", meanwhile,
		      WIFEXITED(status) ? "status" : "signal",
		      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* Have both ranks got there? Pairs with the release in rank.c. */
static bool all_at(const int *flags, int value)
{
	int rank;

	for (rank = 0; rank < NR_RANKS; rank++) {
		if (__atomic_load_n(&flags[rank], __ATOMIC_ACQUIRE) < value)
			return false;
	}
	return true;
}

static const char *wait_for_ranks(const int *flags, int value, const char *meanwhile)
{
	__u64 begin = now_ns();

	while (!all_at(flags, value)) {
		if (see_mpiexec(meanwhile))
			return why;
		if (now_ns() - begin > limit)
			return refuse("%s nothing came for %llu ms", meanwhile,
				      limit / MS);
		sleep_until(now_ns() + 20 * US);
	}
	return NULL;
}

static const char *wait_for_end(void)
{
	__u64 begin = now_ns();
	int status;
	pid_t pid;

	while (!(pid = waitpid(mpiexec, &status, WNOHANG))) {
		if (now_ns() - begin > limit)
			return refuse("after the last step mpiexec did not end for %llu ms",
				      limit / MS);
		sleep_until(now_ns() + 100 * US);
	}
	if (pid != mpiexec || status)
		return refuse("after the last step mpiexec failed: %#x", status);
	return NULL;
}

/* ---- Steps, and requests ---- */

/*
 * Wake at random times within a block as long as the last quiet one with as many
 * calls. Return: how many drains were requested, -1 on an error.
 */
static int request(const struct params *params, int block, __u64 length, __u64 *stream)
{
	__u64 times[MAX_ARRIVALS], begin = now_ns(), i;
	int made = 0;

	random_arrivals(stream, times, requests, length);
	for (i = 0; i < requests; i++) {
		sleep_until(begin + times[i]);
		if (all_at(steps->done, block + 1))
			break;
		if (!is_drained(steps->kinds[block]))
			continue;
		if (!load_drain(params))
			return -1;
		made++;
	}
	return made;
}

static const char *run_blocks(const struct params *params)
{
	__u64 lengths[2] = { 1, 1 }, begin;
	__u64 stream = random_stream(params->seed, STREAM_REQUESTS);
	int block, made;

	for (block = 0; block < steps->blocks; block++) {
		enum kind kind = steps->kinds[block];
		__u64 *length = &lengths[has_calls(kind)];

		sleep_until(now_ns() + settle);
		begin = now_ns();
		__atomic_store_n(&steps->go, block + 1, __ATOMIC_RELEASE);
		made = block < steps->warm_up ? 0 : request(params, block, *length, &stream);
		if (made < 0)
			return "drain_now failed";
		if (wait_for_ranks(steps->done, block + 1, "between two blocks"))
			return why;
		if (block < steps->warm_up)
			*length = now_ns() - begin;
		else
			load_value(steps->block_labels[kind][0], block, "requests", made);
	}
	return NULL;
}

static const char *prove_quiet(void)
{
	int rank;

	for (rank = 0; rank < NR_RANKS; rank++) {
		if (!proof_tick_stopped(steps->cpus[rank]))
			return proof_why;
	}
	return NULL;
}

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	const char *failed;

	run_mount("tmpfs", SHM);
	failed = share_steps();
	failed = failed ?: find_cpus(cpus);
	failed = failed ?: plan(params);
	failed = failed ?: loopback_up();
	failed = failed ?: start_ranks();
	failed = failed ?: wait_for_ranks(steps->ready, 1, "before the first step");
	failed = failed ?: prove_quiet();
	failed = failed ?: run_blocks(params);
	return failed ?: wait_for_end();
}
