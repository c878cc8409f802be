/* SPDX-License-Identifier: GPL-2.0-only */
/* The lock forms of the variant that is built in, of those that bring their own. */
/* each variant: locks.h */
