# SPDX-License-Identifier: GPL-2.0-only
"""Link and run the programs of the cycles lab.

A cell is a kernel with some of its static keys on: MODEL-ARM.
"""

import bisect
import dataclasses
import functools
import json
import pathlib
import re
import subprocess

from bench.report.facts import strategies

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path("build/cycles")
LIMIT = 120  # seconds that a run may take: two CPUs in step need both of them

# {arm: (kernel, what is on)}. Of the arms that track isolated CPUs: without any
# (the key is off), on a CPU that is not isolated, and on one that is, where a
# drain is arranged for already.
ARMS = {
    "unpatched": ("unpatched", []),
    "unpatched_again": ("unpatched", []),  # the control: what two equal arms differ by
    **{one["arm"]: (kernel, one.get("keys", [])) for kernel, one in strategies.cycles()},
}


class Failed(Exception):
    """A program that did not run; the text is one line: what, where, what next."""


@functools.cache
def sources(image):
    """The hash of all that an image's program would be made from now, but for the compiler; "" if it cannot be told."""
    done = subprocess.run([ROOT / "bench/cycles/objects.sh", "--sources", *image.split("-")], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclasses.dataclass(frozen=True)
class Cell:
    """model: rt or lazy; arm: of ARMS."""

    model: str
    arm: str

    @property
    def name(self):
        return f"{self.model}-{self.arm}"

    @property
    def image(self):
        return f"{self.model}-{ARMS[self.arm][0]}"

    @property
    def keys(self):
        return [option for key in ARMS[self.arm][1] for option in ("--key", key)]


def cells(images):
    """All cells that these images (MODEL-KERNEL) make."""
    return [cell for image in images for arm in ARMS if (cell := Cell(image.partition("-")[0], arm)).image == image]


def link(image, order, compiler):
    """Link an image's objects in one order; compiler: a list of arguments."""
    done = subprocess.run(["bench/cycles/link.sh", image, str(order), *compiler], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{image}, order {order}: does not link: {(done.stderr.splitlines() or ['?'])[0]}; "
                     "see bench/cycles/link.sh")


def culprit(program, stderr):
    """What a fault's address stands for."""
    found = re.search(r"fault \d+ at 0x([0-9a-f]+)", stderr)
    if not found:
        return stderr.strip().splitlines()[-1] if stderr.strip() else "it said nothing"
    address = int(found[1], 16)
    for line in program.with_name(program.name + ".missing").read_text(encoding="ascii").splitlines():
        symbol, place = line.split()
        if int(place, 16) <= address < int(place, 16) + 4096:
            return f"it needs {symbol}, which no object here has; add one to bench/cycles/objects.sh"
    return f"it faulted at {address:#x}; look with gdb"


def run(cell, order, mode, *options):
    """What the program prints in a mode (main.c): a dict."""
    program = BUILD / cell.image / f"order-{order}"
    command = [program, *cell.keys, *map(str, options), mode]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failed(f"{cell.name}, order {order}, {mode}: not through after {LIMIT} s, where a few tenths are usual; "
                     "stop what else runs on this machine") from None
    if done.returncode:
        raise Failed(f"{cell.name}, order {order}, {mode}: exit {done.returncode}: {culprit(program, done.stderr)}")
    return json.loads(done.stdout)


class Symbols:
    """Which function of the kernel an address lies in."""

    def __init__(self, program):
        found = []
        for line in subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout.splitlines():
            address, kind, name = line.rsplit(maxsplit=2) if len(line.split()) == 3 else ("0", "U", "")
            if kind in "tT" and name.startswith("k_") and not name.startswith("k___pfx_"):
                found.append((int(address, 16), name[2:].partition(".")[0]))
        self.addresses, self.names = zip(*sorted(found), strict=True)

    def name(self, address):
        return self.names[bisect.bisect_right(self.addresses, address) - 1]


def steps(cell, order):
    """{operation: {"instructions", "locked", "alternatives", "functions": {name: instructions}}}.

    alternatives: executed instructions that boot might have replaced by others.
    """
    symbols = Symbols(BUILD / cell.image / f"order-{order}")
    found = {}
    for operation, executed in run(cell, order, "steps").items():
        functions = {}
        for address, _, _ in executed:
            name = symbols.name(address)
            functions[name] = functions.get(name, 0) + 1
        found[operation] = {"instructions": len(executed), "locked": sum(step[1] for step in executed),
                            "alternatives": sum(step[2] for step in executed), "functions": functions}
    return found
