// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "random.h"

/* splitmix64 (Steele, Lea, Flood 2014). */
static __u64 next(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

__u64 random_stream(__u64 seed, enum stream stream)
{
	__u64 state = seed;

	state = next(&state) ^ stream;
	return next(&state);
}

__u64 random_below(__u64 *state, __u64 limit)
{
	/* Uneven by @limit in 2^64, which is nothing here. */
	return next(state) % limit;
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* Given their number, the arrivals of a Poisson process are uniform. */
void random_arrivals(__u64 *state, __u64 *times, size_t nr,
		     __u64 length)
{
	size_t i;

	for (i = 0; i < nr; i++)
		times[i] = random_below(state, length);
	qsort(times, nr, sizeof(times[0]), compare);
}
