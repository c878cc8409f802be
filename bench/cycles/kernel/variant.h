/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a variant adds to the lab: its static keys that can be switched on, as
 * initialisers of struct cyc_key; and what the owner on an isolated CPU has done once a
 * drain is arranged for. A variant's own cycles.h takes this file's place. Included by
 * ops.c, once.
 */

#define CYC_VARIANT_KEYS

static inline void cyc_variant_owner(void) { }
