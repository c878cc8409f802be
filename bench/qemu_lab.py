# SPDX-License-Identifier: GPL-2.0-only
"""What all labs that run QEMU share: the program, the guest, the machine but for its CPUs and its clock."""

import pathlib
import re

QEMU = pathlib.Path("build/tools/qemu-system-x86_64")
INITRAMFS = pathlib.Path("build/guest/initramfs.cpio")
GUEST_PACKAGES = pathlib.Path("build/guest/root/packages.txt")
FIRMWARE = ("seabios/bios-256k.bin", "qemu/kvmvapic.bin", "qemu/linuxboot_dma.bin")  # what the machine below loads

EXIT_PORT = 0xF4
GOOD, FAILED = (code << 1 | 1 for code in (0x10, 0x11))  # isa-debug-exit, enum ending in guest/machine.h
RESET = 0  # QEMU -no-reboot: the guest rebooted, or panicked

CPUS = 2
ISOLATED_CPUS = "1"
MEMORY = 256  # MiB


class LabError(Exception):
    """The lab cannot do its part in a boot; the text is one line."""


def root_of(qemu):
    """The root that QEMU was unpacked to, as setup/tool.sh says in its wrapper, or None: another QEMU."""
    try:
        found = re.search(r"^root='(.*)'$", pathlib.Path(qemu).read_text(), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return pathlib.Path(found[1]) if found else None


def program(qemu):
    """QEMU's program itself, behind its wrapper."""
    root = root_of(qemu)
    return root / "usr/bin/qemu-system-x86_64" if root else pathlib.Path(qemu)


def firmware(qemu):
    """The files of firmware that QEMU loads."""
    root = root_of(qemu)
    return [root / "usr/share" / name for name in FIRMWARE] if root else []


def lacking(image, needed):
    """The first option that an image's config must say and does not, as one line, or None; "a|b": either will do."""
    lines = set((image / "config").read_text().splitlines())
    for need in needed:
        if not lines & set(need.split("|")):
            return f"{image}/config does not say {need.replace('|', ' or ')}"
    return None


def isolation(cpus, domain):
    """The kernel parameters that isolate CPUs: from the kernel's noise, and from scheduling domains too."""
    return [f"nohz_full={cpus}", *([f"isolcpus=domain,managed_irq,{cpus}"] if domain else []), f"rcu_nocbs={cpus}"]


def parameters(isolated, cpus=ISOLATED_CPUS, domain=True):
    """The kernel parameters of the machine. isolated: is any CPU; cpus: which; domain: from scheduling domains too.

    The timer of QEMU's and of KVM's local APIC counts ns; said so, the kernel
    need not measure it, which takes 26 s where each instruction takes 1 ns,
    and fails on a busy host.
    """
    return ["console=ttyS0", "panic=-1", "tsc=reliable", "lapic_timer_khz=1000000",
            *(isolation(cpus, domain) if isolated else ["bench.isolated=0"]),
            "bench.channel=/dev/ttyS1", f"bench.exit_port={EXIT_PORT}"]


def command(qemu, image, cmdline, seed, out, cpus, *options, initramfs=INITRAMFS, memory=MEMORY):
    """QEMU's command for one boot, as a list; options: the lab's own; out: a folder, or its placeholder."""
    return [str(qemu), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-machine", "q35,hpet=off", "-smp", f"{cpus},sockets={cpus}", "-m", str(memory),
            *options, "-seed", str(seed),
            "-chardev", f"file,id=console,path={out}/console.txt", "-serial", "chardev:console",
            "-chardev", f"file,id=results,path={out}/guest.jsonl", "-serial", "chardev:results",
            "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=1",
            "-kernel", f"{image}/bzImage", "-initrd", str(initramfs), "-append", cmdline]
