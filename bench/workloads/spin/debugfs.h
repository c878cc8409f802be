/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEBUGFS_H
#define DEBUGFS_H

#include "../../guest/compiler.h"

/**
 * residue_of() - items that a CPU has cached, which no CPU notices
 * @class: of drain_now
 * @cpu: the CPU
 *
 * Ends the machine if the kernel does not say.
 */
__u64 residue_of(const char *class, int cpu);

/**
 * fair_server_stop() - leave a CPU without its fair server
 * @cpu: the CPU
 *
 * Then it has no time for others while a SCHED_FIFO task runs, as before there
 * were such servers. Ends the machine if the kernel refuses.
 */
void fair_server_stop(int cpu);

#endif /* DEBUGFS_H */
