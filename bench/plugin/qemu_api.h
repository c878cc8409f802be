/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of QEMU's plugin interface that the plugins here use, in the
 * shape of version 4 (QEMU 9.2 to 10.0). No binary package carries QEMU's own
 * header, so these declarations are written by hand; plugin_install() refuses
 * a QEMU whose interface starts later.
 *
 * Registers come back in GLib arrays. QEMU brings GLib into the process, and
 * two structures and one function of it are all that is needed here.
 */
#ifndef QEMU_API_H
#define QEMU_API_H

#include "../guest/compiler.h"

#define PLUGIN_API_VERSION 4
#define PLUGIN_EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;

struct qemu_info {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	union {
		struct {
			int smp_vcpus;
			int max_vcpus;
		} system;
	};
};

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
	QEMU_PLUGIN_CB_R_REGS,
	QEMU_PLUGIN_CB_RW_REGS,
};

enum qemu_plugin_mem_rw {
	QEMU_PLUGIN_MEM_R = 1,
	QEMU_PLUGIN_MEM_W,
	QEMU_PLUGIN_MEM_RW,
};

enum qemu_plugin_mem_value_type {
	QEMU_PLUGIN_MEM_VALUE_U8,
	QEMU_PLUGIN_MEM_VALUE_U16,
	QEMU_PLUGIN_MEM_VALUE_U32,
	QEMU_PLUGIN_MEM_VALUE_U64,
	QEMU_PLUGIN_MEM_VALUE_U128,
};

/* Only the member that 'type' names is set. */
struct qemu_plugin_mem_value {
	enum qemu_plugin_mem_value_type type;
	union {
		__u8 u8;
		__u16 u16;
		__u32 u32;
		__u64 u64;
		struct {
			__u64 low;
			__u64 high;
		} u128;
	} data;
};

struct qemu_plugin_reg_descriptor {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
};

struct glib_array {
	char *data;
	unsigned int len;
};

struct glib_bytes {
	__u8 *data;
	unsigned int len;
};

struct glib_bytes *g_byte_array_new(void);

typedef void (*vcpu_cb_t)(__u64 id, unsigned int vcpu_index);
typedef void (*exec_cb_t)(unsigned int vcpu_index, void *userdata);
typedef void (*mem_cb_t)(unsigned int vcpu_index, __u32 info, __u64 vaddr,
			 void *userdata);
typedef void (*translate_cb_t)(__u64 id, struct qemu_plugin_tb *tb);
typedef void (*exit_cb_t)(__u64 id, void *userdata);

void qemu_plugin_register_vcpu_init_cb(__u64 id, vcpu_cb_t cb);
void qemu_plugin_register_atexit_cb(__u64 id, exit_cb_t cb,
				    void *userdata);
void qemu_plugin_register_vcpu_tb_trans_cb(__u64 id,
					   translate_cb_t cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  exec_cb_t cb,
					  enum qemu_plugin_cb_flags flags,
					  void *userdata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    exec_cb_t cb,
					    enum qemu_plugin_cb_flags flags,
					    void *userdata);

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      mem_cb_t cb,
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw,
				      void *userdata);
unsigned int qemu_plugin_mem_size_shift(__u32 info);
bool qemu_plugin_mem_is_store(__u32 info);
struct qemu_plugin_mem_value qemu_plugin_mem_get_value(__u32 info);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
__u64 qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest,
			     size_t len);
__u64 qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

struct glib_array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle,
			      struct glib_bytes *buf);

int qemu_plugin_install(__u64 id, const struct qemu_info *info, int argc,
			char **argv);

#endif /* QEMU_API_H */
