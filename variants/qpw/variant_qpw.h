/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MM_PCPU_DRAIN_VARIANT_QPW_H
#define _MM_PCPU_DRAIN_VARIANT_QPW_H

static inline bool pcd_variant_drains_remotely(void)
{
	return pcd_qpw_on();
}

#endif /* _MM_PCPU_DRAIN_VARIANT_QPW_H */
