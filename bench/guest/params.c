// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "params.h"
#include "random.h"

#define BLANKS "\n\t "

static char cmdline[4096];

/* One of the two pointers says where the value goes. */
struct known {
	const char *name;
	__u64 *number;
	const char **string;
};

static bool number_from(const char *text, __u64 *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return !errno && end != text && !*end && text[0] != '-';
}

static bool set(const struct known *known, const char *name, const char *value)
{
	for (; known->name; known++) {
		if (strcmp(known->name, name))
			continue;
		if (known->string) {
			*known->string = value;
			return true;
		}
		return number_from(value, known->number);
	}
	return false;
}

bool params_read(struct params *params, char *why, unsigned long why_size)
{
	const struct known known[] = {
		{ "seed",		&params->seed,		NULL },
		{ "mode",		NULL,			&params->mode },
		{ "class",		NULL,			&params->class },
		{ "order",		NULL,			&params->order },
		{ "storm",		NULL,			&params->storm },
		{ "dose",		&params->dose,		NULL },
		{ "phase_ms",		&params->phase_ms,	NULL },
		{ "phase_us",		&params->phase_us,	NULL },
		{ "settle_ms",		&params->settle_ms,	NULL },
		{ "tail_ms",		&params->tail_ms,	NULL },
		{ "requests",		&params->requests,	NULL },
		{ "fills",		&params->fills,		NULL },
		{ "mlock_every",	&params->mlock_every,	NULL },
		{ "ballast",		&params->ballast,	NULL },
		{ "pad",		&params->pad,		NULL },
		{ "repeats",		&params->repeats,	NULL },
		{ "isolated",		&params->isolated,	NULL },
		{ "metronome",		&params->metronome,	NULL },
		{ "metronome_span",	&params->metronome_span, NULL },
		{ "metronome_dither",	&params->metronome_dither, NULL },
		{ "channel",		NULL,			&params->channel },
		{ "exit_port",		&params->exit_port,	NULL },
		{ "inject",		NULL,			&params->inject },
		{ NULL,			NULL,			NULL },
	};
	char *word, *save = NULL;

	if (read_file("/proc/cmdline", cmdline, sizeof(cmdline)) < 0) {
		snprintf(why, why_size, "/proc/cmdline: %s", strerror(errno));
		return false;
	}
	for (word = strtok_r(cmdline, BLANKS, &save); word;
	     word = strtok_r(NULL, BLANKS, &save)) {
		char *value = strchr(word, '=');

		if (strncmp(word, "bench.", 6))
			continue;
		if (value)
			*value++ = '\0';
		if (!value || !set(known, word + 6, value)) {
			snprintf(why, why_size,
				 "boot parameter %s is unknown or has no valid value",
				 word);
			return false;
		}
	}
	return true;
}

static bool one_of(const char *value, const char *one, const char *other)
{
	return !strcmp(value, one) || !strcmp(value, other);
}

bool params_storm_is(const struct params *params, const char *what)
{
	return !strcmp(params->storm, what);
}

/*
 * Seeds in a row share out among themselves what they draw of turns and order,
 * so that any STRATA of them have it all: each gets another stratum (5 has no
 * divisor in common with STRATA), which is a part of the metronome's span. In
 * each third of the span, all four combinations of order and dither occur.
 */
#define STRATA	12

static __u64 stratum(const struct params *params)
{
	return params->seed % STRATA * 5 % STRATA;
}

static __u64 combination(const struct params *params)
{
	return (stratum(params) + stratum(params) / 4) % 4;
}

bool params_storm_first(const struct params *params)
{
	bool drawn = combination(params) & 2;

	return strcmp(params->order, "drawn") ? !strcmp(params->order, "storm-first") : drawn;
}

__u64 params_metronome(const struct params *params)
{
	__u64 stream = random_stream(params->seed, STREAM_METRONOME);
	__u64 low = params->metronome_span * stratum(params) / STRATA;
	__u64 high = params->metronome_span * (stratum(params) + 1) / STRATA;

	return params->metronome + low + (high > low ? random_below(&stream, high - low) : 0);
}

__u64 params_dither(const struct params *params)
{
	bool drawn = combination(params) & 1;

	return !params->metronome_span || drawn ? params->metronome_dither : 0;
}

const char *params_nonsense(const struct params *params)
{
	__u64 low = params->metronome - params->metronome_dither;
	__u64 high = params->metronome + params->metronome_span + params->metronome_dither;

	if (!params->requests || params->requests > MAX_REQUESTS)
		return "requests is 1 to " STRING(MAX_REQUESTS);
	if (!params->fills || !params->mlock_every)
		return "fills and mlock_every are 1 or more";
	if (params->tail_ms >= params->phase_ms)
		return "tail_ms is below phase_ms";
	if (strcmp(params->order, "drawn") &&
	    !one_of(params->order, "quiet-first", "storm-first"))
		return "order is drawn, quiet-first or storm-first";
	if (!one_of(params->storm, "drain", "dose"))
		return "storm is drain or dose";
	if (params->ballast > 1)
		return "ballast is 0 or 1";
	if (params->pad > MAX_PAD)
		return "pad is at most " STRING(MAX_PAD);
	if (params->metronome > 0xffff || params->metronome_span > 0xffff ||
	    params->metronome_dither > 0xffff)
		return "metronome, metronome_span and metronome_dither have 16 bits";
	if (!params->metronome && params->metronome_span)
		return "metronome_span wants a metronome";
	/* The interval timer's mode 2 knows no count of 1. */
	if (params->metronome && (low < 2 || low > high || high > 0xffff))
		return "metronome less metronome_dither is 2 or more";
	return NULL;
}
