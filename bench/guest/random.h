/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RANDOM_H
#define RANDOM_H

#include "compiler.h"

/* One stream of random numbers per purpose, so that they stay independent. */
enum stream {
	STREAM_REQUESTS = 1,
	STREAM_FILLS,
	STREAM_PHASES,
	STREAM_TURNS,
	STREAM_PAD,
	STREAM_METRONOME,
	STREAM_INTERRUPTS,
};

/**
 * random_stream() - start a stream
 * @seed: of the boot
 * @stream: the purpose
 * Return: the stream's state.
 */
__u64 random_stream(__u64 seed, enum stream stream);

/**
 * random_below() - the next number of a stream
 * @state: the stream's state
 * @limit: more than 0
 * Return: a number from 0 to @limit - 1.
 */
__u64 random_below(__u64 *state, __u64 limit);

/**
 * random_arrivals() - the arrivals of a Poisson process, given their number
 * @state: a stream
 * @times: filled in, in ascending order
 * @nr: how many; in all boots the same, so that boots do equal work
 * @length: they lie in 0 to @length - 1
 */
void random_arrivals(__u64 *state, __u64 *times, size_t nr,
		     __u64 length);

#endif /* RANDOM_H */
