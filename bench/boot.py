# SPDX-License-Identifier: GPL-2.0-only
"""Run one boot and keep what came out, with a verdict.

OUT gets manifest.json, qemu.cmd, console.txt, guest.jsonl, verdict.json and what
the lab adds (bench/REFERENCE.md); it appears whole or not at all. The verdict:

  ok             all of it is there
  build-failure  there is no image, or not all of it
  boot-failure   init never said hello
  hang           nothing came any more, from console, guest or counters
  guest-failure  init refused or failed, or its channel is torn or dirty
  panic          the kernel panicked after init said hello
  lab-failure    QEMU failed, or what the lab adds: counting plugin, quiet host

Exit status: 0 if ok, 1 for another verdict, 2 if there is none.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import datetime
import errno
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from bench import arms, channel, kvm, qemu_lab, virtual, workloads

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAGING = pathlib.Path("build/campaign/tmp")
LABS = {lab.NAME: lab for lab in (virtual, kvm)}
MODELS = ("rt", "lazy")
# May differ between two runs of one boot. What is preloaded into QEMU changes only how seldom its clock errs.
VARYING = ("host_cpu", "started_utc", "wall_seconds", "kept_utc", "commit", "tries",
           "main_loop_sha256")
# What an image was made of: whether it is the same one, its own hash says.
OF_THE_IMAGE = ("config_sha256", "common_config_sha256", "source_sha256", "compiler", "binutils", "kernel_release")
# What another kernel follows from, if only its sources are others: compiler and options of all arms are the same.
OF_THE_SOURCES = {"config_sha256", "source_sha256", "image_sha256", "system_map_sha256"}
SILENCE = 30  # s of QEMU's own CPU time; the longest silence of a good boot is 4 s
PATIENCE = 10  # times that in wall time: a machine may be busy with other things
PR_SET_PDEATHSIG = 1


class UsageError(Exception):
    """What was asked for makes no sense; the text is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Spec:
    """What one boot is: all that its result depends on, by name."""

    lab: str
    model: str
    arm: str
    seed: int
    image: pathlib.Path
    kind: str = "drain"  # one of plan.KINDS
    setting: str = ""  # of that kind: which dose, which thing of the lab is changed, ...
    workload: tuple = ()  # of (name, value) that override bench/workload
    append: str = ""  # further kernel parameters
    load: str = ""  # a workload of bench/workloads; "": bench/workload
    isolated: bool = True  # is there an isolated CPU?
    isolated_cpus: str = qemu_lab.ISOLATED_CPUS  # which, as a list
    domain: bool = True  # are they isolated from scheduling domains too, not by nohz_full alone?
    memory: int = qemu_lab.MEMORY  # MiB
    calls: tuple = ()  # functions whose calls the plugin counts
    by_instruction: bool = False
    trace: tuple = ()  # SYMBOL[:BYTES] whose cache lines are traced
    cpus: int = qemu_lab.CPUS  # one of them isolated
    icount_shift: int = virtual.ICOUNT_SHIFT
    silence: float = SILENCE
    qemu: pathlib.Path | None = None

    def __str__(self):
        return f"{self.model}-{self.arm} seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Ending:
    """How QEMU ended: its status, or None if it had to be stopped, and why."""

    status: int | None
    why: str


# ---- What is to be run ----


def assignments(path):
    """The name=value lines of a file, as a dict of strings."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def fact(name, key):
    """A setting of an arm (bench/arms.sh), "" if its file does not name it."""
    if name not in arms.names():
        raise UsageError(f"unknown arm {name!r}; known: {', '.join(arms.names())}")
    return arms.fact(name, key)


def lab(name):
    """The module of a lab."""
    if name not in LABS:
        raise UsageError(f"unknown lab {name!r}; known: {', '.join(LABS)}")
    return LABS[name]


def image_of(model, arm_name):
    """The folder of the image that an arm runs under a preemption model."""
    return pathlib.Path("build/images") / f"{model}-{fact(arm_name, 'KERNEL')}"


def workload(spec):
    """The workload's parameters, numbers as numbers."""
    if spec.load:
        given = (assignments(ROOT / "bench/workloads/parameters") | lab(spec.lab).WORKLOAD |
                 workloads.bench(spec.load, spec.setting))
    else:
        given = assignments(ROOT / "bench/workload") | lab(spec.lab).WORKLOAD | dict(spec.workload)
    return {name: int(value) if value.isdecimal() else value for name, value in given.items()}


