// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a general server does all the time, on a CPU that nobody has isolated,
 * or on an isolated one: nobody asks for a drain.
 */
#include <string.h>

#include "plain.h"

const char *load_run(const struct params *params, const struct cpus *cpus)
{
	const char *what = load_word("what");

	if (!strcmp(what, "operations"))
		return operations_run(params, cpus);
	if (!strcmp(what, "stressors"))
		return stressors_run(cpus);
	return "what is neither operations nor stressors";
}
