/* SPDX-License-Identifier: GPL-2.0-only */
/* What is preloaded into QEMU stands before functions of the C library. */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PRELOAD_EXPORT __attribute__((visibility("default")))

/* QEMU's main loop is its first thread. */
static inline bool is_main_loop(void)
{
	return gettid() == getpid();
}

static inline void *found(void *function, const char *name)
{
	if (!function) {
		fprintf(stderr, "error: preloaded into QEMU: the C library has no %s\n", name);
		abort();
	}
	return function;
}

/* What would have been called without us. */
static inline void *next_function(const char *name)
{
	return found(dlsym(RTLD_NEXT, name), name);
}

/* Likewise, a condition variable's: earlier versions take another structure. */
static inline void *next_cond(const char *name)
{
	return found(dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2"), name);
}

#endif