def load_parameters(spec):
    """Those of a workload of bench/workloads, by name; the boot's own override them."""
    return workloads.parameters(spec.load, spec.setting) | dict(spec.workload) if spec.load else {}


def cmdline(spec):
    """The kernel command line."""
    bench = [f"bench.{name}={value}" for name, value in workload(spec).items()]
    load = [f"load.{name}={value}" for name, value in load_parameters(spec).items()]
    own = lab(spec.lab).parameters(spec.isolated, spec.isolated_cpus, spec.domain)
    words = [*own, fact(spec.arm, "BOOT"), spec.append, f"bench.seed={spec.seed}", *bench, *load]
    return " ".join(word for word in words if word)


def load_spec(lab_name, model, arm, seed, load, setting="", **other):
    """The boot of a workload of bench/workloads, under one of its settings (its first); other: fields of Spec.
    UsageError where it could not come to anything."""
    about = workloads.about(load)
    setting = setting or next(iter(about["settings"]))
    if setting not in about["settings"]:
        raise UsageError(f"unknown setting {setting!r} of {load}; known: {', '.join(about['settings'])}")
    flavour = workloads.flavour(load, setting)
    image = image_of(model, arm)
    own = {"image": image.with_name(f"{image.name}-{flavour}") if flavour else image, "kind": "load",
           "setting": setting, "load": load, "calls": tuple(about["calls"]), **workloads.machine(load, setting)}
    spec = Spec(**{"lab": lab_name, "model": model, "arm": arm, "seed": seed} | own | other)
    # Only there it is known how long an instruction takes.
    if lab_name == virtual.NAME and (why := workloads.why_not(load, load_parameters(spec), 1 << spec.icount_shift)):
        raise UsageError(f"workload {load}: {why}")
    return spec


@functools.lru_cache(maxsize=64)
def digest(path, changed):
    """SHA-256 of a file; changed: its time of change, so that a new file is read anew."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256(path):
    try:
        return digest(path.resolve(), path.stat().st_mtime_ns)
    except OSError:
        return None


@functools.cache
def qemu_version(qemu):
    try:
        text = subprocess.run([qemu, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return text.splitlines()[0]


def host_cpu():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def built(image):
    """What image.json says, or {} if the image is not whole."""
    try:
        for name in ("bzImage", "System.map", "config"):
            if not (image / name).is_file():
                return {}
        return json.loads((image / "image.json").read_text())
    except (OSError, ValueError):
        return {}


def binutils(image):
    """The assembler and linker that an image was made with, as its config says them, or None."""
    try:
        found = dict(re.findall(r"^CONFIG_(AS|LD)_VERSION=(\d+)$", (image / "config").read_text(), re.MULTILINE))
    except OSError:
        return None
    return f"as {found.get('AS')}, ld {found.get('LD')}"


@functools.cache
def commit():
    """The commit of this clone, with "-dirty" where files differ from it, or None."""
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() or None


def common_config(image):
    """SHA-256 of an image's options less the facade's and the bench's: the same for all arms of a preemption model."""
    try:
        lines = (image / "config").read_text().splitlines()
    except OSError:
        return None
    options = [line for line in lines if re.match(r"(# )?CONFIG_(?!PCPU_DRAIN|BENCH_)", line)]
    return hashlib.sha256("\n".join(options).encode()).hexdigest()


def initramfs(spec):
    """The guest of a boot."""
    return workloads.initramfs(spec.load) if spec.load else lab(spec.lab).INITRAMFS


def guest_packages(spec):
    """The list of packages that the guest of a boot takes files from."""
    return workloads.packages(spec.load) if spec.load else qemu_lab.GUEST_PACKAGES


def of_load(spec):
    """What the manifest of a boot of bench/workloads says besides."""
    return {"workload_name": spec.load, "load": load_parameters(spec), "memory": spec.memory,
            "calls": list(spec.calls)} if spec.load else {}


