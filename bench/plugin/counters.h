/* SPDX-License-Identifier: GPL-2.0-only */
/* What the counting plugin counts of one CPU, since boot. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include "../guest/marks.h"
#include "symbols.h"

struct counters {
	__u64 kernel;
	__u64 user;
	__u64 switches;
	__u64 works;
	__u64 atomics;	/* locked instructions in the kernel */
	__u64 from_user[NR_KINDS];
	__u64 from_kernel[NR_KINDS];
	__u64 cause[NR_ROLES][NR_KINDS];
	__u64 atomics_of[NR_ROLES][NR_KINDS];	/* the same of 'atomics' */
	__u64 calls[MAX_CALLS];	/* of the functions that calls= names */
};

extern const char *const role_names[NR_ROLES];

#endif /* COUNTERS_H */
