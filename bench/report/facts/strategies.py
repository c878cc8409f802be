# SPDX-License-Identifier: GPL-2.0-only
"""What a variant's folder says to the report: variants/NAME/report.toml.

[but]       of arms: what nobody may miss who chooses it
[[claim]]   a claim of the debate that is about it: judgement/claims.py
ledger      what a reader must know of its number of defects
[[contrast]]  a primary contrast: model, arm, base (the unpatched kernel unless it is named), metric (a key of
            plan.METRICS), asks (the question, with its claims), yes (the verdict that answers it
            with yes: better, worse or equivalent), number (its place in METHOD.md, if it has one)
[[cycles]]  a cell of the cycles lab: arm, keys (the static keys that are on, of its program), same (arm of the virtual
            lab and kind of CPU that have the same keys on), locked (locked instructions of a lock operation, by model)
[published]  cycles by model and arm that others have published: first a baseline, last the steps to compare
"""

import functools
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]


@functools.cache
def names():
    """The variants, in the order of pages."""
    return subprocess.check_output(["kernel/variants.sh"], cwd=ROOT, text=True).split()


@functools.cache
def said(name):
    """What a variant's folder says, as a dict; {} if it says nothing."""
    path = ROOT / "variants" / name / "report.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def contrasts():
    """All primary contrasts, as dicts, variant by variant; ends the program with a line if one lacks something."""
    found = [(name, one) for name in names() for one in said(name).get("contrast", ())]
    for name, one in found:
        if lacks := {"model", "arm", "metric", "asks", "yes"} - one.keys():
            sys.exit(f"error: variants/{name}/report.toml: a contrast lacks {', '.join(sorted(lacks))}")
    return [one for _, one in found]


def cycles():
    """All cells of the cycles lab that variants name, as (kernel, dict)."""
    return [(name, one) for name in names() for one in said(name).get("cycles", ())]


def published():
    """{model: {arm: cycles}} as somebody else has published them, of the first variant that has some; {} if none."""
    return next((said(name)["published"] for name in names() if "published" in said(name)), {})


def with_file(name):
    """Variants whose folder has a file: "variant.h" if they track isolated CPUs; "locks.h" if they bring locks."""
    return [one for one in names() if (ROOT / "variants" / one / name).exists()]
