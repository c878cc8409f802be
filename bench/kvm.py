# SPDX-License-Identifier: GPL-2.0-only
"""The KVM lab: real time on this machine, each vCPU on a core of its own.

There is no counting plugin under KVM: a boot gives what the guest sees, and
host.json, what the host saw meanwhile. A boot on a noisy host, or with locks
that are not native, is no result (fault()).
"""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

from bench import qemu_lab
from bench.qemu_lab import FAILED, GOOD, INITRAMFS, QEMU, RESET, parameters  # noqa: F401  what every lab has

NAME = "kvm"
PLUGIN = None
MAIN_LOOP = None  # time is the host\'s
OUTPUTS = ("console.txt", "guest.jsonl")
KINDS = ("drain", "anatomy")
NEEDS_PROBE = True
WORKLOAD = {}  # nothing besides bench/workload

DEVICE = pathlib.Path("/dev/kvm")
CPUS = pathlib.Path("/sys/devices/system/cpu")
VCPUS = qemu_lab.CPUS
# The hint turns off paravirtual and test-and-set spinlocks, which would hit one variant alone, in kernels that have
# them; cpu-pm leaves HLT to the guest, so that waking a vCPU does not take the host's scheduler.
ACCELERATOR = ("-accel", "kvm", "-cpu", "host,kvm-hint-dedicated=on", "-overcommit", "cpu-pm=on")

# Share of a boot that a vCPU may have waited for its core, or that this host's own hypervisor may have taken; and of
# the look before a campaign that the host took in any way (host_noise.py). Chosen, not measured: 2 ms of a boot's two
# seconds, one in a thousand of cyclictest's wake-ups.
QUIET = 0.001
SAMPLE = 0.1  # s between looks at QEMU's threads: what they saw is gone when it ends
ANSWER = 5  # s that QEMU may take to answer

NEEDED = ("CONFIG_JUMP_LABEL=y", "CONFIG_NO_HZ_FULL=y")


def unfit(image):
    """Why an image cannot be measured here, as one line, or None."""
    return qemu_lab.lacking(image, NEEDED)


# ---- Can this machine? ----


def obstacle(device=None, waits="/proc/self/schedstat"):
    """Why this machine cannot run the lab, as one line, or None; what only a boot can tell: see probe.py.

    waits: how long this process has run and waited for a CPU, by which boots are judged.
    """
    device = device or DEVICE
    if not device.exists():
        return f"there is no {device}: load kvm_intel or kvm_amd, or allow virtualization in the firmware"
    if not os.access(device, os.R_OK | os.W_OK, effective_ids=True):
        return f"no permission for {device}: join its group (usually kvm), or run as root"
    try:
        counted = int(pathlib.Path(waits).read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        counted = 0
    return None if counted else f"this kernel does not count in {waits} how long threads wait: needs CONFIG_SCHED_INFO"


def shortage(cpus=None):
    """Why the cores do not suffice, as one line, or None."""
    found = len(cores(cpus))
    return None if found >= VCPUS else f"{found} cores may be used, and {VCPUS} vCPUs need one each"


def listed(text):
    """The numbers of a list such as 0-2,5."""
    numbers = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1) if first else []
    return numbers


def cores(cpus=None, usable=None):
    """One CPU of each core that may be used, isolated ones first; cpus: the folder that lists them."""
    cpus = cpus or CPUS
    isolated = listed((cpus / "isolated").read_text())
    usable = set(usable or os.sched_getaffinity(0)) | set(isolated)
    found = {}
    for cpu in sorted(usable, key=lambda cpu: (cpu not in isolated, cpu)):
        siblings = listed((cpus / f"cpu{cpu}/topology/thread_siblings_list").read_text())
        found.setdefault(min(siblings), cpu)
    return list(found.values())


def jobs(asked):
    """How many boots may run side by side: one, else they would share cores."""
    return 1


# ---- What is run ----


def command(image, cmdline, seed, out, by_instruction=False, trace=(), qemu=QEMU, cpus=VCPUS, icount_shift=0,
            initramfs=INITRAMFS, memory=qemu_lab.MEMORY, calls=()):
    """QEMU's command for one boot, as a list; out: a folder, or its placeholder. It waits to be told to go on."""
    if by_instruction or trace or icount_shift or calls:
        raise qemu_lab.LabError("KVM counts no instructions")
    return qemu_lab.command(qemu, image, cmdline, seed, out, cpus, *ACCELERATOR, "-mem-prealloc",
                           "-rtc", "base=2026-01-01", "-S", "-qmp", f"unix:{out}/qmp.sock,server=on,wait=off",
                           initramfs=initramfs, memory=memory)


class Monitor:
    """QEMU's monitor, over its socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # the greeting
        self.ask("qmp_capabilities")

    def ask(self, what):
        """What QEMU returns; OSError if it does not answer."""
        self.socket.sendall(json.dumps({"execute": what}).encode() + b"\n")
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise OSError(f"QEMU's monitor refuses {what}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]
        raise OSError("QEMU's monitor has closed")

    def close(self):
        self.lines.close()
        self.socket.close()


def connect(process, path):
    """QEMU's monitor as soon as it is there; None if QEMU ends before."""
    deadline = time.monotonic() + ANSWER
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return Monitor(path)
        if time.monotonic() > deadline:
            raise OSError(f"QEMU's monitor did not come up in {ANSWER} s")
        time.sleep(0.02)
    return None


