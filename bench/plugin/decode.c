// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "decode.h"

#define MAX_CODE	15	/* bytes of an instruction */
#define OPCODE_POPF	0x9d
#define OPCODE_IRET	0xcf
#define OPCODE_CLI	0xfa
#define OPCODE_STI	0xfb

/* Prefixes up to the opcode: legacy ones, then REX. */
static size_t skip_prefixes(const __u8 *code, size_t len, bool *lock)
{
	static const __u8 prefixes[] = {
		0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67,
	};
	size_t i = 0;

	while (i < len && memchr(prefixes, code[i], sizeof(prefixes)))
		*lock |= code[i++] == 0xf0;
	return i < len && (code[i] & 0xf0) == 0x40 ? i + 1 : i;
}

bool is_atomic(const struct qemu_plugin_insn *insn)
{
	__u8 code[MAX_CODE];
	size_t len = qemu_plugin_insn_data(insn, code, sizeof(code)), i;
	bool lock = false;

	i = skip_prefixes(code, len, &lock);
	return lock || (i + 1 < len && (code[i] & 0xfe) == 0x86 &&
			code[i + 1] < 0xc0);
}

/* An instruction's opcode, if it has but one byte. */
static __u8 short_opcode(const struct qemu_plugin_insn *insn)
{
	__u8 code[MAX_CODE];
	size_t len = qemu_plugin_insn_data(insn, code, sizeof(code));
	bool lock = false;
	size_t i = skip_prefixes(code, len, &lock);

	return i + 1 == len ? code[i] : 0;
}

bool is_cli(const struct qemu_plugin_insn *insn)
{
	return short_opcode(insn) == OPCODE_CLI;
}

bool changes_flags(const struct qemu_plugin_insn *insn)
{
	__u8 opcode = short_opcode(insn);

	return opcode == OPCODE_POPF || opcode == OPCODE_IRET ||
	       opcode == OPCODE_STI;
}
