# SPDX-License-Identifier: GPL-2.0-only
"""The virtual lab: QEMU's TCG counting instructions, one thread for all CPUs.

Same image, same parameters, same seed: the same bytes, on any machine under
any load. bench/README.md says what the options are for.
"""

import pathlib

NAME = "virtual"
QEMU = pathlib.Path("build/tools/qemu-system-x86_64")
PLUGIN = pathlib.Path("build/plugin/pcd_count.so")
INITRAMFS = pathlib.Path("build/guest/initramfs.cpio")

EXIT_PORT = 0xF4
GOOD, FAILED = (code << 1 | 1 for code in (0x10, 0x11))  # isa-debug-exit, enum ending in guest/machine.h
RESET = 0  # QEMU -no-reboot: the guest rebooted, or panicked

METRONOME = 24  # 20 us; bench/README.md has the turns that come of it

# What makes a kernel fit for this lab, as in each image's config.
NEEDED = ("CONFIG_JUMP_LABEL=y", "CONFIG_NO_HZ_FULL=y", "# CONFIG_HYPERVISOR_GUEST is not set",
          "# CONFIG_RANDOMIZE_BASE is not set|# CONFIG_RELOCATABLE is not set")


def unfit(image):
    """Why an image cannot be measured here, as one line, or None.

    HYPERVISOR_GUEST swaps in test-and-set spinlocks where it finds an
    emulator, and addresses must be those of System.map.
    """
    lines = set((image / "config").read_text().splitlines())
    for need in NEEDED:
        if not lines & set(need.split("|")):
            return f"{image}/config does not say {need.replace('|', ' or ')}"
    if "virt_spin_lock_key" in (image / "System.map").read_text():
        return f"{image} has virt_spin_lock_key: its spinlocks are not native"
    return None


ISOLATED = ["nohz_full=1", "isolcpus=domain,managed_irq,1", "rcu_nocbs=1"]


def parameters(isolated):
    """The kernel parameters of the machine, CPU 1 isolated or not."""
    return ["console=ttyS0", "panic=-1", "tsc=reliable", "lapic_timer_khz=1000000",
            *(ISOLATED if isolated else ["bench.isolated=0"]),
            "bench.channel=/dev/ttyS1", f"bench.exit_port={EXIT_PORT}", f"bench.metronome={METRONOME}"]


def command(image, cmdline, seed, out, by_instruction=False, qemu=QEMU):
    """QEMU's command for one boot, as a list; out: a folder, or its placeholder."""
    count = f"{PLUGIN},syms={image}/System.map,out={out}/counts.jsonl"
    if by_instruction:
        count += ",by=instruction"
    return [str(qemu), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-machine", "q35,hpet=off", "-cpu", "max", "-smp", "2,sockets=2", "-m", "256",
            "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
            "-rtc", "clock=vm,base=2026-01-01", "-seed", str(seed),
            "-chardev", f"file,id=console,path={out}/console.txt", "-serial", "chardev:console",
            "-chardev", f"file,id=results,path={out}/guest.jsonl", "-serial", "chardev:results",
            "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=1",
            "-plugin", count,
            "-kernel", f"{image}/bzImage", "-initrd", str(INITRAMFS), "-append", cmdline]
