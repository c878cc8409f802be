// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "../../guest/channel.h"
#include "../../guest/files.h"
#include "../../guest/run.h"

#define BLANKS "\x20\n"

const char *load_word(const char *name)
{
	static char words[32][64];
	static int nr;
	char cmdline[4096], wanted[64], *word, *save = NULL;
	int len = snprintf(wanted, sizeof(wanted), "load.%s=", name);

	if (read_file("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		run_fail("/proc/cmdline: %s", strerror(errno));
	for (word = strtok_r(cmdline, BLANKS, &save); word;
	     word = strtok_r(NULL, BLANKS, &save)) {
		if (strncmp(word, wanted, len))
			continue;
		if (nr == ARRAY_SIZE(words) || strlen(word + len) >= sizeof(words[0]))
			run_fail("parameter %s is too long, or one too many", name);
		return strcpy(words[nr++], word + len);
	}
	run_fail("parameter %s is missing: load.%s=", name, name);
}

__u64 load_number(const char *name)
{
	const char *word = load_word(name);
	char *end;
	__u64 value;

	errno = 0;
	value = strtoull(word, &end, 10);
	if (errno || end == word || *end || word[0] == '-')
		run_fail("parameter %s is '%s', not a number", name, word);
	return value;
}

/*
 * Nothing is sent before the workload has ended: the serial port's interrupts
 * would disturb who is measured.
 */
#define MAX_VALUES	65536

static char labels[MAX_LABELS][96];
static int nr_labels;

static struct value {
	int label;
	const char *name;
	__u64 round;
	__u64 value;
} values[MAX_VALUES];
static size_t nr_values;

int load_label(const char *fmt, ...)
{
	va_list args;

	if (nr_labels == MAX_LABELS)
		run_fail("over %d labels", MAX_LABELS);
	va_start(args, fmt);
	vsnprintf(labels[nr_labels], sizeof(labels[0]), fmt, args);
	va_end(args);
	return nr_labels++;
}

void load_value(int label, __u64 round, const char *name, __u64 value)
{
	if (nr_values == MAX_VALUES)
		run_fail("over %d values", MAX_VALUES);
	values[nr_values++] = (struct value){ label, name, round, value };
}

void load_send(void)
{
	int label;
	size_t i;

	for (label = 0; label < nr_labels; label++)
		channel_line("{\"label\":[%d,\"%s\"]}", label, labels[label]);
	for (i = 0; i < nr_values; i++)
		channel_line("{\"value\":[%d,%llu,\"%s\",%llu]}", values[i].label,
			     values[i].round, values[i].name, values[i].value);
}

void *load_shared(size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (shared == MAP_FAILED)
		run_fail("shared memory: %s", strerror(errno));
	return shared;
}

bool load_wait(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

bool load_drain(const struct params *params)
{
	static int fd = -1;
	ssize_t len = strlen(params->class);

	if (fd < 0)
		fd = open("/sys/kernel/debug/pcpu_drain/drain_now", O_WRONLY);
	return write(fd, params->class, len) == len;
}
