// SPDX-License-Identifier: GPL-2.0-only
/* The sample client for the guest: user space cannot fill it, and it has one hot path. */
#include <unistd.h>

#include "../../../bench/guest/client.h"

static void prepare(unsigned long i)
{
	(void)i;
}

static void run(unsigned long i)
{
	(void)i;
	getppid();
}

static const struct hot_path paths[] = {
	{ "the sample's hot path", prepare, run },
	{}
};

static struct guest_client sample = {
	.class = "sample",
	.paths = paths,
};

GUEST_CLIENT(sample)
