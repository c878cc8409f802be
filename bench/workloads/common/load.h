/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a workload's program has to do with the bench: it is told its parameters,
 * says what it does in windows, and sends what it sees itself. The plugin counts
 * what each CPU executes in a window.
 */
#ifndef LOAD_H
#define LOAD_H

#include "../../guest/marks.h"
#include "../../guest/spin.h"
#include "../../guest/tasks.h"
#include "../../guest/workload.h"

#define MAX_LABELS	128

/**
 * load_number() - a parameter of the workload, a number
 * @name: load.@name=... stands on the kernel's command line
 *
 * Ends the machine with a line if it is not there, or no number: parameters
 * have no second place where they would get a default. In init only.
 */
__u64 load_number(const char *name);

/** load_word() - the same, a word; it stays valid */
const char *load_word(const char *name);

/**
 * load_label() - give a kind of window a name
 * @fmt: as printf's; a name is what tables call it
 *
 * In init only, since it has the channel. Return: the label, for window_begin().
 */
int load_label(const char *fmt, ...) __printf(1, 2);

/**
 * load_value() - tell what the guest itself saw in a window
 * @label, @round: which window
 * @name: of the value, with its unit: "completion_ns"; it stays valid
 *
 * Labels and values are sent when the workload has ended. In init only; other
 * processes leave values in shared memory.
 */
void load_value(int label, __u64 round, const char *name, __u64 value);

/** load_send() - send all labels and values; init does, after load_run() */
void load_send(void);

/** load_shared() - @size bytes that processes share from here on, all zero */
void *load_shared(size_t size);

/**
 * load_wait() - wait for a process of the workload
 * @pid: as from spawn()
 * Return: false if it failed, and has said why on the console.
 */
bool load_wait(pid_t pid);

/**
 * load_drain() - ask for a drain of all CPUs, as many callers of the kernel do
 * @params: class is used
 *
 * From any process; returns when the request has returned. Return: false if the
 * kernel refused it.
 */
bool load_drain(const struct params *params);

/**
 * window_begin() - all that CPUs count from here on belongs to this window too
 * @label: from load_label(); a label has one open window at a time
 * @round: a number of that window, new for this label
 */
static __always_inline void window_begin(int label, __u64 round)
{
	mark(MARK_WINDOW_BEGIN, WINDOW(label, round));
}

/**
 * window_at_timer() - the same, from the timer interrupt on that wakes this task
 *
 * That is the last one on this CPU before the task is back in user mode: those
 * before it woke others, or were ticks.
 */
static __always_inline void window_at_timer(int label, __u64 round)
{
	mark(MARK_WINDOW_AT_TIMER, WINDOW(label, round));
}

/** window_end() - end it, on whatever CPU */
static __always_inline void window_end(int label, __u64 round)
{
	mark(MARK_WINDOW_END, WINDOW(label, round));
}

/** window_end_here() - the same, where only this CPU's counts are wanted */
static __always_inline void window_end_here(int label, __u64 round)
{
	mark(MARK_WINDOW_END_HERE, WINDOW(label, round));
}

/**
 * load_measured() - the CPU that a workload measures
 * @cpus: of this machine
 * Return: the first isolated one; CPU 1 where none is.
 */
static inline int load_measured(const struct cpus *cpus)
{
	return cpus->isolated < 0 ? 1 : cpus->isolated;
}

/**
 * load_run() - the workload itself: each has one
 * @params: seed, metronome and class are used
 * @cpus: of this machine; the first isolated one
 *
 * CPUs that are neither isolated nor measured have ballast. Return: NULL, or one
 * line about what went wrong.
 */
const char *load_run(const struct params *params, const struct cpus *cpus);

#endif /* LOAD_H */
