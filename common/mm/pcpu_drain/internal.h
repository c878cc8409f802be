/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_INTERNAL_H
#define _MM_PCPU_DRAIN_INTERNAL_H

/* Between the facade's core and the variants. */

#include <linux/pcpu_drain.h>

extern struct list_head pcd_classes;

struct pcd_class *pcd_class_find(const char *name);

/*
 * What a variant answers:
 *
 * bool pcd_variant_drains_remotely(void)
 *	May a requester run a class's drain function for another CPU?
 */
#if defined(CONFIG_PCPU_DRAIN_QPW)
#include "variant_qpw.h"
#else
static inline bool pcd_variant_drains_remotely(void)
{
	return false;
}
#endif

#endif /* _MM_PCPU_DRAIN_INTERNAL_H */
