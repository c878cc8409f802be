/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CYC_CLOCK_H
#define CYC_CLOCK_H

#include <linux/types.h>
#include <stdbool.h>

/**
 * struct stamp - a moment
 * @cycles: of this thread, in user mode; of the TSC where there is no PMU
 * @instructions: likewise; 0 where there is no PMU
 */
struct stamp {
	__u64 cycles;
	__u64 instructions;
};

bool clock_begin(void);
struct stamp clock_now(void);
__u64 clock_cycles(void);
double clock_chain(double *tsc);

#endif /* CYC_CLOCK_H */
