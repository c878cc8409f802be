// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "machine.h"

#define PIT_CHANNEL_0		0x40
#define PIT_CONTROL		0x43
#define PIT_MODE_2		0x34	/* channel 0, both bytes, rate generator */
#define PIC_MASK		0x21
#define PIC_MASK_IRQ0		0x01

void metronome_set(__u64 count)
{
	outb(count & 0xff, PIT_CHANNEL_0);
	outb(count >> 8, PIT_CHANNEL_0);
}

bool metronome_hold(void)
{
	return !ioperm(PIT_CHANNEL_0, 1, 1);
}

bool metronome_start(__u64 count)
{
	if (!count)
		return true;
	if (ioperm(PIT_CHANNEL_0, 4, 1) || ioperm(PIC_MASK, 1, 1))
		return false;
	outb(inb(PIC_MASK) | PIC_MASK_IRQ0, PIC_MASK);
	outb(PIT_MODE_2, PIT_CONTROL);
	metronome_set(count);
	return !ioperm(PIT_CHANNEL_0, 4, 0) && !ioperm(PIC_MASK, 1, 0);
}

void machine_exit(__u64 port, enum ending ending)
{
	/* Let the console come out, which on RT a thread writes. */
	usleep(20000);
	if (port && !ioperm(port, 1, 1)) {
		outb(ending, port);
		/* The machine ends a little later; be still until then. */
		for (;;)
			pause();
	}
	reboot(RB_AUTOBOOT);
	abort();
}
