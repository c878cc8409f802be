# SPDX-License-Identifier: GPL-2.0-only
"""What the workloads of bench/workloads gave: one pandas table of all windows, one of what the guests saw themselves.

A window is one round of a label, such as the time around one drain. The plugin counts in it what each CPU executes.

  windows   a row per boot, label, round and CPU; a column per count, 0 where the plugin wrote none. `absence` is the
            longest time away from user mode, in kernel instructions of that CPU; `interruptions`: how often it left
            user mode for what its task did not ask for. `is_isolated`: it is the CPU that is measured, which is the
            first isolated one, or one that the guest names where none is isolated
  values    a row per boot, label, round and name: what the guest sent, such as completion_ns

Both have INDEX as columns, so that a boot is all rows that agree in it. A boot that failed or does not read as it
should is in neither; it is counted in `boots`, with its reason.
"""

import dataclasses
import pathlib

import pandas

from bench import channel, workloads
from bench.report.facts import metrics, read

INDEX = ["workload", "model", "arm", "setting", "seed"]
UNASKED = [f"from_user/{kind}" for kind in ("timer", "reschedule", "call_function", "irq_work", "device", "other_irq",
                                            "nmi")]


@dataclasses.dataclass(frozen=True)
class Tables:
    """boots: a row per boot with its verdict, why and folder; windows, values: see above."""

    boots: pandas.DataFrame
    windows: pandas.DataFrame
    values: pandas.DataFrame


@dataclasses.dataclass(frozen=True)
class Boot:
    """What a boot was made from. manifest: of the kernel, under its image's name, and of its sources."""

    workload: str
    model: str
    arm: str
    manifest: dict
    lab: str = "virtual"
    verdict: str = "ok"


def boots(results):
    """Boot of each boot of all workloads; a fuller kernel is KERNEL-full."""
    found = []
    for path in sorted(pathlib.Path(results, "workloads").glob("*/*-*/*/manifest.json")):
        manifest = read.load(path)
        flavour = workloads.flavour(manifest["workload_name"], manifest["setting"])
        kernel = "-".join(filter(None, (manifest["kernel"], flavour)))
        found.append(Boot(manifest["workload_name"], manifest["model"], manifest["arm"],
                          {"kernel": kernel, "source_sha256": manifest["source_sha256"]}))
    return found


def identity(manifest):
    return {"workload": manifest["workload_name"], **{key: manifest[key] for key in INDEX[1:]}}


def labels_and_values(path):
    """({number: label}, CPU that is measured, [(label, round, name, value)]) of what the guest sent."""
    labels, values, measured = {}, [], -1
    for line in read.json_lines(path):
        if "failed" in line:
            raise read.Unreadable(f"{path.name}: the guest failed: {line['failed']}")
        if "label" in line:
            number, name = line["label"]
            labels[number] = name
        elif "value" in line:
            values.append(line["value"])
        measured = line.get("measured", line.get("isolated", measured))
    return labels, measured, [(labels[label], number, name, value) for label, number, name, value in values]


def rows_of(path):
    """The plugin's windows, as dicts by column."""
    return [line["window"] for line in read.parsed(path, channel.objects) if "window" in line]


def read_boot(folder):
    """(identity, measured CPU, windows, values) of one boot; read.Unreadable if a file is not as it should be."""
    manifest = read.load(folder / "manifest.json")
    read.check_good(folder)
    labels, measured, values = labels_and_values(folder / "guest.jsonl")
    windows = [window | {"label": labels[window["label"]]} for window in rows_of(folder / "counts.jsonl")]
    if not windows:
        raise read.Unreadable("counts.jsonl: no window")
    return identity(manifest), measured, windows, values


def complete(windows):
    """The table of windows with 0 for what was not written, and the columns that are sums of others."""
    plain = [column for column in windows.columns if column not in (*INDEX, "label", "round", "cpu", "is_isolated")]
    windows[plain] = windows[plain].fillna(0)
    for column in ("absence", "kernel", "user", "switches", "works", "atomics", *UNASKED):
        if column not in windows:
            windows[column] = 0.0
    windows["interruptions"] = windows[UNASKED].sum(axis=1)
    return windows


def tables(results, workload):
    """Tables of one workload. results: the folder of what is unpacked, or of boots as they were made."""
    boots, windows, values = [], [], []
    for folder in sorted(pathlib.Path(results, "workloads", workload).glob("*-*/*/manifest.json")):
        folder = folder.parent
        if folder.name.startswith("."):
            continue
        about = {"verdict": "ok", "why": "", "folder": folder}
        try:
            who, measured, found, sent = read_boot(folder)
        except (read.Unreadable, KeyError, TypeError, ValueError) as error:
            manifest = read.load(folder / "manifest.json")
            boots.append(identity(manifest) | about | {"verdict": "unreadable", "why": str(error)})
            continue
        boots.append(who | about)
        windows += [who | window | {"is_isolated": window["cpu"] == measured} for window in found]
        values += [who | dict(zip(("label", "round", "name", "value"), one, strict=True)) for one in sent]
    return Tables(pandas.DataFrame(boots), complete(pandas.DataFrame(windows)) if windows else pandas.DataFrame(),
                  pandas.DataFrame(values))


def per_boot(windows, column, how="mean"):
    """One figure per boot and label: how ("mean", "median", "max", "sum") of a column over a boot's windows of a label.

    windows: rows of one CPU each, such as those with is_isolated. Returns a Series by INDEX and label.
    """
    return windows.groupby([*INDEX, "label"])[column].agg(how)


def causes(windows):
    """Columns of kernel instructions by who ran and why the kernel was entered, without the "cause/"."""
    return {column: column.removeprefix("cause/") for column in windows.columns if column.startswith("cause/")}


def owns(windows):
    """Columns of kernel instructions in the own system calls and faults of the isolated CPU's tasks."""
    return [column for column, cause in causes(windows).items() if metrics.is_own(*cause.split("/"))]
