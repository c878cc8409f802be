/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract of the variant that is built in. */
/* each variant: contract.h */
