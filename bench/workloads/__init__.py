# SPDX-License-Identifier: GPL-2.0-only
"""The workloads of bench/workloads: a folder each, and what its workload.json says.

  says        what it is, in a few words
  metric      the figure that its user would name
  parameters  {name: value} of its program: load.NAME=VALUE on the kernel's command line
  settings    {name: what is other in these boots}: parameters, cpus, isolated_cpus, domain, isolated, append,
              icount_shift, seeds, and bench: {name: value} of what all guests here are told
  arms        "compared": those that page one compares; "all"
  models      (default: both)
  seeds       boots of each cell and setting (default: 12)
  cpus, isolated_cpus, memory, calls, flavour: of the machine (see boot.Spec); settings may say otherwise
"""

import functools
import importlib
import json
import pathlib

FOLDER = pathlib.Path("bench/workloads")
METHOD = FOLDER / "METHOD.md"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OF_THE_MACHINE = ("cpus", "isolated_cpus", "domain", "isolated", "memory", "append", "icount_shift")


def names():
    """All workloads, sorted."""
    return sorted(path.parent.name for path in (ROOT / FOLDER).glob("*/workload.json"))


@functools.cache
def about(name):
    """What a workload's file says, with defaults filled in."""
    said = json.loads((ROOT / FOLDER / name / "workload.json").read_text())
    return {"settings": {"usual": {}}, "arms": "compared", "models": ["rt", "lazy"], "seeds": 12, "calls": [],
            "flavour": ""} | said


def initramfs(name):
    """The guest of a workload."""
    return pathlib.Path("build/guest") / f"{name}.cpio"


def packages(name):
    """The list of packages, with versions, that a workload's guest takes files from: its own, or that of all."""
    own = pathlib.Path("build/guest") / name / "root/packages.txt"
    return own if own.exists() else pathlib.Path("build/guest/root/packages.txt")


def parameters(name, setting):
    """{name: value} of a workload's program in boots of a setting."""
    said = about(name)
    return said["parameters"] | said["settings"][setting].get("parameters", {})


def bench(name, setting):
    """{name: value} of what all guests are told, as a setting has it otherwise: bench.NAME=VALUE; all are words."""
    return {key: str(value) for key, value in about(name)["settings"][setting].get("bench", {}).items()}


def why_not(name, given, instruction_ns):
    """Why no boot of a workload can come to anything with these parameters, by its limits.py: a line, or None.

    instruction_ns: how long an instruction takes.
    """
    if not (ROOT / FOLDER / name / "limits.py").exists():
        return None
    return importlib.import_module(f"bench.workloads.{name}.limits").why_not(given, instruction_ns)


def flavour(name, setting):
    """Of the kernels that a setting boots: "" for the lean ones. A setting that is no more is as the workload is."""
    said = about(name)
    return (said | said["settings"].get(setting, {}))["flavour"]


def machine(name, setting):
    """Fields of boot.Spec that a workload's boots of a setting have otherwise than by default."""
    said = about(name)
    return {key: value for key, value in (said | said["settings"][setting]).items() if key in OF_THE_MACHINE}
