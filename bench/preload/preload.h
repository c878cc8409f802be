/* SPDX-License-Identifier: GPL-2.0-only */
/* What is preloaded into QEMU stands before functions of the C library. */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
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

/* Each library's own: called in the main loop whenever that has polled. */
static void main_loop_has_polled(void);

static inline int poll_and_tell(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
				const sigset_t *mask)
{
	static int (*next)(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
			   const sigset_t *mask);
	int ready, error;

	if (!next)
		next = next_function("ppoll");
	ready = next(fds, nr, timeout, mask);
	error = errno;
	if (is_main_loop())
		main_loop_has_polled();
	errno = error;
	return ready;
}

PRELOAD_EXPORT int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
			 const sigset_t *mask)
{
	return poll_and_tell(fds, nr, timeout, mask);
}

/* The same, as a fortified QEMU calls it. */
PRELOAD_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
			       const sigset_t *mask, size_t size)
{
	(void)size;
	return poll_and_tell(fds, nr, timeout, mask);
}

#endif
