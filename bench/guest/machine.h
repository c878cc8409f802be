/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHINE_H
#define MACHINE_H

#include "compiler.h"

/**
 * metronome_start() - give the emulator a timer deadline every so often
 * @count: of the interval timer's 838 ns clock, 0: do nothing
 *
 * With one thread for all CPUs, an emulator that counts instructions gives a
 * CPU a turn of up to the time to the next deadline, which can be 250 us. The
 * old interval timer runs in mode 2 with its interrupt masked: nothing in the
 * guest sees it, and turns become as short as its period.
 *
 * Return: true, or false with errno set.
 */
bool metronome_start(__u64 count);

/**
 * metronome_hold() - let this process set the metronome, until it ends
 * Return: true, or false with errno set.
 */
bool metronome_hold(void);

/**
 * metronome_set() - change the count of a metronome that is running
 * @count: from 2 on
 */
void metronome_set(__u64 count);

/* How it ended. Not 0 and 1, which an emulator may end with by itself. */
enum ending {
	ENDING_GOOD	= 0x10,
	ENDING_FAILED	= 0x11,
};

/**
 * machine_exit() - end the machine
 * @port: an I/O port that ends it when written, 0: reboot
 * @ending: what is written there
 */
void __noreturn machine_exit(__u64 port, enum ending ending);

#endif /* MACHINE_H */
