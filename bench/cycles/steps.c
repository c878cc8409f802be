// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which instructions of the kernel one operation executes: every one of them, by
 * single steps of a child.
 */
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "modes.h"

#define MAX_STEPS 20000

/* Stops before and after, by itself. */
static void __noreturn child(const struct cyc_op *op)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		op->run();
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	raise(SIGSTOP);
	op->run();
	raise(SIGSTOP);
	_exit(0);
}

/* Locked: by prefix, or an exchange with memory. */
static bool locked(unsigned long address)
{
	const __u8 *code = (const __u8 *)address;
	bool lock = false;

	for (;; code++) {
		if (*code == 0xf0)
			lock = true;
		else if (*code != 0x66 && *code != 0x65 && *code != 0x64 && *code != 0xf2 &&
			 *code != 0xf3 && *code != 0x2e && *code != 0x3e && (*code & 0xf0) != 0x40)
			break;
	}
	return lock || ((*code == 0x86 || *code == 0x87) && code[1] < 0xc0);
}

static bool stopped(pid_t pid, int signal)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == signal;
}

/* The kernel's code is entered once and left for good. */
static bool step(pid_t pid)
{
	unsigned int steps, inside = 0;

	if (!stopped(pid, SIGSTOP))
		return false;
	for (steps = 0; steps < MAX_STEPS; steps++) {
		struct user_regs_struct regs;

		if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
			return false;
		if (image_has(regs.rip)) {
			printf("%s[%llu,%d,%d]", inside++ ? "," : "", regs.rip,
			       locked(regs.rip), image_alternative(regs.rip));
		} else if (inside) {
			return true;
		}
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || !stopped(pid, SIGTRAP))
			return false;
	}
	return false;
}

/**
 * count_steps - of all operations
 *
 * Prints {name: [[address, locked, an alternative], ...]}, in their order.
 * Return: for exit().
 */
int count_steps(void)
{
	const struct cyc_op *op;

	printf("{");
	for (op = cyc_ops; op->name; op++) {
		pid_t pid;

		printf("%s\"%s\":[", op == cyc_ops ? "" : ",", op->name);
		fflush(stdout);
		pid = fork();
		if (!pid)
			child(op);
		if (pid < 0 || !step(pid)) {
			fprintf(stderr, "error: cannot step through %s\n", op->name);
			return 1;
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		printf("]");
	}
	printf("}\n");
	return 0;
}
