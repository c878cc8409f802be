# SPDX-License-Identifier: GPL-2.0-only
"""The cycles lab: run all cells in random order, and pack them into results/cycles (see bench.archive).

Each run is a process of its own: a cell, a link order, a seed of the order of its
operations. Beside the runs, once a link order: the instructions of each operation.

What boots are to other labs are link orders here, and an archive has those of a model:
build/boots/cycles/MODEL/ARM-order-N. Its counts.jsonl has a line for the steps, and one for each run.
"""

import argparse
import json
import random
import shlex
import subprocess
import sys
import time

from bench import archive, boot
from bench.cycles import program

LAB = "cycles"
ORDERS = (1, 2, 3)


def machine(args):
    """What all figures depend on."""
    return {"schema": 1, "lab": LAB,
            "compiler": subprocess.run(["gcc", "--version"], capture_output=True, text=True,
                                       check=True).stdout.splitlines()[0],
            "host_cpu": boot.host_cpu(), "loops": args.loops, "cpu": args.cpu, "other": args.other}


def manifest(cell, order, args):
    """What the figures of a cell and link order depend on."""
    where = program.BUILD / cell.image
    return machine(args) | {"model": cell.model, "arm": cell.arm, "image": cell.image, "keys": cell.keys[1::2],
                            "order": order, "sources_sha256": program.sources(cell.image),
                            "objects": (where / f"order-{order}.objects").read_text(encoding="ascii").split()}


def say(number, of, what, began):
    print(f"{number} of {of} runs, {time.monotonic() - began:.0f} s: {what}", flush=True)


def measure(cells, args):
    """All runs, in random order: {(cell, order): {"run": [...], "lines": [...]}}."""
    found = {(cell, order): {"run": [], "lines": []} for cell in cells for order in ORDERS}
    jobs = [(cell, order, seed) for cell, order in found for seed in range(1, args.runs + 1)]
    random.Random(args.seed).shuffle(jobs)
    began = time.monotonic()
    for number, (cell, order, seed) in enumerate(jobs, 1):
        options = ["--seed", seed, "--cpu", args.cpu, "--other", args.other, "--loops", args.loops]
        found[cell, order]["run"].append(program.run(cell, order, "cycles", *options) | {"seed": seed})
        if not cell.arm.startswith("unpatched"):
            found[cell, order]["lines"].append(program.run(cell, order, "lines", *options) | {"seed": seed})
        if number % 20 == 0:
            say(number, len(jobs), f"{cell.name}, order {order}", began)
    return found


def write(found, counted, args):
    """The folder of each cell and link order, whole or as it was."""
    for (cell, order), measured in found.items():
        counts = [{"steps": counted[cell, order]}, *({kind: one} for kind, every in measured.items() for one in every)]
        files = {"manifest.json": manifest(cell, order, args), "verdict.json": {"verdict": "ok", "why": ""}}
        archive.write_boot(archive.MINE / LAB / cell.model / f"{cell.arm}-order-{order}", {
            **{name: json.dumps(content, indent=1).encode() + b"\n" for name, content in files.items()},
            "counts.jsonl": archive.lines(counts)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cc", required=True, help="the compiler and its options")
    parser.add_argument("--images", required=True, help="MODEL-KERNEL, separated by blanks, compiled by objects.sh")
    parser.add_argument("--runs", type=int, default=5, help="processes per cell and link order (default: %(default)s)")
    parser.add_argument("--loops", type=int, default=1000000, help="of a long loop (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of all runs (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="where to measure (default: %(default)s)")
    parser.add_argument("--other", type=int, default=1, help="where another CPU does its deeds (default: %(default)s)")
    args = parser.parse_args()
    images = args.images.split()
    cells = program.cells(images)
    try:
        archive.begin(LAB, machine(args))
        for image in images:
            for order in ORDERS:
                program.link(image, order, shlex.split(args.cc))
        counted = {(cell, order): program.steps(cell, order) for cell in cells for order in ORDERS}
        write(measure(cells, args), counted, args)
        archive.keep(LAB)
    except (archive.ArchiveError, program.Failed) as failed:
        print(f"error: cycles: {failed}", file=sys.stderr)
        return 1
    print(f"{len(cells)} cells in {archive.MINE / LAB}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
