// SPDX-License-Identifier: GPL-2.0-only
/*
 * Init says what to ask and sleeps until the answer, or until the limit. Who of
 * the two moves the stage on from RUNNING ends the window.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "asker.h"
#include "futex.h"
#include "../../guest/run.h"

#define MS		1000000ULL
#define PATIENCE	(5000 * MS)
#define LOOK_EARLIER	(MS / 2)	/* less than an owner is given to settle */
#define DRAIN_NOW	"/sys/kernel/debug/pcpu_drain/drain_now"
#define RESIDUE		"/sys/kernel/debug/pcpu_drain/residue"

/*
 * A stay inside the kernel begins with a system call's entry and a page fault.
 * So much later, 40,000 instructions, each CPU has had a turn: the longest is
 * 49 us with this metronome.
 */
#define BLOCKS_AFTER_ENTRY	90

enum stage { RUNNING, RETURNED, EXPIRED };

/*
 * Init writes the question before turn. The asker writes met and found before
 * due, end and left before returned.
 */
static struct exchange {
	struct question question;
	int turn;	/* its number; init writes it (release), the asker reads it (acquire) */
	int returned;	/* the other way round */
	int stage;	/* enum stage; both move it on from RUNNING, by compare and exchange */
	__u64 due;	/* 0: not yet; as returned */
	bool met;
	unsigned int found, left;	/* items */
	__u64 end;
} *exchange;

static struct owner_task *all_owners;
static int nr_owners;
static const char *class;
static char strict[32];
static const char *strict_text = strict;
static int drain_fd, residue_fd;
static __u64 limit;

/* Lines "<class> <cpu> <items>". */
static unsigned int count_line(const char *line)
{
	size_t name = strlen(class);
	unsigned int items;
	int cpu, i;

	if (strncmp(line, class, name) || sscanf(line + name, " %d %u", &cpu, &items) != 2)
		return 0;
	for (i = 0; i < nr_owners; i++) {
		if (all_owners[i].cpu == cpu)
			return items;
	}
	return 0;
}

unsigned int asker_residue(void)
{
	char buf[2048], *line, *save = NULL;
	ssize_t len = pread(residue_fd, buf, sizeof(buf) - 1, 0);
	unsigned int items = 0;

	if (len <= 0) {
		perror(RESIDUE);
		_exit(1);
	}
	buf[len] = '\0';
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		items += count_line(line);
	return items;
}

/* ---- The asker's side ---- */

static bool all_inside(const struct question *question)
{
	int i;

	for (i = 0; i < question->owners; i++) {
		if (!owner_is_inside(&all_owners[i]))
			return false;
	}
	return true;
}

static bool none_done(const struct question *question)
{
	int i;

	for (i = 0; i < question->owners; i++) {
		if (owner_is_done(&all_owners[i]))
			return false;
	}
	return true;
}

/* Quiet owners are looked at a little before the time has come, as that takes a while. */
static __u64 come_to_quiet_owners(const struct question *question)
{
	sleep_until(question->drawn - LOOK_EARLIER);
	exchange->found = asker_residue();
	exchange->met = true;
	sleep_until(question->drawn);
	return question->drawn;
}

static __u64 meet_owners(const struct question *question)
{
	int i;

	sleep_until(question->drawn);
	for (i = 0; i < question->owners; i++)
		owner_order(&all_owners[i], question->order);
	while (!all_inside(question))
		spin_block();
	for (i = 0; i < BLOCKS_AFTER_ENTRY; i++)
		spin_block();
	exchange->found = asker_residue();
	exchange->met = none_done(question);
	return now_ns();
}

static void write_request(const char *text)
{
	ssize_t len = strlen(text);

	if (write(drain_fd, text, len) != len) {
		perror("asker: " DRAIN_NOW);
		_exit(1);
	}
}