def pin(pid, monitor):
    """Put each vCPU's thread on a core of its own, all other threads elsewhere; return {thread: CPU}.

    Where there is no other core they stay with vCPU 0, the housekeeping one.
    """
    places = cores()
    threads = [cpu["thread-id"] for cpu in sorted(monitor.ask("query-cpus-fast"), key=lambda cpu: cpu["cpu-index"])]
    if len(places) < len(threads):
        raise OSError(shortage() or f"{len(threads)} vCPUs, {len(places)} cores")
    # vCPU 1 is the one that the guest isolates: it gets the first, which the host isolates if it isolates any.
    chosen = dict(zip(threads[1:] + threads[:1], places, strict=False))
    pinned = {thread: chosen[thread] for thread in threads}
    others = set(places[len(threads):]) or {pinned[threads[0]]}
    for thread in map(int, os.listdir(f"/proc/{pid}/task")):
        os.sched_setaffinity(thread, {pinned[thread]} if thread in pinned else others)
    return pinned


# ---- Was the host quiet? ----


def steal(text, cpus):
    """Clock ticks that the host's own hypervisor has taken from some of its CPUs; text: of /proc/stat."""
    lines = {words[0]: words for words in map(str.split, text.splitlines()) if words}
    return {cpu: int(lines[f"cpu{cpu}"][8]) for cpu in cpus}


def waited(text):
    """Nanoseconds that a thread has waited for its CPU; text: of /proc/PID/schedstat."""
    return int(text.split()[1])


class Watch(threading.Thread):
    """Looks every so often how long QEMU's vCPU threads have waited; pinned: {thread: CPU}, in the order of vCPUs."""

    def __init__(self, pid, pinned):
        super().__init__(daemon=True)
        self.pid, self.pinned, self.over = pid, pinned, threading.Event()
        self.begin, self.before = time.monotonic(), self.look()
        self.now = self.before

    def look(self):
        """[(waited in ns, steal in ticks)] of each vCPU and its CPU."""
        stolen = steal(pathlib.Path("/proc/stat").read_text(), self.pinned.values())
        return [(waited(pathlib.Path(f"/proc/{self.pid}/task/{thread}/schedstat").read_text()), stolen[cpu])
                for thread, cpu in self.pinned.items()]

    def run(self):
        with contextlib.suppress(OSError, IndexError):  # QEMU has ended, and its threads with it
            while not self.over.wait(SAMPLE):
                self.now = self.look()

    def end(self):
        """What was seen, as host.json has it."""
        self.over.set()
        self.join()
        tick = os.sysconf("SC_CLK_TCK")
        return {"schema": 1, "wall_s": round(time.monotonic() - self.begin, 3),
                "vcpus": [{"vcpu": vcpu, "host_cpu": cpu, "waited_s": (now[0] - then[0]) / 1e9,
                           "steal_s": (now[1] - then[1]) / tick}
                          for vcpu, (cpu, then, now) in enumerate(zip(self.pinned.values(), self.before, self.now,
                                                                      strict=True))]}


@contextlib.contextmanager
def attend(process, folder):
    """A context for the time that QEMU runs: pin it, let it go, watch the host; leaves host.json.

    LabError if it cannot be pinned; if it ends by itself before that, nothing.
    """
    try:
        watch = start(process, folder / "qmp.sock")
    except (OSError, ValueError, KeyError) as error:
        if not has_ended(process):
            raise qemu_lab.LabError(f"vCPUs cannot be pinned: {error}") from None
        watch = None
    finally:
        (folder / "qmp.sock").unlink(missing_ok=True)
    try:
        yield
    finally:
        if watch:
            host = watch.end() | {"locks": locks((folder / "console.txt").read_text(errors="replace"))}
            (folder / "host.json").write_text(json.dumps(host, indent=1) + "\n")


def has_ended(process):
    """Has a program ended, or does it within a moment? Its socket is gone a little before it is."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    return process.returncode is not None


def start(process, path):
    """Pin QEMU and let it go, through its monitor's socket; return what watches it, or None if it has ended."""
    monitor = connect(process, path)
    if not monitor:
        return None
    with contextlib.closing(monitor):
        watch = Watch(process.pid, pin(process.pid, monitor))
        monitor.ask("cont")
    watch.start()
    return watch


def locks(console):
    """Which spinlocks a guest's kernel runs, from its console: "native", "paravirtual" or "test-and-set", and why."""
    if "Hypervisor detected" not in console:
        return "native: the kernel knows no hypervisors"
    said = re.search(r"PV spinlocks [^\r\n]*", console)
    if not said:
        return "test-and-set: it found a hypervisor, and says nothing of PV spinlocks"
    if "enabled" in said[0]:
        return f"paravirtual: {said[0]}"
    return f"{'test-and-set' if 'no host support' in said[0] else 'native'}: {said[0]}"


def fault(folder):
    """What makes a boot that ended well unfit for use, as one line, or None."""
    try:
        host = json.loads((folder / "host.json").read_text())
    except (OSError, ValueError):
        return "nothing is known of the host: no host.json"
    for vcpu in host["vcpus"]:
        for name, said in (("waited_s", "waited for its core"), ("steal_s", "lost its core to the host's hypervisor")):
            if vcpu[name] > QUIET * host["wall_s"]:
                return (f"the host is not quiet: vCPU {vcpu['vcpu']} {said} {vcpu['host_cpu']} for {vcpu[name]:.3f} s "
                        f"of {host['wall_s']:.1f} s, more than {QUIET:.1%}")
    if not host["locks"].startswith("native"):
        return f"the guest's spinlocks are not native: {host['locks']}"
    return None
