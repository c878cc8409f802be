/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_PCPU_DRAIN_GATE_H
#define _LINUX_PCPU_DRAIN_GATE_H

/*
 * What entry to the kernel calls; the rest is in mm/pcpu_drain/gate.c.
 */

#ifdef CONFIG_PCPU_DRAIN_GATE

#include <linux/compiler.h>
#include <linux/context_tracking_state.h>

void __pcd_door(void);
void pcd_machine_check_begin(void);
void pcd_machine_check_end(void);

/**
 * pcd_door - wait until nobody holds this CPU any more
 * @state: what the entry's atomic operation made of the CPU's context tracking state
 *
 * Context: RCU has begun to watch this CPU just now, interrupts disabled, not
 * instrumentable.  An NMI passes.
 */
static __always_inline void pcd_door(unsigned long state)
{
	if (unlikely(state & CT_HELD))
		__pcd_door();
}

#else

static __always_inline void pcd_door(unsigned long state) { }
static __always_inline void pcd_machine_check_begin(void) { }
static __always_inline void pcd_machine_check_end(void) { }

#endif

#endif /* _LINUX_PCPU_DRAIN_GATE_H */
