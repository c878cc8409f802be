/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PARAMS_H
#define PARAMS_H

#include "compiler.h"

#define MAX_REQUESTS	4096
#define MAX_PAD		512	/* with as many open files, which are at most 1024 */

/*
 * What a boot is to do, from the kernel command line: bench.<name>=<value>.
 * A name with a dot is nobody else's: the kernel takes it for a parameter of
 * a module that is not there and says nothing.
 */
struct params {
	__u64 seed;
	const char *mode;	/* "drain", "hotpath", "anatomy", or "check": known counts */
	const char *class;	/* what is drained: a class of drain_now */
	const char *order;	/* "drawn" by the seed, "quiet-first" or "storm-first" */
	const char *storm;	/* what a request is: "drain" or "dose" */
	__u64 dose;		/* instructions on the isolated CPU for a request */
	__u64 phase_ms;	/* length of each of the two phases */
	__u64 phase_us;	/* how much later than drawn cyclictest starts */
	__u64 settle_ms;	/* between start of cyclictest and the phase */
	__u64 tail_ms;	/* after the last request of a phase */
	__u64 requests;	/* in the storm */
	__u64 fills;		/* in each phase */
	__u64 mlock_every;	/* every n-th fill is an mlocked page */
	__u64 ballast;	/* 1: keep housekeeping CPUs busy */
	__u64 pad;		/* the most of each kind of memory held, 0: none */
	__u64 repeats;	/* of each hot path */
	__u64 isolated;	/* 0: this machine is to have no isolated CPU */
	__u64 metronome;	/* count of the interval timer, 0: off */
	__u64 metronome_span;	/* from how many counts, it the least, the seed draws */
	__u64 metronome_dither;	/* how far from that it is drawn again and again */
	const char *channel;	/* where results go: a file or a serial port */
	__u64 exit_port;	/* an I/O port that ends the machine, 0: reboot */
	const char *inject;	/* self test: panic, hang, garbage, fail, no-dose */
};

/**
 * params_read() - read the kernel command line
 * @params: filled in; strings point into static storage
 * @why: on error, one line about it
 * @why_size: its size
 * Return: true, or false if a bench.* parameter is unknown or no number.
 */
bool params_read(struct params *params, char *why, unsigned long why_size);

/**
 * params_nonsense() - look for values that make no sense
 * @params: as read
 * Return: NULL, or one line about the first that does not.
 */
const char *params_nonsense(const struct params *params);

/**
 * params_storm_first() - which phase comes first
 * @params: as read
 * Return: where the seed draws it, true for six of any 12 seeds in a row.
 */
bool params_storm_first(const struct params *params);

/**
 * params_metronome() - the count that the seed draws
 * @params: as read
 * Return: of any 12 seeds in a row, one from each twelfth of the span; 0: off.
 */
__u64 params_metronome(const struct params *params);

/**
 * params_dither() - how far from that count it is drawn again and again
 * @params: as read
 * Return: 0 for six of any 12 seeds in a row, if there is a span to draw from.
 */
__u64 params_dither(const struct params *params);

/** params_storm_is() - whether "drain" or "dose" is what the storm is made of */
bool params_storm_is(const struct params *params, const char *what);

#endif /* PARAMS_H */
