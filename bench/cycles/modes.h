/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CYC_MODES_H
#define CYC_MODES_H

/**
 * struct setting - of one run
 * @cpu: of the host, where the operations run
 * @other: where another CPU's deeds are done
 * @seed: of the order of operations
 * @loops: how often an operation is done in a long loop
 */
struct setting {
	int cpu;
	int other;
	unsigned long seed;
	unsigned long loops;
};

void pin(int cpu);
int measure_cycles(const struct setting *setting);
int count_steps(void);
int measure_lines(const struct setting *setting);

#endif /* CYC_MODES_H */