def manifest(spec):
    """All that a boot depends on, and what is preloaded into QEMU; nothing else that varies (see VARYING)."""
    lab_of, about = lab(spec.lab), built(spec.image)
    qemu = spec.qemu or lab_of.QEMU
    return {
        "schema": 1, "lab": spec.lab, "model": spec.model, "arm": spec.arm, "kernel": fact(spec.arm, "KERNEL"),
        "kind": spec.kind, "setting": spec.setting, "seed": spec.seed, "cpus": spec.cpus,
        "icount_shift": spec.icount_shift, "by_instruction": spec.by_instruction,
        "kernel_release": about.get("kernel_release"), "config_sha256": about.get("config_sha256"),
        "common_config_sha256": common_config(spec.image),
        "source_sha256": about.get("source_sha256"), "compiler": about.get("compiler"),
        "binutils": binutils(spec.image), "image_sha256": sha256(spec.image / "bzImage"),
        "system_map_sha256": sha256(spec.image / "System.map"), "initramfs_sha256": sha256(initramfs(spec)),
        "guest_packages_sha256": sha256(guest_packages(spec)),
        "plugin_sha256": sha256(lab_of.PLUGIN) if lab_of.PLUGIN else None,
        "main_loop_sha256": sha256(lab_of.MAIN_LOOP) if lab_of.MAIN_LOOP else None,
        "qemu_version": qemu_version(qemu), "qemu_sha256": sha256(qemu_lab.program(qemu)),
        "firmware_sha256": [sha256(path) for path in qemu_lab.firmware(qemu)],
        "cmdline": cmdline(spec), "workload": workload(spec), **of_load(spec),
    }


def depends(about):
    """What of a manifest makes the boot what it is."""
    return {name: value for name, value in about.items() if name not in VARYING}


def other_input(kept, now):
    """Names of what QEMU is given otherwise by two manifests; what the kept one, being older, does not tell is left."""
    kept, now = depends(kept), depends(now)
    return [key for key in kept if key not in OF_THE_IMAGE and kept[key] != now.get(key)]


def other_sources(kept, now):
    """Do two manifests differ in the sources of their kernels, and else at most in what follows from that?"""
    kept, now = depends(kept), depends(now)
    others = {key for key in kept if kept[key] != now.get(key)}
    return "source_sha256" in others and others <= OF_THE_SOURCES


def is_done(spec, out):
    """Is this very boot there, and did it end well?"""
    try:
        kept = json.loads((out / "manifest.json").read_text())
        verdict = json.loads((out / "verdict.json").read_text())["verdict"]
    except (OSError, ValueError, KeyError):
        return False
    return verdict == "ok" and depends(kept) == depends(manifest(spec))


# ---- Running it ----


def die_with_parent():
    """In the child: end when this program does, even if it is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def cpu_seconds(pid):
    """CPU time that a process has used so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(process, outputs, silence, stop):
    """Wait for QEMU, as long as something comes from it; return its Ending."""
    sizes, cpu, wall = None, 0.0, time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return Ending(process.wait(0.1), "")
        if stop.is_set():
            raise KeyboardInterrupt
        now = [path.stat().st_size if path.exists() else 0 for path in outputs]
        if now != sizes:
            sizes, cpu, wall = now, cpu_seconds(process.pid), time.monotonic()
        elif cpu_seconds(process.pid) - cpu > silence:
            return Ending(None, f"silent for {silence:g} s of QEMU's CPU time")
        elif time.monotonic() - wall > silence * PATIENCE:
            return Ending(None, f"silent for {silence * PATIENCE:g} s")


def run_qemu(lab_of, command, folder, silence, stop):
    """Run QEMU to its end, or stop it; return its Ending."""
    errors = folder / "qemu.err"
    with errors.open("w") as err:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                       start_new_session=True, preexec_fn=die_with_parent)
        except OSError as error:
            return Ending(127, f"{command[0]}: {error.strerror}")
        try:
            with lab_of.attend(process, folder):
                ending = watch(process, [folder / name for name in lab_of.OUTPUTS], silence, stop)
        finally:
            process.kill()
            process.wait()
    said = errors.read_text(errors="replace").strip().splitlines()
    errors.unlink()
    if said and not ending.why:
        refused = [line for line in said if "cannot be preloaded" in line]
        # The plugin says why, then QEMU that it could not load it.
        return dataclasses.replace(ending, why="; ".join(refused[:1] or said[-2:]))
    return ending


# ---- What became of it ----


