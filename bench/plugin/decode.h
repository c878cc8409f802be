/* SPDX-License-Identifier: GPL-2.0-only */
/* What the plugin must know of an instruction's code. */
#ifndef DECODE_H
#define DECODE_H

#include "qemu_api.h"

/** is_atomic() - locked: by its prefix, or as XCHG with memory */
bool is_atomic(const struct qemu_plugin_insn *insn);

/** is_cli() - turns interrupts off, within a block */
bool is_cli(const struct qemu_plugin_insn *insn);

/** changes_flags() - may turn interrupts on or off, and ends a block */
bool changes_flags(const struct qemu_plugin_insn *insn);

#endif /* DECODE_H */
