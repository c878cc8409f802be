# SPDX-License-Identifier: GPL-2.0-only
"""Boots that the checks make, by name below KEPT, and what came out of them."""

import concurrent.futures
import itertools
import json
import os
import pathlib

from bench import boot, virtual

KEPT = pathlib.Path("build/check/boots")  # the last boots of a check, by name
# What differs by the name of the program that runs QEMU: a file, and facts of the manifest.
RUN_BY = ("qemu.cmd", "qemu_sha256", "firmware_sha256")
SHORT = (("phase_ms", "100"), ("requests", "20"), ("fills", "200"), ("tail_ms", "15"))


def spec_of(cell, seed=1, **other):
    """A short boot of a cell."""
    model, _, arm = cell.partition("-")
    other = {"workload": SHORT, "image": boot.image_of(model, arm)} | other
    return boot.Spec(lab="virtual", model=model, arm=arm, seed=seed, **other)


def run_all(specs):
    """Run named boots side by side; return {name: (verdict, why)}. Their folders are KEPT/name."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {name: pool.submit(boot.boot, spec, KEPT / name) for name, spec in specs.items()}
        return {name: done.result() for name, done in running.items()}


def not_ok(verdict):
    return [] if verdict[0] == "ok" else [": ".join(verdict)]


def lines_of(name, file):
    return [json.loads(line) for line in (KEPT / name / file).read_text().splitlines()]


def marks_of(name):
    """The plugin's marks: {(mark, arg, cpu): {column: count}}."""
    header, *lines = lines_of(name, "counts.jsonl")
    rows = [dict(zip(header["mark"], line["mark"], strict=True)) for line in lines if "mark" in line]
    return {(row["mark"], row["arg"], row["cpu"]): row for row in rows}


def rows_of(name, kind):
    """The plugin's rows of a kind, as dicts by column."""
    header, *lines = lines_of(name, "counts.jsonl")
    return [dict(zip(header[kind], line[kind], strict=True)) for line in lines if kind in line]


def first_difference(a, b):
    """Where two files' contents part, for a look: the first line that is not in both, cut."""
    if isinstance(a, dict):
        return f": {[key for key in a if a[key] != b.get(key)]}"
    for number, (one, other) in enumerate(itertools.zip_longest(a.splitlines(), b.splitlines()), 1):
        if one != other:
            return f" in line {number}: {(one or b'')[:200]} and {(other or b'')[:200]}"
    return ""


def differences(a, b, but=()):
    """What differs between two boots' folders, but for what may, some files and some facts of the manifest: lines."""
    found = []
    names = [{path.name for path in folder.iterdir() if path.name not in but} for folder in (a, b)]
    if names[0] != names[1]:
        found.append("not the same files")
    for path in (a / name for name in sorted(names[0] & names[1])):
        if path.name == "manifest.json":
            facts = [boot.depends(json.loads((folder / path.name).read_text())) for folder in (a, b)]
            one, other = ({key: made[key] for key in made.keys() - set(but)} for made in facts)
        else:
            one, other = path.read_bytes(), (b / path.name).read_bytes()
        if one != other:
            found.append(f"{path.name} differs{first_difference(one, other)}")
    return found


def qemu_by(name, how):
    """A program that runs QEMU in some way."""
    program = KEPT / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\n{how} {virtual.QEMU} "$@"\n')
    program.chmod(0o755)
    return program
