// SPDX-License-Identifier: GPL-2.0-only
/* The sample client for the KUnit suite. */
#include "../sample.h"
#include "client.h"

static void sample_begin(struct kunit *test)
{
}

static void sample_end(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&pcd_sample_out), atomic_read(&pcd_sample_in));
}

static struct client sample = {
	.name = "sample",
	.begin = sample_begin,
	.cache = pcd_sample_add,
	.end = sample_end,
};

KUNIT_CLIENT(sample);
