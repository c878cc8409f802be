# SPDX-License-Identifier: GPL-2.0-only
"""Boots on a real machine: what to boot it with, and keeping what it sent.

  parameters  print the kernel parameters of one boot
  keep        put what came over the serial lines into OUT/CELL/seed-NNN, as a
              campaign would, with a verdict
  walk        do both for all arms and seeds; what boots and records is your
              program: PROGRAM KERNEL INITRAMFS PARAMETERS CONSOLE CHANNEL

A walk takes seed after seed, and the arms of each in random order. What is
there already is not booted again.

The machine boots the kernel of make debs with the lab's initramfs: init runs
the workload and reboots. It sends its results over one serial line and its
console over another, which is what shows that it was this very boot.
bench/OTHER_LABS.md has the steps.

Exit status: 0 if ok, 1 for another verdict, 2 if nothing was kept.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

from bench import boot, campaign, qemu_lab
from bench.qemu_lab import FAILED, GOOD, INITRAMFS, RESET  # noqa: F401  what every lab has
from bench.report import plan

# A lab, as boot.py sees one. No programs but the guest's have a part in it.
NAME = "metal"
RECORDED = pathlib.Path("build/metal")  # what the last boot of a walk sent
QEMU = pathlib.Path("none")
PLUGIN = None
MAIN_LOOP = None
WORKLOAD = {}

CONSOLE, CHANNEL = "ttyS0,115200", "/dev/ttyS1"


def parameters(isolated, cpus=qemu_lab.ISOLATED_CPUS, domain=True):
    """The kernel parameters of the machine, as for other labs; it has as many CPUs as they have."""
    return [f"console={CONSOLE}", "panic=10", f"nr_cpus={qemu_lab.CPUS}",
            *(qemu_lab.isolation(cpus, domain) if isolated else ["bench.isolated=0"]),
            f"bench.channel={CHANNEL}"]


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


def keep(spec, out, console, channel, host_cpu, ending=boot.Ending(GOOD, "")):  # noqa: B008  it is frozen
    """Put a boot's files into a folder of its own; return (verdict, why). UsageError if they are of another boot.

    ending: as QEMU's would be; a status of None is a machine that did not come to its end.
    """
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
        verdict, why = boot.judge(sys.modules[__name__], ending, folder)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        boot.write_json(folder / "manifest.json", about | {"host_cpu": host_cpu, "kept_utc": now,
                                                          "commit": boot.commit()})
        boot.write_json(folder / "verdict.json", {"verdict": verdict, "why": why})
        out.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict, why


def order(model, arms, seeds, images):
    """The boots of a walk, in its order: whatever drifts in the machine meets all arms of a seed alike."""
    for seed in seeds:
        for arm in random.Random(seed).sample(arms, len(arms)):
            yield boot.Spec(lab=NAME, model=model, arm=arm, seed=seed,
                            image=images / f"{model}-{boot.fact(arm, 'KERNEL')}")


def folder_of(out, spec):
    return out / f"{spec.model}-{spec.arm}" / f"seed-{spec.seed:03}"


def is_kept(spec, folder):
    """Is this very boot there? UsageError if another is."""
    if not folder.exists():
        return False
    there = json.loads((folder / "manifest.json").read_text())
    if lost := [name for name, value in boot.manifest(spec).items() if there.get(name) != value]:
        raise boot.UsageError(f"{folder} is a boot of another {lost[0]}; give another --out, or remove it")
    return True


def record(spec, program):
    """Have the program boot the machine; return the files that it recorded, which stay until the next boot."""
    shutil.rmtree(RECORDED, ignore_errors=True)
    RECORDED.mkdir(parents=True)
    files = [(RECORDED / name).absolute() for name in ("console", "channel", "status")]
    for path in files:
        path.touch()
    words = [program, spec.image / "bzImage", INITRAMFS, boot.cmdline(spec), *files[:2]]
    files[2].write_text(f"{subprocess.run(words, check=False).returncode}\n")
    return files[:2]


def ending_of(spec, program, console):
    """How the machine ended, by what the program returned. UsageError if it did not even boot this kernel."""
    status = int(console.with_name("status").read_text())
    if not status:
        return boot.Ending(GOOD, "")
    about = boot.manifest(spec)
    why = f"{program} ended with status {status}"
    if other := other_boot(console.read_text(errors="replace"), about["cmdline"], about["kernel_release"]):
        raise boot.UsageError(f"{spec}: {why}, and {other}; see {console.parent}, then give the same command again")
    return boot.Ending(None, why)


def walk(specs, out, program, host_cpu):
    """Boot and keep what is not there; yield (spec, verdict, why), also of a boot that failed before and was kept.

    A machine that booted and did not come to its end is a result. UsageError if a boot cannot be had.
    """
    for spec in specs:
        if not boot.built(spec.image):
            raise boot.UsageError(f"no kernel in {spec.image}; build it: make debs ARM={spec.arm} MODEL={spec.model}")
    if not INITRAMFS.exists():
        raise boot.UsageError(f"no {INITRAMFS}; build it: make guest")
    for spec in specs:
        folder = folder_of(out, spec)
        if is_kept(spec, folder):
            verdict = json.loads((folder / "verdict.json").read_text())
            if verdict["verdict"] != "ok":
                yield spec, verdict["verdict"], f"{verdict['why']} (kept before)"
            continue
        console, channel = record(spec, program)
        yield spec, *keep(spec, folder, console, channel, host_cpu, ending_of(spec, program, console))


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    for name in ("parameters", "keep", "walk"):
        of = what.add_parser(name)
        of.add_argument("--model", required=True, choices=boot.MODELS, help="preemption model")
        of.add_argument("--images", type=pathlib.Path, help="folder of kernels (default: build/debs)")
        if name == "walk":
            of.add_argument("--arms", required=True, help="of bench/arms.sh, by commas; differences are to unpatched")
            of.add_argument("--seeds", type=campaign.count("--seeds"), default=plan.BOOTS,
                            help="boots of each arm (default: %(default)s)")
            of.add_argument("--program", required=True, type=pathlib.Path, help="boots the machine and records it")
        else:
            of.add_argument("--arm", required=True, help="one of bench/arms.sh")
            of.add_argument("--seed", required=True, type=int, help="drives arrivals and phases")
        if name == "keep":
            of.add_argument("--console", required=True, type=pathlib.Path, help="what came over the console's line")
            of.add_argument("--channel", required=True, type=pathlib.Path, help="what came over the results' line")
        if name != "parameters":
            of.add_argument("--host-cpu", required=True, help="the machine's CPU, in words")
            of.add_argument("--out", required=True, type=pathlib.Path, help="a lab's folder, for make import")
    args = parser.parse_args()
    for name in ("console", "channel", "out", "program", "images"):
        if getattr(args, name, None):
            setattr(args, name, getattr(args, name).absolute())
    images = args.images or pathlib.Path("build/debs")
    os.chdir(boot.ROOT)
    boot.LABS[NAME] = sys.modules[__name__]
    good = True
    try:
        if args.what == "walk":
            specs = list(order(args.model, args.arms.split(","), campaign.seeds(args.seeds), images))
            found = walk(specs, args.out, args.program, args.host_cpu)
        else:
            spec = next(order(args.model, [args.arm], [args.seed], images))
            if args.what == "parameters":
                print(boot.cmdline(spec))
                return
            found = [(spec, *keep(spec, folder_of(args.out, spec), args.console, args.channel, args.host_cpu))]
        for spec, verdict, why in found:
            print(f"{spec}: {verdict}" + (f": {why}" if why else ""), flush=True)
            good = good and verdict == "ok"
    except boot.UsageError as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    except KeyboardInterrupt:
        boot.fail("interrupted; the same command goes on from here")
    sys.exit(not good)


if __name__ == "__main__":
    main()
