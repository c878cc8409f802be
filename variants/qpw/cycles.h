/* SPDX-License-Identifier: GPL-2.0-only */
/* For the cycles lab: see bench/cycles/kernel/variant.h. */

#define CYC_VARIANT_KEYS	{ "qpw", &pcd_qpw_key },

static inline void cyc_variant_owner(void) { }
