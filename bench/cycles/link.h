/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CYC_LINK_H
#define CYC_LINK_H

/* The sections that link.ld puts the kernel's into, and what is in them. */

#include <linux/types.h>

/* include/linux/jump_label.h, arch/x86/include/asm/alternative.h */
struct jump_entry {
	__s32 code;
	__s32 target;
	__s64 key;	/* bit 0: which way it goes while the key is off */
};

struct __packed alt_instr {
	__s32 instr_offset;
	__s32 repl_offset;
	__u32 ft_flags;
	__u8 instrlen;
	__u8 replacementlen;
};

extern char cyc_text[], cyc_text_end[], cyc_percpu[], cyc_percpu_end[];
extern struct jump_entry cyc_jumps[], cyc_jumps_end[];
extern __s32 cyc_returns[], cyc_returns_end[];
extern struct alt_instr cyc_alternatives[], cyc_alternatives_end[];

#endif /* CYC_LINK_H */
