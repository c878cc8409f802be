/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PCD_OWNER_ABI_H
#define PCD_OWNER_ABI_H

/*
 * Between the suite in the kernel and the program that plays an owner in user
 * mode.  The program reads its file for what to do next; whatever the suite
 * wants done in the kernel it does in that very system call.
 */

#include <linux/types.h>

#define OWNER_DIR	"pcd_kunit"	/* in /proc; one file per owner */
#define OWNER_PROGRAM	"/owner"
#define OWNER_SIGNAL	10		/* SIGUSR1, which it counts */
#define OWNER_CGROUPS	"/cgroups"	/* where it mounts the control groups */

/**
 * enum owner_next - what to do in user mode before the next read
 * @OWNER_AGAIN: nothing
 * @OWNER_SPIN: stay there, count beats, until told to go on
 * @OWNER_FAULT: touch a page whose fault handler belongs to the suite
 * @OWNER_GUEST: be a virtual machine that spins, in KVM_RUN; the guest runs in such a
 *	page
 * @OWNER_EXEC: execute the program anew, touching such a page in that system call
 * @OWNER_STOP: send SIGSTOP to oneself
 * @OWNER_EXIT: exit
 */
enum owner_next {
	OWNER_AGAIN,
	OWNER_SPIN,
	OWNER_FAULT,
	OWNER_GUEST,
	OWNER_EXEC,
	OWNER_STOP,
	OWNER_EXIT,
};

/* Pages of the file, by number. */
enum owner_map {
	OWNER_MAP_PAGE,		/* a struct owner_page */
	OWNER_MAP_FAULT,	/* the fault handler's */
};

/**
 * struct owner_page - shared, so that program and suite do not disturb each other
 * @beats: counted by the program, or by its guest, while it spins
 * @go: set by the suite to end that
 * @signals: OWNER_SIGNALs that the program has handled
 * @guest: the guest's code
 */
struct owner_page {
	__u32 beats;
	__u32 go;
	__u32 signals;
	__u8 guest[16];
};

#endif /* PCD_OWNER_ABI_H */
