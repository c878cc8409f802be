# SPDX-License-Identifier: GPL-2.0-only
"""What a door costs its owner on two CPUs of this machine: run build/door/door in random order, keep what it says.

A run is a process. It does all parts, in an order of its own, so that figures of one
run may be compared. Owner and holder change CPUs from run to run. Only a whole
measurement of a quiet machine is kept.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import random
import resource
import subprocess
import sys
import time

from bench import boot

PROGRAM = pathlib.Path("build/door/door")
KEPT = pathlib.Path("results/instrument/door.json")  # for the report
SYSTEM = pathlib.Path("/sys/devices/system/cpu")
STAT = pathlib.Path("/proc/stat")
RUNS, MS = 15, 800
LOOK = 2  # seconds for which the machine is watched before
BUSY = 0.05  # the share of the two CPUs that others may have, steal included
PATIENCE = 60  # seconds that a run may take, which are 5 on a quiet machine


class Failed(Exception):
    """It cannot be measured here; the text is one line: what, where, what next."""


# ---- The machine ----


def cpu_list(text):
    """The CPUs that a list such as 0-2,5 names."""
    found = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def topology(allowed, system=SYSTEM):
    """Of each CPU: its number, package, core, and the CPUs of that core."""
    def said(cpu, name):
        return (system / f"cpu{cpu}/topology" / name).read_text(encoding="ascii")

    return [{"cpu": cpu, "package": int(said(cpu, "physical_package_id")), "core": int(said(cpu, "core_id")),
             "siblings": cpu_list(said(cpu, "thread_siblings_list"))} for cpu in sorted(allowed)]


def two_cores(cpus):
    """The first two CPUs that are no hyperthreads of one core; Failed if there are none."""
    if len(cpus) < 2:
        raise Failed(f"owner and holder need a CPU each, and there is {len(cpus)}")
    first = cpus[0]
    for other in cpus[1:]:
        if other["cpu"] not in first["siblings"]:
            return [first, other]
    raise Failed(f"CPUs {', '.join(str(one['cpu']) for one in cpus)} are hyperthreads of one core: no line moves "
                 "between them")


def ticks(cpus, stat=STAT):
    """(busy, stolen, all) clock ticks of some CPUs together, since boot."""
    busy = stolen = total = 0
    for line in stat.read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name in [f"cpu{cpu}" for cpu in cpus]:
            user, nice, system, idle, waiting, hard, soft, steal = map(int, fields[:8])
            work = user + nice + system + hard + soft
            busy, stolen, total = busy + work, stolen + steal, total + work + idle + waiting + steal
    return busy, stolen, total


class Watch:
    """What others, and a hypervisor, take of some CPUs while something runs here."""

    def __init__(self, cpus):
        self.cpus, self.before, self.ours = cpus, ticks(cpus), self.own()

    @staticmethod
    def own():
        """CPU time of children that have ended, in ticks."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (used.ru_utime + used.ru_stime) * os.sysconf("SC_CLK_TCK")

    def shares(self):
        """(of others, stolen), of the CPUs' time since."""
        busy, stolen, total = (now - then for now, then in zip(ticks(self.cpus), self.before, strict=True))
        total = max(total, 1)
        return max(busy - (self.own() - self.ours), 0) / total, stolen / total


def quiet_or_fail(cpus):
    """Failed if others are busy on these CPUs."""
    watch = Watch(cpus)
    time.sleep(LOOK)
    if (share := sum(watch.shares())) > BUSY:
        raise Failed(f"others have {share:.0%} of CPUs {cpus[0]} and {cpus[1]}, more than {BUSY:.0%}: stop them and "
                     "wait, or look with --busy, which keeps nothing")


def sources():
    """One hash of what the program is made from."""
    total = hashlib.sha256()
    for path in sorted(pathlib.Path(__file__).parent.glob("*.[ch]")):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def machine(cpus, args):
    """What the figures depend on."""
    limit = pathlib.Path("/proc/sys/kernel/sched_rt_runtime_us")
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return {"schema": 1, "host_cpu": boot.host_cpu(), "hypervisor": " hypervisor" in flags, "cpus": cpus,
            "kernel": platform.release(), "rt_runtime_us": int(limit.read_text(encoding="ascii")),
            "compiler": subprocess.run(["gcc", "--version"], capture_output=True, text=True,
                                       check=True).stdout.splitlines()[0],
            "sources_sha256": sources(), "runs": args.runs, "ms": args.ms,
            "started_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}


# ---- Runs ----


def run(number, owner, holder, ms):
    """The rows of one run, and one about the machine meanwhile."""
    watch = Watch([owner, holder])
    command = [PROGRAM, "--owner", owner, "--holder", holder, "--seed", number, "--ms", ms]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failed(f"run {number}: not through after {PATIENCE} s; stop what else runs on this machine") from None
    if done.returncode:
        raise Failed(f"run {number}: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    others, stolen = watch.shares()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    rows.append({"part": "host", "owner": owner, "holder": holder, "others": round(others, 4),
                 "steal": round(stolen, 4)})
    return [{"run": number, **row} for row in rows]


def measure(cpus, args):
    """The rows of all runs; they come in random order."""
    one, other = (cpu["cpu"] for cpu in cpus)
    jobs = [(number, *((one, other) if number % 2 else (other, one))) for number in range(1, args.runs + 1)]
    random.Random(1).shuffle(jobs)
    found, began = [], time.monotonic()
    for done, job in enumerate(jobs, 1):
        found += run(*job, args.ms)
        host = found[-1]
        print(f"{done} of {args.runs} runs, {time.monotonic() - began:.0f} s: owner on CPU {host['owner']}; others had "
              f"{host['others']:.1%}, {host['steal']:.1%} was stolen", flush=True)
    return sorted(found, key=lambda row: row["run"])


def text(about, rows):
    """As JSON, a row a line."""
    head = json.dumps(about, indent=1).removesuffix("\n}")
    return head + ',\n "rows": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "\n ]\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help="how many (default: %(default)s; fewer are not kept)")
    parser.add_argument("--ms", type=int, default=MS,
                        help="how long a part with a holder lasts (default: %(default)s; others are not kept)")
    parser.add_argument("--busy", action="store_true", help="measure on a busy machine, too, and keep nothing")
    parser.add_argument("--out", type=pathlib.Path, help="write the rows here, instead of keeping them for the report")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    try:
        cpus = two_cores(topology(os.sched_getaffinity(0)))
        if not args.busy:
            quiet_or_fail([cpu["cpu"] for cpu in cpus])
        about = machine(cpus, args)
        rows = measure(cpus, args)
    except Failed as failed:
        print(f"error: door: {failed}", file=sys.stderr)
        return 1
    whole = args.runs >= RUNS and args.ms == MS and not args.busy
    if (place := args.out or (KEPT if whole else None)):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text(about, rows), encoding="utf-8")
        print(f"{len(rows)} rows of {args.runs} runs in {place}; python3 -m bench.door.section {place} shows them")
    else:
        print(f"not kept: that wants {RUNS} runs of {MS} ms each on a quiet machine; --out writes them elsewhere")
    return 0


if __name__ == "__main__":
    sys.exit(main())
