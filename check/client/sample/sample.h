/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_SAMPLE_H
#define _PCD_SAMPLE_H

#include <linux/atomic.h>

/* What has been cached, and what has been drained. */
extern atomic_t pcd_sample_in, pcd_sample_out;

void pcd_sample_add(void *unused);

#endif /* _PCD_SAMPLE_H */
