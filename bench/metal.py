# SPDX-License-Identifier: GPL-2.0-only
"""Boots on a real machine, made by hand: what to boot it with, and keeping what it sent.

  parameters  print the kernel parameters of one boot
  keep        put what came over the serial lines into OUT/CELL/seed-NNN, as a
              campaign would, with a verdict

The machine boots the kernel of make debs with the lab's initramfs: init runs
the workload and reboots. It sends its results over one serial line and its
console over another, which is what shows that it was this very boot.
bench/OTHER_LABS.md has the steps.

Exit status: 0 if ok, 1 for another verdict, 2 if nothing was kept.
"""

import argparse
import datetime
import os
import pathlib
import re
import shutil
import sys

from bench import boot, machine
from bench.machine import FAILED, GOOD, INITRAMFS, RESET  # noqa: F401  what every lab has

# A lab, as boot.py sees one. No programs but the guest's have a part in it.
NAME = "metal"
QEMU = pathlib.Path("none")
PLUGIN = None
MAIN_LOOP = None
WORKLOAD = {}

CONSOLE, CHANNEL = "ttyS0,115200", "/dev/ttyS1"


def parameters(isolated):
    """The kernel parameters of the machine, CPU 1 isolated or not: as many CPUs as the other labs have."""
    return [f"console={CONSOLE}", "panic=10", f"nr_cpus={machine.CPUS}",
            *(machine.ISOLATED if isolated else ["bench.isolated=0"]), f"bench.channel={CHANNEL}"]


def fault(folder):
    """What makes a boot that ended well unfit for use, as one line, or None: all that can be known was in the files."""


def other_boot(console, cmdline, release):
    """Why a console is not that of the boot in question, as one line, or None."""
    said = re.search(r"Kernel command line: ([^\r\n]*)", console)
    if not said:
        return "the console does not say the kernel's command line; was it recorded from the start?"
    if lost := [word for word in cmdline.split() if word not in said[1].split()]:
        return f"the machine was booted without {lost[0]}"
    found = re.search(r"Linux version (\S+)", console)
    if not found or found[1] != release:
        return f"the machine ran Linux {found[1] if found else '?'}, the package is {release}"
    return None


def keep(spec, out, console, channel, host_cpu):
    """Put a boot's files into a folder of its own; return (verdict, why). UsageError if they are of another boot."""
    if not boot.built(spec.image):
        raise boot.UsageError(f"no kernel in {spec.image}; build it: make debs ARM={spec.arm} MODEL={spec.model}")
    about = boot.manifest(spec)
    text = console.read_text(errors="replace")
    if why := other_boot(text, about["cmdline"], about["kernel_release"]):
        raise boot.UsageError(f"{console}: {why}")
    if out.exists():
        raise boot.UsageError(f"{out} is there already, and is not replaced")
    folder = boot.STAGING / f"{NAME}-{out.parent.name}-{out.name}-{os.getpid()}-0"
    folder.mkdir(parents=True)
    try:
        shutil.copyfile(console, folder / "console.txt")
        shutil.copyfile(channel, folder / "guest.jsonl")
        verdict, why = boot.judge(sys.modules[__name__], boot.Ending(GOOD, ""), folder)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        boot.write_json(folder / "manifest.json", about | {"host_cpu": host_cpu, "kept_utc": now})
        boot.write_json(folder / "verdict.json", {"verdict": verdict, "why": why})
        out.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict, why


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    for name in ("parameters", "keep"):
        of = what.add_parser(name)
        of.add_argument("--model", required=True, choices=boot.MODELS, help="preemption model")
        of.add_argument("--arm", required=True, help="one of bench/arms.sh")
        of.add_argument("--seed", required=True, type=int, help="drives arrivals and phases")
        of.add_argument("--image", type=pathlib.Path, help="default: build/debs/MODEL-KERNEL, the arm's")
    of.add_argument("--console", required=True, type=pathlib.Path, help="what came over the console's line")
    of.add_argument("--channel", required=True, type=pathlib.Path, help="what came over the results' line")
    of.add_argument("--host-cpu", required=True, help="the machine's CPU, in words")
    of.add_argument("--out", required=True, type=pathlib.Path, help="a lab's folder, such as one for make import")
    args = parser.parse_args()
    given = {name: getattr(args, name).absolute() for name in ("console", "channel", "out") if name in args}
    os.chdir(boot.ROOT)
    boot.LABS[NAME] = sys.modules[__name__]
    try:
        image = args.image or pathlib.Path("build/debs") / f"{args.model}-{boot.fact(args.arm, 'KERNEL')}"
        spec = boot.Spec(lab=NAME, model=args.model, arm=args.arm, seed=args.seed, image=image)
        if args.what == "parameters":
            print(boot.cmdline(spec))
            return
        out = given["out"] / f"{args.model}-{args.arm}" / f"seed-{args.seed:03}"
        verdict, why = keep(spec, out, given["console"], given["channel"], args.host_cpu)
    except boot.UsageError as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    print(f"{spec}: {verdict}" + (f": {why}" if why else ""))
    sys.exit(verdict != "ok")


if __name__ == "__main__":
    main()
