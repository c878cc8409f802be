# SPDX-License-Identifier: GPL-2.0-only
"""The cycles lab: run all cells in random order and write results/cycles/CELL/.

Each run is a process of its own: a cell, a link order, a seed of the order of its
operations. Beside the runs, once a link order: the instructions of each operation.
"""

import argparse
import json
import pathlib
import random
import shlex
import shutil
import subprocess
import sys
import time

from bench.cycles import program

ORDERS = (1, 2, 3)


def cpu_model():
    """The processor's name, as Linux has it."""
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def manifest(cell, order, args):
    """What the figures of a cell and link order depend on."""
    where = program.BUILD / cell.image
    return {"schema": 1, "cell": cell.name, "image": cell.image, "keys": cell.keys[1::2], "order": order,
            "objects": (where / f"order-{order}.objects").read_text(encoding="ascii").split(),
            "sources_sha256": program.sources(cell.image),
            "compiler": subprocess.run(["gcc", "--version"], capture_output=True, text=True,
                                       check=True).stdout.splitlines()[0],
            "host_cpu": cpu_model(), "loops": args.loops, "cpu": args.cpu, "other": args.other}


def say(number, of, what, began):
    print(f"{number} of {of} runs, {time.monotonic() - began:.0f} s: {what}", flush=True)


def measure(cells, args):
    """All runs, in random order: {(cell, order): {"runs": [...], "lines": [...]}}."""
    found = {(cell, order): {"runs": [], "lines": []} for cell in cells for order in ORDERS}
    jobs = [(cell, order, seed) for cell, order in found for seed in range(1, args.runs + 1)]
    random.Random(args.seed).shuffle(jobs)
    began = time.monotonic()
    for number, (cell, order, seed) in enumerate(jobs, 1):
        options = ["--seed", seed, "--cpu", args.cpu, "--other", args.other, "--loops", args.loops]
        found[cell, order]["runs"].append(program.run(cell, order, "cycles", *options) | {"seed": seed})
        if not cell.arm.startswith("unpatched"):
            found[cell, order]["lines"].append(program.run(cell, order, "lines", *options) | {"seed": seed})
        if number % 20 == 0:
            say(number, len(jobs), f"{cell.name}, order {order}", began)
    return found


def dump(value, stream):
    """JSON, a run a line, so that a diff can be read."""
    stream.write("{\n" + ",\n".join(
        f"{json.dumps(key)}: " + ("[\n" + ",\n".join(json.dumps(item) for item in part) + "\n]"
                                  if key in ("runs", "lines") else json.dumps(part))
        for key, part in value.items()) + "\n}\n")


def write(found, counted, args):
    """Each cell's folder whole, or as it was."""
    for cell in {cell for cell, _ in found}:
        new = args.results / f".new-{cell.name}"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for order in ORDERS:
            with (new / f"order-{order}.json").open("w", encoding="ascii") as stream:
                dump(manifest(cell, order, args) | {"steps": counted[cell, order]} | found[cell, order], stream)
        shutil.rmtree(args.results / cell.name, ignore_errors=True)
        new.rename(args.results / cell.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cc", required=True, help="the compiler and its options")
    parser.add_argument("--images", required=True, help="MODEL-KERNEL, separated by blanks, compiled by objects.sh")
    parser.add_argument("--results", type=pathlib.Path, default=pathlib.Path("results/cycles"),
                        help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="processes per cell and link order (default: %(default)s)")
    parser.add_argument("--loops", type=int, default=1000000, help="of a long loop (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of all runs (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="where to measure (default: %(default)s)")
    parser.add_argument("--other", type=int, default=1, help="where another CPU does its deeds (default: %(default)s)")
    args = parser.parse_args()
    images = args.images.split()
    cells = program.cells(images)
    try:
        for image in images:
            for order in ORDERS:
                program.link(image, order, shlex.split(args.cc))
        counted = {(cell, order): program.steps(cell, order) for cell in cells for order in ORDERS}
        found = measure(cells, args)
    except program.Failed as failed:
        print(f"error: cycles: {failed}", file=sys.stderr)
        return 1
    write(found, counted, args)
    print(f"{len(cells)} cells in {args.results}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
