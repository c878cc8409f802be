/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CYC_IMAGE_H
#define CYC_IMAGE_H

#include <stdbool.h>
#include <ucontext.h>

/* The kernel's side; its symbols have this prefix, so that none is libc's. */
#define cyc_ops		k_cyc_ops
#define cyc_keys	k_cyc_keys
#define cyc_deeds	k_cyc_deeds
#define cyc_cpu_begin	k_cyc_cpu_begin
#define cyc_begin	k_cyc_begin
#include "kernel/cycles.h"

void image_begin(void);
void image_key(const char *name);
void image_cpu(int cpu);
bool image_has(unsigned long address);
bool image_alternative(unsigned long address);
void image_pass_irqs(bool pass);
bool image_passes_irqs(ucontext_t *context);

#endif /* CYC_IMAGE_H */
