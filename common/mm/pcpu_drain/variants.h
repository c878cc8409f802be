/* SPDX-License-Identifier: GPL-2.0-only */
/* What the variant answers that is built in, of those that track isolated CPUs. */
/* each variant: variant.h */
