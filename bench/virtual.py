# SPDX-License-Identifier: GPL-2.0-only
"""The virtual lab: QEMU's TCG counting instructions, one thread for all CPUs.

Same image, same parameters, same seed: the same bytes, on any machine under
any load. bench/README.md says what the options are for.
"""

import contextlib
import pathlib

from bench import channel, qemu_lab
from bench.qemu_lab import CPUS, FAILED, GOOD, INITRAMFS, QEMU, RESET, parameters  # noqa: F401  what every lab has

NAME = "virtual"
PLUGIN = pathlib.Path("build/plugin/pcd_count.so")
# Without it the clock errs now and then, and a boot is not its repetition: see preload/main_loop.c.
MAIN_LOOP = pathlib.Path("build/preload/main_loop.so")
OUTPUTS = ("console.txt", "guest.jsonl", "counts.jsonl")
KINDS = ("drain", "hotpath", "anatomy", "aa", "dose", "sensitivity")
NEEDS_PROBE = False  # it runs on any machine

# What the workload has besides bench/workload, which no other lab needs: the seed draws a count from 12 to 59 (10 to
# 49 us), from which half of the seeds dither by 8 once a ms; bench/README.md has the turns that come of it.
WORKLOAD = {"metronome": "12", "metronome_span": "48", "metronome_dither": "8"}

ICOUNT_SHIFT = 0  # an instruction takes 2 to the power of this ns

# What makes a kernel fit for this lab, as in each image's config.
NEEDED = ("CONFIG_JUMP_LABEL=y", "CONFIG_NO_HZ_FULL=y", "# CONFIG_HYPERVISOR_GUEST is not set",
          "# CONFIG_RANDOMIZE_BASE is not set|# CONFIG_RELOCATABLE is not set")


def unfit(image):
    """Why an image cannot be measured here, as one line, or None.

    HYPERVISOR_GUEST swaps in test-and-set spinlocks where it finds an
    emulator, and addresses must be those of System.map.
    """
    if why := qemu_lab.lacking(image, NEEDED):
        return why
    if "virt_spin_lock_key" in (image / "System.map").read_text():
        return f"{image} has virt_spin_lock_key: its spinlocks are not native"
    return None


def obstacle():
    """Why this machine cannot run the lab, as one line, or None: there is no such machine."""


def shortage():
    """Why the cores do not suffice, as one line, or None: one does."""


def jobs(asked):
    """How many boots may run side by side: as many as asked for, since load changes nothing."""
    return asked


def command(image, cmdline, seed, out, by_instruction=False, trace=(), qemu=QEMU, cpus=CPUS,
            icount_shift=ICOUNT_SHIFT, plugin=PLUGIN, initramfs=INITRAMFS, memory=qemu_lab.MEMORY, calls=()):
    """QEMU's command for one boot, as a list; out: a folder, or its placeholder."""
    count = f"{plugin},syms={image}/System.map,out={out}/counts.jsonl"
    if by_instruction:
        count += ",by=instruction"
    count += "".join(f",trace={what}" for what in trace) + "".join(f",calls={name}" for name in calls)
    return ["env", f"LD_PRELOAD={MAIN_LOOP}",
            *qemu_lab.command(qemu, image, cmdline, seed, out, cpus, "-cpu", "max",
                        "-accel", "tcg,thread=single", "-icount", f"shift={icount_shift},sleep=off",
                        "-rtc", "clock=vm,base=2026-01-01", "-plugin", count, initramfs=initramfs, memory=memory)]


def attend(process, folder):
    """A context for the time that QEMU runs: nothing is to be done."""
    return contextlib.nullcontext()


def fault(folder):
    """What makes a boot that ended well unfit for use, as one line, or None: did the plugin write to the end?"""
    try:
        channel.objects((folder / "counts.jsonl").read_bytes(), "the plugin's counts")
    except (OSError, channel.Torn) as error:
        return str(error)
    return None
