/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PCD_OWNER_PARTITION_H
#define PCD_OWNER_PARTITION_H

/* argv: NAME STATE CPU [PID...]; STATE: isolated or member; PIDs: tasks to move in first. */
int make_partition(char **argv);

#endif /* PCD_OWNER_PARTITION_H */
