// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of a guest that looks at its host: the kernel's osnoise tracer
 * watches all CPUs, and what it has seen is sent. A program of its own, so that
 * the guest that is measured is the same with and without it.
 *
 * On each CPU a thread reads the clock and does nothing else, with interrupts
 * off; a gap is noise. If there was no NMI meanwhile, nothing in the guest
 * explains it: the tracer counts it as the hardware's (hw), which firmware and
 * a hypervisor are to a guest. How long these gaps are it says in an event for
 * each. With interrupts on, the tick that comes late after a long gap would
 * make it the tick's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../channel.h"
#include "../files.h"
#include "../params.h"
#include "../proofs.h"
#include "../run.h"
#include "../spin.h"
#include "../tasks.h"

#define TRACING		"/sys/kernel/tracing"
#define THRESHOLD_US	1
#define RUNS		8	/* of each CPU's thread, with a break after each */
#define MAX_MS		8000	/* a run is within the second that the tracer begins with */
#define MS		1000000ULL

static struct params params = {
	.phase_ms = 4000,	/* how long it looks */
	.channel = "/dev/ttyS1",
};

/* What one CPU saw: the tracer's own sums of its runs, and those of the gaps. */
struct seen {
	unsigned int runs;
	unsigned long long runtime_us;
	unsigned int hw, nmi;
	unsigned int gaps;
	unsigned long long ns, max_ns;
	unsigned long lost;	/* events that the buffer had no room for */
};

static void set(const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "/%s", file);
	if (!write_file(path, value))
		run_fail("%s does not take %s: %s", path, value, strerror(errno));
}

static void set_number(const char *file, __u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	set(file, text);
}

/*
 * A thread that begins before the tracer is registered, which comes after its
 * start, sleeps for a whole period. So it starts without CPUs, and gets them
 * last. The next thread is made in a break of the one before: breaks are short,
 * so that all of them run at once most of the time.
 */
static void start(int cpus)
{
	__u64 period_us = params.phase_ms * 1000 / RUNS;
	char all[16];

	snprintf(all, sizeof(all), "0-%d", cpus - 1);
	set("buffer_size_kb", "4096");	/* on each CPU, 100 thousand gaps */
	set_number("tracing_thresh", THRESHOLD_US);
	set_number("osnoise/runtime_us", period_us * 3 / 4);
	set_number("osnoise/period_us", period_us);
	set("osnoise/options", "OSNOISE_IRQ_DISABLE");
	set("events/osnoise/sample_threshold/enable", "1");
	set("events/osnoise/osnoise_sample/enable", "1");
	set("osnoise/cpus", "\n");
	set("current_tracer", "osnoise");
	set("osnoise/cpus", all);
}

static void add_gap(struct seen *seen, const char *event)
{
	unsigned long long ns, others;

	if (sscanf(event, "sample_threshold: start %*s duration %llu ns interference %llu",
		   &ns, &others) != 2)
		run_fail("osnoise says what nobody knows: %s", event);
	if (others)
		return;
	seen->gaps++;
	seen->ns += ns;
	if (ns > seen->max_ns)
		seen->max_ns = ns;
}

/* A run has ended, which its gaps come before. */
static void add_run(struct seen *seen, const char *event)
{
	unsigned long long runtime_us;
	unsigned int hw, nmi;

	if (sscanf(event,
		   "osnoise_sample: runtime=%llu noise=%*u max_sample=%*u hw_count=%u irq_count=%*u nmi_count=%u",
		   &runtime_us, &hw, &nmi) != 3)
		run_fail("osnoise says what nobody knows: %s", event);
	seen->runs++;
	seen->runtime_us += runtime_us;
	seen->hw += hw;
	seen->nmi += nmi;
}

static unsigned long lost_of(int cpu)
{
	char path[128], text[512], *at;
	unsigned long lost;

	snprintf(path, sizeof(path), TRACING "/per_cpu/cpu%d/stats", cpu);
	if (read_file(path, text, sizeof(text)) < 0)
		run_fail("%s: %s", path, strerror(errno));
	at = strstr(text, "\noverrun: ");
	if (!at || sscanf(at, " overrun: %lu", &lost) != 1)
		run_fail("%s does not say what was lost", path);
	return lost;
}

/* Return: whether the CPU has made all its runs, or cannot tell any more. */
static bool look(int cpu, struct seen *seen)
{
	char path[128], line[512], *event;
	FILE *file;

	memset(seen, 0, sizeof(*seen));
	snprintf(path, sizeof(path), TRACING "/per_cpu/cpu%d/trace", cpu);
	file = fopen(path, "r");
	if (!file)
		run_fail("%s: %s", path, strerror(errno));
	while (seen->runs < RUNS && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		event = strstr(line, "sample_threshold: ");
		if (event)
			add_gap(seen, event);
		event = strstr(line, "osnoise_sample: ");
		if (event)
			add_run(seen, event);
	}
	fclose(file);
	seen->lost = lost_of(cpu);
	return seen->runs == RUNS || seen->lost;
}

static void wait_for(int cpu, struct seen *seen)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		if (look(cpu, seen))
			return;
		sleep_until(now_ns() + params.phase_ms * MS / RUNS);
	}
	run_fail("osnoise has not come to its end on CPU %d", cpu);
}

static void send(int cpu)
{
	struct seen seen;

	wait_for(cpu, &seen);
	if (!seen.lost && seen.gaps != seen.hw)
		run_fail("CPU %d: %u gaps of the hardware's, osnoise counts %u",
			 cpu, seen.gaps, seen.hw);
	channel_line("{\"osnoise\":%d,\"runtime_us\":%llu,\"nmi\":%u,\"lost\":%lu}",
		     cpu, seen.runtime_us, seen.nmi, seen.lost);
	channel_line("{\"hardware\":%d,\"gaps\":%u,\"ns\":%llu,\"max_ns\":%llu}",
		     cpu, seen.gaps, seen.ns, seen.max_ns);
}

int main(void)
{
	int cpus, cpu;

	run_begin(&params);
	if (!params.phase_ms || params.phase_ms > MAX_MS)
		run_fail("phase_ms is 1 to " STRING(MAX_MS));
	run_mount("tracefs", TRACING);
	run_prove("parameters", proof_parameters());
	run_prove("clock", proof_clock());

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	start(cpus);
	sleep_until(now_ns() + params.phase_ms * MS);
	for (cpu = 0; cpu < cpus; cpu++)
		send(cpu);

	run_prove("clock_still", proof_clock());
	run_prove("clean", proof_clean());
	run_end();
}
