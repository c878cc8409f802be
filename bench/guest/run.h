/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RUN_H
#define RUN_H

#include "params.h"

/* How an init of a guest begins and ends, whatever it does in between. */

/**
 * run_begin() - mount what every guest needs, read the parameters, open the channel
 * @params: the defaults; filled in
 */
void run_begin(struct params *params);

/**
 * run_mount() - mount one filesystem without a device, whose place is made, or fail
 * @type: proc, tracefs, ...
 * @where: its place
 */
void run_mount(const char *type, const char *where);

/** run_prove() - send a proof, or fail with proof_why */
void run_prove(const char *name, bool proved);

/** run_fail() - say why on the console and the channel, end the machine */
void __noreturn run_fail(const char *fmt, ...) __printf(1, 2);

/** run_end() - close the channel, end the machine: all is well */
void __noreturn run_end(void);

#endif /* RUN_H */