static void answer_next(void)
{
	const struct question *question = &exchange->question;
	const char *text = question->strict ? strict_text : class;
	int running = RUNNING;
	__u64 due = question->owners ? meet_owners(question) : come_to_quiet_owners(question);

	window_begin(question->label, question->round);
	/* Now init may end the window. Pairs with the acquire in await_answer(). */
	__atomic_store_n(&exchange->due, due, __ATOMIC_RELEASE);
	write_request(text);
	if (__atomic_compare_exchange_n(&exchange->stage, &running, RETURNED, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		window_end(question->label, question->round);
	exchange->end = now_ns();
	exchange->left = asker_residue();
}

/*
 * A task of SCHED_OTHER that is woken waits for the next tick if its CPU is not
 * idle, be it that only ballast runs there. That would be up to 1 ms of nothing
 * but the lab's doing.
 */
static void outrank_ballast(void)
{
	struct sched_param param = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		perror("asker: SCHED_FIFO");
		_exit(1);
	}
}

static void asker_run(void *unused)
{
	int turn;

	(void)unused;
	outrank_ballast();
	write_request(class);
	for (turn = 1;; turn++) {
		/* Pairs with the release in asker_ask(). */
		while (__atomic_load_n(&exchange->turn, __ATOMIC_ACQUIRE) != turn)
			futex_wait(&exchange->turn, turn - 1, 0);
		answer_next();
		/* Pairs with the acquire in has_returned(). */
		__atomic_store_n(&exchange->returned, turn, __ATOMIC_RELEASE);
		futex_wake(&exchange->returned);
	}
}

/* ---- Init's side ---- */

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		run_fail("%s: %s", path, strerror(errno));
	return fd;
}

void asker_start(const struct params *params, struct owner_task *owners, int nr)
{
	all_owners = owners;
	nr_owners = nr;
	class = params->class;
	limit = load_number("limit_ms") * MS;
	drain_fd = open_file(DRAIN_NOW, O_WRONLY);
	residue_fd = open_file(RESIDUE, O_RDONLY);
	snprintf(strict, sizeof(strict), "%s strict", class);
	/* A kernel without the word makes every request in the one way that it has. */
	if (write(drain_fd, strict, strlen(strict)) < 0)
		strict_text = class;
	exchange = load_shared(sizeof(*exchange));
	spawn(0, ROLE_REQUESTER, asker_run, NULL);
}

static bool has_returned(void)
{
	/* Pairs with the release in asker_run(). */
	return __atomic_load_n(&exchange->returned, __ATOMIC_ACQUIRE) == exchange->turn;
}

/* Wait for the answer up to the limit, which counts from when the request is due. */
static void await_answer(void)
{
	__u64 started = now_ns(), due, now;

	while (!has_returned()) {
		/* Pairs with the release in answer_next(). */
		due = __atomic_load_n(&exchange->due, __ATOMIC_ACQUIRE);
		now = now_ns();
		if (due && now >= due + limit)
			return;
		if (!due && now > started + PATIENCE)
			run_fail("owners do not get to where the request is to meet them");
		futex_wait(&exchange->returned, exchange->turn - 1, (due ? due : now) + limit);
	}
}

/* Return: false if it has returned after all. */
static bool expire(void)
{
	const struct question *question = &exchange->question;
	int running = RUNNING;

	if (!__atomic_compare_exchange_n(&exchange->stage, &running, EXPIRED, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return false;
	window_end(question->label, question->round);
	return true;
}

void asker_await(void)
{
	__u64 end = now_ns() + PATIENCE;

	while (!has_returned()) {
		if (now_ns() > end)
			run_fail("a request does not return");
		futex_wait(&exchange->returned, exchange->turn - 1, end);
	}
}

void asker_ask(const struct question *question, struct answer *answer)
{
	exchange->question = *question;
	exchange->due = 0;
	exchange->stage = RUNNING;
	/* Pairs with the acquire in asker_run(). */
	__atomic_fetch_add(&exchange->turn, 1, __ATOMIC_RELEASE);
	futex_wake(&exchange->turn);
	await_answer();
	*answer = (struct answer){ .in_time = has_returned() || !expire() };
	if (answer->in_time)
		asker_await();
	answer->met = exchange->met;
	answer->found = exchange->found;
	answer->left = answer->in_time ? exchange->left : asker_residue();
	if (answer->in_time)
		answer->completion = exchange->end - exchange->due;
}
