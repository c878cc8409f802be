// SPDX-License-Identifier: GPL-2.0-only
/* How an init of a guest begins and ends. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "channel.h"
#include "machine.h"
#include "proofs.h"
#include "run.h"
#include "spin.h"

static __u64 exit_port;

/* Before there is a channel. */
static void __noreturn fail_on_console(const char *what)
{
	fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
	machine_exit(exit_port, ENDING_FAILED);
}

void run_fail(const char *fmt, ...)
{
	char why[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	fprintf(stderr, "init: %s\n", why);
	channel_line("{\"failed\":\"%s\"}", why);
	channel_end();
	machine_exit(exit_port, ENDING_FAILED);
}

static bool mounted(const char *type, const char *where)
{
	mkdir(where, 0755);
	return !mount(type, where, type, 0, NULL) || errno == EBUSY;
}

void run_mount(const char *type, const char *where)
{
	if (!mounted(type, where))
		run_fail("mount %s: %s", where, strerror(errno));
}

void run_begin(struct params *params)
{
	static const char *const places[][2] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
	};
	struct utsname kernel;
	char why[256];
	bool known;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (!mounted(places[i][0], places[i][1]))
			fail_on_console(places[i][1]);
	}
	known = params_read(params, why, sizeof(why));
	exit_port = params->exit_port;
	if (!channel_open(params->channel))
		fail_on_console(params->channel);
	uname(&kernel);
	channel_line("{\"hello\":\"%s\",\"version\":\"%s\"}", kernel.release,
		     kernel.version);
	channel_flush();
	if (!known)
		run_fail("%s", why);
}

void run_prove(const char *name, bool proved)
{
	if (!proved)
		run_fail("not proved: %s: %s", name, proof_why);
	channel_line("{\"proof\":\"%s\",\"at_ns\":%llu}", name, now_ns());
}

void run_end(void)
{
	channel_end();
	machine_exit(exit_port, ENDING_GOOD);
}