def read_bytes(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def failure_said(raw):
    """Why init says that it failed, or None."""
    for line in raw.splitlines():
        with contextlib.suppress(ValueError, AttributeError):
            if why := json.loads(line).get("failed"):
                return why
    return None


def panic_said(console):
    """The line of the console that says why the kernel panicked, or None."""
    found = re.search(r"Kernel panic - not syncing: [^\r\n]*", console)
    return found[0] if found else None


def judge(lab_of, ending, folder):
    """The verdict on a boot, as (verdict, why)."""
    guest, console = read_bytes(folder / "guest.jsonl"), read_bytes(folder / "console.txt").decode(errors="replace")
    hello, panic = guest.startswith(b'{"hello":'), panic_said(console)
    ours = (lab_of.GOOD, lab_of.FAILED, lab_of.RESET, None)
    # Stopped from outside, QEMU ends as if the guest had ended the machine; without what is to be preloaded it runs.
    if "terminating on signal" in ending.why or "cannot be preloaded" in ending.why:
        return "lab-failure", ending.why
    if ending.status not in ours:
        return "lab-failure", f"QEMU ended with status {ending.status}: {ending.why or 'no message'}"
    if not hello:
        return "boot-failure", panic or f"init never said hello: {ending.why or 'the machine ended'}"
    if panic:
        return "panic", panic
    if ending.status is None:
        return "hang", ending.why
    if why := failure_said(guest):
        return "guest-failure", why
    try:
        channel.objects(guest, "result channel", checksum=True)
    except channel.Torn as torn:
        return "guest-failure", str(torn)
    if ending.status != lab_of.GOOD:
        return "guest-failure", "the machine ended before init was done"
    if why := lab_of.fault(folder):
        return "lab-failure", why
    return "ok", ""


def write_json(path, content):
    path.write_text(json.dumps(content, indent=1) + "\n")


def tries_of(spec, out):
    """How often this very boot was tried before, without ending well, and lies at out."""
    try:
        kept = json.loads((out / "manifest.json").read_text())
        ended_well = json.loads((out / "verdict.json").read_text())["verdict"] == "ok"
        return 0 if ended_well or depends(kept) != depends(manifest(spec)) else kept.get("tries", 1)
    except (OSError, ValueError, KeyError):
        return 0


def run_in(spec, folder, stop, tries=1):
    """Run a boot, its output in an empty folder; return (verdict, why). tries: with this one."""
    lab_of, about = lab(spec.lab), manifest(spec)
    started, begin = datetime.datetime.now(datetime.UTC), time.monotonic()
    options = {"image": spec.image, "cmdline": about["cmdline"], "seed": spec.seed,
               "by_instruction": spec.by_instruction, "trace": spec.trace, "qemu": spec.qemu or lab_of.QEMU,
               "cpus": spec.cpus, "icount_shift": spec.icount_shift, "memory": spec.memory, "calls": spec.calls,
               "initramfs": initramfs(spec)}
    for name in lab_of.OUTPUTS:
        (folder / name).touch()
    (folder / "qemu.cmd").write_text("\n".join(lab_of.command(out="$OUT", **options)) + "\n")
    if not built(spec.image):
        verdict, why = "build-failure", f"no image in {spec.image}; build it: make {spec.image.name}"
    elif why := lab_of.unfit(spec.image):
        verdict = "build-failure"
    else:
        try:
            ending = run_qemu(lab_of, lab_of.command(out=folder, **options), folder, spec.silence, stop)
            verdict, why = judge(lab_of, ending, folder)
        except qemu_lab.LabError as error:
            verdict, why = "lab-failure", str(error)
    about |= {"host_cpu": host_cpu(), "started_utc": started.isoformat(timespec="seconds"),
              "wall_seconds": round(time.monotonic() - begin, 1), "commit": commit(), "tries": tries}
    write_json(folder / "manifest.json", about)
    write_json(folder / "verdict.json", {"verdict": verdict, "why": why})
    return verdict, why


def place_for(out):
    """See, before anything runs, that a boot's folder may be put at out.

    Only a folder of an earlier boot is replaced. OSError if out is another
    thing, or is where STAGING cannot be moved to.
    """
    if out.exists() and not (out / "manifest.json").exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OSError(errno.EEXIST, "not the folder of a boot, so it is not replaced", str(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    STAGING.mkdir(parents=True, exist_ok=True)
    if out.parent.stat().st_dev != STAGING.stat().st_dev:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(out))


def boot(spec, out, stop=None):
    """Run one boot and put its folder at out; return (verdict, why).

    stop: an Event; once set, QEMU is stopped, nothing is kept, and
    KeyboardInterrupt is raised. OSError if the results cannot be written.
    """
    stop = stop or threading.Event()
    place_for(out)
    folder = STAGING / f"{spec.lab}-{spec.model}-{spec.arm}-{spec.seed}-{os.getpid()}-{threading.get_ident()}"
    folder.mkdir(parents=True)
    try:
        verdict, why = run_in(spec, folder, stop, tries_of(spec, out) + 1)
        if shutil.disk_usage(folder).free < 1 << 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(out, ignore_errors=True)
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict, why


# ---- Command line ----


def fail(message):
    """One line and exit status 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def explain(error):
    """An OSError as one line."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{where}disk is full; free some space and run this again"
    if error.errno == errno.EXDEV:
        return f"{where}on another file system than {STAGING}; choose a folder on the same"
    return f"{where}{error.strerror}"


def interruptible():
    """Make SIGTERM and SIGHUP what Ctrl-C is; a shell's background job ignores that otherwise."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def pair(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main():
    parser = argparse.ArgumentParser(prog=f"python3 -m {__spec__.name}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", default=virtual.NAME, help="how the kernel is run (default: %(default)s)")
    parser.add_argument("--model", required=True, choices=MODELS, help="preemption model")
    parser.add_argument("--arm", required=True, help="one of bench/arms.sh")
    parser.add_argument("--seed", required=True, type=int, help="drives arrivals, phases and QEMU's random numbers")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the results, replaced if there")
    parser.add_argument("--image", type=pathlib.Path, help="default: build/images/MODEL-KERNEL, the arm's")
    parser.add_argument("--workload", choices=workloads.names(), default="", help="one of bench/workloads")
    parser.add_argument("--setting", default="", help="of that workload (default: its first)")
    parser.add_argument("--set", type=pair, action="append", default=[], metavar="NAME=VALUE",
                        help="override a parameter of the workload")
    parser.add_argument("--append", default="", help="further kernel parameters")
    parser.add_argument("--no-isolated-cpu", action="store_true", help="a machine without nohz_full= and isolcpus=")
    parser.add_argument("--by-instruction", action="store_true", help="count instruction by instruction (slow)")
    parser.add_argument("--trace", action="append", default=[], metavar="SYMBOL[:BYTES]",
                        help="trace accesses and transfers of its cache lines (slow); may be given again")
    parser.add_argument("--calls", action="append", default=[], metavar="FUNCTION",
                        help="count its calls in windows, besides what the workload counts; may be given again")
    parser.add_argument("--cpus", type=int, default=qemu_lab.CPUS, help="of the machine (default: %(default)s)")
    parser.add_argument("--memory", type=int, metavar="MIB",
                        help=f"of the machine (default: {qemu_lab.MEMORY}, or as the workload says)")
    parser.add_argument("--icount-shift", type=int, metavar="N",
                        help=f"an instruction takes 2**N ns (default: {virtual.ICOUNT_SHIFT}, or as the setting says)")
    parser.add_argument("--silence", type=float, default=SILENCE, metavar="S",
                        help="hang: no output for S seconds of QEMU's CPU time (default: %(default)s)")
    args = parser.parse_args()
    out = args.out.absolute()
    os.chdir(ROOT)
    interruptible()
    try:
        if (args.by_instruction or args.trace) and not lab(args.lab).PLUGIN:
            raise UsageError(f"lab {args.lab} has no counting plugin: it can neither count by instruction nor trace")
        own = {"by_instruction": args.by_instruction, "trace": tuple(args.trace), "silence": args.silence,
               "workload": tuple(args.set)}
        if args.append:  # else what a workload's file says holds
            own["append"] = args.append
        if args.icount_shift is not None:
            own["icount_shift"] = args.icount_shift
        if args.memory:
            own["memory"] = args.memory
        if args.image:
            own["image"] = args.image
        if args.calls:
            if not (args.workload and lab(args.lab).PLUGIN):
                raise UsageError("--calls counts in windows: it needs a --workload, and a lab with a counting plugin")
            own["calls"] = (*workloads.about(args.workload)["calls"], *args.calls)
        if args.workload:
            spec = load_spec(args.lab, args.model, args.arm, args.seed, args.workload, args.setting, **own)
        else:
            spec = Spec(**{"lab": args.lab, "model": args.model, "arm": args.arm, "seed": args.seed,
                           "image": image_of(args.model, args.arm), "isolated": not args.no_isolated_cpu,
                           "cpus": args.cpus} | own)
        verdict, why = boot(spec, out)
    except (UsageError, qemu_lab.LabError) as error:
        fail(error)
    except OSError as error:
        fail(explain(error))
    except KeyboardInterrupt:
        fail("interrupted; nothing was kept")
    print(f"{spec}: {verdict}" + (f": {why}" if why else ""))
    sys.exit(verdict != "ok")


if __name__ == "__main__":
    main()
