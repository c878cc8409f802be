// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "irqs_off.h"

void irqs_off_begin(struct irqs_off *irqs, __u64 now, unsigned int function,
		    bool in_lock_text)
{
	irqs->is_off = true;
	irqs->in_lock_text = in_lock_text;
	irqs->begin = now;
	irqs->function = function;
}

/* Keeps 'longest' sorted, and each function in it once. */
static void keep_if_long(struct irqs_off *irqs, struct stretch new)
{
	struct stretch *longest = irqs->longest;
	size_t i = 0, old;

	while (i < IRQS_OFF_LONGEST &&
	       longest[i].instructions >= new.instructions) {
		if (longest[i].instructions && longest[i].function == new.function)
			return;
		i++;
	}
	if (i == IRQS_OFF_LONGEST)
		return;
	for (old = i; old < IRQS_OFF_LONGEST - 1; old++) {
		if (longest[old].function == new.function)
			break;
	}
	memmove(&longest[i + 1], &longest[i], (old - i) * sizeof(new));
	longest[i] = new;
}

void irqs_off_end(struct irqs_off *irqs, __u64 now)
{
	const struct stretch stretch = { now - irqs->begin, irqs->function };

	if (!irqs->is_off)
		return;
	irqs->is_off = false;
	irqs->sum += stretch.instructions;
	keep_if_long(irqs, stretch);
}

void irqs_off_reset(struct irqs_off *irqs)
{
	memset(irqs->longest, 0, sizeof(irqs->longest));
}
