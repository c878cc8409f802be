/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernel style takes for granted and user space has not; bench.mk defines
 * __noreturn and __printf. Shared with the plugin.
 */
#ifndef COMPILER_H
#define COMPILER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/cdefs.h>

#define STRING_OF(text)		#text
#define STRING(macro)		STRING_OF(macro)
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#endif /* COMPILER_H */
