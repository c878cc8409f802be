// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bench only, not for upstream: what is linked first in the neutral rebuild.
 * Nothing here is executed or read; it moves all that is linked after it, in
 * every section, by sizes that are no multiples of each other.
 */
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/percpu.h>

static void __used bench_pad(void)
{
	asm volatile(".skip 13456, 0x90");
}

static char __used bench_pad_rodata[3 * 4096 + 5 * L1_CACHE_BYTES] __ro_after_init = { 1 };
static char __used bench_pad_data[7 * L1_CACHE_BYTES] __aligned(L1_CACHE_BYTES) = { 1 };
static char __used bench_pad_bss[11 * L1_CACHE_BYTES] __aligned(L1_CACHE_BYTES);
static DEFINE_PER_CPU_ALIGNED(char[3 * L1_CACHE_BYTES], bench_pad_percpu) __used;
