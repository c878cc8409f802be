/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PCD_KUNIT_CLIENT_H
#define _PCD_KUNIT_CLIENT_H

/*
 * What a client's folder tells the suite, in its kunit.c: how to fill its caches, and
 * where everything must be in the end.  Tests that hold for all clients are in
 * pcpu_drain_client_kunit.c and pcpu_drain_contract_kunit.c.
 */

#include <kunit/test.h>
#include <linux/init.h>
#include <linux/list.h>

/**
 * struct client - a kind of cache
 * @name: the name of its class
 * @begin: make some items, none of them cached
 * @cache: cache at least one of them on this CPU; some may be cached there already.  Task
 *	context; called by one task at a time.
 * @end: nothing is cached any more: check that each item is in its place, exactly once,
 *	and free them.  Called once for each @begin.
 * @node: for client_register()
 */
struct client {
	const char *name;
	void (*begin)(struct kunit *test);
	void (*cache)(void *unused);
	void (*end)(struct kunit *test);
	struct list_head node;
};

void client_register(struct client *client);

/* Makes a file's client known to the suite. */
#define KUNIT_CLIENT(client)						\
static int __init client##_register(void)				\
{									\
	client_register(&(client));					\
	return 0;							\
}									\
late_initcall(client##_register)

const void *client_gen_params(struct kunit *test, const void *prev, char *desc);
struct pcd_class *client_class(struct kunit *test, const struct client *client);

#endif /* _PCD_KUNIT_CLIENT_H */
