/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROOFS_H
#define PROOFS_H

#include "params.h"

/*
 * What must be so before anything is measured. Each proof returns true, or
 * false with one line about it in proof_why.
 */
extern char proof_why[256];

/** proof_parameters() - the kernel took every boot parameter it was given */
bool proof_parameters(void);

/** proof_clock() - the clock is the TSC, waiting for it if need be */
bool proof_clock(void);

/** proof_timers() - high-resolution timers on the local APIC, on all CPUs */
bool proof_timers(int nr_cpus);

/**
 * proof_isolation() - the machine is isolated as it should be
 * @cpu: the nohz_full CPU, -1: there is none
 * @wanted: there is to be one, and it is not CPU 0
 */
bool proof_isolation(int cpu, bool wanted);

/**
 * proof_tick_stopped() - nothing interrupts a CPU
 * @cpu: on it, a task must be spinning in user mode
 *
 * All its interrupt counters stand still for 20 ms.
 */
bool proof_tick_stopped(int cpu);

/** proof_trigger() - drain_now takes the class that the workload asks for */
bool proof_trigger(const char *class);

/**
 * proof_dose() - the kernel can disturb a CPU by a dose
 * @cpu: the CPU
 * @instructions: the dose
 */
bool proof_dose(int cpu, __u64 instructions);

/** proof_clean() - no warning, oops or the like since boot */
bool proof_clean(void);

#endif /* PROOFS_H */
