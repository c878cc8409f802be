# SPDX-License-Identifier: GPL-2.0-only
"""Is the host quiet enough for a campaign in real time?

A guest of its own lets the kernel's osnoise tracer watch all vCPUs for some
seconds. What nothing in the guest explains is the hardware's share: to a guest,
that of its hypervisor, host and firmware. It is not measured with, and what is
measured has no tracer.
"""

import datetime
import json
import pathlib
import shutil
import threading

from bench import boot, kvm

IMAGE = pathlib.Path("build/images/lazy-osnoise")
INITRAMFS = pathlib.Path("build/guest/osnoise.cpio")
FOLDER = pathlib.Path("build/campaign/host-noise")  # what the last boot left
FILE = "host-noise.json"  # in the lab's folder of results: what was seen before its last campaign
LENGTH = 4000  # ms


def run(length, cpus):
    """Boot the guest, its vCPUs pinned; return what it sent, as bytes. UsageError if it did not end well."""
    if not boot.built(IMAGE):
        raise boot.UsageError(f"no image in {IMAGE}, which sees whether the host is quiet; build it: make {IMAGE.name}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for output in kvm.OUTPUTS:
        (FOLDER / output).touch()
    words = [*kvm.parameters(cpus > 1), f"bench.phase_ms={length}"]
    command = kvm.command(IMAGE, " ".join(words), 1, FOLDER, cpus=cpus, initramfs=INITRAMFS)
    ending = boot.run_qemu(kvm, command, FOLDER, boot.SILENCE, threading.Event())
    verdict, why = boot.judge(kvm, ending, FOLDER)
    if verdict != "ok":
        raise boot.UsageError(f"the host's noise was not seen: {verdict}: {why} ({FOLDER})")
    return boot.read_bytes(FOLDER / "guest.jsonl")


def vcpus(raw):
    """What each vCPU saw, as host-noise.json has it."""
    lines = [json.loads(line) for line in raw.splitlines()]
    hardware = {line["hardware"]: line for line in lines if "hardware" in line}
    return [{"vcpu": line["osnoise"], "runtime_s": line["runtime_us"] / 1e6, "nmi": line["nmi"], "lost": line["lost"],
             "hardware_s": hardware[line["osnoise"]]["ns"] / 1e9, "gaps": hardware[line["osnoise"]]["gaps"],
             "longest_us": hardware[line["osnoise"]]["max_ns"] / 1e3} for line in lines if "osnoise" in line]


def excess(seen):
    """What is beyond the limit, as one line, or None."""
    if full := [vcpu["vcpu"] for vcpu in seen if vcpu["lost"]]:
        return f"the host is not quiet: osnoise saw more gaps on vCPU {full[0]} than it could keep"
    share, most = max(((vcpu["hardware_s"] / vcpu["runtime_s"], vcpu) for vcpu in seen), key=lambda found: found[0])
    if share > kvm.QUIET:
        return (f"the host is not quiet: it took {share:.2%} of {most['runtime_s']:.1f} s from vCPU {most['vcpu']}, in "
                f"{most['gaps']} gaps of up to {most['longest_us']:.0f} us, more than {kvm.QUIET:.1%} (osnoise); "
                "free its core of all else")
    return None


def why_not(results, length=LENGTH, cpus=kvm.VCPUS):
    """Why no campaign should begin now, as one line, or None: then results, the lab's folder, has what was seen."""
    started, seen = datetime.datetime.now(datetime.UTC), vcpus(run(length, cpus))
    if len(seen) != cpus:
        raise boot.UsageError(f"the host's noise was seen on {len(seen)} of {cpus} vCPUs ({FOLDER})")
    if why := excess(seen):
        return why
    results.mkdir(parents=True, exist_ok=True)
    boot.write_json(results / FILE, {"schema": 1, "host_cpu": boot.host_cpu(), "limit": kvm.QUIET,
                                     "started_utc": started.isoformat(timespec="seconds"), "vcpus": seen})
    return None
