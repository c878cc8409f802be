/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pcpu_drain

#if !defined(_TRACE_PCPU_DRAIN_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PCPU_DRAIN_H

#include <linux/tracepoint.h>
#include <linux/pcpu_drain.h>

TRACE_DEFINE_ENUM(PCD_WAIT);
TRACE_DEFINE_ENUM(PCD_POST);
TRACE_DEFINE_ENUM(PCD_STRICT);
TRACE_DEFINE_ENUM(PCD_MUST);

#define pcd_show_mode(mode)						\
	__print_symbolic(mode, { PCD_WAIT, "wait" }, { PCD_POST, "post" }, \
			 { PCD_STRICT, "strict" }, { PCD_MUST, "must" })

TRACE_DEFINE_ENUM(PCD_BY_OWNER);
TRACE_DEFINE_ENUM(PCD_BY_KWORKER);

#define pcd_show_by(by)							\
	__print_symbolic(by, { PCD_BY_OWNER, "owner" },			\
			 { PCD_BY_KWORKER, "kworker" })

TRACE_DEFINE_ENUM(PCD_HELP_STRICT);
TRACE_DEFINE_ENUM(PCD_HELP_PATIENCE);
TRACE_DEFINE_ENUM(PCD_HELP_IDLE);

#define pcd_show_help(why)						\
	__print_symbolic(why, { PCD_HELP_STRICT, "strict" },		\
			 { PCD_HELP_PATIENCE, "patience" },		\
			 { PCD_HELP_IDLE, "idle" })

/* A requester begins; the record's own CPU and task say who. */
TRACE_EVENT(pcd_request,
	TP_PROTO(struct pcd_class *class, enum pcd_mode mode),
	TP_ARGS(class, mode),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(int, mode)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->mode = mode;
	),
	TP_printk("class=%s mode=%s", __get_str(class), pcd_show_mode(__entry->mode))
);

/* The requester wants work queued on the owner's CPU; it may be queued already. */
TRACE_EVENT(pcd_post,
	TP_PROTO(struct pcd_class *class, int cpu, enum pcd_mode mode),
	TP_ARGS(class, cpu, mode),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(int, cpu)
		__field(int, mode)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->cpu = cpu;
		__entry->mode = mode;
	),
	TP_printk("class=%s cpu=%d mode=%s", __get_str(class), __entry->cpu,
		  pcd_show_mode(__entry->mode))
);

/* The requester has asked the owner, without disturbing it in user mode. */
TRACE_EVENT(pcd_ask,
	TP_PROTO(struct pcd_class *class, int cpu, bool in_kernel),
	TP_ARGS(class, cpu, in_kernel),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(int, cpu)
		__field(bool, in_kernel)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->cpu = cpu;
		__entry->in_kernel = in_kernel;
	),
	TP_printk("class=%s cpu=%d owner_in=%s", __get_str(class), __entry->cpu,
		  __entry->in_kernel ? "kernel" : "user")
);

/* On the owner's CPU: who is about to drain what that CPU owes. */
TRACE_EVENT(pcd_arrange,
	TP_PROTO(enum pcd_by by),
	TP_ARGS(by),
	TP_STRUCT__entry(
		__field(int, by)
	),
	TP_fast_assign(
		__entry->by = by;
	),
	TP_printk("by=%s", pcd_show_by(__entry->by))
);

/* The variant needs help. */
TRACE_EVENT(pcd_help,
	TP_PROTO(struct pcd_class *class, int cpu, enum pcd_help why),
	TP_ARGS(class, cpu, why),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(int, cpu)
		__field(int, why)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->cpu = cpu;
		__entry->why = why;
	),
	TP_printk("class=%s cpu=%d why=%s", __get_str(class), __entry->cpu,
		  pcd_show_help(__entry->why))
);

/* The cache of @cpu is being drained, here. */
TRACE_EVENT(pcd_drain_begin,
	TP_PROTO(struct pcd_class *class, int cpu),
	TP_ARGS(class, cpu),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(int, cpu)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->cpu = cpu;
	),
	TP_printk("class=%s cpu=%d", __get_str(class), __entry->cpu)
);

TRACE_EVENT(pcd_drain_end,
	TP_PROTO(struct pcd_class *class, int cpu, unsigned int drained,
		 unsigned int left),
	TP_ARGS(class, cpu, drained, left),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(int, cpu)
		__field(unsigned int, drained)
		__field(unsigned int, left)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->cpu = cpu;
		__entry->drained = drained;
		__entry->left = left;
	),
	TP_printk("class=%s cpu=%d drained=%u left=%u", __get_str(class),
		  __entry->cpu, __entry->drained, __entry->left)
);

/* The requester is served. */
TRACE_EVENT(pcd_served,
	TP_PROTO(struct pcd_class *class, const struct pcd_result *result),
	TP_ARGS(class, result),
	TP_STRUCT__entry(
		__string(class, class->name)
		__field(unsigned int, drained)
		__field(unsigned int, posted)
		__field(unsigned int, left)
	),
	TP_fast_assign(
		__assign_str(class);
		__entry->drained = result->drained;
		__entry->posted = result->posted;
		__entry->left = result->left;
	),
	TP_printk("class=%s drained=%u posted=%u left=%u", __get_str(class),
		  __entry->drained, __entry->posted, __entry->left)
);

#endif /* _TRACE_PCPU_DRAIN_H */

#include <trace/define_trace.h>
